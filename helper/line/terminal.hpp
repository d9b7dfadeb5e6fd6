// SPDX-License-Identifier: GPL-2.0-or-later
// line_terminal: a serial port, or anything else that is a terminal in /dev.
#pragma once

#include <string_view>

#include "core/base/fd.hpp"
#include "core/base/result.hpp"
#include "core/base/text.hpp"
#include "core/request/request.hpp"

namespace gdbdebug {

/// Opens /dev/NAME without waiting for a carrier and without making it a controlling terminal, and makes it raw at
/// once. Errors: ENOENT, ENXIO or ENODEV where there is no such device (yet); a reason in words where there is no UART
/// behind the port, or the device is no terminal.
Result<UniqueFd> open_terminal(std::string_view name, const Speed& speed);

/// The same with a port that is a console too: its speed stays unless another is given, what was written to it goes
/// out, and nobody else can change its settings from here on.
Result<UniqueFd> open_shared_terminal(std::string_view name, const Speed* speed);
void lock_terminal(int terminal, bool locked);

/// Adds ` at 115200n8`; nothing where the speed is not known.
void describe_speed(int terminal, TextBuffer& text);

}  // namespace gdbdebug
