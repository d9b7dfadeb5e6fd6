// SPDX-License-Identifier: GPL-2.0-or-later
// fence: see fence.hpp.
#include "tracee/fence.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace gdbdebug {
namespace {

// From the kernel's <linux/ptrace.h>, which cannot be included beside every libc's <sys/ptrace.h>.
constexpr unsigned kPtraceKill = 8;
constexpr unsigned kPtraceSetOptions = 0x4200;
constexpr unsigned kExitKill = 1U << 20;
constexpr unsigned kPid1 = 1;

constexpr sock_filter load(std::size_t offset) {
  return {BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<unsigned>(offset)};
}
/// The lower half of an argument: the numbers here are small.
constexpr sock_filter load_argument(std::size_t number) {
  constexpr std::size_t kLower = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0;
  return load(offsetof(seccomp_data, args) + 8 * number + kLower);
}
constexpr sock_filter if_equal(unsigned value, unsigned char yes, unsigned char no) {
  return {BPF_JMP | BPF_JEQ | BPF_K, yes, no, value};
}
constexpr sock_filter if_set(unsigned bits, unsigned char yes, unsigned char no) {
  return {BPF_JMP | BPF_JSET | BPF_K, yes, no, bits};
}
constexpr sock_filter result(unsigned value) {
  return {BPF_RET | BPF_K, 0, 0, value};
}

}  // namespace

bool raise_fence() {
  // Jumps count the instructions between.
  static const std::array<sock_filter, 21> code = {{
      load(offsetof(seccomp_data, nr)),    // 0
      if_equal(SYS_ptrace, 3, 0),          // 1: to 5
      if_equal(SYS_kill, 9, 0),            // 2: to 12
      if_equal(SYS_tkill, 8, 0),           // 3: to 12
      result(SECCOMP_RET_ALLOW),           // 4
      load_argument(0),                    // 5: the request
      if_equal(kPtraceSetOptions, 0, 2),   // 6: to 7, 9
      load_argument(3),                    // 7: the options
      if_set(kExitKill, 10, 9),            // 8: to 19, 18
      if_equal(kPtraceKill, 0, 8),         // 9: to 10, 18
      load_argument(1),                    // 10: the process
      if_equal(kPid1, 8, 6),               // 11: to 20, 18
      load_argument(1),                    // 12: the signal
      if_equal(SIGCONT, 3, 0),             // 13: to 17
      if_equal(SIGKILL, 0, 3),             // 14: to 15, 18
      load_argument(0),                    // 15: the process, or its only thread
      if_equal(kPid1, 3, 1),               // 16: to 20, 18
      result(SECCOMP_RET_ERRNO),           // 17: with errno 0, as if it had been sent
      result(SECCOMP_RET_ALLOW),           // 18
      result(SECCOMP_RET_ERRNO | EINVAL),  // 19
      result(SECCOMP_RET_ERRNO | EPERM),   // 20
  }};
  const sock_fprog program{code.size(), const_cast<sock_filter*>(code.data())};
  // No PR_SET_NO_NEW_PRIVS: the agent has CAP_SYS_ADMIN, and gdbserver needs its rights.
  return ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

bool Rope::make() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  read_.reset(ends[0]);
  write_.reset(ends[1]);
  return true;
}

bool Rope::tie(pid_t process, int signal) {
  return ::fcntl(read_.get(), F_SETOWN, process) == 0 && ::fcntl(read_.get(), F_SETSIG, signal) == 0 &&
         ::fcntl(read_.get(), F_SETFL, O_ASYNC) == 0;
}

void Rope::untie() {
  if (read_) (void)::fcntl(read_.get(), F_SETFL, 0);
  write_.reset();
  read_.reset();
}

}  // namespace gdbdebug
