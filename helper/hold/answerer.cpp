// SPDX-License-Identifier: GPL-2.0-or-later
// answerer: see answerer.hpp.
#include "hold/answerer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <new>
#include <optional>
#include <utility>

#include "core/base/text.hpp"
#include "hold/names.hpp"
#include "sys/sys.hpp"

#ifndef FAN_OPEN_EXEC_PERM
#define FAN_OPEN_EXEC_PERM 0x00040000
#endif
#ifndef FAN_MARK_FILESYSTEM
#define FAN_MARK_FILESYSTEM 0x00000100
#endif
#ifndef FAN_REPORT_TID
#define FAN_REPORT_TID 0x00000100
#endif

namespace gdbdebug::hold {
namespace {

/// In the folder that `fd` is: no path of the image's is walked.
constexpr const char* kHere = ".";

/// A file of /proc/PROCESS/, cut off at what `text` holds.
bool read_file(pid_t process, std::string_view name, TextBuffer& text) {
  const auto file = sys::open(AT_FDCWD, sys::process_file(process, name).c_str(), O_RDONLY);
  return file && sys::read_all(*file, text);
}

std::optional<pid_t> status_number(std::string_view status, std::string_view key) {
  for (auto rest = status; !rest.empty();) {
    auto line = take_word(rest, '\n');
    if (take_word(line, ':') != key) continue;
    const auto number = parse_number<std::uint32_t>(trim(line));
    return number ? std::optional(static_cast<pid_t>(*number)) : std::nullopt;
  }
  return std::nullopt;
}

/// Whether it is a thread of the kernel's, whose children are what the kernel executes by itself (modprobe).
bool is_kernel_thread(pid_t process) {
  constexpr std::uint64_t kKernelThread = 0x00200000;  // PF_KTHREAD in include/linux/sched.h, the same since Linux 2.6
  constexpr unsigned kFlags = 6;                       // behind the name: state, ppid, pgrp, session, tty, tpgid
  Text<512> stat;
  if (!read_file(process, "stat", stat)) return false;
  auto rest = stat.view();
  const auto end = rest.rfind(") ");  // the name may have anything in it
  if (end == std::string_view::npos) return false;
  rest.remove_prefix(end + 2);
  for (unsigned i = 0; i < kFlags; ++i) (void)take_word(rest, ' ');
  return (parse_number<std::uint64_t>(take_word(rest, ' ')).value_or(0) & kKernelThread) != 0;
}

/// Which number of a system call takes the name where.
struct ExecCall {
  long number;
  unsigned name;        ///< the argument that is its name; argv is the next
  std::size_t pointer;  ///< the size of one
};
constexpr ExecCall kExecCalls[] = {
    {SYS_execve, 0, sizeof(void*)},
    {SYS_execveat, 1, sizeof(void*)},
#if defined(__x86_64__)
    {11, 0, 4},  // of a 32-bit process (arch/x86/entry/syscalls/syscall_32.tbl)
    {358, 1, 4},
#endif
};

/// A text of a process's memory, up to what `text` holds; cut off at the end of what can be read.
void read_text(const UniqueFd& memory, std::uint64_t address, TextBuffer& text) {
  constexpr std::uint64_t kPage = 4096;
  text.clear();
  while (address != 0 && text.room() > 0) {
    const auto left = static_cast<std::size_t>(kPage - address % kPage);
    const auto wanted = left < text.room() ? left : text.room();
    auto* const tail = text.tail();
    const auto count = ::pread(memory.get(), tail, wanted, static_cast<off_t>(address));
    if (count <= 0) return;
    const auto got = static_cast<std::size_t>(count);
    if (const auto* zero = static_cast<const char*>(std::memchr(tail, 0, got))) {
      text.grow(static_cast<std::size_t>(zero - tail));
      return;
    }
    text.grow(got);
    address += got;
  }
}

bool close_range(unsigned first, unsigned last) {
#ifdef SYS_close_range
  return ::syscall(SYS_close_range, first, last, 0U) == 0;  // Linux 5.9
#else
  (void)first;
  (void)last;
  return false;
#endif
}

class Answers {
 public:
  Answers(std::span<const std::string_view> programs, UniqueFd agent, pid_t agent_pid)
      : programs_(programs), agent_(std::move(agent)), agent_pid_(agent_pid) {}
  [[noreturn]] void run();

