// SPDX-License-Identifier: GPL-2.0-or-later
// facts: what the agent's /proc says about PID 1 where it stands. Nothing here needs gdbserver.
#pragma once

#include <sys/types.h>

#include "agent/judge.hpp"
#include "core/rsp/stop.hpp"
#include "tracee/cause.hpp"

namespace gdbdebug {

/// All but in_real_root. PID 1 is held at `stop`.
Facts find_facts(const Stop& stop, const Cause& cause);

/// Whether PID 1 has left the initramfs for the real root.
class RealRoot {
 public:
  /// Before the real init runs: PID 1 is in the initramfs.
  RealRoot();
  /// PID 1 has executed a program.
  void look();
  /// Stays true when PID 1 goes back to an initramfs at shutdown.
  bool entered() const { return entered_; }

 private:
  dev_t image_;
  bool entered_ = false;
};

}  // namespace gdbdebug
