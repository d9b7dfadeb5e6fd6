// SPDX-License-Identifier: GPL-2.0-or-later
// boot: one boot under supervision, with at most one fault in it. tests/fault/run calls it once for every line of its
// table.
//
// The real helper runs as PID 1 of a PID and mount namespace of its own, on a tmpfs with a real gdbserver and a small
// real init (init.c). Every system call of the three goes by this program (listener.hpp says how, and why not by
// ptrace), which
//  - counts it, lets it pass, makes it fail with an errno, or kills a process at it;
//  - stands in for what a namespace has not: the kernel command line, the kernel log (so that thousands of boots
//    write nothing into this machine's), and a serial port, which is a pty;
//  - plays the debugger, where the mode needs one for PID 1 to go on;
//  - or joins the line to a Unix socket, where a real debugger plays it (--socket; tests/fault/test_sessions.py and
//    tests/fault/sessions): a peer that comes or goes is not seen by the helper, as on a serial port; with --carrier
//    the line hangs up when one goes, as an adapter that is pulled. Then only the calls that it stands in for wait for
//    this program, and the real init runs as fast as it can;
//  - looks at the real init from outside when it has begun, and sees to its end.
// What it found it prints as one JSON object. Exit status 0: the boot was not lost; 1: it was; 2: no boot was made.
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "debugger.hpp"
#include "listener.hpp"
#include "marker.h"
#include "state.hpp"

namespace fault {
namespace {

namespace fs = std::filesystem;

constexpr int kChannel = 900;  ///< the listener's descriptor travels on this one
constexpr std::string_view kLine = "/dev/ttyFAULT";
constexpr std::string_view kRealInit = "/usr/lib/gdbdebug/init";
constexpr std::string_view kOverlayInit = "/gdbdebug/init";
constexpr std::string_view kOverlayFact = "in the root: gdbdebug";

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "fault-boot: %s: %s\n", what.c_str(), std::strerror(errno));
  std::_Exit(2);
}

std::uint64_t now_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 + static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

bool readable(int fd) {
  pollfd poll{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&poll, 1, 0) > 0 && (poll.revents & POLLIN) != 0;
}

/// Who makes a call. A child of the agent is kChild until it has executed gdbserver, and kServer from then on.
/// Where the line is a console too, the first child of PID 1 is the guard from the moment when it has forked the agent.
enum class Role : std::uint8_t { kInit, kAgent, kChild, kServer, kReal, kOther, kGuard, kHolder };
constexpr std::array<const char*, 8> kRoles = {"init", "agent", "child", "gdbserver",
                                               "real", "other", "guard", "holder"};

struct Fault {
  enum class Kind : std::uint8_t { kNone, kErrno, kKillAgent, kKillServer, kStopServer, kKillHolder };
  Kind kind = Kind::kNone;
  Role role = Role::kOther;
  int number = -1;          ///< of the call
  unsigned occurrence = 0;  ///< from 1 on
  int error = 0;
  bool always = false;  ///< every one from `occurrence` on: a kernel that lacks the call
};

enum class Mode : std::uint8_t { kOff, kWait, kWaitSeconds, kDemand, kCrash, kExit };

struct Options {
  fs::path root;     ///< what the boot's root is filled with
  fs::path scratch;  ///< an empty directory, where its tmpfs is mounted
  std::string program = "/init";
  std::string command_line;
  Mode mode = Mode::kOff;
  bool holds = false;   ///< a process of the agent's holds programs
  bool shared = false;  ///< the line is a console of the kernel too
  std::string real_init{kRealInit};
  fs::path reference;  ///< what the real init must find; empty: print it
  std::uint64_t limit_ms = 60'000;
  bool list_calls = false;
  fs::path socket;      ///< a debugger connects here, and PID 1 does what it likes; empty: this program is the debugger
  fs::path log;         ///< what is written to the kernel log goes to this file too, at once
  bool vmcore = false;  ///< /proc/vmcore exists, as in a kdump kernel
  std::string word = "word";  ///< the argument that the kernel would pass to init
  bool carrier = false;       ///< the line hangs up when a debugger goes
  bool network = false;       ///< the boot has a network of its own, with one interface
  Fault fault;
  std::optional<Plan> plan;  ///< of the first session; it begins as early as it can, in every mode
};

struct CountedCall {
  Role role;
  int number;
  unsigned occurrence;
  bool server_there;
  std::string path;
};

// ---- in PID 1, before the helper ----

void send_descriptor(int channel, int fd) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  auto* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  if (::sendmsg(channel, &message, 0) < 0) give_up("handing over the listener");
}

int receive_descriptor(int channel) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(channel, &message, MSG_CMSG_CLOEXEC) <= 0) return -1;
  const auto* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return -1;
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return fd;
}

