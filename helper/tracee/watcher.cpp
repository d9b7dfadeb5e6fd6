// SPDX-License-Identifier: GPL-2.0-or-later
// watcher: see watcher.hpp.
#include "tracee/watcher.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "core/base/text.hpp"
#include "sys/log.hpp"
#include "sys/sys.hpp"
#include "tracee/guard.hpp"
#include "tracee/pid1.hpp"

namespace gdbdebug {
namespace {

constexpr const char* kWatching = "watching PID 1";
constexpr const char* kStopping = "stopping PID 1";
/// What a thread may take to stop, unless it is in uninterruptible sleep.
constexpr std::uint64_t kStopTimeoutMs = 2'000;
/// Threads are born while others are seized; each round finds those of the one before.
constexpr unsigned kRounds = 100;

// From the kernel's <linux/ptrace.h>, which cannot be included beside every libc's <sys/ptrace.h>. The options: never
// PTRACE_O_EXITKILL.
constexpr unsigned kSeize = 0x4206;
constexpr unsigned kInterrupt = 0x4207;
constexpr unsigned kGetSiginfo = 0x4202;
constexpr unsigned kGetEventMessage = 0x4201;
constexpr unsigned long kTraceClone = 1UL << 3;
constexpr unsigned long kTraceExec = 1UL << 4;
constexpr unsigned long kTraceExit = 1UL << 6;
constexpr unsigned long kTraceSysgood = 1UL;
constexpr unsigned long kOptions = kTraceClone | kTraceExec | kTraceExit | kTraceSysgood;

/// By syscall(2): the libraries disagree about the types of ptrace(3).
long trace(unsigned request, pid_t thread, unsigned long data) {
  return ::syscall(SYS_ptrace, static_cast<unsigned long>(request), static_cast<unsigned long>(thread), 0UL, data);
}
// cppcheck-suppress constParameterPointer ; the kernel writes there
long trace(unsigned request, pid_t thread, void* data) {
  return trace(request, thread, reinterpret_cast<unsigned long>(data));
}

/// The writing end of the pipe that wakes the agent's loop.
int waker = -1;

void on_child(int) {
  const int saved = errno;
  if (waker >= 0) (void)!::write(waker, "c", 1);  // a pipe that is full wakes the loop, too
  errno = saved;
}

/// Whether a thread that stands at a system call begins reboot(2). Before Linux 5.3 the kernel does not say which of
/// the two stops of a call it is; but that call seldom comes back.
bool begins_reboot(pid_t thread) {
  constexpr unsigned kGetSyscallInfo = 0x420e;
  constexpr unsigned char kEntry = 1;
  // struct ptrace_syscall_info in words (include/uapi/linux/ptrace.h): the first byte says at which of the two it
  // stands.
  constexpr std::size_t kNumber = 3;
  std::array<std::uint64_t, 11> info{};
  const auto size = ::syscall(SYS_ptrace, static_cast<unsigned long>(kGetSyscallInfo),
                              static_cast<unsigned long>(thread), sizeof info, info.data());
  if (size > 0) {
    unsigned char kind = 0;
    std::memcpy(&kind, info.data(), 1);
    return kind == kEntry && info[kNumber] == SYS_reboot;
  }
  return pid1::call_of(static_cast<unsigned>(thread)).number == std::uint64_t{SYS_reboot};
}

/// Whether it is a thread of PID 1, and not a process that was cloned without a SIGCHLD.
bool is_thread(pid_t thread) {
  Text<48> path("/proc/1/task/");
  path.add_number(static_cast<unsigned>(thread));
  return ::access(path.c_str(), F_OK) == 0;
}

bool is_ours(pid_t thread) {
  return parse_number<std::uint32_t>(pid1::status_of(thread, "TracerPid")) == static_cast<std::uint32_t>(::getpid());
}

/// The signal that a stopped thread is about to get; 0: it stands at something else. A SIGSTOP would stop PID 1, from
/// which the kernel keeps it where nobody traces it.
int signal_of(pid_t thread) {
  siginfo_t info{};
  if (trace(kGetSiginfo, thread, &info) != 0) return 0;
  const bool event = info.si_signo == SIGTRAP && (info.si_code >> 8) != 0;
  return event || info.si_signo == SIGSTOP ? 0 : info.si_signo;
}

/// Calls `visit` for each thread of PID 1.
template <typename Visit>
void for_each_thread(Visit visit) {
  const auto tasks = sys::open(AT_FDCWD, "/proc/1/task", O_RDONLY | O_DIRECTORY);
  if (!tasks) return;
  sys::Names names(*tasks);
  for (auto name = names.next(); !name.empty(); name = names.next()) {
    if (const auto number = parse_number<std::uint32_t>(name)) visit(static_cast<pid_t>(*number));
  }
}

/// A thread that can be stopped: the first one, unless it has ended before the others.
pid_t first_living_thread() {
  pid_t found = 0;
  for_each_thread([&](pid_t thread) {
    const auto state = pid1::status_of(thread, "State");
    if (found == 0 && !state.empty() && !state.view().starts_with('Z') && !state.view().starts_with('X'))
      found = thread;
  });
  return found;
}

}  // namespace

Status Watcher::open() {
  if (wake_) return Done{};
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return failed("making a pipe", "");
  wake_.reset(ends[0]);
  waker = ends[1];
  struct sigaction action {};
  action.sa_handler = on_child;
  action.sa_flags = SA_RESTART;
  if (::sigaction(SIGCHLD, &action, nullptr) != 0) return failed("installing a signal handler", "SIGCHLD");
  return Done{};
}

/// Whether every thread that there is now is traced.
bool Watcher::seize_all() {
  bool any = false;
  for (unsigned round = 0; round < kRounds; ++round) {
    bool found = false;
    bool refused = false;
    for_each_thread([&](pid_t thread) {
      if (trace(kSeize, thread, kOptions) == 0)
        found = any = true;
      else if (errno != ESRCH && !is_ours(thread) && !pid1::status_of(thread, "State").view().starts_with('Z'))
        refused = true;
    });
    if (refused) return false;
    if (!found) return any;
  }
  return any;
}

Status Watcher::take(bool stopped) {
  if (const auto status = open(); !status) return status;
  ending_count_ = 0;
  const bool all = seize_all();
  const int error = errno;
  if (stopped) (void)::kill(1, SIGCONT);
  if (!all) {
    state_ = State::kWatching;
    let_go();
    return Error{kWatching, "", error};
  }
  state_ = State::kWatching;
  (void)guard::watch();  // without it a kill(-1, SIGSTOP) of PID 1's can stop the machine
  on_child(0);
  return Done{};
}

void Watcher::drain() {
  std::array<char, 64> bytes;
  while (sys::read(wake_.get(), bytes) > 0) {
  }
}

std::optional<Watcher::Event> Watcher::next() {
  if (state_ == State::kHeld) look_after_held();
  if (state_ != State::kWatching) return std::nullopt;
  if (saved_) return std::exchange(saved_, std::nullopt);
  drain();
  for (;;) {
    siginfo_t info{};
    // Only stops: the ends of other children are others' to wait for. A thread's own end is not waited for, for it is
    // not traced any more then.
    if (::syscall(SYS_waitid, P_ALL, 0, &info, WSTOPPED | WNOHANG | __WALL, nullptr) != 0) {
      if (errno != ECHILD) on_child(0);  // what has stopped is not told twice
      return std::nullopt;
    }
    if (info.si_pid == 0) return std::nullopt;
    if (info.si_code != CLD_TRAPPED) continue;  // a child of the agent's that somebody has stopped
    if (auto event = judge_or_run(info.si_pid, info.si_status)) return event;
  }
}

/// Only a SIGKILL of somebody outside its namespace moves the thread that is held; nobody keeps PID 1 from that.
void Watcher::look_after_held() {
  drain();
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(held_.thread), &info, WSTOPPED | WNOHANG | __WALL) != 0 || info.si_pid == 0)
    return;
  let_go();
}

