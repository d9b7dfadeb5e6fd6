// SPDX-License-Identifier: GPL-2.0-or-later
// parts: what one wire consists of: the port, and the two terminals that take its place. Opened once, before PID 1 goes
// on, by the guard; the agent, its child, has the same descriptors. So each of the two can die, and the other goes on.
//
//                         +---- session ---- debugger
//   port (raw, locked) ---+
//                         +---- terminal A:  PID 1's descriptors 0 to 2, the port's node, /dev/console
//                         +---- terminal B:  what is written to a /dev/console that was opened before (TIOCCONS)
#pragma once

#include <sys/types.h>

#include <string_view>

#include "core/base/fd.hpp"
#include "core/base/result.hpp"
#include "core/base/text.hpp"
#include "core/request/request.hpp"
#include "wire/quiet.hpp"

namespace gdbdebug::wire {

/// A pseudo terminal. Its slave is kept open, since without one what is written there is thrown away.
struct Pty {
  UniqueFd master;
  UniqueFd slave;
};

struct Parts {
  Text<64> name;                 ///< of the port, as in /dev
  const Speed* speed = nullptr;  ///< nullptr: the one that it has
  UniqueFd port;
  dev_t device = 0;
  bool preferred = false;  ///< /dev/console leads to the port
  Pty console;             ///< A
  Pty text;                ///< B; without a master where /dev/console leads elsewhere
  Text<32> node;           ///< of A's slave, in our own root
  Settings* settings = nullptr;

  bool open() const { return settings != nullptr; }
};

/// What the line of a request means: a console of the kernel that has a terminal. kNone: it is another line.
/// An error: the line `console`, where no console has a terminal.
enum class Sharing : unsigned char { kNone, kConsole };
Result<Sharing> find_console_of(Request& request, Parts& parts);

/// Whether this terminal has become a console only since: its driver is a module that the agent has loaded.
bool is_console_now(const Request& request);

/// Opens all. On an error nothing has changed: the console is what it was.
Status open_parts(Parts& parts);

/// A new slave of this master, for somebody else or in the place of one that was hung up.
UniqueFd open_slave(const UniqueFd& master);

/// Leads what is written to /dev/console to B, where nobody else leads it elsewhere.
bool redirect_console(const Parts& parts);

/// Tells PID 1 by `word` that it may go on, and gives it a slave of A in the place of its console.
bool pass_console(const UniqueFd& handoff, char word, const Parts& parts);

/// Gives the port back: as it was found.
void give_back(Parts& parts);

}  // namespace gdbdebug::wire
