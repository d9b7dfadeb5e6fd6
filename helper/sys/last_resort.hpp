// SPDX-License-Identifier: GPL-2.0-or-later
// last_resort: what to do when a bug of ours breaks a precondition of the C++ library's headers.
#pragma once

namespace gdbdebug {

/// From now on `act` is called then, and should not return. Without it the process exits with 125.
void set_last_resort(void (*act)());

}  // namespace gdbdebug
