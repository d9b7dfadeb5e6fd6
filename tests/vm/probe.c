// SPDX-License-Identifier: GPL-2.0-or-later
// probe: a real init for the VM tests. It tells what it finds at its first line, then does what PROBE= says.
// Assumes it is PID 1 and has all rights. What it finds it writes, as one JSON object, to QEMU itself: on x86 to its
// debug console (I/O port 0xe9), on arm64 by semihosting. No device node, descriptor or driver is needed, so the
// telling changes nothing of what is told, and works when the machine has no console at all.
// PROBE comes from the kernel command line (a word `k=v` without a dot goes to init's environment):
//   poweroff (default), stamp (a line in the kernel log at once, then as poweroff), spin (tick until a debugger sets
//   finish), census (the same, and tell of all processes every second), spin-blocked (the same with every signal
//   blocked, as systemd runs), spin:N (N ticks),
//   segv, abort, jump0, ill, fpe, bus, trap, sys, overflow: it ends by that signal (overflow: of its stack)
//   overflow-thread: the same of another thread's stack
//   segv-handled: the same with a handler that forks a child for the core and then freezes, as systemd has it
//   abort-sent: a child, whose name is `sender`, sends it that signal, for which it has the same handler
//   lookup: it calls a function that no library has (built with -DPROBE_LOOKUP and lookup.c)
//   exit:N, exit-thread:N (by the system call exit alone), exec (itself once more), hang
//   watchdog: it starts the watchdog (3 seconds) and feeds it at each tick, until a debugger sets finish: then as segv
//   kill-agent: a child kills gdbdebug's agent as soon as PID 1 is held; 60 ticks
//   threads: a second thread ends, then as poweroff; forks: thirty children, ten a second, then as segv
//   reboot: it restarts the machine by its own reboot(2)
//   recover: it crashes three times, with a handler that goes on behind the crash as the runtime of Go does, while
//   other threads make system calls; 80 ms later it crashes in a second thread, and its handler exits with status 2
//   killed: a seccomp filter of its own kills it
//   signals: others send it what must not hold it, its children end by the hundred, then as poweroff
// REPORT=no on the kernel command line: it tells nothing, and is at its action sooner. With POWEROFF=child a child of
// its powers the machine off, and not PID 1 itself. Built with -DPROBE_BREAKS_LINKER it crashes in the dynamic linker,
// in any case: a resolver that the linker calls while it relocates the program dereferences a null pointer.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/watchdog.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <sys/io.h>
#endif

enum { kSyslogReadAll = 3, kKernelSigsetBytes = 8 };

// For a debugger: set finish to leave spin, read ticks to see that it runs.
volatile int finish = 0;
volatile int ticks = 0;

static int locked_down = 0;  // QEMU cannot be reached: it tells on its descriptor 1

#if defined(__x86_64__)

// The kernel's lockdown forbids it.
static int reach_qemu(void) {
  return iopl(3);
}

static void send_to_qemu(const char* bytes, size_t count) {
  enum { kDebugPort = 0xe9 };
  __asm__ volatile("rep outsb" : "+S"(bytes), "+c"(count) : "d"(kDebugPort) : "memory");
}

#define UNDEFINED_INSTRUCTION "ud2"
#define BREAKPOINT_INSTRUCTION "int3; nop"

#elif defined(__aarch64__)

static int reach_qemu(void) {
  return 0;
}

// SYS_WRITE0 of "Semihosting for AArch32 and AArch64": a string that ends with a zero byte.
static void send_to_qemu(const char* bytes, size_t count) {
  char text[256];
  for (size_t part; count > 0; bytes += part, count -= part) {
    part = count < sizeof text ? count : sizeof text - 1;
    memcpy(text, bytes, part);
    text[part] = '\0';
    register long operation __asm__("x0") = 4;
    register const char* argument __asm__("x1") = text;
    __asm__ volatile("hlt #0xf000" : "+r"(operation) : "r"(argument) : "memory");
  }
}

