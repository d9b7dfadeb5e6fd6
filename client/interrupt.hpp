// SPDX-License-Identifier: GPL-2.0-or-later
// interrupt: Ctrl-C while something is half done ends in an error, so that whoever began it can clear it away.
#pragma once

#include "result.hpp"

namespace gdbdebug::client {

/// From now on SIGINT, SIGTERM and SIGHUP make interrupted() true instead of ending the process.
void catch_interrupts();

/// The same, after a part in which SIGINT was ignored for a child's sake. What came before is forgotten.
void catch_interrupts_again();

/// Whether one of those signals has come.
bool interrupted();

/// The error to return then.
Error interrupted_error(std::string step, std::string subject);

}  // namespace gdbdebug::client
