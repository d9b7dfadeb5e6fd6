// SPDX-License-Identifier: GPL-2.0-or-later
// maps: see maps.hpp.
#include "report/maps.hpp"

#include <elf.h>
#include <fcntl.h>

#include <array>
#include <cstring>

#include "core/words/hello.hpp"
#include "report/lines.hpp"
#include "sys/sys.hpp"
#include "tracee/pid1.hpp"

namespace gdbdebug::report {
namespace {

std::uint64_t parse_hex(std::string_view word) {
  if (word.starts_with("0x")) word.remove_prefix(2);
  return parse_number<std::uint64_t>(word, 16).value_or(0);
}

Map parse(std::string_view line) {
  Map map;
  auto range = take_word(line, ' ');
  map.begin = parse_hex(take_word(range, '-'));
  map.end = parse_hex(range);
  const auto permissions = take_word(line, ' ');
  map.readable = permissions.starts_with('r');
  map.executable = permissions.size() > 2 && permissions[2] == 'x';
  map.offset = parse_hex(take_word(line, ' '));
  (void)take_word(line, ' ');  // device
  (void)take_word(line, ' ');  // inode
  map.file = trim(line);
  return map;
}

/// Where the kernel has loaded the dynamic linker (getauxval(3)), 0 if there is none.
std::uintptr_t linker_base() {
  Text<1024> text;  // some 20 pairs
  const auto file = sys::open(AT_FDCWD, "/proc/1/auxv", O_RDONLY);
  if (!file || !sys::read_all(*file, text)) return 0;
  for (auto rest = text.view(); rest.size() >= sizeof(std::uintptr_t[2]);
       rest.remove_prefix(sizeof(std::uintptr_t[2]))) {
    std::array<std::uintptr_t, 2> entry{};
    std::memcpy(entry.data(), rest.data(), sizeof entry);
    if (entry[0] == AT_BASE) return entry[1];
  }
  return 0;
}

}  // namespace

Maps::Maps() {
  constexpr std::size_t kMaxMaps = 96;  // systemd and its libraries are some 30
  static Text<65536> text;              // some 200 lines; what is cut off are the mappings above the libraries
  static std::array<Map, kMaxMaps> maps;
  const auto file = sys::open(AT_FDCWD, "/proc/1/maps", O_RDONLY);
  text.clear();
  if (!file || !sys::read_all(*file, text)) return;
  text_ = text;
  std::size_t count = 0;
  for (auto rest = text_; !rest.empty();) {
    const auto map = parse(take_word(rest, '\n'));
    if (map.executable && count < maps.size()) maps[count++] = map;
  }
  executable_ = {maps.data(), count};
  if (const auto base = linker_base()) linker_ = at_or_above(base).file;
}

const Map* Maps::find_executable(std::uint64_t address) const {
  for (const auto& map : executable()) {
    // cppcheck-suppress returnDanglingLifetime ; an element of the array that executable() shows
    if (address >= map.begin && address < map.end) return &map;
  }
  return nullptr;
}

Map Maps::at_or_above(std::uint64_t address) const {
  for (auto rest = text_; !rest.empty();) {
    const auto map = parse(take_word(rest, '\n'));
    if (address < map.end) return map;
  }
  return {};
}

Map Maps::stack(std::uint64_t sp) const {
  const auto map = at_or_above(sp);
  return map.readable ? map : at_or_above(map.end);
}

bool Maps::is_stack_overflow(const Place& place, std::uint64_t address) const {
  constexpr std::uint64_t kNear = 65536;  // a function that does not probe its frame page by page can leap over some
  const auto bottom = stack(place.sp);
  const auto hit = at_or_above(address);
  // Below the first thread's stack there is a gap, which the kernel keeps; below the others' are pages without access.
  const bool below = address < hit.begin ? hit.begin == bottom.begin && bottom.file == kFirstStack
                                         : !hit.readable && hit.end == bottom.begin;
  return below && place.sp < bottom.begin + kNear && place.sp < address + kNear;
}

unsigned say_maps(const Maps& maps) {
  unsigned count = 0;
  for (const auto& map : maps.executable()) {
    if (!map.file.starts_with('/')) continue;
    auto line = begin_line("map 0x");
    line.add_number(map.begin, 16).add("-0x").add_number(map.end, 16);
    add_hex_pair(line, "offset", map.offset);
    add_pair(line, "file", map.file.substr(0, 400));
    // Also of a file that has been deleted, or lies in another mount namespace (proc(5), /proc/PID/map_files).
    Text<64> path("/proc/1/map_files/");
    path.add_number(map.begin, 16).add('-').add_number(map.end, 16);
    if (const auto file = sys::open(AT_FDCWD, path.c_str(), O_RDONLY)) {
      add_pair(line, "build_id", pid1::build_id(*file));
    }
    log::say(kLevel, line);
    ++count;
  }
  return count;
}

}  // namespace gdbdebug::report
