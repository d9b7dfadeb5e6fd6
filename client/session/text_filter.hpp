// SPDX-License-Identifier: GPL-2.0-or-later
// text_filter: lets of a console's text pass what writes, and nothing that commands: a terminal answers some sequences,
// and its answer would be typed at the debugger's prompt.
//
//             ESC            `[`            `0`-`9`, `;`
//   kText -----------> kEscape -----> kSequence <-+      kSequence --- `m` ---> kText, and the colour passes
//     ^                  |               |  |_____|          |
//     +------------------+---------------+-------------------+  another byte: what was kept back is dropped
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/text.hpp"

namespace gdbdebug::client {

class TextFilter {
 public:
  std::string pass(std::string_view text) {
    std::string passed;
    for (const char c : text) take(c, passed);
    return passed;
  }

 private:
  enum class State : std::uint8_t { kText, kEscape, kSequence };
  static constexpr std::size_t kLongest = 24;

  void take(char c, std::string& passed) {
    if (c == '\033') {
      kept_ = c;
      state_ = State::kEscape;
      return;
    }
    if (state_ == State::kEscape && c == '[') {
      kept_ += c;
      state_ = State::kSequence;
      return;
    }
    if (state_ == State::kSequence && (is_digit(c) || c == ';' || c == '?') && kept_.size() < kLongest) {
      kept_ += c;
      return;
    }
    if (state_ == State::kSequence && c == 'm') passed += kept_ + c;
    const bool in_text = state_ == State::kText;
    state_ = State::kText;
    const auto byte = static_cast<unsigned char>(c);
    if (in_text && ((byte >= ' ' && byte != 0x7f) || c == '\n' || c == '\r' || c == '\t' || c == '\b')) passed += c;
  }

  State state_ = State::kText;
  std::string kept_;
};

}  // namespace gdbdebug::client
