// SPDX-License-Identifier: GPL-2.0-or-later
// child: runs a program of the image to its end, with a limit.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include "core/base/fd.hpp"
#include "core/base/result.hpp"

namespace gdbdebug {

/// The exit status of a child that could not execute its program, as shells have it.
inline constexpr int kNotExecuted = 127;

/// A child with a pipe that its program inherits: its end is seen when the kernel closes that.
class Child {
 public:
  /// Forks; the child calls `become`, which executes a program and returns only where it cannot.
  template <typename Become>
  Status start(const char* program, Become become) {
    if (const auto status = fork(program); !status || pid_ > 0) return status;
    (void)::fcntl(theirs_.get(), F_SETFD, 0);
    become();
    ::_exit(kNotExecuted);
  }
  /// Waits for the end, but not longer than `timeout_ms`. ETIMEDOUT: the child has been killed, and is left behind if
  /// it is stuck in the kernel. The value is the exit status, or -1 if a signal has ended it.
  Result<int> wait(int timeout_ms);

 private:
  Status fork(const char* program);

  pid_t pid_ = -1;
  UniqueFd ours_;
  UniqueFd theirs_;
};

}  // namespace gdbdebug
