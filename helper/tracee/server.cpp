// SPDX-License-Identifier: GPL-2.0-or-later
// server: see server.hpp.
#include "tracee/server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/rsp/stop.hpp"
#include "sys/sys.hpp"
#include "tracee/guard.hpp"
#include "tracee/pid1.hpp"
#include "tracee/signals.hpp"

namespace gdbdebug {
namespace {

/// Detaching takes gdbserver some milliseconds; what takes longer is stuck.
constexpr std::uint64_t kDetachTimeoutMs = 5'000;
/// What PID 1 may take to stop by a signal that is queued already, unless it is in uninterruptible sleep.
constexpr std::uint64_t kStopTimeoutMs = 1'000;
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
                                   int gate, pid_t agent, const char* subject) {
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
  char go = 0;
  if (sys::read(gate, {&go, 1}) != 1) ::_exit(127);
  if (::dup2(socket, STDIN_FILENO) >= 0 && ::dup2(socket, STDOUT_FILENO) >= 0 && ::dup2(messages, STDERR_FILENO) >= 0) {
    char* const argv[] = {const_cast<char*>("@gdbserver"), const_cast<char*>("--once"), const_cast<char*>("--attach"),
                          const_cast<char*>("-"),          const_cast<char*>(subject),  nullptr};
    char* const envp[] = {nullptr};
    ::execve(program, argv, envp);
  }
  const int error = errno;
  (void)!::write(report, &error, sizeof error);
  ::_exit(127);
}

/// Whether these are gdbserver's breakpoint instruction; on machines where that has many forms, whether they could be.
bool is_breakpoint([[maybe_unused]] std::string_view bytes) {
#if defined(__x86_64__) || defined(__i386__)
  return bytes == "\xcc";
#elif defined(__aarch64__)
  return bytes == std::string_view("\0\0\x20\xd4", 4);
#else
  return true;
#endif
}

/// Puts back the bytes under breakpoints that gdbserver does not take out any more.
void put_back(pid_t process, std::span<const Patch> patches) {
  for (const auto& patch : patches) {
    std::array<char, Patch::kMax> bytes{};
    const auto now = std::span(bytes).first(patch.size);
    if (!pid1::read_memory(process, patch.address, now)) continue;
    // cppcheck-suppress knownConditionTrueFalse  // on some machines
    if (is_breakpoint({now.data(), now.size()}))
      (void)pid1::write_memory(process, patch.address, {patch.original.data(), patch.size});
  }
}

Text<16> detach_packet(pid_t process) {
  Text<16> packet("D;");
  packet.add_number(static_cast<std::uint64_t>(process), 16);
  return packet;
}

constexpr std::uint64_t kSigstop = std::uint64_t{1} << (SIGSTOP - 1);

/// The processes beside PID 1 that `tracer` traces; how many of them fit.
std::size_t traced_by(pid_t tracer, pid_t subject, std::span<pid_t> found) {
  std::size_t count = 0;
  const auto proc = sys::open(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
  if (!proc || tracer <= 0) return 0;
  sys::Names names(*proc);
  for (auto name = names.next(); !name.empty() && count < found.size(); name = names.next()) {
    const auto pid = parse_number<std::uint32_t>(name);
    if (!pid || *pid == 1 || static_cast<pid_t>(*pid) == subject) continue;
    if (parse_number<std::uint32_t>(pid1::status_of(static_cast<pid_t>(*pid), "TracerPid")) == std::uint32_t(tracer))
      found[count++] = static_cast<pid_t>(*pid);
  }
  return count;
}

/// Nobody traces PID 1 any more, and it is about to stop at the SIGSTOP that is queued. One that was thrown away, by
/// the SIGCONT of a gdbserver without a fence or of another process, is not waited for: PID 1 runs, and the next
/// gdbserver must come at once.
void wait_for_stop(pid_t process) {
  const auto deadline = sys::now_ms() + kStopTimeoutMs;
  for (unsigned unqueued = 0; !pid1::is_stopped(process) && unqueued < 3 && sys::now_ms() < deadline;) {
    const auto queued = parse_number<std::uint64_t>(pid1::status_of(process, "ShdPnd"), 16).value_or(kSigstop);
    unqueued = (queued & kSigstop) == 0 ? unqueued + 1 : 0;
    (void)::poll(nullptr, 0, 1);
  }
}

}  // namespace

Status may_attach() {
  Text<16> scope;
  const auto file = sys::open(AT_FDCWD, "/proc/sys/kernel/yama/ptrace_scope", O_RDONLY);
  if (!file || !sys::read_all(*file, scope) || trim(scope) != "3") return Done{};
  return Error{kAttaching, "", EPERM, kForbidden};
}

void let_run(pid_t process) {
  const auto queued = [process](std::string_view key) {
    return parse_number<std::uint64_t>(pid1::status_of(process, key), 16).value_or(0);
  };
  if (pid1::status_of(process, "State").view().starts_with('T') ||
      ((queued("SigPnd") | queued("ShdPnd")) & kSigstop) != 0)
    (void)::kill(process, SIGCONT);
}

Status Server::fork(const char* program, Process& process) {
  int pair[2];
  int messages[2];
  int report[2];
  int gate[2];
  // Should the agent be killed while PID 1 stands at a SIGSTOP, that of the attach or one of its own, only a SIGCONT
  // ends that. The kernel sends it, and gdbserver keeps the reading end open for as long as it takes.
  if (!continues_pid1_.made() && continues_pid1_.make()) (void)continues_pid1_.tie(subject_, SIGCONT);
  // Should gdbserver be killed, PID 1 must not run on with its breakpoints in. The kernel closes its files before it
  // lets go of PID 1, so the SIGSTOP is queued while PID 1 is still traced; an untraced init is not stopped by it. The
  // reading end is the agent's alone: when the agent has gone nobody is stopped.
  // Another process would be, so it is left without: the agent puts its bytes back as soon as it sees the end.
  if (process.anchor.make() && subject_ == 1) (void)process.anchor.tie(subject_, SIGSTOP);
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return failed("making a socket pair", "");
  process.socket.reset(pair[0]);
  const UniqueFd theirs(pair[1]);
  if (::pipe2(messages, O_CLOEXEC | O_NONBLOCK) != 0) return failed("making a pipe", "");
  process.messages.reset(messages[0]);
  const UniqueFd their_messages(messages[1]);
  if (::pipe2(report, O_CLOEXEC) != 0) return failed("making a pipe", "");
  process.failure.reset(report[0]);
  const UniqueFd their_report(report[1]);
  if (::pipe2(gate, O_CLOEXEC) != 0) return failed("making a pipe", "");
  const UniqueFd their_gate(gate[0]);
  process.gate.reset(gate[1]);

  Text<12> subject;
  subject.add_number(static_cast<std::uint64_t>(subject_));
  const pid_t agent = ::getpid();
  process.pid = ::fork();
  if (process.pid < 0) return failed("starting gdbserver", program);
  if (process.pid == 0) {
    process.gate.reset();
    const int kept[] = {process.socket.get(), continues_pid1_.reading_end(), process.anchor.writing_end()};
    become_gdbserver(program, theirs.get(), kept, their_messages.get(), their_report.get(), their_gate.get(), agent,
                     subject.c_str());
  }
  process.anchor.leave_writing_end();
  return Done{};
}

/// From now on this is the gdbserver that is spoken to.
Status Server::let_in(Process&& process, const char* program) {
  message_.clear();
  partial_.clear();
  unread_ = {};
  reader.reset();
  pid_ = process.pid;
  socket_ = std::move(process.socket);
  messages_ = std::move(process.messages);
  anchor_ = std::move(process.anchor);
  (void)sys::write(process.gate.get(), "g");  // where this fails it ends, and that is seen
  process.gate.reset();
  // systemd may have stopped it with everybody else (guard.hpp); the guard's timers are not its own yet.
  for (const auto deadline = sys::now_ms() + kServerTimeoutMs; sys::now_ms() < deadline;) {
    pollfd poll{.fd = process.failure.get(), .events = POLLIN, .revents = 0};
    if (::poll(&poll, 1, 100) > 0) break;
    (void)::kill(pid_, SIGCONT);
  }
  int error = 0;
  if (sys::read(process.failure.get(), {reinterpret_cast<char*>(&error), sizeof error}) == sizeof error)
    return Error{"starting gdbserver", program, error};
  (void)::fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
  (void)guard::start(pid_);  // without it the session still works
  return greet();
}

Status Server::greet() {
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

Status Server::attach(const char* program) {
  if (const auto status = may_attach(); !status) {
    message_.set(kForbidden);
    return status;
  }
  Process process;
  if (const auto status = fork(program, process); !status) return status;
  return let_in(std::move(process), program);
}

Status Server::prepare(const char* program) {
  if (next_.pid > 0) return Done{};
  return fork(program, next_);
}

void Server::set_subject(pid_t process) {
  if (running() || process == subject_) return;
  subject_ = process;
  drop_prepared();
  continues_pid1_.untie();  // it is another process's
}

void Server::drop_prepared() {
  if (next_.pid <= 0) return;
  next_.anchor.untie();
  next_.gate.reset();  // it ends without having been gdbserver
  (void)::kill(next_.pid, SIGKILL);
  while (::waitpid(next_.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  next_ = {};
}

Status Server::attach_prepared(const char* program, const Standing& standing) {
  if (const auto status = let_in(std::exchange(next_, {}), program); !status) return status;
  return settle({}, standing);
}

Result<std::string_view> Server::attach_prepared_at(const char* program, pid_t thread, int signal,
                                                    const siginfo_t& info) {
  static Text<8192> stopped;
  if (const auto status = let_in(std::exchange(next_, {}), program); !status) return status.error();
  // As in settle(), but the SIGSTOP is left: the kernel delivers the signals of faults first, and nothing of the
  // program runs before. One that the thread blocks is raised by the instruction itself, once more.
  (void)::kill(1, SIGCONT);
  (void)::syscall(SYS_tgkill, 1, thread, SIGSTOP);
  (void)::syscall(SYS_tgkill, 1, thread, signal);
  Text<32> resume("vCont;c:");
  resume.add_number(static_cast<unsigned>(thread), 16);
  for (;;) {
    const auto reply = ask(resume);
    if (!reply) return reply.error();
    const auto stop = parse_stop(*reply);
    if (!stop) return Error{kAttaching, "", EIO, "PID 1 did not stop"};
    stopped.set(*reply);
    if (stop->is_signal() && host_signal(stop->signal) == signal) break;
    resume.set("vCont;c");
    if (stop->signal != 0 && stop->signal != kGdbSigtrap && stop->signal != kGdbSigstop && stop->event.empty()) {
      resume.set("vCont;C");
      resume.add_hex(static_cast<std::uint8_t>(stop->signal));
    }
    resume.add(':').add_number(static_cast<unsigned>(thread), 16);
  }
  Text<512> packet("qXfer:siginfo:write::0:");
  for (const char c : std::string_view(reinterpret_cast<const char*>(&info), sizeof info)) {
    if (rsp::is_escaped(c))
      packet.add('}').add(static_cast<char>(c ^ 0x20));
    else
      packet.add(c);
  }
  if (const auto done = ask(packet); !done) return done.error();
  return stopped.view();
}

void Server::leave(std::span<const Patch> patches, const Standing& standing) {
  Text<640> signals("QProgramSignals");
  for (unsigned signal = 1; signal < 64; ++signal) {
    const bool delivered = standing.delivers && signal != kGdbSigint && signal != kGdbSigstop &&
                           (standing.delivers_fatal || !is_fatal(signal));
    if (delivered) signals.add(signals.view().back() == 's' ? ':' : ';').add_number(signal, 16);
  }
  if (signals.view().back() == 's') signals.add(':');
  // One that does not answer is not asked again: while it is waited for nobody is served. QTDisconnected and QTStop:
  // nothing that a debugger left may keep it from detaching (any_persistent_commands() in gdbserver/server.cc).
  bool answers = release_others(patches);
  for (const std::string_view packet :
       {std::string_view("QTDisconnected:0"), std::string_view("QTStop"), signals.view()})
    answers = answers && ask(packet, kDetachTimeoutMs);
  if (!answers) return bury(patches);
  (void)::kill(subject_, SIGSTOP);
  (void)ask(detach_packet(subject_), kDetachTimeoutMs);
  finish(false);
  put_back(subject_, patches);
  wait_for_stop(subject_);
}

void Server::bury(std::span<const Patch> patches) {
  // Traced by a gdbserver that is still there it is stopped by this; otherwise the anchor has done it.
  (void)::kill(subject_, SIGSTOP);
  std::array<pid_t, 64> others{};
  const auto count = traced_by(pid_, subject_, others);
  finish(true);
  put_back(subject_, patches);
  for (const pid_t other : std::span(others).first(count)) {
    put_back(other, patches);
    (void)::kill(other, SIGCONT);
  }
  wait_for_stop(subject_);
}

Status Server::renew(const char* program, std::span<const Patch> patches, const Standing& standing) {
  if (const auto status = prepare(program); !status) return status;
  leave(patches, standing);
  return attach_prepared(program, standing);
}

Status Server::replace(const char* program, std::span<const Patch> patches, const Standing& standing) {
  const auto forked = prepare(program);
  bury(patches);
  if (!forked) {
    (void)::kill(subject_, SIGCONT);
    return forked;
  }
  if (const auto status = let_in(std::exchange(next_, {}), program); !status) return status;
  return settle(patches, standing);
}

/// PID 1 stands where a SIGSTOP stopped it, under a gdbserver that has just attached. Makes of that the stop of a
/// single SIGSTOP, which is not handed on: the group stop is over, and no SIGSTOP of the attach is left.
Status Server::settle(std::span<const Patch> patches, const Standing& standing) {
  // The later one throws the earlier one away (prepare_signal() in kernel/signal.c), so nothing of PID 1's is run.
  (void)::kill(subject_, SIGCONT);
  const auto stopped = parse_stop(standing.stop);
  const auto thread = stopped ? stopped->thread : static_cast<unsigned>(subject_);
  Text<32> only;  // the other threads do not run meanwhile
  if (::syscall(SYS_tgkill, subject_, thread, SIGSTOP) == 0)
    only.add(':').add_number(thread, 16);
  else
    (void)::kill(subject_, SIGSTOP);
  Text<64> resume("vCont;c");
  for (resume.add(only);;) {
    const auto reply = ask(resume);
    if (!reply) return Error{kAttaching, "", reply.error().err, reply.error().reason.data()};
    const auto stop = parse_stop(*reply);
    if (!stop && !only.empty()) {  // the thread was about to end, and has ended
      only.clear();
      (void)::kill(subject_, SIGSTOP);
      resume.set("vCont;c");
      continue;
    }
    if (!stop) return Error{kAttaching, "", EIO, "PID 1 did not stop"};
    if (stop->signal == kGdbSigstop) break;
    // What was on its way to PID 1 before: it gets it as it would have.
    resume.set("vCont;c");
    if (stop->signal != 0 && stop->signal != kGdbSigtrap && stop->event.empty()) {
      resume.set("vCont;C");
      resume.add_hex(static_cast<std::uint8_t>(stop->signal));
    }
    resume.add(only);
  }
  if (const int signal = host_signal(standing.signal); signal != 0)
    (void)::syscall(SYS_tgkill, subject_, thread, signal);
  return standing.stop.empty() ? Status(Done{}) : step_back(patches, standing.stop);
}

bool Server::release_others(std::span<const Patch> patches) {
  std::array<pid_t, 64> others{};
  for (auto count = traced_by(pid_, subject_, others); count > 0;) {
    for (const pid_t other : std::span(others).first(count)) {
      put_back(other, patches);
      Text<32> detach("D;");
      if (!ask(detach.add_number(static_cast<std::uint64_t>(other), 16), kDetachTimeoutMs)) return false;
      (void)::kill(other, SIGCONT);
    }
    if (count < others.size()) break;
    count = traced_by(pid_, subject_, others);
  }
  return true;
}

Status Server::send(std::string_view payload) {
  std::array<char, 16400> packet;
  // A socket buffer is far larger than any packet of the agent's own; the longest is that of all registers.
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

#if defined(__x86_64__) || defined(__i386__)
/// The program counter of a stop reply, as it stands there: `10:` or `08:` and digits, the lowest byte first.
std::string_view program_counter(std::string_view stop) {
  constexpr std::string_view kPc = sizeof(void*) == 8 ? "10" : "08";
  if (stop.size() < 3) return {};
  for (stop.remove_prefix(3); !stop.empty();) {
    auto pair = take_word(stop, ';');
    if (take_word(pair, ':') == kPc) return pair;
  }
  return {};
}

std::optional<std::uint64_t> little_endian(std::string_view digits) {
  std::uint64_t value = 0;
  if (digits.size() != 2 * sizeof(void*)) return std::nullopt;
  for (std::size_t at = digits.size(); at > 0; at -= 2) {
    const auto byte = parse_number<std::uint8_t>(digits.substr(at - 2, 2), 16);
    if (!byte) return std::nullopt;
    value = value << 8 | *byte;
  }
  return value;
}

/// gdbserver moves the program counter back over its breakpoint instruction in its own copy of the registers, or leaves
/// that to a debugger that has not said `swbreak+`; one that was killed has not written it. The next one finds PID 1
/// behind an instruction whose first byte is back.
Status Server::step_back(std::span<const Patch> patches, std::string_view stop) {
  constexpr std::size_t kDigits = 2 * sizeof(void*);
  constexpr std::size_t kBefore = sizeof(void*) == 8 ? 16 : 8;  // the registers before it, of the same size
  const auto why = parse_stop(stop);
  if (!why || why->signal != kGdbSigtrap || !(why->event.empty() || why->event == "swbreak")) return Done{};
  std::array<char, 2048> expanded;
  const auto told = program_counter(rsp::expand(stop, expanded));
  const auto registers = ask_expanded("g");
  if (!registers) return registers.error();
  if (registers->size() < (kBefore + 1) * kDigits) return Done{};
  const auto now = little_endian(registers->substr(kBefore * kDigits, kDigits));
  const auto wanted = little_endian(told);
  if (!now || !wanted) return Done{};
  const bool in = std::any_of(patches.begin(), patches.end(), [&](const Patch& p) { return p.address == *now - 1; });
  if (*now != *wanted + 1 && !(in && *now == *wanted)) return Done{};
  Text<16384> packet("G");
  packet.add(registers->substr(0, kBefore * kDigits));
  auto pc = *now - 1;
  for (std::size_t byte = 0; byte < sizeof(void*); ++byte, pc >>= 8) packet.add_hex(static_cast<std::uint8_t>(pc));
  packet.add(registers->substr((kBefore + 1) * kDigits));
  const auto done = ask(packet);
  return done ? Status(Done{}) : done.error();
}
#else
// cppcheck-suppress functionStatic
Status Server::step_back(std::span<const Patch>, std::string_view) {
  return Done{};  // it stands before a breakpoint instruction, not behind it
}
#endif

void Server::end(bool at_once, std::span<const Patch> patches) {
  if (!running()) return;
  // It is told to detach, and ends after that. Closing its socket would not do: after an exec event gdbserver 13 takes
  // PID 1 for a process of its own making (handle_extended_wait() in linux-low.cc adds it with attached = 0), and such
  // a one it kills at the end of a connection. Where it has ended already, nobody reads this.
  std::array<pid_t, 64> others{};
  std::size_t count = 0;
  if (!at_once && socket_) {
    at_once = !release_others(patches);
    if (!at_once) (void)send(detach_packet(subject_));
  }
  if (at_once) count = traced_by(pid_, subject_, others);
  finish(at_once);
  put_back(subject_, patches);
  for (const pid_t other : std::span(others).first(count)) {
    put_back(other, patches);
    (void)::kill(other, SIGCONT);
  }
  // One that was killed leaves PID 1 with the SIGSTOP by which it was attached, or that of the anchor. SIGCONT does
  // nothing to a PID 1 that runs; another process may have a handler for it.
  if (subject_ == 1)
    (void)::kill(1, SIGCONT);
  else
    let_run(subject_);
  continues_pid1_.untie();
  anchor_.untie();
}

/// Waits for gdbserver's end, and sees to what is left of it.
void Server::finish(bool at_once) {
  // Detaching must not be cut short: PID 1 would get the signal it stands at. gdbserver's end of the pipe closes when
  // it ends.
  const auto deadline = sys::now_ms() + kDetachTimeoutMs;
  while (pid_ > 0) {
    const bool last = at_once || sys::now_ms() >= deadline;
    if (last) ::kill(pid_, SIGKILL);
    const pid_t gone = ::waitpid(pid_, nullptr, last ? 0 : WNOHANG);
    if (gone == pid_ || (gone < 0 && errno != EINTR)) break;
    pollfd poll{.fd = messages_.get(), .events = POLLIN, .revents = 0};
    (void)::poll(&poll, 1, 10);
    if (messages_) read_messages();
  }
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
  socket_.reset();
  messages_.reset();
}

}  // namespace gdbdebug