 private:
  struct Stopped {
    pid_t process = 0;
    UniqueFd handle{};
  };

  void tell(Report::Kind kind, pid_t process, int error, std::string_view name);
  [[noreturn]] void fail(std::string_view step);
  bool mark(int folder) const;
  void start_finder();
  void take_mount();
  void take_release();
  void answer(const fanotify_event_metadata& event);
  std::string_view executed_as(const fanotify_event_metadata& event);
  void stop(pid_t thread, std::string_view name);
  bool ours(pid_t process) const;
  [[noreturn]] void let_all_go();

  const std::span<const std::string_view> programs_;
  UniqueFd agent_;
  const pid_t agent_pid_;
  UniqueFd questions_;
  UniqueFd mounts_;
  std::array<Stopped, kMaxWaiting> stopped_;
  Text<4096> path_, name_, argument_;
};

void Answers::tell(Report::Kind kind, pid_t process, int error, std::string_view name) {
  Report report;
  report.kind = kind;
  report.process = process;
  report.error = error;
  name.copy(report.name, sizeof report.name - 1);
  (void)::send(agent_.get(), &report, sizeof report, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void Answers::fail(std::string_view step) {
  tell(Report::Kind::kFailed, 0, errno, step);
  ::_exit(1);
}

bool Answers::mark(int folder) const {
  return ::fanotify_mark(questions_.get(), FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_EXEC_PERM, folder, kHere) == 0;
}

// ---- what is mounted later ----

/// Opens each mount point of PID 1's and hands it to the answerer, again whenever that list changes. It can wait in the
/// kernel for a server that has gone: then nothing new is marked, and that is all.
[[noreturn]] void find_mounts(const UniqueFd& answerer) {
  static Text<262144> text;
  UniqueFd list;
  for (;;) {
    // Opened again each time: it shows the mounts below the root that PID 1 has when it is opened.
    auto next = sys::open(AT_FDCWD, "/proc/1/mountinfo", O_RDONLY);
    if (!next) ::_exit(0);
    text.clear();
    if (!sys::read_all(*next, text)) ::_exit(0);
    list = std::move(*next);
    for (auto rest = text.view(); !rest.empty();) {
      const auto point = mount_point(take_word(rest, '\n'));
      if (point.empty()) continue;
      Text<4200> path("/proc/1/root");
      const auto folder = sys::open(AT_FDCWD, path.add(point).c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW);
      if (!folder) continue;  // a file is mounted there, or it is not there any more
      if (!sys::send_descriptor(answerer.get(), 'm', folder->get())) ::_exit(0);
    }
    pollfd poll{.fd = list.get(), .events = POLLPRI, .revents = 0};
    (void)::poll(&poll, 1, -1);
  }
}

void Answers::start_finder() {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) fail("making a socket pair");
  mounts_.reset(pair[0]);
  UniqueFd theirs(pair[1]);
  const pid_t self = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) fail("starting a process");
  if (pid > 0) return;
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != self) ::_exit(0);
  mounts_.reset();
  agent_.reset();
  find_mounts(theirs);
}

void Answers::take_mount() {
  char byte = 0;
  iovec vector{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const auto count = ::recvmsg(mounts_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) return mounts_.reset();
  const auto* const header = count > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return;
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  const UniqueFd folder(fd);
  (void)mark(folder.get());  // one that cannot be marked: what is executed from there runs
}

// ---- a question ----

/// The name by which a process that waits in execve(2) was named, if it is to be held.
std::string_view Answers::executed_as(const fanotify_event_metadata& event) {
  Text<32> link("/proc/self/fd/");
  link.add_number(static_cast<std::uint64_t>(event.fd));
  path_.clear();
  if (const auto count = ::readlink(link.c_str(), path_.tail(), path_.room()); count > 0)
    path_.grow(static_cast<std::size_t>(count));
  name_.clear();
  argument_.clear();
  constexpr unsigned kTries = 50;
  std::optional<Call> call;
  Text<256> text;
  for (unsigned i = 0; i < kTries && !call; ++i) {  // `running`: it is about to sleep in the question
    if (i > 0) (void)::sched_yield();
    text.clear();
    if (!read_file(event.pid, "syscall", text)) break;
    call = parse_call(text);
  }
  if (call) {
    for (const auto& exec : kExecCalls) {
      if (exec.number != call->number) continue;
      const auto memory = sys::open(AT_FDCWD, sys::process_file(event.pid, "mem").c_str(), O_RDONLY);
      if (!memory) break;
      read_text(*memory, call->arguments[exec.name], name_);
      std::uint64_t first = 0;  // the lowest byte comes first on every machine that gdbdebug runs on
      const auto vector = static_cast<off_t>(call->arguments[exec.name + 1]);
      if (::pread(memory->get(), &first, exec.pointer, vector) == static_cast<ssize_t>(exec.pointer))
        read_text(*memory, first, argument_);
      break;
    }
  }
  return match(programs_, {.path = path_, .name = name_, .argument = argument_});
}

/// What the kernel executes by itself, PID 1, and what the agent has started.
bool Answers::ours(pid_t process) const {
  constexpr unsigned kGenerations = 4;
  if (process <= 1) return true;
  for (unsigned i = 0; i < kGenerations && process > 1; ++i) {
    Text<4096> status;
    if (!read_file(process, "status", status)) return true;
    const auto parent = status_number(status, "PPid");
    if (!parent || *parent == agent_pid_) return true;
    if (i == 0 && *parent > 1 && is_kernel_thread(*parent)) return true;
    process = *parent;
  }
  return false;
}

void Answers::stop(pid_t thread, std::string_view name) {
  Text<4096> status;
  if (!read_file(thread, "status", status)) return;
  const auto process = status_number(status, "Tgid");
  if (!process || ours(*process)) return;
  Stopped* room = nullptr;
  for (auto& each : stopped_) {
    if (each.process == *process) return;  // the script's interpreter, or the program's dynamic linker
    if (each.process == 0 && room == nullptr) room = &each;
  }
  if (room == nullptr) return tell(Report::Kind::kFull, *process, 0, name);
  room->handle.reset(static_cast<int>(::syscall(SYS_pidfd_open, *process, 0)));
  if (!room->handle) return;
  // First the agent: it lets go of what it knows if this process ends here.
  tell(Report::Kind::kHeld, *process, 0, name);
  if (::syscall(SYS_tgkill, *process, thread, SIGSTOP) != 0) return room->handle.reset();
  room->process = *process;
}

void Answers::answer(const fanotify_event_metadata& event) {
  // Should this take too long the signal ends this process, and with it every question.
  (void)::alarm(kAnswerSeconds);
  if (event.pid > 1) {
    if (const auto name = executed_as(event); !name.empty()) stop(event.pid, name);
  }
  const fanotify_response response{.fd = event.fd, .response = FAN_ALLOW};
  const auto text = std::string_view(reinterpret_cast<const char*>(&response), sizeof response);
  if (sys::write(questions_.get(), text) != static_cast<ssize_t>(sizeof response)) let_all_go();
  ::close(event.fd);  // not before: the answer is known by its number
  (void)::alarm(0);
}

void Answers::take_release() {
  std::int32_t process = 0;
  const auto count = ::recv(agent_.get(), &process, sizeof process, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count != sizeof process) let_all_go();  // the agent has gone
  for (auto& each : stopped_) {
    if (each.process != process) continue;
    each.process = 0;
    each.handle.reset();
  }
}

void Answers::let_all_go() {
  questions_.reset();  // first: what waits in a question goes on
  for (const auto& each : stopped_) {
    if (each.process != 0) (void)::syscall(SYS_pidfd_send_signal, each.handle.get(), SIGCONT, nullptr, 0);
  }
  ::_exit(0);
}

void Answers::run() {
  start_finder();  // before there is a question: it must not keep one open

  constexpr unsigned kReadOnly = O_CLOEXEC | O_LARGEFILE;
  questions_.reset(::fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_TID, kReadOnly));
  if (!questions_) fail("asking the kernel for exec events (fanotify_init)");
  const auto root = sys::open(AT_FDCWD, "/proc/1/root", O_PATH | O_DIRECTORY);
  if (!root) fail("opening PID 1's root");
  if (!mark(root->get())) fail("marking the image's file system (fanotify_mark)");
  (void)::mlockall(MCL_CURRENT | MCL_FUTURE);  // a page that has to be read could wait for a program
  tell(Report::Kind::kReady, 0, 0, "");
  for (;;) {
    std::array<pollfd, 3> polls{};
    polls[0] = {.fd = questions_.get(), .events = POLLIN, .revents = 0};
    polls[1] = {.fd = agent_.get(), .events = POLLIN, .revents = 0};
    polls[2] = {.fd = mounts_.get(), .events = POLLIN, .revents = 0};
    if (::poll(polls.data(), polls.size(), -1) < 0 && errno != EINTR) let_all_go();
    if (polls[0].revents != 0) {
      alignas(fanotify_event_metadata) std::array<char, 4096> buffer{};
      const auto count = sys::read(questions_.get(), buffer);
      if (count < 0 && errno != EAGAIN) let_all_go();
      auto left = count;
      auto* event = reinterpret_cast<fanotify_event_metadata*>(buffer.data());
      for (; left > 0 && FAN_EVENT_OK(event, left); event = FAN_EVENT_NEXT(event, left)) {
        if (event->vers != FANOTIFY_METADATA_VERSION) let_all_go();
        if (event->fd >= 0) answer(*event);
      }
    }
    if (polls[1].revents != 0) take_release();
    if (polls[2].revents != 0) {
      (void)::alarm(kAnswerSeconds);
      take_mount();
      (void)::alarm(0);
    }
  }
}

}  // namespace