std::optional<Watcher::Event> Watcher::judge_or_run(pid_t thread, int status) {
  const auto trap = parse_trap(status);
  switch (trap.kind) {
    case Trap::Kind::kExec:
      ending_count_ = 0;
      return Event{.kind = Event::Kind::kExec, .thread = thread};
    case Trap::Kind::kExit:
      return on_exit(thread);
    case Trap::Kind::kSignal: {
      Event event{.kind = Event::Kind::kSignal, .thread = thread, .signal = trap.signal};
      const bool known = trace(kGetSiginfo, thread, &event.info) == 0;
      const bool own = known && event.info.si_code == SI_USER && event.info.si_pid == ::getpid();
      if (trap.signal == SIGSTOP || (trap.signal == SIGCONT && own)) break;
      return event;
    }
    case Trap::Kind::kClone: {
      unsigned long born = 0;
      if (trace(kGetEventMessage, thread, &born) == 0) forget_end(static_cast<pid_t>(born));
      break;
    }
    case Trap::Kind::kPause:
      if (!is_thread(thread)) {
        (void)detach(thread, 0);
        return std::nullopt;
      }
      break;
    case Trap::Kind::kCall:
      if (begins_reboot(thread)) return Event{.kind = Event::Kind::kCall, .thread = thread};
      break;
    case Trap::Kind::kGroup:  // the SIGCONT that ends it is on its way
    case Trap::Kind::kOther:
      break;
  }
  restart(thread, 0);
  return std::nullopt;
}

