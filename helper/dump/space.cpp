// SPDX-License-Identifier: GPL-2.0-or-later
// space: see space.hpp.
#include "dump/space.hpp"

#include <algorithm>
#include <array>

namespace gdbdebug::dump {
namespace {

std::uint64_t hex(std::string_view word) {
  return parse_number<std::uint64_t>(word, 16).value_or(0);
}

/// Leaves the name in `line`.
Area parse(std::string_view& line) {
  Area area;
  auto range = take_word(line, ' ');
  area.begin = hex(take_word(range, '-'));
  area.end = hex(range);
  const auto rights = take_word(line, ' ');
  if (rights.size() < 4) return area;
  area.readable = rights[0] == 'r';
  area.writable = rights[1] == 'w';
  area.executable = rights[2] == 'x';
  area.is_private = rights[3] == 'p';
  area.offset = hex(take_word(line, ' '));
  (void)take_word(line, ' ');  // device
  area.is_file = take_word(line, ' ') != "0";
  return area;
}

}  // namespace

Space::Space(std::string_view maps) {
  static std::array<Area, kCapacity> areas;
  std::size_t count = 0;
  while (!maps.empty() && count < areas.size()) {
    auto line = take_word(maps, '\n');
    const auto area = parse(line);
    if (area.begin < area.end) areas[count++] = area;
  }
  areas_ = {areas.data(), count};
}

const Area* Space::find(std::uint64_t address) const {
  const auto* const area = at_or_above(address);
  return area != nullptr && address >= area->begin ? area : nullptr;
}

const Area* Space::at_or_above(std::uint64_t address) const {
  std::size_t first = 0;
  for (std::size_t count = areas_.size(); count > 0;) {  // the kernel lists them in ascending order
    const auto half = count / 2;
    if (areas_[first + half].end > address) {
      count = half;
    } else {
      first += half + 1;
      count -= half + 1;
    }
  }
  return first < areas_.size() ? &areas_[first] : nullptr;
}

const Area* Space::stack(std::uint64_t sp) const {
  const auto* const area = at_or_above(sp);
  return area == nullptr || area->readable ? area : at_or_above(area->end);
}

bool Space::follows_file(const Area& area) const {
  const auto index = static_cast<std::size_t>(&area - areas_.data());
  if (index == 0 || area.is_file) return false;
  const auto& before = areas_[index - 1];
  return before.is_file && before.writable && before.end == area.begin;
}

void put_maps(std::string_view maps, TextBuffer& text) {
  constexpr unsigned kPage = 12;  // bits
  Area before;
  std::string_view file;
  while (!maps.empty()) {
    auto name = take_word(maps, '\n');
    const auto rights = name.substr(std::min(name.find(' ') + 1, name.size()), 4);
    const auto area = parse(name);
    name = trim(name);
    const bool more = area.is_file && before.is_file && name == file;
    if (more) text.add('+');
    text.add_number((more ? area.begin - before.end : area.begin) >> kPage, 16).add(' ');
    text.add_number((area.end - area.begin) >> kPage, 16).add(' ').add(rights);
    if (!more || area.offset != before.offset + (before.end - before.begin))
      text.add(' ').add_number(area.offset >> kPage, 16);
    if (!more && !name.empty()) text.add(' ').add(name);
    text.add('\n');
    before = area;
    file = name;
  }
}

}  // namespace gdbdebug::dump