Result<Answerer> start_answerer(std::span<const std::string_view> programs) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return failed("making a socket pair", "");
  Answerer answerer;
  answerer.socket.reset(pair[0]);
  UniqueFd theirs(pair[1]);
  const pid_t agent = ::getpid();
  answerer.pid = ::fork();
  if (answerer.pid < 0) return failed("starting a process", "hold=");
  if (answerer.pid > 0) return answerer;
  // The agent's descriptors must not stay open when the agent ends: PID 1 waits for the hand-off's socket to close.
  constexpr int kFirst = STDERR_FILENO + 1;
  constexpr int kLast = 1024;
  const int kept = theirs.get();
  const bool closed = (kept == kFirst || close_range(kFirst, static_cast<unsigned>(kept) - 1)) &&
                      close_range(static_cast<unsigned>(kept) + 1, ~0U);
  // cppcheck-suppress knownConditionTrueFalse ; it is where close_range(2) is not known
  for (int fd = kFirst; !closed && fd < kLast; ++fd) {
    if (fd != kept) ::close(fd);
  }
  (void)answerer.socket.release();  // closed above
  (void)::prctl(PR_SET_NAME, "gdbdebug-hold");
  (void)::signal(SIGALRM, SIG_DFL);
  (void)::signal(SIGCONT, SIG_DFL);
  (void)::signal(SIGCHLD, SIG_IGN);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  (void)::setpgid(0, 0);  // with its child: the agent reaps both
  alignas(Answers) static std::array<std::byte, sizeof(Answers)> room;
  (new (room.data()) Answers(programs, std::move(theirs), agent))->run();
}

}  // namespace gdbdebug::hold