/// The calls that must go by the supervisor; empty: all.
std::vector<int> filtered_calls(const Options& options) {
  if (options.socket.empty()) return {};
  std::vector<int> calls = {SYS_openat, SYS_execve, SYS_syslog};
  if (options.fault.kind != Fault::Kind::kNone) calls.push_back(options.fault.number);
  return calls;
}

[[noreturn]] void become_pid1(const Options& options, int channel, int console) {
  // The boot does not outlive its supervisor, nor anything of the boot PID 1.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) give_up("prctl");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) give_up("making mounts private");
  if (options.network &&
      std::system("ip link set lo up && ip link add eth0 type veth peer name other && ip link set other up") != 0)
    give_up("making a network interface");
  if (::mount("rootfs", options.scratch.c_str(), "tmpfs", 0, "mode=755") != 0) give_up("mounting a tmpfs");
  fs::copy(options.root, options.scratch, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  if (::chdir(options.scratch.c_str()) != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0 ||
      ::umount2(".", MNT_DETACH) != 0 || ::chdir("/") != 0) {
    give_up("entering the root");
  }
  ::umask(022);
  // For a gdbserver that somebody else starts there.
  if (!options.socket.empty() && options.program != "/init" &&
      (::mkdir("/proc", 0555) != 0 || ::mount("proc", "/proc", "proc", 0, nullptr) != 0)) {
    give_up("mounting /proc");
  }
  for (int number = 1; number < NSIG; ++number) (void)::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::dup2(channel, kChannel) < 0) give_up("dup2");
  for (const int fd : {0, 1, 2}) {
    if (::dup2(console, fd) < 0) give_up("dup2");
  }
  if (::close_range(3, kChannel - 1, 0) != 0 || ::close_range(kChannel, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
    give_up("close_range");
  const int listener = install_filter(kChannel, filtered_calls(options));
  if (listener < 0) give_up("installing the seccomp filter");
  send_descriptor(kChannel, listener);
  // Both close at the exec.
  (void)::fcntl(listener, F_SETFD, FD_CLOEXEC);
  // run_init_process() in the kernel's init/main.c: the first argument is what it was asked to execute.
  std::array<const char*, 3> argv = {options.program == kOverlayInit ? options.program.c_str() : "/init",
                                     options.word.c_str(), nullptr};
  std::array<const char*, 3> envp = {"HOME=/", "TERM=linux", nullptr};
  ::execve(options.program.c_str(), const_cast<char**>(argv.data()), const_cast<char**>(envp.data()));
  give_up("executing " + options.program);
}

// ---- the supervisor ----

class Supervisor {
 public:
  explicit Supervisor(const Options& options) : options_(options) {}
  int run();

 private:
  struct Process {
    Role role = Role::kOther;
    bool execs = false;  ///< its last call was execve(2): it may be another program now
    std::map<int, unsigned> counts;
  };

  void prepare();
  void step();
  void on_call(const Call& call);
  Process& process_of(const Call& call);
  bool stand_in(const Call& call, const Process& process, const std::string& path);
  bool strike(const Call& call, Role role, unsigned occurrence);
  void on_marker(const Call& call);
  void look_at_real_init();
  long next_action();
  bool may_still_speak() const;
  void start_session();
  void drive_debugger();
  void count_session(Debugger::State before);
  void read_log();
  void read_console();
  void read_line();
  void listen();
  void accept_peer();
  void read_peer();
  void make_line();
  void lost(const std::string& why) {
    if (lost_.empty()) lost_ = why;
  }
  bool agent_lives() const { return agent_ > 0 && run_state(agent_) != '\0' && run_state(agent_) != 'Z'; }
  bool armed() const { return options_.mode == Mode::kCrash || options_.mode == Mode::kExit; }
  bool said(std::string_view text) const {
    return std::any_of(log_.begin(), log_.end(),
                       [&](const std::string& record) { return record.find(text) != std::string::npos; });
  }
  void print() const;

  const Options& options_;
  Listener listener_{-1};
  pid_t pid1_ = -1;
  pid_t agent_ = -1;
  pid_t guard_ = -1;
  pid_t holder_ = -1;
  pid_t server_ = -1;
  int pid1_fd_ = -1;
  int listening_ = -1;
  int peer_ = -1;  ///< the newest one: two gdbs on one serial port get what the other asked for, too
  int nothing_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  int master_ = -1;
  int slave_ = -1;
  std::array<int, 2> log_pipe_{};
  std::array<int, 2> console_{};
  std::map<pid_t, Process> processes_;
  std::map<std::pair<Role, int>, unsigned> totals_;
  std::vector<CountedCall> calls_;
  std::vector<std::string> log_;
  std::string console_text_;
  std::string line_text_;
  Debugger debugger_;
  unsigned sessions_ = 0;
  unsigned failed_sessions_ = 0;
  bool plan_used_ = false;
  std::string session_failure_;

  std::uint64_t begun_ = 0;
  std::optional<std::uint64_t> started_;    ///< the real init: after so many ms
  std::optional<std::uint64_t> end_asked_;  ///< it was told to crash or to exit
  std::optional<std::uint64_t> retry_at_;
  std::uint64_t settled_since_ = 0;
  unsigned markers_ = 0;
  bool hung_up_ = false;  ///< the line
  bool pulled_ = false;   ///< it is there again only when it has been missed
  bool nobody_calls_ = false;
  bool console_closed_ = false;
  bool struck_ = false;
  std::uint64_t struck_ms_ = 0;
  bool struck_at_end_ = false;  ///< after PID 1 was told to end
  bool no_server_there_ = false;
  std::string lost_;
  std::vector<std::string> facts_;
  std::string end_;  ///< how PID 1 has ended
};

void Supervisor::make_line() {
  for (const int fd : {master_, slave_}) {
    if (fd >= 0) ::close(fd);
  }
  termios raw{};
  ::cfmakeraw(&raw);
  if (::openpty(&master_, &slave_, nullptr, &raw, nullptr) != 0) give_up("opening a pty");
  for (const int fd : {master_, slave_}) {
    (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)::fcntl(fd, F_SETFL, O_NONBLOCK);  // the slave too, as the helper opens it; the open file is one and the same
  }
}

void Supervisor::prepare() {
  make_line();
  // Each write is a record, as in the kernel's log.
  if (::pipe2(log_pipe_.data(), O_CLOEXEC | O_DIRECT | O_NONBLOCK) != 0) give_up("making a pipe");
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, console_.data()) != 0) give_up("making a socket pair");
  std::array<int, 2> channel{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel.data()) != 0) give_up("making a socket pair");
  for (const int fd : {log_pipe_[0], console_[0]}) (void)::fcntl(fd, F_SETFL, O_NONBLOCK);

  const unsigned long network = options_.network ? CLONE_NEWNET : 0;
  const auto pid =
      ::syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | network | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (pid < 0) give_up("making namespaces (this needs root)");
  if (pid == 0) become_pid1(options_, channel[1], console_[1]);
  pid1_ = static_cast<pid_t>(pid);
  ::close(channel[1]);
  ::close(console_[1]);
  pid1_fd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid1_, 0));
  const int listener = receive_descriptor(channel[0]);
  if (listener < 0) give_up("no listener came");
  listener_ = Listener(listener);
  ::close(channel[0]);
  processes_[pid1_].role = Role::kInit;
}

