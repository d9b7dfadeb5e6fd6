// SPDX-License-Identifier: GPL-2.0-or-later
// child: see child.hpp.
#include "sys/child.hpp"

#include <signal.h>
#include <sys/wait.h>

#include "sys/sys.hpp"

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

Result<int> Child::wait(int timeout_ms) {
  constexpr std::uint64_t kDeathTimeoutMs = 1000;  // a killed process that is not stuck goes at once
  // Readable when the kernel closes the last of the child's ends; nobody writes.
  const bool in_time = sys::wait_readable(ours_.get(), sys::now_ms() + static_cast<unsigned>(timeout_ms));
  if (!in_time) {
    (void)::kill(pid_, SIGKILL);
    if (!sys::wait_readable(ours_.get(), sys::now_ms() + kDeathTimeoutMs))
      return Error{"waiting for a program", "", ETIMEDOUT};
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
