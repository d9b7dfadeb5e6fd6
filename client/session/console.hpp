// SPDX-License-Identifier: GPL-2.0-or-later
// console: where the text of the target's console goes that comes in a session on one wire, and where keys for it come
// from.
#pragma once

#include <termios.h>

#include <string>
#include <string_view>

#include "base/file.hpp"

namespace gdbdebug::client {

class Console {
 public:
  Console() = default;
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;
  ~Console();

  /// `where`: a file, which gets the text at its end; `-`, standard output; a terminal, in which keys can be typed as
  /// well; empty: the debugger shows the text, in a colour of its own on a terminal.
  Status open(const std::string& where);

  [[nodiscard]] bool coloured() const { return coloured_; }
  /// Whether the text is not for the debugger.
  [[nodiscard]] bool keeps() const { return static_cast<bool>(file_); }
  /// Where keys come from, or -1.
  [[nodiscard]] int keys() const { return types_ ? file_.get() : -1; }
  void write(std::string_view text);
  /// What was typed, empty at its end: then nothing more comes.
  std::string read();

 private:
  UniqueFd file_;
  bool coloured_ = false;
  bool types_ = false;
  ::termios found_{};
};

}  // namespace gdbdebug::client
