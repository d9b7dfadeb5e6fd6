// SPDX-License-Identifier: GPL-2.0-or-later
// maps: see maps.hpp.
#include "report/maps.hpp"

#include <fcntl.h>

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

Text<64> task_file(unsigned thread, std::string_view name) {
  Text<64> path("/proc/1/task/");
  path.add_number(thread).add('/').add(name);
  return path;
}

Map parse(std::string_view line) {
  Map map;
  auto range = take_word(line, ' ');
  map.begin = parse_hex(take_word(range, '-'));
  map.end = parse_hex(range);
  const auto permissions = take_word(line, ' ');
  map.executable = permissions.size() > 2 && permissions[2] == 'x';
  map.offset = parse_hex(take_word(line, ' '));
  (void)take_word(line, ' ');  // device
  (void)take_word(line, ' ');  // inode
  map.file = trim(line);
  return map;
}

}  // namespace

Place find_place(unsigned thread) {
  Place place;
  Text<256> text;
  const auto file = sys::open(AT_FDCWD, task_file(thread, "syscall").c_str(), O_RDONLY);
  if (!file || !sys::read_all(*file, text)) return place;
  unsigned count = 0;
  for (auto rest = trim(text); !rest.empty(); ++count) {
    const auto value = parse_hex(take_word(rest, ' '));
    if (count == 1) place.first_argument = value;
    place.sp = place.pc;
    place.pc = value;
  }
  return place;
}

Maps::Maps() {
  const auto file = sys::open(AT_FDCWD, "/proc/1/maps", O_RDONLY);
  text_.clear();
  if (!file || !sys::read_all(*file, text_)) return;
  for (auto rest = text_.view(); !rest.empty();) {
    const auto map = parse(take_word(rest, '\n'));
    if (map.executable && count_ < maps_.size()) maps_[count_++] = map;
  }
}

const Map* Maps::find_executable(std::uint64_t address) const {
  for (const auto& map : executable()) {
    if (address >= map.begin && address < map.end) return &map;
  }
  return nullptr;
}

Map Maps::at_or_above(std::uint64_t address) const {
  for (auto rest = text_.view(); !rest.empty();) {
    const auto map = parse(take_word(rest, '\n'));
    if (address < map.end) return map;
  }
  return {};
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
