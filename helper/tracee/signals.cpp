// SPDX-License-Identifier: GPL-2.0-or-later
// signals: see signals.hpp.
#include "tracee/signals.hpp"

#include <signal.h>

#include <array>

namespace gdbdebug {
namespace {

constexpr std::array<unsigned char, 34> kFirst = {
    0,       SIGHUP,  SIGINT,    SIGQUIT, SIGILL,   SIGTRAP, SIGABRT, 0,       SIGFPE,  SIGKILL, SIGBUS,  SIGSEGV,
    SIGSYS,  SIGPIPE, SIGALRM,   SIGTERM, SIGURG,   SIGSTOP, SIGTSTP, SIGCONT, SIGCHLD, SIGTTIN, SIGTTOU, SIGIO,
    SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, 0,       SIGUSR1, SIGUSR2, SIGPWR,  SIGPOLL};
constexpr unsigned kReal33 = 45, kReal63 = 75, kReal32 = 77, kReal64 = 78;

}  // namespace

int host_signal(unsigned gdb_signal) {
  if (gdb_signal < kFirst.size()) return kFirst[gdb_signal];
  if (gdb_signal >= kReal33 && gdb_signal <= kReal63) return static_cast<int>(gdb_signal - kReal33 + 33);
  return gdb_signal == kReal32 ? 32 : gdb_signal == kReal64 ? 64 : 0;
}

unsigned gdb_signal(int host_signal) {
  if (host_signal <= 0) return 0;
  for (unsigned number = 1; number <= kReal64; ++number) {
    if (gdbdebug::host_signal(number) == host_signal) return number;
  }
  return 0;
}

}  // namespace gdbdebug