#define UNDEFINED_INSTRUCTION "udf #0"
#define BREAKPOINT_INSTRUCTION "brk #0; nop"

#else
#error "the probe does not know this machine"
#endif

static void send(const char* bytes, size_t count) {
  if (locked_down) return (void)!write(1, bytes, count);
  send_to_qemu(bytes, count);
}

static void send_text(const char* text) {
  send(text, strlen(text));
}

__attribute__((format(printf, 1, 2))) static void say(const char* format, ...) {
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (length > 0) send(line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
}

// A JSON string. Bytes outside printable ASCII are written as code points of the same number.
static void say_string(const char* text, size_t length) {
  send_text("\"");
  for (size_t i = 0; i < length; i++) {
    const unsigned char c = (unsigned char)text[i];
    if (c == '"' || c == '\\') {
      say("\\%c", c);
    } else if (c < ' ' || c >= 0x7f) {
      say("\\u%04x", c);
    } else {
      send((const char*)&c, 1);
    }
  }
  send_text("\"");
}

static void say_strings(const char* key, char** strings) {
  say("\"%s\":[", key);
  for (int i = 0; strings[i]; i++) {
    if (i) send_text(",");
    say_string(strings[i], strlen(strings[i]));
  }
  send_text("],\n");
}

static void say_descriptors(void) {
  send_text("\"descriptors\":[");
  for (int fd = 0, first = 1; fd < 4096; fd++) {
    struct stat status;
    if (fstat(fd, &status)) continue;
    say("%s[%d,\"mode %o rdev %lx flags %o fdflags %d\"]", first ? "" : ",", fd, status.st_mode,
        (unsigned long)status.st_rdev, (unsigned)fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
    first = 0;
  }
  send_text("],\n");
}

// Through the bare system call: libc hides the signals it keeps for itself.
static void say_signals(void) {
  uint64_t mask = 0, pending = 0;
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, kKernelSigsetBytes);
  syscall(SYS_rt_sigpending, &pending, kKernelSigsetBytes);
  say("\"blocked\":\"%016llx\",\"pending\":\"%016llx\",\"dispositions\":{", (unsigned long long)mask,
      (unsigned long long)pending);
  for (int number = 1, first = 1; number <= 64; number++) {
    struct {
      uintptr_t handler;
      unsigned long flags;
      uintptr_t restorer;
      uint64_t mask;
    } action = {0};
    if (syscall(SYS_rt_sigaction, number, NULL, &action, kKernelSigsetBytes)) continue;
    if (!action.handler && !action.flags && !action.mask) continue;
    say("%s\"%d\":\"handler %lx flags %lx mask %llx\"", first ? "" : ",", number, (unsigned long)action.handler,
        action.flags, (unsigned long long)action.mask);
    first = 0;
  }
  send_text("},\n");
}

static void say_limits(void) {
  send_text("\"limits\":{");
  for (int resource = 0; resource < (int)RLIM_NLIMITS; resource++) {
    struct rlimit limit = {0, 0};
    getrlimit((__rlimit_resource_t)resource, &limit);
    say("%s\"%d\":\"%lld %lld\"", resource ? "," : "", resource, (long long)limit.rlim_cur, (long long)limit.rlim_max);
  }
  send_text("},\n");
}

// procfs without a mount point; -1 where the kernel has none to give.
static int detached_proc(void) {
  const int context = (int)syscall(SYS_fsopen, "proc", 1);
  if (context < 0) return -1;
  syscall(SYS_fsconfig, context, 6 /* FSCONFIG_CMD_CREATE */, NULL, NULL, 0);
  const int mount = (int)syscall(SYS_fsmount, context, 1, 0);
  close(context);
  return mount;
}

static size_t read_at(int directory, const char* path, char* buffer, size_t size) {
  const int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  size_t length = 0;
  ssize_t got;
  while (length < size && (got = read(fd, buffer + length, size - length)) > 0) length += (size_t)got;
  close(fd);
  return length;
}

static void say_file(int directory, const char* key, const char* path) {
  static char buffer[65536];
  say("\"%s\":", key);
  say_string(buffer, read_at(directory, path, buffer, sizeof buffer));
  send_text(",\n");
}

// Every process that is not a kernel thread: kthreadd is 2, and the others are its children.
static void say_processes(int proc) {
  send_text("\"processes\":[");
  const int fd = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* directory = fd < 0 ? NULL : fdopendir(fd);
  int first = 1;
  for (struct dirent* entry; directory && (entry = readdir(directory));) {
    char path[PATH_MAX], text[4096], state = '?';
    int parent = 0;
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    snprintf(path, sizeof path, "%s/stat", entry->d_name);
    const size_t length = read_at(proc, path, text, sizeof text - 1);
    text[length] = 0;
    const char* after_name = strrchr(text, ')');
    if (!after_name || sscanf(after_name + 1, " %c %d", &state, &parent) != 2) continue;
    if (parent == 2 || !strcmp(entry->d_name, "2")) continue;
    snprintf(path, sizeof path, "%s/cmdline", entry->d_name);
    const size_t arguments = read_at(proc, path, text, sizeof text);
    say("%s{\"pid\":%s,\"parent\":%d,\"state\":\"%c\",\"argv\":", first ? "" : ",", entry->d_name, parent, state);
    say_string(text, arguments);
    snprintf(path, sizeof path, "%s/oom_score_adj", entry->d_name);
    say(",\"oom_score_adj\":%.*s}", (int)read_at(proc, path, text, sizeof text), text);
    first = 0;
  }
  if (directory) closedir(directory);
  send_text("],\n");
}

// Each name below `path` on the same file system, with its mode, size and target: whoever leaves a file, is seen.
static void say_tree(const char* path, dev_t device, int* first) {
  DIR* directory = opendir(path);
  for (struct dirent* entry; directory && (entry = readdir(directory));) {
    char name[PATH_MAX], target[PATH_MAX] = "";
    struct stat status;
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    snprintf(name, sizeof name, "%s/%s", strcmp(path, "/") ? path : "", entry->d_name);
    if (lstat(name, &status)) continue;
    if (S_ISLNK(status.st_mode)) (void)!readlink(name, target, sizeof target - 1);
    say("%s\"%s mode %o links %lu size %lld%s%s\"", *first ? "" : ",\n", name, status.st_mode,
        (unsigned long)status.st_nlink, S_ISDIR(status.st_mode) ? 0LL : (long long)status.st_size,
        *target ? " -> " : "", target);
    *first = 0;
    if (S_ISDIR(status.st_mode) && status.st_dev == device) say_tree(name, device, first);
  }
  if (directory) closedir(directory);
}

// The kernel log's lines that name us, with their levels: also what no console showed.
static void say_kernel_log(void) {
  static char log[1 << 20];
  const int length = klogctl(kSyslogReadAll, log, sizeof log - 1);
  log[length > 0 ? length : 0] = 0;
  send_text("\"kernel_log\":[");
  int first = 1;
  for (char *line = log, *end; *line; line = end) {
    end = strchrnul(line, '\n');
    if (memmem(line, (size_t)(end - line), "gdbdebug: ", 10)) {
      if (!first) send_text(",\n");
      say_string(line, (size_t)(end - line));
      first = 0;
    }
    if (*end) end++;
  }
  send_text("],\n");
}

static void report(char** argv, char** environment) {
  send_text("{");
  say_strings("argv", argv);
  say_strings("environment", environment);
  say_descriptors();
  say_signals();
  say_limits();
  char name[17] = "", cwd[PATH_MAX] = "";
  prctl(PR_GET_NAME, name);
  if (!getcwd(cwd, sizeof cwd)) strcpy(cwd, "?");
  const mode_t mask = umask(0);
  umask(mask);
  say("\"comm\":\"%s\",\"cwd\":\"%s\",\"umask\":\"%03o\",\"ids\":\"%d %d %d %d uid %d %d gid %d %d\",", name, cwd, mask,
      getpid(), getppid(), getpgid(0), getsid(0), getuid(), geteuid(), getgid(), getegid());
  int subreaper = -1, death_signal = -1;
  prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
  prctl(PR_GET_PDEATHSIG, &death_signal);
  say("\"prctl\":\"dumpable %d subreaper %d pdeathsig %d keepcaps %d securebits %d\",\n", prctl(PR_GET_DUMPABLE),
      subreaper, death_signal, prctl(PR_GET_KEEPCAPS), prctl(PR_GET_SECUREBITS));
  siginfo_t info = {0};
  const int waited = waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL);
  say("\"has_children\":%s,\"dead_child\":%d,\n", waited && errno == ECHILD ? "false" : "true", (int)info.si_pid);
  const int proc = detached_proc();
  say_file(proc, "mountinfo", "self/mountinfo");
  say_file(proc, "status", "self/status");
  say_file(proc, "stat", "self/stat");
  say_file(proc, "cgroup", "self/cgroup");
  say_file(proc, "oom_score_adj", "self/oom_score_adj");
  say_file(proc, "cmdline", "cmdline");
  say_processes(proc);
  if (proc >= 0) close(proc);
  struct stat status = {0};
  stat("/", &status);
  int first = 1;
  send_text("\"tree\":[");
  say_tree("/", status.st_dev, &first);
  send_text("],\n");
  say_kernel_log();
  send_text("\"end\":true}\n");
}

