// SPDX-License-Identifier: GPL-2.0-or-later
// step_counter ROOT PROGRAM: counts the instructions of PROGRAM in user space, run as /init would run: as process 1 of a
// new PID and mount namespace, in ROOT, from its first one up to the exec of the next program. It is stepped by ptrace,
// since callgrind cannot follow a process 1 that executes another program. Needs root. Prints the number.
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const pid_t child = (pid_t)syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) {
    char* const arguments[] = {"/init", NULL};
    char* const environment[] = {"HOME=/", "TERM=linux", NULL};
    if (chroot(argv[1]) || chdir("/") || ptrace(PTRACE_TRACEME, 0, 0, 0)) _exit(120);
    raise(SIGSTOP);
    execve(argv[2], arguments, environment);
    _exit(121);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status)) return 1;
  if (ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)) return 1;
  if (ptrace(PTRACE_CONT, child, 0, 0)) return 1;
  const int executed = SIGTRAP | (PTRACE_EVENT_EXEC << 8);
  for (long steps = -1; waitpid(child, &status, 0) >= 0 && WIFSTOPPED(status);) {
    if (status >> 8 == executed && steps >= 0) {
      printf("%ld\n", steps);
      ptrace(PTRACE_KILL, child, 0, 0);
      return 0;
    }
    if (status >> 8 == executed || steps >= 0) steps++;
    if (ptrace(PTRACE_SINGLESTEP, child, 0, 0)) break;
  }
  fprintf(stderr, "step_counter: %s in %s: wait status %x\n", argv[2], argv[1], (unsigned)status);
  return 1;
}
