// SPDX-License-Identifier: GPL-2.0-or-later
// frames: see frames.hpp.
#include "report/frames.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "core/words/hello.hpp"
#include "report/calls.hpp"
#include "report/lines.hpp"
#include "sys/sys.hpp"

namespace gdbdebug::report {
namespace {

/// Frames of a deep recursion all look alike; those of an ordinary crash are some 30.
constexpr unsigned kMaxFrames = 32;
/// How much of the stack is looked through. A frame is some 100 bytes, now and then some thousand.
constexpr std::uint64_t kScanLimit = 128 * 1024;

/// A place as a person and a program can use it without symbols.
void add_place(log::Message& line, const Map* map, std::uint64_t address) {
  if (map == nullptr || map->file.empty()) return;
  add_pair(line, "file", map->file.substr(0, 400));
  add_hex_pair(line, "offset", address - map->begin + map->offset);
}

/// `by`: how it was found; empty: it is where PID 1 stands.
void say_frame(unsigned number, const Map* map, std::uint64_t address, std::string_view by) {
  auto line = begin_line("frame ");
  line.add_number(number);
  add_place(line, map, address);
  add_hex_pair(line, "address", address);
  if (!by.empty()) add_pair(line, "by", by);
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

}  // namespace

unsigned say_frames(const Maps& maps, const Place& place, std::uintptr_t link) {
  unsigned count = 0;
  say_frame(count++, maps.find_executable(place.pc), place.pc, "");

  const auto memory = sys::open(AT_FDCWD, "/proc/1/mem", O_RDONLY);
  if (!memory) return count;
  if (const auto* const map = find_caller(maps, memory->get(), link)) {
    say_frame(count++, map, Calls::code_address(link), "link");
  }

  const auto stack = maps.at_or_above(place.sp);
  if (stack.end == 0) return count;
  auto at = place.sp > stack.begin ? place.sp & ~std::uint64_t{sizeof(void*) - 1} : stack.begin;
  const auto end = stack.end - at > kScanLimit ? at + kScanLimit : stack.end;
  std::array<std::uintptr_t, 512> words;
  while (at < end && count < kMaxFrames) {
    const auto wanted = end - at < sizeof words ? static_cast<std::size_t>(end - at) : sizeof words;
    const auto size = ::pread(memory->get(), words.data(), wanted, static_cast<off_t>(at));
    if (size <= 0) break;
    const auto filled = static_cast<std::size_t>(size) / sizeof words[0];
    if (filled == 0) break;
    for (std::size_t i = 0; i < filled && count < kMaxFrames; ++i) {
      const auto* const map = find_caller(maps, memory->get(), words[i]);
      if (map != nullptr) say_frame(count++, map, Calls::code_address(words[i]), "scan");
    }
    at += filled * sizeof words[0];
  }
  return count;
}

}  // namespace gdbdebug::report