Supervisor::Process& Supervisor::process_of(const Call& call) {
  const auto pid = static_cast<pid_t>(call.pid);
  const auto [found, is_new] = processes_.try_emplace(pid);
  auto& process = found->second;
  if (is_new) {
    const auto parent = static_cast<pid_t>(std::atoi(status(pid, "PPid").c_str()));
    if (parent == pid1_ && processes_[pid1_].role == Role::kInit && agent_ < 0) {
      process.role = Role::kAgent;
      agent_ = pid;
    } else if (options_.shared && guard_ < 0 && parent == agent_ && agent_ > 0) {
      guard_ = std::exchange(agent_, pid);
      processes_[guard_].role = Role::kGuard;
      process.role = Role::kAgent;
    } else if (guard_ > 0 && parent == guard_) {
      process.role = Role::kGuard;
    } else if ((options_.holds && holder_ < 0 && parent == agent_ && agent_ > 0) ||
               (holder_ > 0 && parent == holder_)) {
      if (holder_ < 0) holder_ = pid;  // before any gdbserver; and its child
      process.role = Role::kHolder;
    } else if (parent == agent_ && agent_ > 0) {
      process.role = Role::kChild;
      server_ = pid;
    }
  }
  if (process.execs) {
    process.execs = false;
    std::error_code error;
    const auto name = fs::read_symlink("/proc/" + std::to_string(pid) + "/exe", error).filename().string();
    if (process.role == Role::kChild && name.find("gdbserver") != std::string::npos) process.role = Role::kServer;
    std::string exe = fs::read_symlink("/proc/" + std::to_string(pid) + "/exe", error).string();
    const bool helper = options_.program == kOverlayInit && exe.ends_with(kOverlayInit);  // both end in /init
    const bool real = exe.ends_with(options_.real_init) && !helper;
    if (process.role == Role::kInit && (real || options_.program == options_.real_init)) process.role = Role::kReal;
  }
  return process;
}

