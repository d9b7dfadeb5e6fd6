// SPDX-License-Identifier: GPL-2.0-or-later
// await: waits until a target answers on its line.
#pragma once

#include <optional>

#include "display.hpp"
#include "greeting.hpp"
#include "wire.hpp"

namespace gdbdebug::client {

struct Arrival {
  Wire wire;
  std::optional<Greeting> greeting;  ///< Nothing: a gdbserver answers that is not gdbdebug's.
};

/// Opens the line to `target`, as often as it takes, and asks for a hello every second until one comes that is not
/// "starting". `advice` is shown while nothing answers. Errors: a line that cannot be opened by waiting; nobody there
/// after `seconds` (0: no limit), with Exit::no_answer; interrupted.
Result<Arrival> await_target(const Target& target, const std::string& advice, int seconds, Display& display);

}  // namespace gdbdebug::client
