// SPDX-License-Identifier: GPL-2.0-or-later
// world: a real init that behaves as inits in the world do, for the session fuzzer. argv[1] names what it does, in
// words that are joined by commas: fork, vfork, daemon, dying, threads, handlers, recover, exec, output; `quiet` is
// none.
//
// What it does can be seen from outside, without a system call and without a stop: it counts in the file /world, which
// the fuzzer maps as well. There the fuzzer also leaves orders: to exit, to crash.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// tests/fault/sessions reads this: 32-bit numbers in this order.
struct world {
  volatile uint32_t ticks;     // rounds of the main loop
  volatile uint32_t order;     // for this process: 1 exit, 2 crash
  volatile uint32_t forked;    // children that were started
  volatile uint32_t reaped;    // children that were waited for
  volatile uint32_t strange;   // wait status of the last child that ended as it should not have
  volatile uint32_t handled;   // signals that came to a handler
  volatile uint32_t threads;   // threads that have run to their end
  volatile uint32_t execs;     // how often this program has executed itself
  volatile uint32_t children;  // work that children have done
};

enum { ORDER_EXIT = 1, ORDER_CRASH = 2, EXIT_STATUS = 7, CHILD_STATUS = 3 };

static struct world* world;
static const char* words;
volatile int ticks = 0;    // for watchpoints
volatile int scratch = 0;  // for a debugger to write
static volatile int sink;
static int* volatile nowhere;  // so that no compiler knows what a read of it does

// What breakpoints are set on.
__attribute__((noinline)) void work(int round) {
  ticks = ticks + 1;
  sink = round;
}
__attribute__((noinline)) void work_of_child(int round) {
  sink = round;
  ++world->children;
}
__attribute__((noinline)) void work_of_thread(int round) {
  sink = round;
}
__attribute__((noinline)) int add(int a, int b) {
  return a + b;
}
__attribute__((noinline)) int naps(int milliseconds) {
  const struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  return nanosleep(&pause, 0);
}
__attribute__((noinline)) int crashes(void) {
  return *nowhere = 0;
}
__attribute__((noinline)) int forks(void) {
  const pid_t pid = fork();
  if (pid == 0) _exit(CHILD_STATUS);
  return pid;
}

// More places for breakpoints than anybody has a table for.
#define SPOT(n)                                   \
  __attribute__((noinline)) void spot_##n(void) { \
    sink = 0x##n;                                 \
  }
