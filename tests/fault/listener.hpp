// SPDX-License-Identifier: GPL-2.0-or-later
// listener: sees every system call of a process and its children before it is made, lets it pass, makes it fail, or
// answers it. By seccomp's user notification (seccomp_unotify(2), Linux 5.9 or newer for the descriptors).
//
// Why not ptrace (strace --inject): a task has one tracer, and PID 1's must be gdbserver. The filter needs nothing of
// the program, so the static helper runs as it is shipped, and PID 1, the agent and gdbserver are counted in one place.
#pragma once

#include <linux/seccomp.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace fault {

using Call = seccomp_notif;

/// In the process to be watched: installs the filter. Returns the listener's descriptor, -1 with errno.
/// From then on every call waits for the supervisor, except sendmsg(2) on `channel`, by which the descriptor is handed
/// over, and the calls that only end or resume something (rt_sigreturn, restart_syscall, exit, exit_group).
/// `only`: just these calls wait, and the others are made at once.
int install_filter(int channel, const std::vector<int>& only);

class Listener {
 public:
  explicit Listener(int fd) : fd_(fd) {}
  int fd() const { return fd_; }

  /// The next call that waits; nullopt if its process has gone meanwhile.
  std::optional<Call> receive() const;
  void let_pass(const Call& call) const;
  void fail(const Call& call, int error) const;
  void answer(const Call& call, long value) const;
  /// The call returns a descriptor for the same open file as `fd`. `cloexec`: as the call asked for.
  void give(const Call& call, int fd, bool cloexec) const;
  /// The caller's descriptor `number` is closed, and is one for the same open file as `fd` from then on; the call waits
  /// on.
  void replace(const Call& call, int number, int fd) const;

 private:
  int fd_;
};

/// The text at `address` in the caller's memory, up to its zero; empty if it cannot be read.
std::string text_at(pid_t pid, unsigned long long address);

}  // namespace fault
