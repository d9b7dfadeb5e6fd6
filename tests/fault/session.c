// SPDX-License-Identifier: GPL-2.0-or-later
// session: a real init to be debugged in the tests of sessions. It works on until a debugger sets finish.
#define _GNU_SOURCE
#include <signal.h>
#include <time.h>
#include <unistd.h>

volatile int ticks = 0;   // that it runs
volatile int finish = 0;  // for a debugger to set: end
volatile int seldom = 0;  // call rarely() once
volatile int spree = 0;   // stop everybody, as systemd does at the switch to the real root, and trap before the SIGCONT

__attribute__((noinline)) void work(void) { ticks = ticks + 1; }
__attribute__((noinline)) void rarely(void) { ticks = ticks + 1000; }
__attribute__((noinline)) void between_stop_and_continue(void) { ticks = ticks + 1; }

int main(void) {
  while (!finish) {
    work();
    if (seldom) {
      seldom = 0;
      rarely();
    }
    if (spree) {
      spree = 0;
      kill(-1, SIGSTOP);
      between_stop_and_continue();
      kill(-1, SIGCONT);
    }
    const struct timespec pause = {0, 5000000};
    nanosleep(&pause, 0);
  }
  return 0;
}
