// SPDX-License-Identifier: GPL-2.0-or-later
// greeting: see greeting.hpp.
#include "wire/greeting.hpp"

#include <utility>

#include "base/words.hpp"
#include "core/base/text.hpp"

namespace gdbdebug::client {
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
    if (key == "exe") greeting.exe = value;
    if (key == "build_id") greeting.build_id = value;
    if (key == "machine") greeting.machine = value;
    if (key == "watchdog") greeting.watchdog = value;
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