// The kernel's own clock on the first line of main, for the benchmark. The image has a node for it.
static void stamp(void) {
  const char line[] = "<4>probe: stamp\n";
  const int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
  (void)!write(fd, line, sizeof line - 1);
  close(fd);
}

__attribute__((noinline)) void tick(int number) {
  const struct timespec period = {0, 50 * 1000 * 1000};
  ticks = number;
  send_text(".");  // whoever waits for it knows that PID 1 runs
  nanosleep(&period, NULL);
}

// What is there now: each process that is not a kernel thread, with its open files, and the machine's memory.
static int count_files(int proc, const char* process) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/fd", process);
  const int fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* directory = fd < 0 ? NULL : fdopendir(fd);
  int count = 0;
  for (struct dirent* entry; directory && (entry = readdir(directory));) count += entry->d_name[0] != '.';
  if (directory) closedir(directory);
  return count;
}

static void take_census(void) {
  static char text[65536];
  const int proc = detached_proc();
  const int fd = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* directory = fd < 0 ? NULL : fdopendir(fd);
  int first = 1;
  send_text("{\"census\":[");
  for (struct dirent* entry; directory && (entry = readdir(directory));) {
    char path[PATH_MAX], state = '?';
    int parent = 0, group = 0, session = 0, terminal = 0;
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    snprintf(path, sizeof path, "%s/stat", entry->d_name);
    text[read_at(proc, path, text, sizeof text - 1)] = 0;
    const char* after_name = strrchr(text, ')');
    if (!after_name || sscanf(after_name + 1, " %c %d %d %d %d", &state, &parent, &group, &session, &terminal) != 5)
      continue;
    if (parent == 2 || !strcmp(entry->d_name, "2")) continue;
    say("%s{\"pid\":%s,\"parent\":%d,\"state\":\"%c\",\"group\":%d,\"session\":%d,\"terminal\":%d,\"files\":%d,",
        first ? "" : ",\n", entry->d_name, parent, state, group, session, terminal, count_files(proc, entry->d_name));
    for (const char* const* name = (const char* const[]){"cmdline", "oom_score_adj", "status", NULL}; *name; name++) {
      snprintf(path, sizeof path, "%s/%s", entry->d_name, *name);
      say_file(proc, *name, path);
    }
    send_text("\"end\":true}");
    first = 0;
  }
  send_text("],");
  say_file(proc, "meminfo", "meminfo");
  if (directory) closedir(directory);
  close(proc);
  send_text("\"census_end\":true}\n");
}

