// SPDX-License-Identifier: GPL-2.0-or-later
// await: waits until a target answers on its line.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "base/display.hpp"
#include "wire/greeting.hpp"
#include "wire/wire.hpp"

namespace gdbdebug::client {

struct Arrival {
  Wire wire;
  std::optional<Greeting> greeting;  ///< Nothing: a gdbserver answers that is not gdbdebug's.
  /// When the time is over that was given for it, if it was given any.
  std::optional<std::chrono::steady_clock::time_point> until = {};
};

/// What is waited for, and how long.
struct Awaited {
  std::string advice;    ///< Said once when nothing answers: what the user can do. May be empty.
  int seconds = 0;       ///< 0: no limit.
  bool crashed = false;  ///< Until PID 1 is held because it was about to die, rather than until it can be debugged.
  /// Asked now and then: nothing while the target can still come, else the error to end with. May be empty.
  std::function<std::optional<Error>()> still_there;
  /// Until this process is held, by its number or by the name of its program, and the debugger gets it; empty:
  /// whichever the target offers. 1: PID 1, held or not.
  std::string process = {};
};

/// Opens the line to `target`, as often as it takes, and asks for a hello every second until one comes that says what
/// is awaited. Errors: a line that cannot be opened by waiting; nobody there in time, with Exit::no_answer;
/// interrupted; what awaited.still_there says.
Result<Arrival> await_target(const Target& target, const Awaited& awaited, Display& display);

}  // namespace gdbdebug::client
