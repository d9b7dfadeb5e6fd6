// SPDX-License-Identifier: GPL-2.0-or-later
// signals: the kernel's numbers of the signals, by gdb's, and the other way round (include/gdb/signals.def). Pure.
#pragma once

namespace gdbdebug {

/// 0 for those that Linux does not have.
int host_signal(unsigned gdb_signal);
/// 0 for what is no signal.
unsigned gdb_signal(int host_signal);

}  // namespace gdbdebug