// A child that waits until PID 1 is in a tracing stop (proc(5), state t), and then kills the agent.
static void kill_agent_when_held(void) {
  static char text[4096];
  if (fork() != 0) return;
  const int proc = detached_proc();
  for (const char* name = ""; !*name || name[1] != 't';) {
    const struct timespec period = {0, 20 * 1000 * 1000};
    nanosleep(&period, NULL);
    text[read_at(proc, "1/stat", text, sizeof text - 1)] = 0;
    name = strrchr(text, ')');
    name = name ? name + 1 : "";
  }
  DIR* directory = fdopendir(openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (struct dirent* entry; directory && (entry = readdir(directory));) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/cmdline", entry->d_name);
    text[read_at(proc, path, text, sizeof text - 1)] = 0;
    if (strncmp(text, "@gdbdebug", 9)) continue;
    say("\nprobe: the agent, %s, was killed: %d\n", entry->d_name, kill(atoi(entry->d_name), SIGKILL));
  }
  _exit(0);
}

static void spin(long count) {
  for (int number = 1; !finish && (count == 0 || number <= count); number++) tick(number);
}

// The first watchdog's number is that of the misc device (include/linux/miscdevice.h, WATCHDOG_MINOR).
static void feed_watchdog(void) {
  int seconds = 3;
  mknod("/watchdog", S_IFCHR | 0600, makedev(10, 130));
  const int fd = open("/watchdog", O_WRONLY | O_CLOEXEC);
  say("\nprobe: watchdog: %d\n", ioctl(fd, WDIOC_SETTIMEOUT, &seconds) == 0 ? seconds : -errno);
  for (int number = 1; !finish; number++) {
    tick(number);
    ioctl(fd, WDIOC_KEEPALIVE, 0);
  }
}

