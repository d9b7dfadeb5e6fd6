// SPDX-License-Identifier: GPL-2.0-or-later
// greeting: the hello of the agent, read. Its form is in gdbdebug(7): one line of `key=value` words after "gdbdebug".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gdbdebug::client {

/// A process that is held there.
struct HeldProcess {
  std::string pid;   ///< Digits.
  std::string name;  ///< Of the program, as it was executed.
  std::string why;   ///< start, end, debugger; or a word that a later agent knows.
};

struct Greeting {
  std::string version;
  std::string state;     ///< held, running, crashed, starting; or one that a later helper knows
  std::string pid;       ///< Whose state this is, and what follows: the one that a debugger gets.
  std::string exe;       ///< In the image; empty if the agent could not tell.
  std::string build_id;  ///< Hexadecimal; empty likewise.
  std::string machine;   ///< As uname -m.
  std::string watchdog;  ///< Seconds after which a watchdog resets the machine if PID 1 is held; empty if none runs.
  std::string wire;      ///< "shared": the line is a console of the target too; empty otherwise.
  std::vector<HeldProcess> held;
  std::string refused;  ///< Keys whose values are empty because they have not the form of such a one: " exe machine".
};

/// Reads one line of text. Whatever stands before "gdbdebug version=" (an echo, the end of a packet) is passed over,
/// and so are keys that are not known. Nothing if there is no hello in it.
std::optional<Greeting> read_greeting(std::string_view line);

/// Cuts bytes from a line into lines of text, each at most 4096 bytes long; what is longer is no hello.
class LineCutter {
 public:
  /// Takes bytes off `bytes` up to the end of a line. The line without its end, if there was one.
  std::optional<std::string> take(std::string_view& bytes);

 private:
  std::string line_;
};

}  // namespace gdbdebug::client