/// Whether the call was answered here: what the machine of the namespace does not have.
bool Supervisor::stand_in(const Call& call, const Process& process, const std::string& path) {
  if (process.role != Role::kInit && process.role != Role::kAgent && process.role != Role::kGuard) return false;
  // The console level and the redirection of the console are this machine's.
  if (call.data.nr == SYS_syslog || (call.data.nr == SYS_ioctl && call.data.args[1] == TIOCCONS)) {
    listener_.answer(call, 0);
    return true;
  }
  if (call.data.nr != SYS_openat) return false;
  const bool cloexec = (call.data.args[2] & O_CLOEXEC) != 0;
  if (path == kLine && std::exchange(pulled_, false)) {
    listener_.fail(call, ENODEV);
    return true;
  }
  if (path == kLine) {
    listener_.give(call, slave_, cloexec);
    return true;
  }
  if (path == "kmsg" || path == "/dev/kmsg") {
    listener_.give(call, log_pipe_[1], cloexec);
    return true;
  }
  if (path == "vmcore" && options_.vmcore) {
    listener_.give(call, nothing_, cloexec);
    return true;
  }
  std::optional<std::string> text;
  if (path == "cmdline" || path == "/proc/cmdline") text = options_.command_line;
  if (path == "/proc/consoles")
    text = options_.shared ? std::string(kLine.substr(5)) + " -W- (EC p a)    4:64\n" : "tty0 -WU (EC  p  )    4:1\n";
  if (path == "/proc/sys/kernel/printk") text = "7\t4\t1\t7\n";
  if (path == "/proc/sys/debug/exception-trace") text = "1\n";
  if (text) {
    const int file = ::memfd_create("text", MFD_CLOEXEC);
    (void)!::write(file, text->data(), text->size());
    (void)::lseek(file, 0, SEEK_SET);
    listener_.give(call, file, cloexec);
    ::close(file);
    return true;
  }
  return false;
}

/// Whether the call was answered here: it is the one that has to fail. Killing lets it go on, for whoever is still
/// there.
bool Supervisor::strike(const Call& call, Role role, unsigned occurrence) {
  const auto& fault = options_.fault;
  if (fault.kind == Fault::Kind::kNone || role != fault.role || call.data.nr != fault.number) return false;
  if (fault.always ? occurrence < fault.occurrence : occurrence != fault.occurrence) return false;
  struck_ = true;
  struck_ms_ = now_ms();
  struck_at_end_ = end_asked_.has_value();
  if (fault.kind == Fault::Kind::kErrno) {
    // Linux releases the descriptor even if close(2) fails (close(2), "Dealing with error returns").
    if (call.data.nr == SYS_close) listener_.replace(call, static_cast<int>(call.data.args[0]), nothing_);
    listener_.fail(call, fault.error);
    return true;
  }
  const pid_t victim = fault.kind == Fault::Kind::kKillAgent    ? agent_
                       : fault.kind == Fault::Kind::kKillHolder ? holder_
                                                                : server_;
  const int signal = fault.kind == Fault::Kind::kStopServer ? SIGSTOP : SIGKILL;
  if (victim <= 0 || ::kill(victim, signal) != 0) no_server_there_ = true;
  return false;
}

void Supervisor::on_call(const Call& call) {
  auto& process = process_of(call);
  if (call.data.nr == MARKER_CALL) return on_marker(call);
  const bool counts = process.role != Role::kReal && process.role != Role::kOther;
  std::string path;
  const auto pid = static_cast<pid_t>(call.pid);
  if (call.data.nr == SYS_openat) path = text_at(pid, call.data.args[1]);
  if (call.data.nr == SYS_execve) {
    path = text_at(pid, call.data.args[0]);
    // The program before the helper is this one: its own calls do not count.
    process.execs = true;
    if (begun_ == 0) {
      begun_ = now_ms();
      return listener_.let_pass(call);
    }
  }
  if (begun_ == 0) return listener_.let_pass(call);
  if (counts) {
    const unsigned occurrence = ++totals_[{process.role, call.data.nr}];
    if (options_.list_calls) {
      const bool server_there = server_ > 0 && run_state(server_) != '\0' && run_state(server_) != 'Z';
      calls_.push_back({process.role, call.data.nr, occurrence, server_there, path});
    }
    if (strike(call, process.role, occurrence)) return;
  }
  if (!stand_in(call, process, path)) listener_.let_pass(call);
}

// ---- the real init ----

void Supervisor::on_marker(const Call& call) {
  if (static_cast<pid_t>(call.pid) != pid1_) {
    lost("the real init runs as another process");
    return listener_.fail(call, ENOSYS);
  }
  if (call.data.args[0] == MARKER_STARTED && !started_) {
    started_ = now_ms() - begun_;
    look_at_real_init();
    return listener_.answer(call, MARKER_GO_ON);
  }
  ++markers_;
  listener_.answer(call, next_action());
}

