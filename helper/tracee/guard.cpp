// SPDX-License-Identifier: GPL-2.0-or-later
// guard: see guard.hpp.
#include "tracee/guard.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>

namespace gdbdebug::guard {
namespace {

/// Long enough to cost nothing, short against the seconds after which a person thinks that the machine hangs.
constexpr long kPeriodNs = 200'000'000;

/// Two timers, half a period apart: a SIGSTOP throws away a SIGCONT that is queued but not delivered yet, and a POSIX
/// timer whose signal was thrown away is never armed again (kernel: posix_timer_fn() in kernel/time/posix-timers.c).
///
/// Made by syscall(2): the C library's timer_create(3) brings its threads along, for SIGEV_THREAD.
std::array<int, 2> timers;
unsigned timer_count = 0;
volatile sig_atomic_t guarded = 0;  // a gdbserver
bool watches = false;               // the agent traces PID 1

/// A default disposition would wake the agent only once: the timer of an ignored signal is not armed again.
void on_continue(int) {
  // SIGCONT does nothing to a process that is not stopped and has no handler, so there is no need to look first.
  if (guarded > 0) ::kill(guarded, SIGCONT);
}

#ifdef SYS_timer_settime64  // 32-bit machines: the itimerspec of the C library has 64-bit times
constexpr long kTimerSettime = SYS_timer_settime64;
#else
constexpr long kTimerSettime = SYS_timer_settime;
#endif

bool set_timer(int timer, const itimerspec& period) {
  return ::syscall(kTimerSettime, timer, 0, &period, nullptr) == 0;
}

Status arm() {
  for (; timer_count < timers.size(); ++timer_count) {
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGCONT;
    if (::syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timers[timer_count]) != 0)
      return failed("making a timer", "");
  }
  for (unsigned i = 0; i < timer_count; ++i) {
    const long first = kPeriodNs * static_cast<long>(i + 1) / static_cast<long>(timers.size());
    const itimerspec period{.it_interval = {.tv_sec = 0, .tv_nsec = kPeriodNs},
                            .it_value = {.tv_sec = 0, .tv_nsec = first}};
    if (!set_timer(timers[i], period)) return failed("arming a timer", "");
  }
  return Done{};
}

void disarm() {
  if (guarded != 0 || watches) return;
  const itimerspec never{};
  for (unsigned i = 0; i < timer_count; ++i) (void)set_timer(timers[i], never);
}

}  // namespace

Status install() {
  struct sigaction action {};
  action.sa_handler = on_continue;
  action.sa_flags = SA_RESTART;
  if (::sigaction(SIGCONT, &action, nullptr) != 0) return failed("installing a signal handler", "SIGCONT");
  return Done{};
}

Status start(pid_t server) {
  guarded = server;
  return arm();
}

void stop() {
  guarded = 0;
  disarm();
}

Status watch() {
  watches = true;
  return arm();
}

void unwatch() {
  watches = false;
  disarm();
}

}  // namespace gdbdebug::guard
