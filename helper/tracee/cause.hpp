// SPDX-License-Identifier: GPL-2.0-or-later
// cause: why PID 1 has stopped, as the kernel tells it.
#pragma once

#include <signal.h>

#include <cstdint>
#include <optional>

#include "core/rsp/stop.hpp"
#include "tracee/server.hpp"

namespace gdbdebug {

/// Why PID 1 stands at `stop`: of a signal, who sent it and about which address (siginfo_t, sigaction(2)).
struct Cause {
  bool known = false;
  int signal = 0;                          ///< the kernel's number
  int code = 0;                            ///< si_code; 0 or less: sent by a process, more: by the kernel
  std::int32_t sender = 0;                 ///< of a signal that was sent by a process of this machine, else 0
  std::optional<std::uint64_t> address{};  ///< of a fault
  siginfo_t info{};                        ///< as the kernel has it, where it is known
};

Cause cause_of(const siginfo_t& info);
/// Asks gdbserver, which must be idle, with PID 1 held.
Cause find_cause(const Stop& stop, Server& server);

}  // namespace gdbdebug
