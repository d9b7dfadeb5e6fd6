// SPDX-License-Identifier: GPL-2.0-or-later
// A core as the host command reads it out of a console log, and the file that it makes of it.
#include "report/core_log.hpp"

#include "core/pack/text64.hpp"
#include "core/words/core_record.hpp"
#include "fuzz.hpp"
#include "report/core_file.hpp"

using namespace gdbdebug;

namespace {

void look(std::string_view log) {
  const auto read = client::read_cores(log);
  for (const auto& core : read.cores) {
    std::uint64_t end = 0;
    for (const auto& [address, part] : core.memory) {
      CHECK(!part.empty() && (address > end || end == 0) && address + part.size() > address);
      end = address + part.size();
      CHECK(core.read(address, part.size()) == part);
    }
    for (const auto& map : core.maps()) CHECK(map.begin < map.end);
    CHECK(core.missing().size() <= core.present.size() + core.blocks.value_or(0) + (1U << 16));
    for (const auto& thread : core.threads) (void)client::place_of(core, thread);
    (void)client::elf_core(core, [](const std::string&) { return true; });
  }
}

}  // namespace

// No fuzzer guesses a check: the same input is also the lines of a log whose checks are right.
FUZZ(core_log) {
  look(input);
  std::string log;
  for (auto rest = input; !rest.empty();) {
    core_record::Record record;
    record.add(take_word(rest, '\n').substr(0, core_record::kMaxRecord - 16));
    core_record::finish(record);
    log += "gdbdebug: core: " + std::string(record.view()) + "\n";
  }
  look(log);
  // And as the bytes of a block that is packed as literals.
  core_record::Record record;
  const auto part = input.substr(0, 600);
  std::string packed;
  packed += static_cast<char>(part.size() < 15 ? part.size() << 4 : 0xf0);
  if (part.size() >= 15) {
    auto more = part.size() - 15;
    for (; more >= 255; more -= 255) packed += '\xff';
    packed += static_cast<char>(more);
  }
  packed += part;
  core_record::put_block(record, 1, 0, part.size(),
                         {reinterpret_cast<const unsigned char*>(packed.data()), packed.size()});
  core_record::finish(record);
  look("gdbdebug: core: " + std::string(record.view()) + "\n");
}