// Each end has a function of its own, so that a backtrace can be told right from wrong.
__attribute__((noinline)) static void crash_here(void) {
  *(volatile int*)8 = 1;
}
__attribute__((noinline)) static void crash_by_abort(void) {
  abort();
}
__attribute__((noinline)) static void crash_by_undefined(void) {
  __asm__ volatile(UNDEFINED_INSTRUCTION);
}
__attribute__((noinline)) static void crash_by_breakpoint(void) {
  __asm__ volatile(BREAKPOINT_INSTRUCTION);
}

__attribute__((noinline)) static void crash_at_0(void) {
  ((void (*volatile)(void))(uintptr_t)0)();
  ticks++;  // not the last thing it does: the call must not become a jump
}

__attribute__((noinline)) static int crash_by_division(volatile int divisor) {
  return ticks / divisor;
}

// A page of a file beyond the file's end.
__attribute__((noinline)) static void crash_by_bus(void) {
  const int fd = (int)syscall(SYS_memfd_create, "empty", 0);
  *(volatile char*)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) = 1;
}

// A system call that a filter answers with SIGSYS, or by killing the process.
__attribute__((noinline)) static void crash_by_filter(unsigned action) {
  struct sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
                                 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
                                 BPF_STMT(BPF_RET | BPF_K, action), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
  syscall(SYS_getppid);
}

// A small stack, so that a core file of it is small too.
__attribute__((noinline)) static int crash_by_recursion(int depth) {
  volatile char frame[2048];
  frame[0] = (char)depth;
  if (finish) return 0;  // a debugger could stop it
  return crash_by_recursion(depth + 1) + frame[0];
}

static void overflow(void) {
  const struct rlimit limit = {256 * 1024, 256 * 1024};
  setrlimit(RLIMIT_STACK, &limit);
  ticks = crash_by_recursion(0);
}

static void* overflow_here(void* argument) {
  ticks = crash_by_recursion(0);
  return argument;
}

static void overflow_thread(void) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  pthread_t thread;
  pthread_create(&thread, &attributes, overflow_here, NULL);
  pthread_join(thread, NULL);
}