#define SPOTS(n)                                                                                                \
  SPOT(n##0)                                                                                                    \
  SPOT(n##1) SPOT(n##2) SPOT(n##3) SPOT(n##4) SPOT(n##5) SPOT(n##6) SPOT(n##7) SPOT(n##8) SPOT(n##9) SPOT(n##a) \
      SPOT(n##b) SPOT(n##c) SPOT(n##d) SPOT(n##e) SPOT(n##f)
SPOTS(0)
SPOTS(1) SPOTS(2) SPOTS(3) SPOTS(4) SPOTS(5) SPOTS(6) SPOTS(7) SPOTS(8) SPOTS(9) SPOTS(a)
#define CALL(n) spot_##n();
#define CALLS(n)                                                                                                \
  CALL(n##0)                                                                                                    \
  CALL(n##1) CALL(n##2) CALL(n##3) CALL(n##4) CALL(n##5) CALL(n##6) CALL(n##7) CALL(n##8) CALL(n##9) CALL(n##a) \
      CALL(n##b) CALL(n##c) CALL(n##d) CALL(n##e) CALL(n##f)
    __attribute__((noinline)) void visit_spots(void) {
  CALLS(0) CALLS(1) CALLS(2) CALLS(3) CALLS(4) CALLS(5) CALLS(6) CALLS(7) CALLS(8) CALLS(9) CALLS(a)
}

static int does(const char* word) {
  const size_t size = strlen(word);
  for (const char* at = words; (at = strstr(at, word)) != 0; at += size) {
    if ((at == words || at[-1] == ',') && (at[size] == 0 || at[size] == ',')) return 1;
  }
  return 0;
}

// ---- children ----

// How each child has to end. Those that a child leaves behind are not here.
enum { KNOWN = 64 };
static struct {
  pid_t pid;
  int status;
} known[KNOWN];

static int too_many(void) {
  int count = 0;
  for (int i = 0; i < KNOWN; ++i) count += known[i].pid != 0;
  return count > KNOWN / 2;  // a debugger may hold them
}

static void expect(pid_t pid, int status) {
  if (pid <= 0) return;
  ++world->forked;
  for (int i = 0; i < KNOWN; ++i) {
    if (known[i].pid != 0) continue;
    known[i].pid = pid;
    known[i].status = status;
    return;
  }
}

static void reap(void) {
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    ++world->reaped;
    int expected = CHILD_STATUS << 8;
    for (int i = 0; i < KNOWN; ++i) {
      if (known[i].pid != pid) continue;
      expected = known[i].status;
      known[i].pid = 0;
    }
    // A debugger may kill what it follows; the agent may be ended by a test.
    if ((status & 0x7f) != expected && status != expected && (status & 0x7f) != SIGKILL)
      world->strange = (uint32_t)status;
  }
}

static void start_child(int round) {
  if (too_many()) return;
  const int dies = does("dying") && round % 3 == 0;
  const int daemon = does("daemon") && round % 3 == 1;
  const pid_t pid = fork();
  if (pid == 0) {
    work_of_child(round);
    signal(SIGSEGV, SIG_DFL);
    if (dies) crashes();
    if (daemon && fork() == 0) work_of_child(round);
    naps(2);
    _exit(CHILD_STATUS);
  }
  expect(pid, dies ? SIGSEGV : CHILD_STATUS << 8);
}

static void start_program(int round) {
  if (too_many()) return;
  char* const argv[] = {(char*)"child", 0};
  char* const envp[] = {0};
  const pid_t pid = vfork();
  if (pid == 0) {
    if (round % 2 == 0) execve("/proc/self/exe", argv, envp);
    _exit(CHILD_STATUS);
  }
  expect(pid, CHILD_STATUS << 8);
}

// ---- threads and signals ----

static void* thread(void* round) {
  work_of_thread((int)(intptr_t)round);
  ++world->threads;
  return 0;
}

static void* worker(void* unused) {
  for (int round = 0;; ++round) {
    work_of_thread(round);
    naps(7);
  }
  return unused;
}

static sigjmp_buf before_fault;

static void on_signal(int number) {
  ++world->handled;
  if (number == SIGSEGV) siglongjmp(before_fault, 1);
}

__attribute__((noinline)) static void recover(void) {
  if (sigsetjmp(before_fault, 1) == 0) crashes();
}

static void handle_signals(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  if (does("recover")) sigaction(SIGSEGV, &action, 0);
  if (!does("handlers")) return;
  for (const int* number = (const int[]){SIGUSR1, SIGALRM, SIGCHLD, 0}; *number != 0; ++number)
    sigaction(*number, &action, 0);
  const struct itimerval every = {{0, 30000}, {0, 30000}};
  setitimer(ITIMER_REAL, &every, 0);
}

int main(int argc, char** argv) {
  if (argc > 0 && strcmp(argv[0], "child") == 0) return CHILD_STATUS;
  words = argc > 1 ? argv[1] : "quiet";
  const int file = open("/world", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, sizeof *world) != 0) return 1;
  world = mmap(0, sizeof *world, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (world == MAP_FAILED) return 1;
  close(file);
  (void)mkfifo("/fifo", 0600);  // to open it waits for ever
  handle_signals();
  pthread_t one, other;
  if (does("threads")) pthread_create(&other, 0, worker, 0);
  for (int round = 0;; ++round) {
    work(round);
    ++world->ticks;
    if (world->order == ORDER_EXIT) return EXIT_STATUS;
    if (world->order == ORDER_CRASH) {
      signal(SIGSEGV, SIG_DFL);
      crashes();
    }
    if (round % 8 == 0) visit_spots();
    if (does("fork") && round % 8 == 1) start_child(round / 8);
    if (does("vfork") && round % 8 == 3) start_program(round / 8);
    if (does("threads") && round % 4 == 2 && pthread_create(&one, 0, thread, (void*)(intptr_t)round) == 0)
      pthread_join(one, 0);
    if (does("handlers") && round % 4 == 3) raise(SIGUSR1);
    if (does("recover") && round % 16 == 5) recover();
    if (does("output") && round % 8 == 6) (void)!write(1, "a line of output\n", 17);
    if (does("exec") && round % 64 == 63) {
      ++world->execs;
      char* const envp[] = {0};
      execve("/proc/self/exe", argv, envp);
    }
    reap();
    sink = getpid();  // so that a debugger can call it
    naps(3);
  }
}