void Supervisor::look_at_real_init() {
  facts_ = facts(pid1_);
  const auto children = count_children(pid1_);
  // What was killed leaves its own children to PID 1 until they have ended: the agent its gdbserver, gdbserver the two
  // on which it tries what ptrace can do.
  const bool killed = options_.fault.kind == Fault::Kind::kKillAgent || options_.fault.kind == Fault::Kind::kKillServer;
  const std::size_t most = options_.mode == Mode::kOff ? 0 : killed ? 4 : 1;
  if (children > most) lost("the real init has " + std::to_string(children) + " children that it did not start");
  if (options_.reference.empty()) return;
  std::vector<std::string> expected;
  std::ifstream file(options_.reference);
  for (std::string line; std::getline(file, line);) expected.push_back(line);
  if (options_.program == kOverlayInit && options_.mode != Mode::kOff) {
    // The agent takes the overlay out of the image, unless the fault keeps it from that.
    std::erase(expected, kOverlayFact);
    if (options_.fault.kind != Fault::Kind::kNone) std::erase(facts_, kOverlayFact);
  }
  for (const auto& fact : facts_) {
    if (std::find(expected.begin(), expected.end(), fact) == expected.end()) lost("the real init finds: " + fact);
  }
  for (const auto& fact : expected) {
    if (std::find(facts_.begin(), facts_.end(), fact) == facts_.end()) lost("the real init does not find: " + fact);
  }
}

/// gdbserver was killed, and its end is not in the log yet: the agent may be waiting for gdbserver's last words.
bool Supervisor::may_still_speak() const {
  constexpr std::uint64_t kPatienceMs = 3000;
  const bool told = std::any_of(log_.begin(), log_.end(), [](const std::string& record) {
    return record.starts_with("<3>") || record.starts_with("<4>");
  });
  return struck_ && options_.fault.kind == Fault::Kind::kKillServer && sessions_ == 0 && !told && agent_lives() &&
         now_ms() - struck_ms_ < kPatienceMs;
}

/// What PID 1 is told when it asks: to go on until all is as it will stay, then to end.
long Supervisor::next_action() {
  if (debugger_.state() == Debugger::State::kBusy) return MARKER_GO_ON;
  if (debugger_.state() == Debugger::State::kGone) return MARKER_GO_ON;
  const bool wants_session =
      (options_.mode == Mode::kDemand || options_.plan) && sessions_ == 0 && failed_sessions_ == 0 && agent_lives();
  if (wants_session) {
    // On demand the agent may still be opening the line; the first packet waits there for it.
    start_session();
    return MARKER_GO_ON;
  }
  if (!armed() && options_.mode != Mode::kOff) {
    // After the last debugger nobody holds PID 1 any more: no tracer, and it goes on.
    const auto now = now_ms();
    if (status(pid1_, "TracerPid") != "0") {
      if (settled_since_ == 0) settled_since_ = now;
      if (now - settled_since_ > 30'000) lost("PID 1 is still traced 30 seconds after the last debugger detached");
      if (lost_.empty()) return MARKER_GO_ON;
    }
    if (markers_ < 3) return MARKER_GO_ON;
  }
  if (may_still_speak()) return MARKER_GO_ON;
  if (!end_asked_) end_asked_ = now_ms();
  return options_.mode == Mode::kCrash ? MARKER_CRASH : MARKER_EXIT;
}

// ---- the debugger ----

void Supervisor::start_session() {
  debugger_.start(now_ms(), plan_used_ || !options_.plan ? Plan{} : *options_.plan);
  plan_used_ = true;
}

void Supervisor::drive_debugger() {
  constexpr std::uint64_t kAbsenceMs = 300;
  if (!options_.socket.empty()) return;
  const auto now = now_ms();
  if (debugger_.state() == Debugger::State::kBusy) {
    // What the agent wrote before its end is still to be read; and with PID 1's end, which may come at once when the
    // debugger lets go of it there, its whole namespace ends.
    const bool ends_with_pid1 = armed() && debugger_.detaching();
    if (agent_ > 0 && !agent_lives() && !readable(master_) && !ends_with_pid1) debugger_.give_up("the agent has gone");
    debugger_.tick(now);
  } else {
    const bool waits = options_.mode == Mode::kWait || (options_.mode == Mode::kWaitSeconds && options_.plan);
    const bool holds = waits && !started_ && sessions_ == 0;
    // Whoever has gone is followed by somebody else, who finds what the first one has left.
    const bool follows = debugger_.state() == Debugger::State::kGone && now - debugger_.gone_ms() > kAbsenceMs;
    // Its session was cut off: PID 1 stands, and waits for the next one.
    const bool cut_off =
        options_.mode == Mode::kDemand && sessions_ == 0 && failed_sessions_ > 0 && failed_sessions_ < 4;
    const bool held = (holds && line_text_.find("gdbdebug version=") != std::string::npos) ||
                      (armed() && said(") is held before it would die"));
    // A message can be what the fault was in: try without it, too.
    const bool overdue =
        (holds && begun_ != 0 && now - begun_ > 3000) || (armed() && end_asked_ && now - *end_asked_ > 3000);
    const bool may_begin = debugger_.state() != Debugger::State::kGone && (held || overdue || cut_off);
    if ((may_begin || follows) && (!retry_at_ || now >= *retry_at_)) {
      retry_at_ = now + 1000;
      start_session();
    }
  }
  const auto output = debugger_.take_output();
  if (!output.empty()) (void)!::write(master_, output.data(), output.size());
}

void Supervisor::read_line() {
  std::array<char, 4096> buffer;
  const auto count = ::read(master_, buffer.data(), buffer.size());
  if (count <= 0) return;
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
  if (line_text_.size() < 65536) line_text_ += bytes;
  if (peer_ >= 0) (void)!::write(peer_, bytes.data(), bytes.size());
  if (!options_.socket.empty()) return;
  debugger_.take(bytes, now_ms());
}

void Supervisor::listen() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto path = options_.socket.string();
  if (path.size() >= sizeof address.sun_path) give_up("the socket's name is too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  listening_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listening_ < 0 || ::bind(listening_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listening_, 8) != 0) {
    give_up("listening on " + path);
  }
}

