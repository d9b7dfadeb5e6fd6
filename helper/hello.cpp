// SPDX-License-Identifier: GPL-2.0-or-later
// hello: see hello.hpp.
#include "hello.hpp"

namespace gdbdebug {
namespace {

void add_pair(TextBuffer& text, std::string_view key, std::string_view value) {
  constexpr std::string_view kEscaped = "\\$%+-#=";
  if (value.empty()) return;
  text.add(' ').add(key).add('=');
  for (const char c : value) {
    if (c > ' ' && c < 0x7f && kEscaped.find(c) == std::string_view::npos)
      text.add(c);
    else
      text.add("\\x").add_hex(static_cast<std::uint8_t>(c));
  }
}

}  // namespace

Text<1024> compose_hello(const Hello& hello) {
  Text<1024> text("gdbdebug");
  add_pair(text, "version", hello.version);
  add_pair(text, "state", hello.state);
  add_pair(text, "pid", "1");
  // A name that would fill the line is cut: the rest must still fit.
  add_pair(text, "exe", hello.exe.substr(0, 200));
  add_pair(text, "build_id", hello.build_id.substr(0, 64));
  add_pair(text, "machine", hello.machine);
  text.add("\r\n");
  return text;
}

}  // namespace gdbdebug
