// SPDX-License-Identifier: GPL-2.0-or-later
// json: see json.hpp.
#include "base/json.hpp"

#include <array>
#include <cstdio>

#include "base/words.hpp"

namespace gdbdebug::client {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto length = utf8_length(text);
    const char c = text.front();
    if (length == 0) {
      out += "\xef\xbf\xbd";
    } else if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (const auto one = text.substr(0, length); printable(one) != one) {
      std::array<char, 16> escape{};
      (void)std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(code_point(one)));  // fits
      out += escape.data();
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out + '"';
}

void Json::comma() {
  if (!first_) text_ += ',';
  first_ = false;
}

Json& Json::open(char bracket) {
  comma();
  text_ += bracket;
  first_ = true;
  return *this;
}

Json& Json::close(char bracket) {
  text_ += bracket;
  first_ = false;
  return *this;
}

Json& Json::key(std::string_view name) {
  comma();
  text_ += quoted(name) + ':';
  first_ = true;
  return *this;
}

Json& Json::value(std::string_view text) {
  comma();
  text_ += quoted(text);
  return *this;
}

Json& Json::value(bool truth) {
  comma();
  text_ += truth ? "true" : "false";
  return *this;
}

Json& Json::value(unsigned long number) {
  comma();
  text_ += std::to_string(number);
  return *this;
}

Json& Json::null() {
  comma();
  text_ += "null";
  return *this;
}

}  // namespace gdbdebug::client