void Supervisor::accept_peer() {
  const int fd = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) return;
  if (peer_ >= 0) ::close(peer_);
  peer_ = fd;
}

void Supervisor::read_peer() {
  std::array<char, 4096> buffer;
  const auto count = ::read(peer_, buffer.data(), buffer.size());
  if (count > 0) {
    (void)!::write(master_, buffer.data(), static_cast<std::size_t>(count));
    return;
  }
  ::close(peer_);
  peer_ = -1;
  if (!options_.carrier) return;
  make_line();
  pulled_ = true;
}

void Supervisor::read_log() {
  std::array<char, 4096> record;
  for (;;) {
    const auto count = ::read(log_pipe_[0], record.data(), record.size());
    if (count <= 0) return;
    log_.emplace_back(record.data(), static_cast<std::size_t>(count));
    if (!options_.log.empty()) std::ofstream(options_.log, std::ios::app) << log_.back();
  }
}

void Supervisor::read_console() {
  std::array<char, 4096> buffer;
  const auto count = ::read(console_[0], buffer.data(), buffer.size());
  if (count > 0) console_text_.append(buffer.data(), static_cast<std::size_t>(count));
  if (count == 0) console_closed_ = true;
}

// ---- the run ----

void Supervisor::step() {
  const auto before = debugger_.state();
  std::array<pollfd, 7> polls = {{{nobody_calls_ ? -1 : listener_.fd(), POLLIN, 0},
                                  {hung_up_ ? -1 : master_, POLLIN, 0},
                                  {log_pipe_[0], POLLIN, 0},
                                  {console_closed_ ? -1 : console_[0], POLLIN, 0},
                                  {pid1_fd_, POLLIN, 0},
                                  {listening_, POLLIN, 0},
                                  {peer_, POLLIN, 0}}};
  const int count = ::poll(polls.data(), polls.size(), 50);
  if (count < 0 && errno != EINTR) give_up("poll");
  // A line that nobody has open is a hang-up at every poll: look at it again when nothing else happens.
  hung_up_ = count > 0 && (hung_up_ || (polls[1].revents & (POLLIN | POLLHUP)) == POLLHUP);
  // The last process of the boot is on its way out, which may take the kernel long: nothing to be busy with.
  nobody_calls_ = nobody_calls_ || (polls[0].revents & (POLLIN | POLLHUP)) == POLLHUP;
  if ((polls[2].revents & POLLIN) != 0) read_log();
  if ((polls[3].revents & POLLIN) != 0) read_console();
  if ((polls[1].revents & POLLIN) != 0) read_line();
  if ((polls[5].revents & POLLIN) != 0) accept_peer();
  if (polls[6].revents != 0 && polls[6].fd == peer_) read_peer();
  if ((polls[0].revents & POLLIN) != 0) {
    if (const auto call = listener_.receive()) on_call(*call);
  }
  count_session(before);
  const auto between = debugger_.state();
  drive_debugger();
  count_session(between);
}