/// A thread that ends alone is let go where it stands: nobody has to wait for it then.
std::optional<Watcher::Event> Watcher::on_exit(pid_t thread) {
  Event event{.kind = Event::Kind::kExit, .thread = thread};
  (void)trace(kGetEventMessage, thread, &event.end.status);
  for (unsigned tries = 0; tries < 2 && !event.end.call; ++tries)  // where there is no file left, once more
    event.end.call = pid1::call_of(static_cast<unsigned>(thread)).number;
  event.end.last = true;
  for_each_thread([&](pid_t other) {
    if (other == thread || ends(other)) return;
    if (pid1::lives(static_cast<unsigned>(other))) event.end.last = false;
  });
  if (kind_of(event.end) == EndKind::kThread) {
    note_end(thread);
    (void)detach(thread, 0);
    return std::nullopt;
  }
  if (kind_of(event.end) == EndKind::kKilled) event.signal = killed_by(event.end);
  return event;
}

// Threads that were let go at their ends, and may not have come to them yet.

void Watcher::note_end(pid_t thread) {
  ending_[ending_next_++ % ending_.size()] = thread;
  ending_count_ = std::min<std::size_t>(ending_count_ + 1, ending_.size());
}

bool Watcher::ends(pid_t thread) const {
  const auto known = std::span(ending_).first(ending_count_);
  return std::find(known.begin(), known.end(), thread) != known.end();
}

void Watcher::forget_end(pid_t thread) {
  std::replace(ending_.begin(), ending_.begin() + static_cast<std::ptrdiff_t>(ending_count_), thread, pid_t{0});
}

/// Fails only if the thread has been killed. Where it fails otherwise PID 1 is let go, before it stands for ever.
void Watcher::restart(pid_t thread, int signal) {
  if (trace(calls_ ? PTRACE_SYSCALL : PTRACE_CONT, thread, static_cast<unsigned long>(signal)) == 0 || errno == ESRCH)
    return;
  log::error(failed("resuming PID 1", ""), "it is not watched any more");
  (void)detach(thread, signal);
  state_ = State::kWatching;
  let_go();
}

bool Watcher::detach(pid_t thread, int signal) {
  constexpr unsigned kTries = 3;
  for (unsigned tries = 0; tries < kTries; ++tries) {
    if (trace(PTRACE_DETACH, thread, static_cast<unsigned long>(signal)) == 0 || errno == ESRCH) return true;
  }
  return false;
}

void Watcher::pass(const Event& event) {
  restart(event.thread, event.kind == Event::Kind::kSignal ? event.signal : 0);
}

void Watcher::hold(const Event& event) {
  held_ = event;
  state_ = State::kHeld;
  for_each_thread([&](pid_t thread) {
    if (thread != held_.thread) (void)trace(kInterrupt, thread, 0UL);
  });
}

void Watcher::go_on() {
  if (state_ != State::kHeld) return;
  state_ = State::kWatching;
  pass(held_);
  on_child(0);  // what has stopped the others has not been looked at
}

