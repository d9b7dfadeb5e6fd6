// SPDX-License-Identifier: GPL-2.0-or-later
// frames: see frames.hpp.
#include "report/frames.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "core/words/hello.hpp"
#include "report/calls.hpp"
#include "report/candidates.hpp"
#include "report/lines.hpp"
#include "sys/sys.hpp"

namespace gdbdebug::report {
namespace {

/// With the one where PID 1 stands. Those of an ordinary crash are some 30.
constexpr std::size_t kMaxFrames = 32;
/// How much of a stack is looked through: all of it, as long as its limit is the usual 8 MiB.
constexpr std::uint64_t kStackLimit = 16 * 1024 * 1024;
/// Where the mapping may be more than the stack: an allocator's memory, as for goroutines.
constexpr std::uint64_t kOtherLimit = 128 * 1024;

/// A place as a person and a program can use it without symbols.
void add_place(log::Message& line, const Map* map, std::uint64_t address) {
  if (map == nullptr || map->file.empty()) return;
  add_pair(line, "file", map->file.substr(0, 400));
  add_hex_pair(line, "offset", address - map->begin + map->offset);
}

/// `by`: how it was found; empty: it is where PID 1 stands.
void say_frame(unsigned number, const Map* map, std::uint64_t address, std::string_view by, std::uint32_t times = 1) {
  auto line = begin_line("frame ");
  line.add_number(number);
  add_place(line, map, address);
  add_hex_pair(line, "address", address);
  if (!by.empty()) add_pair(line, "by", by);
  if (times > 1) line.add(" times=").add_number(times);
  log::say(kLevel, line);
}

/// Whether `word` points behind a call in executable memory: then its mapping, otherwise nullptr.
const Map* find_caller(const Maps& maps, int memory, std::uintptr_t word) {
  const auto address = Calls::code_address(word);
  const auto* const map = maps.find_executable(address);
  std::array<unsigned char, 8> before{};
  if (map == nullptr || address - map->begin < before.size()) return nullptr;
  if (::pread(memory, before.data(), before.size(), static_cast<off_t>(address - before.size())) !=
      static_cast<ssize_t>(before.size()))
    return nullptr;
  return Calls::follows_call(word, before) ? map : nullptr;
}

/// Adds what is found from `at` to `end`. `frame` is the frame pointer.
// cppcheck-suppress constParameterReference ; add() changes it
void scan(const Maps& maps, int memory, std::uint64_t at, std::uint64_t end, std::uintptr_t frame, Candidates& found) {
  const auto slot_of = [](std::uintptr_t pointer) {
    return pointer + static_cast<std::uintptr_t>(Calls::kReturnSlot) * sizeof pointer;
  };
  std::uintptr_t slot = slot_of(frame);
  std::uintptr_t previous = 0;
  std::array<std::uintptr_t, 512> words;
  while (at < end) {
    const auto wanted = end - at < sizeof words ? static_cast<std::size_t>(end - at) : sizeof words;
    const auto size = ::pread(memory, words.data(), wanted, static_cast<off_t>(at));
    const auto filled = size > 0 ? static_cast<std::size_t>(size) / sizeof words[0] : 0;
    if (filled == 0) return;
    for (std::size_t i = 0; i < filled; ++i, at += sizeof words[0]) {
      const auto word = words[i];
      const bool chained = at == slot;
      const bool known = found.has(Calls::code_address(word));
      const auto* const map = known ? maps.find_executable(Calls::code_address(word)) : find_caller(maps, memory, word);
      if (map != nullptr) {
        found.add({.address = Calls::code_address(word),
                   .linker = !maps.linker().empty() && map->file == maps.linker(),
                   .chained = chained});
      }
      if (chained) slot = map != nullptr ? slot_of(previous) : 0;
      previous = word;
    }
  }
}

}  // namespace

Frames say_frames(const Maps& maps, const Place& place, const CallRegisters& registers, bool overflow) {
  Frames said;
  say_frame(said.lines++, maps.find_executable(place.pc), place.pc, "");

  const auto memory = sys::open(AT_FDCWD, "/proc/1/mem", O_RDONLY);
  if (!memory) return said;
  if (const auto* const map = find_caller(maps, memory->get(), registers.link)) {
    say_frame(said.lines++, map, Calls::code_address(registers.link), "link");
  }

  const auto stack = maps.stack(place.sp);
  if (stack.end == 0) return said;
  const auto begin = place.sp > stack.begin ? place.sp & ~std::uint64_t{sizeof(void*) - 1} : stack.begin;
  const auto limit = overflow || stack.file == kFirstStack ? kStackLimit : kOtherLimit;
  if (stack.end - begin > limit) said.unread = stack.end - begin - limit;
  Candidates found;
  scan(maps, memory->get(), begin, stack.end - said.unread, registers.frame, found);
  found.shorten(kMaxFrames - said.lines);
  for (const auto& one : found.lines()) {
    say_frame(said.lines++, maps.find_executable(one.address), one.address, one.chained ? "chain" : "scan", one.times);
  }
  said.omitted = found.omitted();
  return said;
}

}  // namespace gdbdebug::report
