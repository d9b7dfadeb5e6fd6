// SPDX-License-Identifier: GPL-2.0-or-later
// conf: /etc/gdbdebug.conf, `key=value` lines; see gdbdebug.conf(5). Pure.
#pragma once

#include <optional>
#include <string_view>

#include "core/base/text.hpp"

namespace gdbdebug {

/// The value of the last line `key=value` in `text`, without white space around it and without a pair of double
/// quotes; nullopt if there is none. Lines that begin with `#` are comments.
constexpr std::optional<std::string_view> conf_value(std::string_view text, std::string_view key) {
  std::optional<std::string_view> found;
  while (!text.empty()) {
    auto line = trim(take_word(text, '\n'));
    if (line.starts_with('#') || line.find('=') == std::string_view::npos) continue;
    if (trim(take_word(line, '=')) != key) continue;
    auto value = trim(line);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    found = value;
  }
  return found;
}

}  // namespace gdbdebug
