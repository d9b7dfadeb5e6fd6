// SPDX-License-Identifier: GPL-2.0-or-later
// session: a real init to be debugged in the tests of sessions. It works on until a debugger sets finish.
#define _GNU_SOURCE
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

volatile int ticks = 0;   // that it runs
volatile int finish = 0;  // for a debugger to set: end
volatile int seldom = 0;  // call rarely() once
volatile int spree = 0;   // stop everybody, as systemd does at the switch to the real root, and trap before the SIGCONT

volatile int forks = 0;   // children to make, one after the other
volatile int doze = 0;    // seconds in which to be in uninterruptible sleep once: a vfork whose child takes its time
volatile int walk = 0;    // go through lane() once
volatile int crash = 0;   // crash after so many rounds
volatile int handle = 0;  // have a handler for SIGSEGV from now on, as systemd has; it ends PID 1

// Room for many breakpoints, one a byte.
asm(".globl lane, lane_end\nlane: .rept 1200\nnop\n.endr\nlane_end: ret");
void lane(void);

__attribute__((noinline)) int twice(int number) { return 2 * number; }
__attribute__((noinline)) void work(void) { ticks = ticks + 1; }
__attribute__((noinline)) void rarely(void) { ticks = ticks + 1000; }
__attribute__((noinline)) void between_stop_and_continue(void) { ticks = ticks + 1; }

static void on_fault(int signal) {
  (void)signal;
  _exit(3);
}

int main(void) {
  ticks = twice(0);
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
    if (walk) {
      walk = 0;
      lane();
      rarely();
    }
    if (doze) {
      const struct timespec sleep = {doze, 0};
      doze = 0;
      if (vfork() == 0) {
        nanosleep(&sleep, 0);
        _exit(0);
      }
    }
    if (forks) {
      forks = forks - 1;
      const pid_t child = fork();
      if (child == 0) _exit(0);
      waitpid(child, 0, 0);
    }
    if (handle) {
      handle = 0;
      signal(SIGSEGV, on_fault);
    }
    if (crash && --crash == 0) *(volatile int *)0 = 0;
    const struct timespec pause = {0, 5000000};
    nanosleep(&pause, 0);
  }
  return 0;
}