// As systemd's (crash_handler.c): a child dies of the signal for the core file, PID 1 waits for it and never returns.
static void on_crash(int number) {
  if (fork() == 0) {
    signal(number, SIG_DFL);
    raise(number);
    _exit(97);
  }
  waitpid(-1, NULL, 0);
  send_text("\nprobe: frozen\n");
  for (;;) pause();
}

static void handle_crashes(void) {
  struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_NODEFER};
  for (const int* number = (const int[]){SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGQUIT, SIGABRT, 0}; *number; number++)
    sigaction(*number, &action, NULL);
}

static void have_abort_sent(void) {
  handle_crashes();
  if (fork() == 0) {
    prctl(PR_SET_NAME, "sender");
    kill(1, SIGABRT);
    for (;;) pause();  // so that there is somebody who can be named
  }
  for (;;) pause();
}

static volatile int interrupts;
static void on_interrupt(int number) {
  (void)number;
  interrupts++;
}

// What the kernel keeps from PID 1, because it has no handler; what PID 1 does handle; and more children than a queue
// of signals has room for.
static void receive_signals(void) {
  signal(SIGINT, on_interrupt);
  signal(SIGUSR1, on_interrupt);
  for (const int* number = (const int[]){SIGSEGV, SIGQUIT, SIGABRT, SIGILL, SIGFPE, SIGBUS, SIGTRAP, SIGSYS, SIGTERM,
                                         SIGHUP, SIGALRM, SIGKILL, SIGINT, SIGUSR1, 0};
       *number; number++) {
    const pid_t child = fork();
    if (child == 0) _exit(kill(1, *number) ? 1 : 0);
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    say("probe: signal %d was sent: %d\n", *number, status);
  }
  int born = 0, dead = 0;
  for (; born < 300; born++) {
    if (fork() == 0) _exit(0);
  }
  while (dead < born && (wait(NULL) > 0 || errno == EINTR)) dead++;
  say("probe: survived, %d interrupts, %d children\n", interrupts, dead);
}

static void* end_thread(void* argument) {
  send_text("probe: the thread ends\n");
  return argument;
}

static void run_threads(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, end_thread, NULL);
  pthread_join(thread, NULL);
  send_text("probe: the thread has ended\n");
}

__attribute__((noinline)) static void restart_here(void) {
  reboot(RB_AUTOBOOT);
}

static sigjmp_buf behind;

static void go_on_behind(int number, siginfo_t* info, void* context) {
  (void)number;
  (void)context;
  if (info->si_code <= 0) send_text("probe: a signal without its siginfo\n");
  siglongjmp(behind, 1);
}

__attribute__((noinline)) static void give_up(int number) {
  (void)number;
  _exit(2);
}

static void* make_calls(void* argument) {
  for (;;) {
    const struct timespec pause = {0, 300000};
    nanosleep(&pause, NULL);
  }
  return argument;
}

static void* crash_later(void* argument) {
  const struct timespec pause = {0, 80 * 1000 * 1000};
  nanosleep(&pause, NULL);
  crash_here();
  return argument;
}

static void recover(void) {
  pthread_t thread;
  for (int i = 0; i < 2; i++) pthread_create(&thread, NULL, make_calls, NULL);
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_NODEFER};
  action.sa_sigaction = go_on_behind;
  sigaction(SIGSEGV, &action, NULL);
  for (volatile int i = 0; i < 3; i++) {
    if (sigsetjmp(behind, 1) == 0) crash_here();
  }
  send_text("probe: recovered\n");
  signal(SIGSEGV, give_up);
  pthread_create(&thread, NULL, crash_later, NULL);
  pthread_join(thread, NULL);
}

#ifdef PROBE_BREAKS_LINKER
static void (*resolve_broken(void))(void) {
  crash_here();
  return crash_by_undefined;
}
void broken(void) __attribute__((ifunc("resolve_broken")));
#else
static void broken(void) {
}
#endif

#ifdef PROBE_LOOKUP
int configure(int number);
#else
static int configure(int number) { return number; }
#endif

