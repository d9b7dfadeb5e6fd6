// SPDX-License-Identifier: GPL-2.0-or-later
// trap: what the kernel tells the tracer of a stop, and what it means (ptrace(2)). Pure.
#pragma once

#include <cstdint>
#include <optional>

namespace gdbdebug {

/// A stop of a thread that was seized.
struct Trap {
  enum class Kind : std::uint8_t {
    kSignal,  ///< the thread is about to get `signal`
    kGroup,   ///< it is stopped with its whole process, by `signal`
    kPause,   ///< it was interrupted, is new, or its process is not stopped any more
    kCall,    ///< at the beginning or the end of a system call
    kExec,
    kClone,
    kExit,  ///< it ends: nothing of its program is executed any more
    kOther,
  };
  Kind kind = Kind::kOther;
  int signal = 0;
};

/// `status`: si_status of waitid(2).
Trap parse_trap(int status);

/// What is known of a thread that stands at its PTRACE_EVENT_EXIT.
struct ThreadEnd {
  unsigned long status = 0;             ///< as wait(2) would tell it: PTRACE_GETEVENTMSG
  std::optional<std::uint64_t> call{};  ///< the system call that it is in
  bool last = true;                     ///< no other thread lives
};

/// What the end of a thread is for its process.
enum class EndKind : std::uint8_t {
  kThread,  ///< nothing: it ends alone, or in the wake of another one
  kExits,   ///< the process exits
  kKilled,  ///< the process dies of a signal that the kernel did not let the tracer see, as by a seccomp filter
};

EndKind kind_of(const ThreadEnd& end);
/// Of kExits: the status; of kKilled: the signal.
unsigned exit_status(const ThreadEnd& end);
int killed_by(const ThreadEnd& end);

}  // namespace gdbdebug
