// SPDX-License-Identifier: GPL-2.0-or-later
// init: a real init for the fault matrix. It asks the supervisor what to do by a system call that no kernel has: the
// supervisor sees it through the seccomp filter, looks at this process from outside, and answers it.
// Between two questions it does what argv[1] names: forks, vforks, threads, handles; nothing otherwise.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "marker.h"

static unsigned children;
static int strange;  // a child did not end as it should have
static volatile sig_atomic_t handled;

static void on_signal(int number) {
  (void)number;
  ++handled;
}

static void handle_signals(void) {
  const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &action, 0);
  sigaction(SIGALRM, &action, 0);
  const struct itimerval every = {{0, 20000}, {0, 20000}};
  setitimer(ITIMER_REAL, &every, 0);
}

static void nap(long milliseconds) {
  const struct timespec pause = {0, milliseconds * 1000000};
  nanosleep(&pause, 0);
}

static void reap(void) {
  int status;
  while (waitpid(-1, &status, WNOHANG) > 0) {
    if (status == MARKER_CHILD_STATUS << 8) --children;
    // The agent and gdbserver may be killed.
    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL) strange = 1;
  }
}

static void* thread(void* unused) {
  return unused;
}

static void behave(const char* how) {
  if (strcmp(how, "forks") == 0 || strcmp(how, "vforks") == 0) {
    const pid_t pid = children > 8 ? -1 : how[0] == 'v' ? vfork() : fork();
    if (pid == 0) _exit(MARKER_CHILD_STATUS);
    if (pid > 0) ++children;
    reap();
  } else if (strcmp(how, "threads") == 0) {
    pthread_t id;
    if (pthread_create(&id, 0, thread, 0) == 0) pthread_join(id, 0);
  } else if (strcmp(how, "handles") == 0) {
    raise(SIGUSR1);
  }
}

/// Its children end too, unless somebody holds them.
static int end(void) {
  for (int tries = 0; children > 0 && tries < 5000; ++tries) {
    reap();
    nap(2);
  }
  return children > 0 || strange ? MARKER_CHILD_LOST : MARKER_STATUS;
}

int main(int argc, char** argv) {
  const char* how = argc > 1 ? argv[1] : "";
  long action = syscall(MARKER_CALL, MARKER_STARTED);
  if (strcmp(how, "handles") == 0) handle_signals();
  for (;;) {
    switch (action) {
      case MARKER_GO_ON:
        behave(how);
        nap(2);
        break;
      case MARKER_CRASH:
        *(volatile int*)0 = 0;
        break;
      default:  // MARKER_EXIT, or nobody supervises
        _exit(end());
    }
    action = syscall(MARKER_CALL, MARKER_RUNS);
  }
}
