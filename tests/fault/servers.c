// SPDX-License-Identifier: GPL-2.0-or-later
// servers: a real init for the tests of gdbserver's life. It works on, and does what a debugger sets.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

volatile int ticks = 0;   // that it runs
volatile int seldom = 0;  // call rarely() once
volatile int forks = 0;   // a child at every tick: 1 by fork(), 2 by vfork(), 3 and it dies of a fault, 4 and it stays
volatile int threads = 0; // start so many threads that count too
volatile int crash = 0;   // a fault

__attribute__((noinline)) void work(void) { ticks = ticks + 1; }
__attribute__((noinline)) void rarely(void) { ticks = ticks + 1000; }

__attribute__((noinline)) void in_child(int kind) {
  if (kind == 3) *(volatile int *)8 = 1;
  while (kind == 4) pause();
  _exit(63);
}

static void make_child(void) {
  const int kind = forks;
  const pid_t pid = kind == 2 ? vfork() : fork();
  if (pid == 0) in_child(kind);
  if (kind == 4) forks = 0;
  while (kind != 4 && waitpid(pid, 0, 0) == pid) break;
}

static void *count(void *unused) {
  (void)unused;
  for (;;) {
    const struct timespec pause = {0, 3000000};
    nanosleep(&pause, 0);
    __atomic_fetch_add(&ticks, 1, __ATOMIC_RELAXED);
  }
}

int main(void) {
  for (;;) {
    work();
    if (forks) make_child();
    if (crash) *(volatile int *)8 = 1;
    for (; threads > 0; --threads) {
      pthread_t thread;
      if (pthread_create(&thread, 0, count, 0) != 0) abort();
    }
    if (seldom) {
      seldom = 0;
      rarely();
    }
    const struct timespec pause = {0, 5000000};
    nanosleep(&pause, 0);
  }
}
