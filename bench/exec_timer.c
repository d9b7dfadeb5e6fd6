// SPDX-License-Identifier: GPL-2.0-or-later
// exec_timer ROOT ROUNDS PROGRAM...: times each PROGRAM as /init would run: as process 1 of a new PID and mount
// namespace, in ROOT, from before its exec to its end. The programs take turns, so that a busy moment hits all of them.
// Prints one line a round, nanoseconds in the order of the programs. Needs root. Exit status 1: one did not end with 0.
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static long long time_of(const char* root, const char* program, long long* started) {
  const long child = syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) {
    char* const argv[] = {"/init", NULL};
    char* const environment[] = {"HOME=/", "TERM=linux", NULL};
    if (chroot(root) || chdir("/")) _exit(120);
    *started = now();
    execve(program, argv, environment);
    _exit(121);
  }
  int status = -1;
  if (child < 0 || waitpid((pid_t)child, &status, 0) < 0 || status != 0) {
    fprintf(stderr, "exec_timer: %s in %s: wait status %d\n", program, root, status);
    exit(1);
  }
  return now() - *started;
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  long long* started =
      mmap(NULL, sizeof *started, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (started == MAP_FAILED) return 2;
  for (int round = 0; round < atoi(argv[2]); round++) {
    for (int i = 3; i < argc; i++) printf("%lld ", time_of(argv[1], argv[i], started));
    putchar('\n');
  }
  return 0;
}
