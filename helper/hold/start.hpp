// SPDX-License-Identifier: GPL-2.0-or-later
// start: whether a stopped process stands at the first instruction of its program.
#pragma once

#include <sys/types.h>

namespace gdbdebug::hold {

/// The first instruction is that of the dynamic linker where there is one, as execve(2) leaves a process. An execve(2)
/// that has failed leaves it somewhere else. False also where it cannot be read.
bool stands_at_start(pid_t process);

}  // namespace gdbdebug::hold
