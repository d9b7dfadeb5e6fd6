// SPDX-License-Identifier: GPL-2.0-or-later
// server: see server.hpp.
#include "tracee/server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "sys/sys.hpp"
#include "tracee/guard.hpp"

namespace gdbdebug {
namespace {

/// Detaching takes gdbserver some milliseconds; what takes longer is stuck.
constexpr std::uint64_t kDetachTimeoutMs = 5'000;
/// What is left after gdbserver has ended gets a SIGKILL at that moment.
constexpr std::uint64_t kReapTimeoutMs = 500;

constexpr const char* kAttaching = "attaching gdbserver to PID 1";
constexpr const char* kAsking = "asking gdbserver";

constexpr const char* kForbidden =
    "Yama forbids it until the next boot: kernel.yama.ptrace_scope is 3, and must be 2 or less";

/// What gdbserver says of every session (gdbserver/server.cc and remote-utils.cc), and so no reason for anything.
bool is_usual(std::string_view message) {
  return message.starts_with("Attached; pid = ") || message == "Remote debugging using stdio" || message == "Exiting";
}

/// Only for ask() and receive(), whose replies are short; the relay reads the socket itself afterwards.
std::array<char, 8192> reply_buffer;
std::array<char, 8192> read_buffer;
rsp::Reader reader(reply_buffer);

/// In the child between fork and exec: system calls only.
[[noreturn]] void become_gdbserver(const char* program, int socket, std::span<const int> kept, int messages, int report,
                                   pid_t agent) {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // It must not outlive the agent, for nobody would let PID 1 go on. It would kill PID 1, too, at the end of its
  // connection (see Server::end()), and the kernel closes the agent's files before it sends this signal: so it holds
  // the agent's end of the socket pair as well.
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
  (void)::setpgid(0, 0);  // with the helper that it forks to read PID 1's files: the agent waits for both
  for (const int fd : kept) (void)::fcntl(fd, F_SETFD, 0);  // they survive the exec on purpose
  if (::getppid() != agent) ::_exit(127);
  // The out-of-memory killer is to take the agent first: with it all goes that we have taken from the boot, while an
  // agent that is left would only start another gdbserver.
  if (const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC); score >= 0)
    (void)!::write(score, "-999", 4);
  (void)raise_fence();  // without it the session works all the same, for as long as gdbserver lives
  if (::dup2(socket, STDIN_FILENO) >= 0 && ::dup2(socket, STDOUT_FILENO) >= 0 && ::dup2(messages, STDERR_FILENO) >= 0) {
    char* const argv[] = {const_cast<char*>("@gdbserver"), const_cast<char*>("--once"), const_cast<char*>("--attach"),
                          const_cast<char*>("-"),          const_cast<char*>("1"),      nullptr};
    char* const envp[] = {nullptr};
    ::execve(program, argv, envp);
  }
  const int error = errno;
  (void)!::write(report, &error, sizeof error);
  ::_exit(127);
}

}  // namespace

Status may_attach() {
  Text<16> scope;
  const auto file = sys::open(AT_FDCWD, "/proc/sys/kernel/yama/ptrace_scope", O_RDONLY);
  if (!file || !sys::read_all(*file, scope) || trim(scope) != "3") return Done{};
  return Error{kAttaching, "", EPERM, kForbidden};
}

Status Server::start(const char* program) {
  int pair[2];
  int messages[2];
  int report[2];
  // Should the agent be killed while PID 1 stands at a SIGSTOP, that of the attach or one of its own, only a SIGCONT
  // ends that. The kernel sends it, and gdbserver keeps the reading end open for as long as it takes.
  if (continues_pid1_.make()) (void)continues_pid1_.tie(1, SIGCONT);
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return failed("making a socket pair", "");
  socket_.reset(pair[0]);
  const UniqueFd theirs(pair[1]);
  if (::pipe2(messages, O_CLOEXEC | O_NONBLOCK) != 0) return failed("making a pipe", "");
  messages_.reset(messages[0]);
  const UniqueFd their_messages(messages[1]);
  if (::pipe2(report, O_CLOEXEC) != 0) return failed("making a pipe", "");
  const UniqueFd failure(report[0]);
  UniqueFd their_report(report[1]);

  const pid_t agent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) return failed("starting gdbserver", program);
  if (pid_ == 0) {
    const int kept[] = {socket_.get(), continues_pid1_.reading_end()};
    become_gdbserver(program, theirs.get(), kept, their_messages.get(), their_report.get(), agent);
  }
  their_report.reset();
  int error = 0;
  if (sys::read(failure.get(), {reinterpret_cast<char*>(&error), sizeof error}) == sizeof error) {
    end(true);
    return Error{"starting gdbserver", program, error};
  }
  (void)::fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
  return Done{};
}

Status Server::attach(const char* program) {
  message_.clear();
  partial_.clear();
  unread_ = {};
  reader.reset();
  if (const auto status = may_attach(); !status) {
    message_.set(kForbidden);
    return status;
  }
  if (const auto status = start(program); !status) return status;
  (void)guard::start(pid_);  // without it the session still works

  const auto quiet = ask("QStartNoAckMode");
  if (!quiet) return Error{kAttaching, "", quiet.error().err, quiet.error().reason.data()};
  (void)sys::write_all(socket_.get(), "+");  // the last one: for the OK
  // xmlRegisters: without it gdbserver describes an x86 machine by its name alone.
  const auto features = ask("qSupported:exec-events+;vContSupported+;xmlRegisters=i386");
  if (!features) return features.error();
  // Any thread: QCatchSyscalls before a thread was chosen ends gdbserver 13 (current_process() in gdbserver/server.cc).
  if (const auto thread = ask("Hg0"); !thread) return thread.error();
  return Done{};
}