/// Makes a thread stop at a SIGSTOP of ours.
Status Watcher::stop_one(pid_t thread) {
  if (::syscall(SYS_tgkill, 1, thread, SIGSTOP) != 0) return failed(kStopping, "");
  return await_stop(thread, false);
}

/// It stands at an exec: the SIGSTOP comes before its first instruction, and so does every other signal that waits.
Status Watcher::stop_after_exec() {
  state_ = State::kWatching;
  if (::syscall(SYS_tgkill, 1, held_.thread, SIGSTOP) != 0) {
    const auto status = failed(kStopping, "");
    restart(held_.thread, 0);
    return status;
  }
  restart(held_.thread, 0);
  return await_stop(held_.thread, true);
}

/// Waits for the SIGSTOP. What comes in its place is judged first, unless it `passes_signals`: then the thread gets
/// them and is waited for.
Status Watcher::await_stop(pid_t thread, bool passes_signals) {
  const auto deadline = sys::now_ms() + kStopTimeoutMs;
  for (auto now = sys::now_ms(); now < deadline; now = sys::now_ms()) {
    siginfo_t info{};
    if (::syscall(SYS_waitid, P_ALL, 0, &info, WSTOPPED | WNOHANG | __WALL, nullptr) == 0 && info.si_pid != 0) {
      if (info.si_code != CLD_TRAPPED) continue;
      const auto trap = parse_trap(info.si_status);
      if (info.si_pid == thread && trap.kind == Trap::Kind::kSignal && trap.signal == SIGSTOP) return Done{};
      saved_ = judge_or_run(info.si_pid, info.si_status);
      if (!saved_) continue;
      if (passes_signals && saved_->kind == Event::Kind::kSignal) {
        pass(*std::exchange(saved_, std::nullopt));
        continue;
      }
      (void)::kill(1, SIGCONT);  // takes the SIGSTOP back
      return Error{kStopping, "", EAGAIN};
    }
    pollfd poll{.fd = wake_.get(), .events = POLLIN, .revents = 0};
    (void)::poll(&poll, 1, 10);
    drain();
  }
  (void)::kill(1, SIGCONT);
  return Error{kStopping, "", ETIMEDOUT, "it does not stop"};
}

/// A hand-over has failed before it began: PID 1 is watched, or held, as before.
void Watcher::go_on_from(pid_t first) {
  if (state_ == State::kWatching) restart(first, 0);
}

/// Lets go of all threads but one. Those that run have to stop first.
bool Watcher::detach_others(pid_t but) {
  const auto deadline = sys::now_ms() + kStopTimeoutMs;
  for (;;) {
    bool left = false;
    for_each_thread([&](pid_t thread) {
      if (thread == but || !is_ours(thread)) return;
      (void)trace(kInterrupt, thread, 0UL);
      const int signal = signal_of(thread);
      if (trace(PTRACE_DETACH, thread, static_cast<unsigned long>(signal)) != 0) left = true;
    });
    if (!left || sys::now_ms() >= deadline) return !left;
    (void)::poll(nullptr, 0, 1);
  }
}

Status Watcher::give() {
  pid_t first = held_.thread;
  if (at_exec()) {
    if (const auto status = stop_after_exec(); !status) return status;
  } else if (state_ == State::kWatching) {
    first = first_living_thread();
    if (const auto status = stop_one(first); !status) return status;
  }
  // The others are let go once the group stop has begun, so that none of them runs.
  if (!detach(first, SIGSTOP)) {
    const auto status = failed(kStopping, "");
    go_on_from(first);
    return status;
  }
  const auto deadline = sys::now_ms() + kStopTimeoutMs;
  while (!pid1::status_of(first, "State").view().starts_with('T') && sys::now_ms() < deadline)
    (void)::poll(nullptr, 0, 1);
  (void)detach_others(first);
  state_ = State::kAway;
  guard::unwatch();
  return Done{};
}

void Watcher::let_go() {
  if (!active()) return;
  saved_.reset();
  const pid_t last = is_held() ? held_.thread : 0;
  (void)detach_others(last);
  if (last != 0) (void)detach(last, 0);
  state_ = State::kAway;
  guard::unwatch();
}

}  // namespace gdbdebug
