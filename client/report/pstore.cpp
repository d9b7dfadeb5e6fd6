// SPDX-License-Identifier: GPL-2.0-or-later
// pstore: see pstore.hpp.
#include "report/pstore.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/text.hpp"

namespace gdbdebug::client {
namespace {

// A part of a dump, as its first line says (pstore_dump() in fs/pstore/platform.c).
struct Part {
  // cppcheck-suppress unusedStructMember ; 2.10 does not look through std::optional
  std::string_view dump;  // "Panic#1"
  std::uint32_t number = 0;
};

std::optional<Part> part_of(const LogFile& file) {
  // systemd-pstore(8) puts the parts together in a dmesg.txt, whose first line is that of its first part.
  const auto base = std::string_view(file.name).substr(file.name.rfind('/') + 1);
  if (!base.starts_with("dmesg-")) return std::nullopt;
  constexpr std::string_view kPart = " Part";
  const auto line = std::string_view(file.text).substr(0, file.text.find('\n'));
  const auto place = line.rfind(kPart);
  if (place == std::string_view::npos || line.find('#') > place) return std::nullopt;
  const auto number = parse_number<std::uint32_t>(line.substr(place + kPart.size()));
  if (!number) return std::nullopt;
  return Part{line.substr(0, place), *number};
}

std::string_view take_digits(std::string_view& text) {
  const auto digits = text.substr(0, text.find_first_not_of("0123456789"));
  text.remove_prefix(digits.size());
  return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
}

// Numbers in names count as numbers.
bool before(std::string_view left, std::string_view right) {
  while (!left.empty() && !right.empty()) {
    if (is_digit(left.front()) && is_digit(right.front())) {
      const auto one = take_digits(left);
      const auto other = take_digits(right);
      if (one.size() != other.size()) return one.size() < other.size();
      if (one != other) return one < other;
      continue;
    }
    if (left.front() != right.front()) return left.front() < right.front();
    left.remove_prefix(1);
    right.remove_prefix(1);
  }
  return left.size() < right.size();
}

}  // namespace

void sort_by_name(std::vector<LogFile>& files) {
  std::ranges::stable_sort(files, before, &LogFile::name);
}

std::string joined_logs(const std::vector<LogFile>& files) {
  std::string all;
  const auto add = [&](const LogFile& file) { all += file.text + "\n"; };
  std::vector<LogFile> parts;
  for (const auto& file : files) {
    if (part_of(file))
      parts.push_back(file);
    else
      add(file);
  }
  // The kernel writes part 1 first, and names count up: a dump is a row of parts with rising numbers.
  sort_by_name(parts);
  for (auto begin = parts.begin(); begin != parts.end();) {
    auto end = begin + 1;
    while (end != parts.end() && part_of(*end)->dump == part_of(*begin)->dump &&
           part_of(*end)->number > part_of(*(end - 1))->number)
      ++end;
    for (auto part = end; part != begin;) add(*--part);
    begin = end;
  }
  return all;
}

}  // namespace gdbdebug::client
