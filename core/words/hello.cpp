// SPDX-License-Identifier: GPL-2.0-or-later
// hello: see hello.hpp.
#include "core/words/hello.hpp"

namespace gdbdebug {

void add_escaped(TextBuffer& text, std::string_view value, std::string_view also) {
  for (const char c : value) {
    if (c > ' ' && c < 0x7f && c != '\\' && c != '=' && also.find(c) == std::string_view::npos)
      text.add(c);
    else
      text.add("\\x").add_hex(static_cast<std::uint8_t>(c));
  }
}

void add_pair(TextBuffer& text, std::string_view key, std::string_view value, std::string_view also) {
  if (value.empty()) return;
  text.add(' ').add(key).add('=');
  add_escaped(text, value, also);
}

Text<1024> compose_hello(const Hello& hello) {
  Text<1024> text("gdbdebug");
  add_pair(text, "version", hello.version, kProtocol);
  add_pair(text, "state", hello.state, kProtocol);
  add_pair(text, "pid", "1");
  // A name that would fill the line is cut: the rest must still fit.
  add_pair(text, "exe", hello.exe.substr(0, 200), kProtocol);
  add_pair(text, "build_id", hello.build_id.substr(0, 64), kProtocol);
  add_pair(text, "machine", hello.machine, kProtocol);
  if (hello.watchdog) text.add(" watchdog=").add_number(*hello.watchdog);
  if (hello.shared) text.add(" wire=shared");
  text.add("\r\n");
  return text;
}

}  // namespace gdbdebug
