// SPDX-License-Identifier: GPL-2.0-or-later
// waiting: see waiting.hpp.
#include "hold/waiting.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "hold/start.hpp"
#include "sys/log.hpp"
#include "sys/sys.hpp"

namespace gdbdebug::hold {
namespace {

constexpr std::uint64_t kReadyMs = 3'000;
/// What an execve(2) may take from its first question to its return; it reads the program and its dynamic linker.
constexpr std::uint64_t kStopMs = 5'000;
constexpr std::uint64_t kLookMs = 5;
constexpr const char* kHolding = "holding programs";

char state_of(pid_t process) {
  Text<512> stat;
  const auto file = sys::open(AT_FDCWD, sys::process_file(process, "stat").c_str(), O_RDONLY);
  if (!file || !sys::read_all(*file, stat)) return 0;
  const auto end = stat.view().rfind(") ");
  return end == std::string_view::npos || end + 2 >= stat.view().size() ? '\0' : stat.view()[end + 2];
}

/// The answerer has ended or is about to; so is its child, which is in its group.
void reap(pid_t group) {
  constexpr std::uint64_t kReapMs = 1'000;
  (void)::kill(-group, SIGKILL);
  for (const auto deadline = sys::now_ms() + kReapMs; sys::now_ms() < deadline;) {
    const pid_t gone = ::waitpid(-group, nullptr, WNOHANG);
    if (gone < 0 && errno != EINTR) break;
    if (gone == 0) (void)::poll(nullptr, 0, 1);
  }
}

log::Message about(const Waiting::Process& process) {
  log::Message message("PID ");
  message.add_number(static_cast<std::uint64_t>(process.pid)).add(" (").add(process.name).add(")");
  return message;
}

}  // namespace

Status Waiting::start(const Request& request) {
  seconds_ = request.hold_seconds;
  auto answerer = start_answerer(request.held());
  if (!answerer) return answerer.error();
  answerer_ = std::move(*answerer);
  Report report;
  const bool in_time = sys::wait_readable(answerer_.socket.get(), sys::now_ms() + kReadyMs);
  const auto count = in_time ? ::recv(answerer_.socket.get(), &report, sizeof report, MSG_DONTWAIT) : -1;
  if (count == sizeof report && report.kind == Report::Kind::kReady) return Done{};
  const bool told = count == sizeof report && report.kind == Report::Kind::kFailed;
  const int error = told ? report.error : in_time ? EPIPE : ETIMEDOUT;
  end();
  if (error == EINVAL || error == ENOSYS)
    return Error{kHolding, "", error, "the kernel has no FANOTIFY_ACCESS_PERMISSIONS, or is older than Linux 5.10"};
  return Error{kHolding, "", error};
}

void Waiting::end() {
  // What waits for an answer goes on first: the kernel allows it when the answerer has ended.
  answerer_.socket.reset();
  if (answerer_.pid > 0) {
    (void)::kill(answerer_.pid, SIGKILL);
    reap(answerer_.pid);
    answerer_.pid = -1;
  }
  for (auto& process : processes_) {
    if (process.pid != 0) forget(process, true);
  }
}

pollfd Waiting::watch(std::size_t which) const {
  if (which == kMaxWaiting) return {.fd = answerer_.socket.get(), .events = POLLIN, .revents = 0};
  return {.fd = processes_[which].handle.get(), .events = POLLIN, .revents = 0};
}

void Waiting::handle(std::size_t which, short revents) {
  if (revents == 0) return;
  if (which == kMaxWaiting) return read_report();
  auto& process = processes_[which];
  if (process.pid == 0 || process.state == Process::State::kTaken) return;
  auto message = about(process);
  log::say(log::Level::kWarning, message.add(" has ended while it was held"));
  forget(process, false);
}

void Waiting::read_report() {
  Report report;
  const auto count = ::recv(answerer_.socket.get(), &report, sizeof report, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count != sizeof report) return lost_answerer("it has ended");
  report.name[sizeof report.name - 1] = '\0';
  if (report.kind == Report::Kind::kHeld) return add(report.process, report.name);
  if (report.kind != Report::Kind::kFull) return;
  log::Message message("PID ");
  message.add_number(static_cast<std::uint64_t>(report.process)).add(" (").add(report.name);
  log::say(log::Level::kError, message.add(") is not held: 16 processes are held already; it runs"));
}

void Waiting::add(pid_t pid, std::string_view name) {
  for (auto& process : processes_) {
    if (process.pid != 0) continue;
    process.handle.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    process.pid = pid;
    process.name.set(name);
    process.state = Process::State::kStopping;
    process.number = ++count_;
    process.deadline = sys::now_ms() + kStopMs;
    if (!process.handle) forget(process, true);
    return;
  }
  (void)::kill(pid, SIGCONT);  // the answerer has as many
}

void Waiting::forget(Process& process, bool continues) {
  if (continues) {
    // Only what stands, or is about to: a SIGCONT can be seen. Where there is no handle the number is the process's.
    if (process.handle)
      (void)::syscall(SYS_pidfd_send_signal, process.handle.get(), SIGCONT, nullptr, 0);
    else
      (void)::kill(process.pid, SIGCONT);
  }
  if (const std::int32_t pid = process.pid; answerer_.socket)
    (void)::send(answerer_.socket.get(), &pid, sizeof pid, MSG_DONTWAIT | MSG_NOSIGNAL);
  process.handle.reset();
  process.pid = 0;
  process.deadline.reset();
}

void Waiting::lost_answerer(std::string_view why) {
  log::Message message("the process that holds programs: ");
  log::say(log::Level::kError, message.add(why).add("; what it held goes on, and nothing more is held"));
  answerer_.socket.reset();
  (void)::kill(answerer_.pid, SIGKILL);
  reap(answerer_.pid);
  answerer_.pid = -1;
  for (auto& process : processes_) {
    if (process.pid != 0 && process.state != Process::State::kTaken) forget(process, true);
  }
}

std::optional<std::uint64_t> Waiting::deadline() const {
  std::optional<std::uint64_t> next;
  for (const auto& process : processes_) {
    if (process.pid == 0 || process.state == Process::State::kTaken) continue;
    const auto mine =
        process.state == Process::State::kStopping ? std::optional(sys::now_ms() + kLookMs) : process.deadline;
    if (mine && (!next || *mine < *next)) next = mine;
  }
  return next;
}

void Waiting::tick(std::uint64_t now_ms, std::string_view line) {
  for (auto& process : processes_) {
    if (process.pid == 0 || process.state == Process::State::kTaken) continue;
    auto message = about(process);
    if (process.state == Process::State::kWaits) {
      if (!process.deadline || now_ms < *process.deadline) continue;
      log::say(log::Level::kError,
               message.add(": no debugger came within ").add_number(*seconds_).add(" seconds; it goes on"));
      forget(process, true);
      continue;
    }
    if (state_of(process.pid) != 'T') {
      if (now_ms < *process.deadline) continue;
      log::say(log::Level::kError, message.add(" did not stop at its first instruction; it goes on"));
      forget(process, true);
      continue;
    }
    if (!stands_at_start(process.pid)) {  // its execve(2) has failed
      forget(process, true);
      continue;
    }
    process.state = Process::State::kWaits;
    process.deadline = seconds_ ? std::optional(now_ms + std::uint64_t{*seconds_} * 1000) : std::nullopt;
    message.add(" is held at its first instruction; it waits ");
    if (seconds_) message.add_number(*seconds_).add(" seconds ");
    log::say(log::Level::kAlert, message.add("for a debugger on ").add(line));
  }
}

void Waiting::choose(std::string_view who) {
  const auto number = parse_number<std::uint32_t>(who);
  chosen_ = number && *number == 1 ? 1 : 0;
  for (const auto& process : processes_) {
    if (process.pid == 0 || process.state != Process::State::kWaits) continue;
    const bool named = number ? process.pid == static_cast<pid_t>(*number) : process.name.view() == who;
    if (named && chosen_ == 0) chosen_ = process.pid;
  }
}

std::optional<std::size_t> Waiting::find_next() const {
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < processes_.size() && chosen_ != 1; ++i) {
    const auto& process = processes_[i];
    if (process.pid == 0 || process.state != Process::State::kWaits) continue;
    if (process.pid == chosen_) return i;
    if (!first || process.number < processes_[*first].number) first = i;
  }
  return first;
}

const Waiting::Process* Waiting::next() const {
  const auto which = find_next();
  return which ? &processes_[*which] : nullptr;
}

const Waiting::Process* Waiting::take() {
  const auto which = find_next();
  chosen_ = 0;
  if (!which) return nullptr;
  processes_[*which].state = Process::State::kTaken;
  return &processes_[*which];
}

void Waiting::let_go(pid_t pid) {
  // gdbserver has let it run; what is left is a stop of ours that it had not come to.
  for (auto& process : processes_) {
    if (process.pid == pid) forget(process, state_of(pid) == 'T');
  }
}

bool Waiting::ended(pid_t pid) const {
  for (const auto& process : processes_) {
    if (process.pid != pid || !process.handle) continue;
    pollfd poll{.fd = process.handle.get(), .events = POLLIN, .revents = 0};
    return ::poll(&poll, 1, 0) > 0;
  }
  return true;
}

}  // namespace gdbdebug::hold
