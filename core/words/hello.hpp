// SPDX-License-Identifier: GPL-2.0-or-later
// hello: one line of text that tells a person or a program who is on the line. Its form is in gdbdebug(7).
// It has none of the characters `$ % + - #`, so gdb passes over it.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "core/base/text.hpp"

namespace gdbdebug {

/// A process that is held.
struct HeldProcess {
  unsigned process = 1;
  std::string_view name;
  std::string_view why;  ///< start: at its first instruction; end: before it would die; debugger: one left it so
};

struct Hello {
  std::string_view version;
  std::string_view state;                 ///< held, running or crashed
  std::string_view exe;                   ///< what it executes; may be empty
  std::string_view build_id;              ///< in hexadecimal digits; may be empty
  std::string_view machine;               ///< as uname -m says
  std::optional<unsigned> watchdog = {};  ///< seconds (running_watchdog() in watchdog.hpp)
  bool shared = false;                    ///< the line is a console too
  unsigned process = 1;                   ///< the one that the next debugger gets: all that is before is said of it
  std::span<const HeldProcess> held = {};
};

/// How the line begins that a second debugger gets before it is closed.
inline constexpr std::string_view kRefusal = "gdbdebug: another debugger is connected";

/// What must not be in a text on the debug line: with these characters gdb takes it for a packet, or, where it is one
/// (rsp::kHelloRequest), for something shorter.
inline constexpr std::string_view kProtocol = "$%+-#*}";

/// Adds `value`; white space, control bytes, bytes from 0x7f on, the backslash, `=` and `also` as `\xHH`.
void add_escaped(TextBuffer& text, std::string_view value, std::string_view also = {});
/// Adds ` key=value`, the value escaped; nothing if it is empty.
void add_pair(TextBuffer& text, std::string_view key, std::string_view value, std::string_view also = {});

/// `gdbdebug version=0.1.0 state=held pid=1 exe=/usr/lib/systemd/systemd build_id=6f1d machine=x86_64`, CR, LF.
/// What has no value is left out, and of the processes that are held what there is no room for.
Text<2048> compose_hello(const Hello& hello);

}  // namespace gdbdebug
