// SPDX-License-Identifier: GPL-2.0-or-later
// ends: a real init that ends, or does what looks like it, in the way that its argument names. Files in its root tell
// how far it came.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/reboot.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

volatile int finish = 0;  // for a debugger to set

static void mark(const char* path) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) close(fd);
}

static void rest(long milliseconds) {
  struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  while (nanosleep(&pause, &pause) != 0 && errno == EINTR) continue;
}

static void live_on(void) {
  mark("/lives");
  while (!finish) rest(20);
}

static pthread_t start(void* (*function)(void*)) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, function, NULL) != 0) _exit(99);
  return thread;
}

// ---- threads ----

static void* make_calls(void* argument) {
  for (int i = 0; i < 20; i++) syscall(SYS_getppid);
  return argument;
}

static void* make_calls_for_ever(void* argument) {
  for (;;) {
    syscall(SYS_getpid);
    const struct timespec pause = {0, 300000};
    nanosleep(&pause, NULL);
  }
  return argument;
}

// Threads come and go while others make system calls.
static void churn(void) {
  for (int i = 0; i < 3; i++) start(make_calls_for_ever);
  for (int round = 0; round < 12; round++) {
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) threads[i] = start(make_calls);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  }
}

__attribute__((noinline)) static void exit_in_thread(void) {
  syscall(SYS_exit_group, 3);
}

static void* exit_later(void* argument) {
  rest(200);
  exit_in_thread();
  return argument;
}

// By the system call exit alone, which ends the process with its last thread.
static void* end_later(void* argument) {
  rest(300);
  syscall(SYS_exit, 4);
  return argument;
}

// ---- signals that are handled ----

static __thread sigjmp_buf back;

// As the runtime of Go and others: the handler changes where its thread goes on.
static void go_back(int number, siginfo_t* info, void* context) {
  (void)number;
  (void)context;
  if (info->si_code <= 0) mark("/strange");  // a signal without its siginfo
  siglongjmp(back, 1);
}

static void give_up(int number) {
  (void)number;
  rest(80);  // what a backtrace takes
  _exit(2);
}

static void freeze(int number) {
  if (fork() == 0) {
    signal(number, SIG_DFL);
    raise(number);
    _exit(97);
  }
  waitpid(-1, NULL, 0);
  mark("/frozen");
  while (!finish) rest(20);
}

static void handle_plainly(void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_NODEFER};
  for (const int* number = (const int[]){SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGQUIT, SIGABRT, 0}; *number; number++)
    sigaction(*number, &action, NULL);
}

static void handle_by_going_back(void) {
  static char stack[65536];
  const stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&other, NULL);
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  action.sa_sigaction = go_back;
  sigaction(SIGSEGV, &action, NULL);
}

__attribute__((noinline)) static void crash_here(void) {
  *(volatile int*)8 = 1;
}

static void recover(int times) {
  handle_by_going_back();
  for (int i = 0; i < 2; i++) start(make_calls_for_ever);
  for (int i = 0; i < times; i++) {
    if (sigsetjmp(back, 1) == 0) crash_here();
  }
  mark("/recovered");
}

static void* crash_in_thread(void* argument) {
  crash_here();
  return argument;
}

// Of it no handler and no tracer sees a signal.
static void die_of_a_filter(void) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
  syscall(SYS_getppid);
}

// ---- the machine ----

static void restart(unsigned command) {
  syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, command, NULL);
}

// As at the switch to the real root: another file system becomes the root, and PID 1 executes a program in it.
static void switch_root(const char* word, int is_initramfs) {
  mkdir("/sysroot", 0755);
  mount("sysroot", "/sysroot", "tmpfs", 0, NULL);
  mkdir("/sysroot/etc", 0755);
  if (is_initramfs) mark("/sysroot/etc/initrd-release");
  const int from = open("/usr/lib/gdbdebug/init", O_RDONLY), to = open("/sysroot/init", O_WRONLY | O_CREAT, 0755);
  char buffer[65536];
  for (ssize_t got; (got = read(from, buffer, sizeof buffer)) > 0;) (void)!write(to, buffer, (size_t)got);
  close(from);
  close(to);
  if (chdir("/sysroot") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".")) _exit(98);
  execl("/init", "/init", word, NULL);
  _exit(97);
}

// As systemd does it, and the exitrd to which that goes back, whose program is a script.
static void shut_down(const char* program) {
  (void)!symlink("/init", "/shutdown");
  mkdir("/scripts", 0755);
  const int script = open("/scripts/shutdown", O_WRONLY | O_CREAT, 0755);
  (void)!write(script, "#!/init live\n", 13);
  close(script);
  execl(program, program, "live", NULL);
  _exit(96);
}

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  if (!strcmp(what, "churn")) churn();
  if (!strcmp(what, "thread-exit")) start(exit_later);
  if (!strcmp(what, "last-thread")) {
    start(end_later);
    syscall(SYS_exit, 0);
  }
  if (!strncmp(what, "recover:", 8)) recover(atoi(what + 8));
  if (!strcmp(what, "recover-exit")) {
    recover(1);
    handle_plainly(give_up);
    start(crash_in_thread);
  }
  if (!strcmp(what, "recover-crash")) {
    recover(1);
    signal(SIGSEGV, SIG_DFL);
    rest(80);
    crash_here();
  }
  if (!strcmp(what, "segv")) crash_here();
  if (!strcmp(what, "abort")) abort();
  if (!strcmp(what, "trap")) __asm__ volatile("int3");
  if (!strcmp(what, "filter")) die_of_a_filter();
  if (!strcmp(what, "exit")) {
    rest(300);
    _exit(5);
  }
  if (!strcmp(what, "thread-segv")) start(crash_in_thread);
  if (!strcmp(what, "later")) {
    mark("/lives");
    while (!finish) rest(20);
    crash_here();
  }
  if (!strcmp(what, "exit-later")) {
    mark("/lives");
    while (!finish) rest(20);
    _exit(5);
  }
  if (!strcmp(what, "freeze")) {
    handle_plainly(freeze);
    crash_here();
  }
  if (!strcmp(what, "restart")) {
    restart(LINUX_REBOOT_CMD_CAD_OFF);
    mark("/cad");
    restart(LINUX_REBOOT_CMD_RESTART);
  }
  if (!strcmp(what, "power-off")) restart(LINUX_REBOOT_CMD_POWER_OFF);
  if (!strncmp(what, "real-root:", 10)) switch_root(what + 10, 0);
  if (!strncmp(what, "squash-root:", 12)) switch_root(what + 12, 1);
  if (!strcmp(what, "shutdown")) shut_down("/shutdown");
  if (!strcmp(what, "script")) shut_down("/scripts/shutdown");
  live_on();
  return 0;
}