Status Server::send(std::string_view payload) {
  std::array<char, 2048> packet;
  // A socket buffer is far larger than any packet of the agent's own.
  if (!sys::write_all(socket_.get(), rsp::frame(payload, packet))) return ended();
  return Done{};
}

Result<std::string_view> Server::receive(std::uint64_t timeout_ms) {
  const auto deadline = sys::now_ms() + timeout_ms;
  for (;;) {
    if (reader.take(unread_) == rsp::Token::kPacket) return reader.payload();
    if (!unread_.empty()) continue;
    if (!wait_readable(deadline)) return Error{kAsking, "", ETIMEDOUT, "gdbserver does not answer"};
    const auto count = sys::read(socket_.get(), read_buffer);
    if (count > 0)
      unread_ = {read_buffer.data(), static_cast<std::size_t>(count)};
    else if (count == 0 || errno != EAGAIN)
      return ended();
  }
}

Result<std::string_view> Server::ask(std::string_view payload, std::uint64_t timeout_ms) {
  if (const auto status = send(payload); !status) return status.error();
  return receive(timeout_ms);
}

Result<std::string_view> Server::ask_expanded(std::string_view payload) {
  static std::array<char, 16384> expanded;
  const auto reply = ask(payload);
  if (!reply) return reply.error();
  const auto text = rsp::expand(*reply, expanded);
  std::size_t size = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '}' && i + 1 < text.size();
    expanded[size++] = escape ? static_cast<char>(text[++i] ^ 0x20) : text[i];
  }
  return std::string_view(expanded.data(), size);
}

bool Server::wait_readable(std::uint64_t deadline_ms) {
  for (;;) {
    const auto now = sys::now_ms();
    if (now >= deadline_ms) return false;
    pollfd poll{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&poll, 1, static_cast<int>(deadline_ms - now)) > 0) return true;
    if (errno != EINTR) return false;
  }
}

void Server::read_messages() {
  std::array<char, 512> buffer;
  for (;;) {
    const auto count = sys::read(messages_.get(), buffer);
    if (count <= 0) {
      if (count == 0) messages_.reset();
      return;
    }
    for (const char c : std::string_view(buffer.data(), static_cast<std::size_t>(count))) {
      if (c != '\n') {
        partial_.add(c);
        continue;
      }
      if (!partial_.empty() && !is_usual(partial_)) message_ = partial_;
      partial_.clear();
    }
  }
}

Error Server::ended() {
  // Its messages are complete once its end of the pipe is closed, which is when it ends.
  pollfd poll{.fd = messages_.get(), .events = POLLIN, .revents = 0};
  const auto deadline = sys::now_ms() + 1000;
  while (messages_ && sys::now_ms() < deadline) {
    (void)::poll(&poll, 1, 100);
    read_messages();
  }
  return Error{kAsking, "", EPIPE, message_.empty() ? "gdbserver has ended" : message_.c_str()};
}

void Server::end(bool at_once) {
  // It is told to detach, and ends after that. Closing its socket would not do: after an exec event gdbserver 13 takes
  // PID 1 for a process of its own making (handle_extended_wait() in linux-low.cc adds it with attached = 0), and such
  // a one it kills at the end of a connection. Where it has ended already, nobody reads this.
  if (!at_once && socket_) (void)send("D;1");
  // Detaching must not be cut short: PID 1 would get the signal it stands at. gdbserver's end of the pipe closes when
  // it ends.
  const auto deadline = sys::now_ms() + kDetachTimeoutMs;
  const bool was_there = pid_ > 0;
  while (pid_ > 0) {
    const bool last = at_once || sys::now_ms() >= deadline;
    if (last) ::kill(pid_, SIGKILL);
    const pid_t gone = ::waitpid(pid_, nullptr, last ? 0 : WNOHANG);
    if (gone == pid_ || (gone < 0 && errno != EINTR)) break;
    pollfd poll{.fd = messages_.get(), .events = POLLIN, .revents = 0};
    (void)::poll(&poll, 1, 10);
    if (messages_) read_messages();
  }
  // One that was killed leaves PID 1 with the SIGSTOP by which it was attached. SIGCONT does nothing to a PID 1 that
  // runs.
  if (was_there) (void)::kill(1, SIGCONT);
  guard::stop();
  // gdbserver's own helper dies with it, and the agent inherits it (PR_SET_CHILD_SUBREAPER): left to PID 1, it would be
  // a dead child more that the real init did not start. A child that it tried ptrace(2) on may stand at a SIGSTOP.
  if (pid_ > 0) (void)::kill(-pid_, SIGKILL);
  while (pid_ > 0 && sys::now_ms() < deadline + kReapTimeoutMs) {
    const pid_t gone = ::waitpid(-pid_, nullptr, WNOHANG);
    if (gone < 0 && errno != EINTR) break;  // ECHILD: there is none, or no longer
    if (gone == 0) (void)::poll(nullptr, 0, 5);
  }
  pid_ = -1;
  continues_pid1_.untie();
  socket_.reset();
  messages_.reset();
}

}  // namespace gdbdebug
