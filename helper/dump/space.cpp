// SPDX-License-Identifier: GPL-2.0-or-later
// space: see space.hpp.
#include "dump/space.hpp"

#include <algorithm>
#include <array>

#include "dump/ordered.hpp"

namespace gdbdebug::dump {
namespace {

std::uint64_t hex(std::string_view word) {
  return parse_number<std::uint64_t>(word, 16).value_or(0);
}

Area parse(std::string_view line) {
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
  area.file = trim(line);
  return area;
}

}  // namespace

Space::Space(std::string_view maps) {
  static std::array<Area, kCapacity> areas;
  std::size_t count = 0;
  while (!maps.empty() && count < areas.size()) {
    const auto area = parse(take_word(maps, '\n'));
    if (area.begin < area.end) areas[count++] = area;
  }
  areas_ = {areas.data(), count};
}

const Area* Space::find(std::uint64_t address) const {
  const auto* const area = at_or_above(address);
  return area != nullptr && address >= area->begin ? area : nullptr;
}

const Area* Space::at_or_above(std::uint64_t address) const {
  const auto index = first_behind(areas_, address);  // the kernel lists them in ascending order
  return index < areas_.size() ? &areas_[index] : nullptr;
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
  while (!maps.empty()) {
    const auto line = take_word(maps, '\n');
    const auto rights = line.substr(std::min(line.find(' ') + 1, line.size()), 4);
    const auto area = parse(line);
    const bool more = area.is_file && before.is_file && area.file == before.file;
    if (more) text.add('+');
    text.add_number((more ? area.begin - before.end : area.begin) >> kPage, 16).add(' ');
    text.add_number((area.end - area.begin) >> kPage, 16).add(' ').add(rights);
    if (!more || area.offset != before.offset + (before.end - before.begin))
      text.add(' ').add_number(area.offset >> kPage, 16);
    if (!more && !area.file.empty()) text.add(' ').add(area.file);
    text.add('\n');
    before = area;
  }
}

}  // namespace gdbdebug::dump
