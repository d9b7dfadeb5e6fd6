// SPDX-License-Identifier: GPL-2.0-or-later
// fence: what keeps gdbserver from taking PID 1 along when it ends, or when the agent does.
//
// After an exec event gdbserver takes PID 1 for a process that it has made itself (linux-low.cc: add_linux_process(pid,
// 0)). From then on it asks for PTRACE_O_EXITKILL, with which the kernel kills even init when its tracer dies, and at
// the end of its connection it kills PID 1 instead of detaching. Either is a panic.
//
// Where a SIGSTOP of its own is still on its way to a thread, gdbserver sends that thread a SIGCONT before it lets go
// of it (linux_detach_one_lwp() in linux-low.cc). That ends every SIGSTOP of the whole process, also the one by which
// the agent keeps PID 1 where it is until somebody else traces it.
#pragma once

#include <sys/types.h>

#include "core/base/fd.hpp"

namespace gdbdebug {

/// In the child that becomes gdbserver: a seccomp filter that outlives the exec. PTRACE_O_EXITKILL seems to be unknown
/// to this kernel (EINVAL), PID 1 cannot be killed (EPERM), and no SIGCONT is sent, although it seems so: the agent
/// sends it, when it is time. False with errno where the kernel has no filters.
bool raise_fence();

/// A pipe that the kernel pulls when the last process with its writing end has gone: it sends a signal then.
/// The reading end has to be open in a process that outlives the writing one, if only for a moment.
class Rope {
 public:
  bool make();
  /// From now on `process` gets `signal` when the writing end is closed.
  bool tie(pid_t process, int signal);
  /// Takes it away without a signal.
  void untie();
  /// Closes this process's copy of the writing end: those that inherited it have it now.
  void leave_writing_end() { write_.reset(); }
  bool made() const { return static_cast<bool>(read_); }
  int reading_end() const { return read_.get(); }
  int writing_end() const { return write_.get(); }

 private:
  UniqueFd write_;
  UniqueFd read_;
};

}  // namespace gdbdebug
