// SPDX-License-Identifier: GPL-2.0-or-later
// log_lines: see log_lines.hpp.
#include "report/log_lines.hpp"

#include <charconv>
#include <string>

#include "base/words.hpp"
#include "core/base/text.hpp"

namespace gdbdebug::client {
namespace {

// Takes out what draws on a terminal: control characters, and CSI sequences (ECMA-48, 5.4).
std::string plain(std::string_view line) {
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\x1b' && i + 1 < line.size() && line[i + 1] == '[') {
      i += 2;
      while (i < line.size() && (line[i] < '@' || line[i] > '~')) ++i;
    } else if (static_cast<unsigned char>(line[i]) >= 0x20) {
      text += line[i];
    }
  }
  return text;
}

// What is before the next record on the same line: without that record's time, "[   12.345678] ".
std::string_view without_time(std::string_view text) {
  const auto bracket = text.rfind('[');
  if (bracket == std::string_view::npos || !text.ends_with("] ")) return text;
  const auto inside = text.substr(bracket + 1, text.size() - bracket - 3);
  return inside.find_first_not_of(" 0123456789.") == std::string_view::npos ? text.substr(0, bracket) : text;
}

}  // namespace

std::optional<std::uint64_t> leading_number(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x");
  if (hexadecimal) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value, hexadecimal ? 16 : 10);
  if (result.ec != std::errc()) return std::nullopt;
  return value;
}

void for_each_pair(std::string_view words, const std::function<void(std::string_view, const std::string&)>& take) {
  while (!words.empty()) {
    auto value = take_word(words, ' ');
    if (value.find('=') == std::string_view::npos) continue;
    const auto key = take_word(value, '=');
    take(key, unescaped(value));
  }
}

void for_each_record(std::string_view log, std::string_view mark, const std::function<void(std::string_view)>& take) {
  while (!log.empty()) {
    const auto end = log.find_first_of("\r\n");
    const auto text = plain(log.substr(0, end));
    log.remove_prefix(end == std::string_view::npos ? log.size() : end + 1);
    std::string_view line = text;
    // Two records on one line: a newline of the serial line got lost.
    for (auto place = line.find(mark); place != std::string_view::npos; place = line.find(mark)) {
      line.remove_prefix(place + mark.size());
      const auto next = line.find(mark);
      take(next == std::string_view::npos ? line : without_time(line.substr(0, next)));
    }
  }
}

}  // namespace gdbdebug::client