/// Counts a session that has come to its end since the debugger was in the state `before`.
void Supervisor::count_session(Debugger::State before) {
  if (before != Debugger::State::kBusy) return;
  if (debugger_.state() == Debugger::State::kDetached) ++sessions_;
  if (debugger_.state() == Debugger::State::kFailed) {
    ++failed_sessions_;
    session_failure_ = debugger_.why();
  }
}

int Supervisor::run() {
  const pid_t parent = ::getppid();
  if (!options_.socket.empty()) listen();
  prepare();
  siginfo_t info{};
  for (;;) {
    step();
    if (::waitid(P_PID, static_cast<id_t>(pid1_), &info, WEXITED | WNOHANG) == 0 && info.si_pid == pid1_) break;
    const auto now = now_ms();
    if (!options_.socket.empty()) {
      // The test decides how long; it ends this process, and so PID 1.
      if (::getppid() != parent) lost("nobody is there any more");
    } else if (begun_ != 0 && !started_ && now - begun_ > options_.limit_ms)
      lost("the real init has not begun in time");
    if (end_asked_ && now - *end_asked_ > options_.limit_ms) lost("PID 1 does not end");
    if (started_ && now - begun_ - *started_ > 2 * options_.limit_ms) lost("PID 1 does not run on");
    if (!lost_.empty()) {
      if (agent_ > 0) ::kill(agent_, SIGKILL);  // a tracer, whose calls nobody answers any more
      ::kill(pid1_, SIGKILL);                   // and with it everything in its namespace
      (void)::waitid(P_PID, static_cast<id_t>(pid1_), &info, WEXITED);
      break;
    }
  }
  read_log();
  if (debugger_.detaching()) ++sessions_;
  if (!started_) lost("PID 1 has ended before the real init began");
  end_ = std::string(info.si_code == CLD_EXITED ? "exit status " : "signal ") + std::to_string(info.si_status);
  const bool by_signal = info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED;
  if (options_.mode == Mode::kCrash) {
    if (!by_signal || info.si_status != SIGSEGV) lost("PID 1 did not die of its SIGSEGV, but of " + end_);
  } else if (by_signal || info.si_status != MARKER_STATUS) {
    lost("PID 1 did not end with its own exit status, but of " + end_);
  }
  if (options_.plan && armed() && !said(") is held before it would")) lost("PID 1 was not held before its end");
  print();
  return lost_.empty() ? 0 : 1;
}

std::string json(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (code >= ' ' && code < 0x7f)
      out += c;
    else {
      std::array<char, 8> escape;
      (void)std::snprintf(escape.data(), escape.size(), "\\u%04x", code);
      out += escape.data();
    }
  }
  return out + '"';
}

std::string list(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const auto& item : items) out += (out.size() > 1 ? ", " : "") + json(item);
  return out + "]";
}

void Supervisor::print() const {
  const bool expects = options_.mode != Mode::kOff && options_.mode != Mode::kWaitSeconds;
  const bool debugged = !expects || sessions_ > 0;
  std::string out = "{\"lost\": " + json(lost_) + ", \"end\": " + json(end_);
  out += ", \"struck\": " + std::string(struck_ ? "true" : "false");
  out += ", \"struck_at_end\": " + std::string(struck_at_end_ ? "true" : "false");
  out += ", \"no_victim\": " + std::string(no_server_there_ ? "true" : "false");
  out += ", \"started_ms\": " + (started_ ? std::to_string(*started_) : "null");
  out += ", \"debugged\": " + std::string(debugged ? "true" : "false");
  out += ", \"session_failure\": " + json(session_failure_);
  out += ", \"log\": " + list(log_) + ", \"console\": " + json(console_text_) + ", \"line\": " + json(line_text_);
  if (options_.reference.empty()) out += ", \"facts\": " + list(facts_);
  if (options_.list_calls) {
    out += ", \"calls\": [";
    bool first = true;
    for (const auto& call : calls_) {
      out += std::string(first ? "" : ", ") + "[\"" + kRoles[static_cast<std::size_t>(call.role)] + "\", " +
             std::to_string(call.number) + ", " + std::to_string(call.occurrence) + ", " +
             (call.server_there ? "true" : "false") + ", " + json(call.path) + "]";
      first = false;
    }
    out += "]";
  }
  std::puts((out + "}").c_str());
}

// ---- the command line ----

constexpr std::string_view kOverlay = "overlay-";  ///< in front of a mode: by rdinit=, beside an image made without us

Mode mode_of(std::string_view value) {
  if (value == "off") return Mode::kOff;
  if (value == "wait" || value == "console") return Mode::kWait;
  if (value == "wait=1") return Mode::kWaitSeconds;
  if (value == "demand" || value == "hold") return Mode::kDemand;
  if (value == "crash") return Mode::kCrash;
  if (value == "exit") return Mode::kExit;
  std::fprintf(
      stderr,
      "fault-boot: no mode '%.*s'; there are off, wait, wait=1, demand, hold, crash, exit, console, each also\n"
      "with overlay- in front\n",
      static_cast<int>(value.size()), value.data());
  std::_Exit(2);
}

