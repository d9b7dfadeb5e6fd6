// SPDX-License-Identifier: GPL-2.0-or-later
// holds: a real init for the tests of hold=. PID 1 only counts; its children execute /bin/free as fast as they can, and
// /bin/held as often as a test allows. Both are this program under another name.
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOOPS = 4, STATUS = 63 };

/// Shared by PID 1 and all loops; a test reads and writes it.
struct counts {
  volatile int frees;  // executions of /bin/free that have ended
  volatile int helds;  // and of /bin/held
  volatile int wrong;  // those that have not ended as they should
  volatile int quota;  // executions of /bin/held that may begin
  volatile int crash;  // PID 1 is to fault; 2: to execute itself as /shutdown
};
union {
  struct counts counts;
  char page[4096];
} shared __attribute__((aligned(4096)));
volatile int ticks = 0;

__attribute__((noinline)) int work(void) {
  return STATUS;
}

__attribute__((noinline)) static void fault(void) {
  *(volatile int*)1 = 0;
}

static void pause_ms(long milliseconds) {
  const struct timespec pause = {0, milliseconds * 1000000};
  nanosleep(&pause, 0);
}

static void run(const char* program, volatile int* ended) {
  char* const argv[] = {(char*)program, 0};
  char* const none[] = {0};
  const pid_t pid = vfork();
  if (pid == 0) {
    execve(program, argv, none);
    _exit(1);
  }
  int status = 0;
  if (pid < 0 || waitpid(pid, &status, 0) != pid || status != STATUS << 8)
    __atomic_fetch_add(&shared.counts.wrong, 1, __ATOMIC_RELAXED);
  else
    __atomic_fetch_add(ended, 1, __ATOMIC_RELAXED);
}

static void loop(void) {
  for (;;) {
    run("/bin/free", &shared.counts.frees);
    if (__atomic_fetch_sub(&shared.counts.quota, 1, __ATOMIC_RELAXED) > 0)
      run("/bin/held", &shared.counts.helds);
    else
      __atomic_fetch_add(&shared.counts.quota, 1, __ATOMIC_RELAXED);
    pause_ms(2);
  }
}

static void shut_down(void) {
  if (symlink("/usr/lib/gdbdebug/init", "/shutdown") == 0) execl("/shutdown", "/shutdown", (char*)0);
  _exit(99);
}

int main(int argc, char** argv) {
  if (argc > 0 && strncmp(argv[0], "/bin/", 5) == 0) return work();
  mmap(&shared, sizeof shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  for (int i = 0; i < LOOPS; ++i) {
    if (fork() == 0) loop();
  }
  for (;;) {
    ticks = ticks + 1;
    if (shared.counts.crash == 2) shut_down();
    if (shared.counts.crash) fault();
    pause_ms(5);
  }
}
