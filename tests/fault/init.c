// SPDX-License-Identifier: GPL-2.0-or-later
// init: a real init for the fault matrix. It asks the supervisor what to do by a system call that no kernel has: the
// supervisor sees it through the seccomp filter, looks at this process from outside, and answers it.
#define _GNU_SOURCE
#include <time.h>
#include <unistd.h>

#include "marker.h"

int main(void) {
  long action = syscall(MARKER_CALL, MARKER_STARTED);
  for (;;) {
    switch (action) {
      case MARKER_GO_ON: {
        const struct timespec pause = {0, 2000000};
        nanosleep(&pause, 0);
        break;
      }
      case MARKER_CRASH:
        *(volatile int *)0 = 0;
        break;
      default:  // MARKER_EXIT, or nobody supervises
        _exit(MARKER_STATUS);
    }
    action = syscall(MARKER_CALL, MARKER_RUNS);
  }
}
