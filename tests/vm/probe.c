// SPDX-License-Identifier: GPL-2.0-or-later
// probe: a real init for the VM tests. It tells what it finds at its first line, then does what PROBE= says.
// Assumes it is PID 1 on x86 and has all rights. What it finds it writes, as one JSON object, to QEMU's debug console
// (I/O port 0xe9): no device node, descriptor or driver is needed, so the telling changes nothing of what is told, and
// works when the machine has no console at all.
// PROBE comes from the kernel command line (a word `k=v` without a dot goes to init's environment):
//   poweroff (default), stamp (a line in the kernel log at once, then as poweroff), spin (tick until a debugger sets
//   finish), spin-blocked (the same with every signal blocked, as systemd runs), spin:N (N ticks),
//   segv, abort, jump0, exit:N, exec (itself once more), hang
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/klog.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kDebugPort = 0xe9, kSyslogReadAll = 3, kKernelSigsetBytes = 8 };

// For a debugger: set finish to leave spin, read ticks to see that it runs.
volatile int finish = 0;
volatile int ticks = 0;

static void send(const char* bytes, size_t count) {
  __asm__ volatile("rep outsb" : "+S"(bytes), "+c"(count) : "d"(kDebugPort) : "memory");
}

static void send_text(const char* text) { send(text, strlen(text)); }

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
    send_text("}");
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

static void spin(long count) {
  for (int number = 1; !finish && (count == 0 || number <= count); number++) tick(number);
}

__attribute__((noinline)) static void crash_here(void) { *(volatile int*)8 = 1; }

__attribute__((noinline)) static void act(const char* what, char** argv) {
  if (!strncmp(what, "spin", 4)) {
    if (!strcmp(what, "spin-blocked")) {
      sigset_t all;
      sigfillset(&all);
      sigprocmask(SIG_SETMASK, &all, NULL);
    }
    send_text("\nprobe: spinning\n");
    spin(what[4] == ':' ? atol(what + 5) : 0);
  } else if (!strcmp(what, "segv")) {
    crash_here();
  } else if (!strcmp(what, "abort")) {
    abort();
  } else if (!strcmp(what, "jump0")) {
    ((void (*)(void))(uintptr_t)0)();
  } else if (!strncmp(what, "exit:", 5)) {
    exit(atoi(what + 5));
  } else if (!strcmp(what, "exec")) {
    setenv("PROBE", "poweroff", 1);
    execv("/usr/bin/probe", argv);
  } else if (!strcmp(what, "hang")) {
    for (;;) pause();
  }
}

int main(int argc, char** argv, char** environment) {
  (void)argc;
  if (iopl(3)) return 99;  // no way to tell anyone; the panic message shows exit code 99
  const char* what = getenv("PROBE");
  if (!what) what = "poweroff";
  if (!strcmp(what, "stamp")) stamp();
  send_text("probe: main\n");
  report(argv, environment);
  const char hello[] = "probe: the real init runs\n";
  (void)!write(1, hello, sizeof hello - 1);
  act(what, argv);
  send_text("\nprobe: poweroff\n");
  reboot(RB_POWER_OFF);
  return 98;
}
