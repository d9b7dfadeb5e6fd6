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

constexpr std::string_view kNotInName = "$%+-#*}:";

void add_pair(TextBuffer& text, std::string_view key, std::string_view value, std::string_view also) {
  if (value.empty()) return;
  text.add(' ').add(key).add('=');
  add_escaped(text, value, also);
}

Text<2048> compose_hello(const Hello& hello) {
  Text<2048> text("gdbdebug");
  add_pair(text, "version", hello.version, kProtocol);
  add_pair(text, "state", hello.state, kProtocol);
  text.add(" pid=").add_number(hello.process);
  // A name that would fill the line is cut: the rest must still fit.
  add_pair(text, "exe", hello.exe.substr(0, 200), kProtocol);
  add_pair(text, "build_id", hello.build_id.substr(0, 64), kProtocol);
  add_pair(text, "machine", hello.machine, kProtocol);
  if (hello.watchdog) text.add(" watchdog=").add_number(*hello.watchdog);
  if (hello.shared) text.add(" wire=shared");
  constexpr std::size_t kLongestName = 40, kLongestHeld = 200;
  for (const auto& held : hello.held) {
    if (text.room() < kLongestHeld) break;
    text.add(" held=").add_number(held.process).add(':');
    add_escaped(text, held.name.substr(0, kLongestName), kNotInName);
    text.add(':').add(held.why);
  }
  text.add("\r\n");
  return text;
}

}  // namespace gdbdebug
