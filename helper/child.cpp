// SPDX-License-Identifier: GPL-2.0-or-later
// child: see child.hpp.
#include "child.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

namespace gdbdebug {

Status Child::fork(const char* program) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return failed("making a pipe", "");
  ours_.reset(pipe[0]);
  theirs_.reset(pipe[1]);
  pid_ = ::fork();
  if (pid_ < 0) return failed("starting", program);
  if (pid_ > 0) theirs_.reset();
  return Done{};
}

bool Child::ends_within(int timeout_ms) const {
  pollfd poll{.fd = ours_.get(), .events = POLLIN, .revents = 0};
  int count = 0;
  do {
    count = ::poll(&poll, 1, timeout_ms);
  } while (count < 0 && errno == EINTR);
  return count != 0;
}

Result<int> Child::wait(int timeout_ms) {
  constexpr int kDeathTimeoutMs = 1000;  // a killed process that is not stuck goes at once
  const bool in_time = ends_within(timeout_ms);
  if (!in_time) {
    (void)::kill(pid_, SIGKILL);
    if (!ends_within(kDeathTimeoutMs)) return Error{"waiting for a program", "", ETIMEDOUT};
  }
  int status = 0;
  pid_t gone = 0;
  do {
    gone = ::waitpid(pid_, &status, 0);
  } while (gone < 0 && errno == EINTR);
  if (!in_time) return Error{"waiting for a program", "", ETIMEDOUT};
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace gdbdebug
