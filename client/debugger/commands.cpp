// SPDX-License-Identifier: GPL-2.0-or-later
// commands: see commands.hpp.
#include "debugger/commands.hpp"

#include "base/words.hpp"

namespace gdbdebug::client {

void Commands::add(std::string text) {
  if (has_control(text) && !refused_) {
    refused_ = Error{"telling the debugger", printable(text), "there is a control character in it",
                     "no file or function that is debugged has one in its name"};
  }
  list_.push_back(std::move(text));
}

// gdb takes words apart as libiberty's buildargv() does, lldb as its Args does: in double quotes both know a backslash
// before a quote and before a backslash. lldb looks for backticks before all that, evaluates what is between two of
// them as an expression, and takes off the backslash that keeps it from doing so
// (CommandInterpreter::PreprocessCommand()).
std::string Commands::word(std::string_view name) const {
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\' || (c == '`' && kind_ == Debugger::Kind::lldb)) text += '\\';
    text += c;
  }
  return text + '"';
}

std::string Commands::expression(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c == '.' || c == '[' || c == '*' || c == '^' || c == '$' || c == '\\') text += '\\';
    text += c;
  }
  return text;
}

Result<std::vector<std::string>> Commands::take() {
  if (refused_) return *refused_;
  return std::move(list_);
}

}  // namespace gdbdebug::client
