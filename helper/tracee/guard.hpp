// SPDX-License-Identifier: GPL-2.0-or-later
// guard: keeps gdbserver going when systemd stops every process.
//
// At the switch to the real root systemd sends SIGSTOP to everyone, then SIGTERM, then SIGCONT (kill(-1),
// broadcast_signal() in src/shared/killall.c). SIGSTOP ignores the `@` in argv[0]. If PID 1 reaches a ptrace stop in
// between, its tracer is stopped, and only PID 1 would have sent the SIGCONT: the machine hangs for good. So while
// gdbserver is attached a timer sends the agent SIGCONT, which wakes even a stopped process, and the agent passes it on
// to gdbserver.
#pragma once

#include <sys/types.h>

#include "core/base/result.hpp"

namespace gdbdebug::guard {

/// Installs the handler for SIGCONT. Once, before the first start(). Waits of the agent end with EINTR from then on.
Status install();
/// Arms the timers for a gdbserver. What fails is only the guard, so the session goes on.
Status start(pid_t server);
void stop();
/// The same for the agent alone, while it is PID 1's tracer.
Status watch();
void unwatch();

}  // namespace gdbdebug::guard
