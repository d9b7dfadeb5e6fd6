// SPDX-License-Identifier: GPL-2.0-or-later
// report: what is said when PID 1 is held at its end, to a person at the console and, in a stable form that gdbdebug(7)
// writes down, to `gdbdebug report` on another computer.
// Needs no memory but static buffers, and nothing of PID 1 that may be broken: what cannot be read is left out.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/rsp/stop.hpp"
#include "tracee/cause.hpp"
#include "tracee/registers.hpp"

namespace gdbdebug {

/// What else is to be said of a stop that is reported.
struct Ending {
  bool handled = false;       ///< PID 1 has a handler for the signal
  bool freezes = false;       ///< and does nothing more once that has run
  std::uint32_t command = 0;  ///< of reboot(2); 0: it is another call, or none
  bool connected = false;     ///< a debugger is there
};

/// One line about a signal that PID 1 handles, and that does not hold it.
void report_handled(const Stop& stop, const Cause& cause);

/// The message: which process, which signal or exit status, where, and how to connect. Then the report.
/// `registers`: of the thread that has stopped. `line` is what the user connects to.
void report_end(const Stop& stop, const Cause& cause, const Ending& ending, const RegisterTexts& registers,
                std::string_view line, std::optional<std::uint32_t> seconds);

}  // namespace gdbdebug
