// SPDX-License-Identifier: GPL-2.0-or-later
// maps: see maps.hpp.
#include "report/maps.hpp"

#include <elf.h>
#include <fcntl.h>

#include <array>
#include <cstring>

#include "core/words/hello.hpp"
#include "dump/memory.hpp"
#include "report/lines.hpp"
#include "sys/sys.hpp"
#include "tracee/pid1.hpp"

namespace gdbdebug::report {
namespace {

/// An empty one where there is none.
Map copy_of(const Map* map) {
  return map != nullptr ? *map : Map{};
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

Maps::Maps() : space_(dump::read_maps(1)) {
  constexpr std::size_t kMaxMaps = 96;  // systemd and its libraries are some 30
  static std::array<Map, kMaxMaps> maps;
  std::size_t count = 0;
  for (const auto& map : space_.areas()) {
    if (map.executable && count < maps.size()) maps[count++] = map;
  }
  executable_ = {maps.data(), count};
  if (const auto base = linker_base()) linker_ = copy_of(space_.at_or_above(base)).file;
}

const Map* Maps::find_executable(std::uint64_t address) const {
  for (const auto& map : executable()) {
    // cppcheck-suppress returnDanglingLifetime ; an element of the array that executable() shows
    if (address >= map.begin && address < map.end) return &map;
  }
  return nullptr;
}

Map Maps::stack(std::uint64_t sp) const {
  return copy_of(space_.stack(sp));
}

bool Maps::is_stack_overflow(const Place& place, std::uint64_t address) const {
  constexpr std::uint64_t kNear = 65536;  // a function that does not probe its frame page by page can leap over some
  const auto bottom = stack(place.sp);
  const auto hit = copy_of(space_.at_or_above(address));
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
    if (const auto file = pid1::open_mapped(1, map.begin, map.end)) add_pair(line, "build_id", pid1::build_id(*file));
    log::say(kLevel, line);
    ++count;
  }
  return count;
}

}  // namespace gdbdebug::report