std::string command_line_of(std::string_view mode) {
  if (mode == "off") return "quiet splash\n";
  if (mode == "console") return "quiet rd.gdbdebug=console,wait splash\n";
  auto line = "quiet rd.gdbdebug=" + std::string(kLine.substr(5));
  if (mode == "hold")
    line += ",hold=held";
  else if (mode != "demand")
    line += ',' + std::string(mode);
  return line + " splash\n";
}

/// `KIND ROLE CALL OCCURRENCE [ERRNO]`, KIND one of fail, lack, kill-agent, kill-gdbserver, stop-gdbserver,
/// kill-holder.
Fault fault_of(const std::vector<std::string>& words) {
  Fault fault;
  if (words.size() < 4) give_up("a fault is KIND ROLE CALL OCCURRENCE [ERRNO]");
  fault.kind = words[0] == "kill-agent"       ? Fault::Kind::kKillAgent
               : words[0] == "kill-gdbserver" ? Fault::Kind::kKillServer
               : words[0] == "kill-holder"    ? Fault::Kind::kKillHolder
               : words[0] == "stop-gdbserver" ? Fault::Kind::kStopServer
                                              : Fault::Kind::kErrno;
  fault.always = words[0] == "lack";
  const auto role = std::find(kRoles.begin(), kRoles.end(), words[1]);
  if (role == kRoles.end()) give_up("no role '" + words[1] + "'");
  fault.role = static_cast<Role>(role - kRoles.begin());
  fault.number = std::stoi(words[2]);
  fault.occurrence = static_cast<unsigned>(std::stoul(words[3]));
  if (fault.kind == Fault::Kind::kErrno) fault.error = std::stoi(words.at(4));
  return fault;
}

Plan plan_of(std::string_view way, std::size_t at) {
  if (at >= Debugger::packets()) give_up("a session has fewer packets");
  return {way == "cut" ? Plan::Way::kCut : way == "killed" ? Plan::Way::kKilled : Plan::Way::kDetach, at};
}

int boot_main(int argc, char** argv) {
  Options options;
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 3) {
    std::fprintf(stderr,
                 "usage: fault-boot ROOT SCRATCH MODE [--direct] [--reference FILE] [--limit SECONDS] [--list]\n"
                 "                  [--socket PATH] [--carrier] [--log FILE] [--vmcore] [--word TEXT] [--network]\n"
                 "                  [--command-line TEXT] [--leave detach|killed|cut PACKET]\n"
                 "                  [--fault KIND ROLE CALL OCCURRENCE [ERRNO]]\n");
    return 2;
  }
  options.root = words[0];
  options.scratch = words[1];
  auto mode = words[2];
  if (mode.starts_with(kOverlay)) {
    mode.erase(0, kOverlay.size());
    options.program = kOverlayInit;
    options.real_init = "/init";
  }
  options.mode = mode_of(mode);
  options.shared = mode == "console";
  options.holds = mode == "hold";
  options.command_line = command_line_of(mode);
  for (std::size_t i = 3; i < words.size(); ++i) {
    if (words[i] == "--direct")
      options.program = options.real_init;
    else if (words[i] == "--reference")
      options.reference = words.at(++i);
    else if (words[i] == "--limit")
      options.limit_ms = 1000 * std::stoul(words.at(++i));
    else if (words[i] == "--command-line")
      options.command_line = words.at(++i) + "\n";
    else if (words[i] == "--socket")
      options.socket = words.at(++i);
    else if (words[i] == "--log")
      options.log = words.at(++i);
    else if (words[i] == "--vmcore")
      options.vmcore = true;
    else if (words[i] == "--word")
      options.word = words.at(++i);
    else if (words[i] == "--carrier")
      options.carrier = true;
    else if (words[i] == "--leave") {
      options.plan = plan_of(words.at(i + 1), std::stoul(words.at(i + 2)));
      i += 2;
    } else if (words[i] == "--network")
      options.network = true;
    else if (words[i] == "--list")
      options.list_calls = true;
    else if (words[i] == "--fault") {
      options.fault = fault_of({words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end()});
      break;
    }
  }
  // Were this process to end early, the boot would go on unseen; the kernel ends it with us.
  (void)::signal(SIGPIPE, SIG_IGN);
  Supervisor supervisor(options);
  return supervisor.run();
}

}  // namespace
}  // namespace fault

int main(int argc, char** argv) {
  return fault::boot_main(argc, argv);
}
