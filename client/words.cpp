// SPDX-License-Identifier: GPL-2.0-or-later
// words: see words.hpp.
#include "words.hpp"

#include "text.hpp"

namespace gdbdebug::client {

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

}  // namespace gdbdebug::client
