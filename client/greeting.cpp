// SPDX-License-Identifier: GPL-2.0-or-later
// greeting: see greeting.hpp.
#include "greeting.hpp"

#include <utility>

#include "text.hpp"

namespace gdbdebug::client {
namespace {

// Takes `\xHH` back. A backslash that begins nothing of the kind stays.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto escape = text.substr(i, 4);
    const bool whole = escape.size() == 4 && escape.starts_with("\\x");
    const int high = whole ? hex_value(escape[2]) : -1;
    const int low = whole ? hex_value(escape[3]) : -1;
    if (high < 0 || low < 0) {
      plain += text[i];
      continue;
    }
    plain += static_cast<char>(high * 16 + low);
    i += 3;
  }
  return plain;
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
    if (key == "version") greeting.version = value;
    if (key == "state") greeting.state = value;
    if (key == "pid") greeting.pid = value;
    if (key == "exe") greeting.exe = value;
    if (key == "build_id") greeting.build_id = value;
    if (key == "machine") greeting.machine = value;
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