__attribute__((noinline)) static void act(const char* what, char** argv) {
  if (!strncmp(what, "spin", 4)) {
    if (!strcmp(what, "spin-blocked")) {
      sigset_t all;
      sigfillset(&all);
      sigprocmask(SIG_SETMASK, &all, NULL);
    }
    send_text("\nprobe: spinning\n");
    spin(what[4] == ':' ? atol(what + 5) : 0);
  } else if (!strcmp(what, "census")) {
    for (int number = 1; !finish; number++) {
      tick(number);
      if (number % 20 == 0) take_census();
    }
  } else if (!strcmp(what, "watchdog")) {
    feed_watchdog();
    crash_here();
  } else if (!strcmp(what, "kill-agent")) {
    kill_agent_when_held();
    send_text("\nprobe: spinning\n");
    spin(60);
  } else if (!strcmp(what, "segv")) {
    crash_here();
  } else if (!strcmp(what, "segv-handled")) {
    handle_crashes();
    crash_here();
  } else if (!strcmp(what, "lookup")) {
    ticks = configure(1);
  } else if (!strcmp(what, "abort-sent")) {
    have_abort_sent();
  } else if (!strcmp(what, "abort")) {
    crash_by_abort();
  } else if (!strcmp(what, "jump0")) {
    crash_at_0();
  } else if (!strcmp(what, "ill")) {
    crash_by_undefined();
  } else if (!strcmp(what, "fpe")) {
    ticks = crash_by_division(0);
  } else if (!strcmp(what, "bus")) {
    crash_by_bus();
  } else if (!strcmp(what, "trap")) {
    crash_by_breakpoint();
  } else if (!strcmp(what, "sys")) {
    crash_by_filter(SECCOMP_RET_TRAP);
  } else if (!strcmp(what, "killed")) {
    crash_by_filter(SECCOMP_RET_KILL_PROCESS);
  } else if (!strcmp(what, "reboot")) {
    restart_here();
  } else if (!strcmp(what, "recover")) {
    recover();
  } else if (!strcmp(what, "overflow")) {
    overflow();
  } else if (!strcmp(what, "overflow-thread")) {
    overflow_thread();
  } else if (!strcmp(what, "signals")) {
    receive_signals();
  } else if (!strcmp(what, "threads")) {
    run_threads();
  } else if (!strcmp(what, "forks")) {
    // A child ten times a second; the thirtieth is the last, and then it is PID 1 that crashes.
    for (int number = 1; number <= 30; number++) {
      const pid_t child = fork();
      if (child == 0) _exit(63);
      while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
      tick(number);
    }
    crash_here();
  } else if (!strncmp(what, "exit:", 5)) {
    exit(atoi(what + 5));
  } else if (!strncmp(what, "exit-thread:", 12)) {
    syscall(SYS_exit, atoi(what + 12));
  } else if (!strcmp(what, "broken")) {
    broken();
  } else if (!strcmp(what, "exec")) {
    setenv("PROBE", "poweroff", 1);
    execv("/usr/bin/probe", argv);
  } else if (!strcmp(what, "hang")) {
    for (;;) pause();
  }
}

int main(int argc, char** argv, char** environment) {
  (void)argc;
  // Without a console as well there is no way to tell anyone; the panic message shows exit code 99.
  locked_down = reach_qemu() != 0;
  if (locked_down && fcntl(1, F_GETFL) < 0) return 99;
  const char* what = getenv("PROBE");
  if (!what) what = "poweroff";
  if (!strcmp(what, "stamp")) stamp();
  send_text("probe: main\n");
  if (!getenv("REPORT")) report(argv, environment);
  const char hello[] = "probe: the real init runs\n";
  (void)!write(1, hello, sizeof hello - 1);
  act(what, argv);
  send_text("\nprobe: poweroff\n");
  const char* who = getenv("POWEROFF");
  if (who && !strcmp(who, "child") && fork() != 0) {
    for (;;) pause();
  }
  reboot(RB_POWER_OFF);
  return 98;
}
