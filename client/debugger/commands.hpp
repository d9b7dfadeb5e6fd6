// SPDX-License-Identifier: GPL-2.0-or-later
// commands: text as commands of gdb or lldb. What a debugger is told is built here and nowhere else, because much of it
// comes out of an image or from a target: the name of a program, of a library, of a directory.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace gdbdebug::client {

struct Debugger {
  enum class Kind { gdb, lldb };
  Kind kind = Kind::gdb;
  std::string program;  ///< Its path.
  int major = 0;        ///< gdb's version; 0 if it does not say.
};

/// Commands in a row. Each is one line, whatever is in it: a text with a control character is refused, and then there
/// are no commands at all.
class Commands {
 public:
  explicit Commands(Debugger::Kind kind) : kind_(kind) {}

  /// Adds the command `text`, whose foreign parts have gone through one of the functions below.
  void add(std::string text);

  /// A file's name as one word of a command.
  [[nodiscard]] std::string word(std::string_view name) const;
  /// A file's name as an expression that fits it alone, for gdb's regular expressions, which are the basic ones.
  [[nodiscard]] static std::string expression(std::string_view name);

  /// The commands, or which text was refused.
  [[nodiscard]] Result<std::vector<std::string>> take();

 private:
  Debugger::Kind kind_;
  std::vector<std::string> list_;
  std::optional<Error> refused_;
};

}  // namespace gdbdebug::client
