// SPDX-License-Identifier: GPL-2.0-or-later
// greeting: see greeting.hpp.
#include "wire/greeting.hpp"

#include <algorithm>
#include <utility>

#include "base/words.hpp"
#include "core/base/text.hpp"

namespace gdbdebug::client {
namespace {

// What the values may consist of: they go to terminals and debuggers, and into names of files.
bool is_path(std::string_view text) {
  return !has_control(text);
}
bool is_word(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.' ||
           c == '+' || c == '~';
  });
}
bool is_machine(std::string_view text) {
  return is_word(text) && !text.starts_with('.');
}
bool is_hexadecimal(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return hex_value(c) >= 0; });
}
bool is_number(std::string_view text) {
  return std::ranges::all_of(text, is_digit);
}

bool is_pid(std::string_view text) {
  constexpr std::size_t kDigits = 10;
  return text.size() <= kDigits && is_number(text);
}

// `PID:NAME:WHY`, where NAME can have any byte, written as in the other values.
std::optional<HeldProcess> read_held(std::string_view text) {
  HeldProcess held;
  held.pid = take_word(text, ':');
  held.name = unescaped(take_word(text, ':'));
  held.why = text;
  const bool whole = !held.pid.empty() && !held.name.empty() && !held.why.empty();
  const bool fits = whole && is_pid(held.pid) && is_path(held.name) && is_word(held.why);
  return fits ? std::optional(std::move(held)) : std::nullopt;
}

}  // namespace

std::optional<Greeting> read_greeting(std::string_view line) {
  constexpr std::string_view kBegin = "gdbdebug version=";
  const auto begin = line.rfind(kBegin);
  if (begin == std::string_view::npos) return std::nullopt;
  line.remove_prefix(begin);
  Greeting greeting;
  while (!line.empty()) {
    auto word = take_word(line, ' ');
    const auto key = take_word(word, '=');
    const auto value = unescaped(word);
    const auto take = [&](std::string_view name, std::string& into, bool (*fits)(std::string_view)) {
      if (key != name || value.empty()) return;
      if (fits(value)) {
        into = value;
      } else {
        greeting.refused += " " + std::string(name);
      }
    };
    take("version", greeting.version, is_word);
    take("state", greeting.state, is_word);
    take("pid", greeting.pid, is_pid);
    take("exe", greeting.exe, is_path);
    take("build_id", greeting.build_id, is_hexadecimal);
    take("machine", greeting.machine, is_machine);
    take("watchdog", greeting.watchdog, is_number);
    take("wire", greeting.wire, is_word);
    if (key != "held") continue;
    if (auto held = read_held(word)) {
      greeting.held.push_back(std::move(*held));
    } else {
      greeting.refused += " held";
    }
  }
  if (greeting.version.empty() || greeting.state.empty()) return std::nullopt;
  return greeting;
}

std::optional<std::string> LineCutter::take(std::string_view& bytes) {
  constexpr std::size_t kLongest = 4096;
  while (!bytes.empty()) {
    const auto end = bytes.find_first_of("\r\n");
    line_ += bytes.substr(0, end);
    if (line_.size() > kLongest) line_.clear();
    if (end == std::string_view::npos) {
      bytes = {};
      return std::nullopt;
    }
    bytes.remove_prefix(end + 1);
    if (!line_.empty()) return std::exchange(line_, {});
  }
  return std::nullopt;
}

}  // namespace gdbdebug::client
