// SPDX-License-Identifier: GPL-2.0-or-later
// agent: see agent.hpp.
// Assumes nothing of the image once it stands in its own root. Whatever fails here costs the debugging and never the
// boot: when the agent ends, PID 1 goes on, and gdbserver lets go of it.
#include "agent/agent.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <new>
#include <optional>
#include <span>
#include <utility>

#include "agent/facts.hpp"
#include "agent/judge.hpp"
#include "agent/root.hpp"
#include "core/layout.hpp"
#include "core/rsp/packet.hpp"
#include "core/words/hello.hpp"
#include "core/words/launch.hpp"
#include "hold/waiting.hpp"
#include "line/devices.hpp"
#include "line/line.hpp"
#include "line/modules.hpp"
#include "report/core.hpp"
#include "report/processes.hpp"
#include "report/registers.hpp"
#include "report/report.hpp"
#include "session/relay.hpp"
#include "session/stub.hpp"
#include "sys/log.hpp"
#include "sys/sys.hpp"
#include "tracee/crash.hpp"
#include "tracee/guard.hpp"
#include "tracee/pid1.hpp"
#include "tracee/registers.hpp"
#include "tracee/server.hpp"
#include "tracee/signals.hpp"
#include "tracee/sleep.hpp"
#include "tracee/watchdog.hpp"
#include "tracee/watcher.hpp"
#include "wire/splitter.hpp"
#include "wire/wire.hpp"

namespace gdbdebug {
namespace {

/// A stop that nobody has asked for and that says nothing ends by itself.
constexpr std::uint64_t kUnknownStopMs = 60'000;
constexpr std::string_view kWithout = "booting without a debugger";
constexpr std::string_view kAtRoot = "at the first instruction of the real root's init";
constexpr std::string_view kAtShutdown = "at the first instruction of what shuts the machine down";

/// Whether the agent can keep a processor busy without keeping gdbserver from it.
bool has_spare_processor() {
  cpu_set_t processors;
  return ::sched_getaffinity(0, sizeof processors, &processors) == 0 && CPU_COUNT(&processors) > 1;
}

/// An image can leave less than the agent's loop looks at.
void raise_file_limit() {
  constexpr rlim_t kFiles = 128;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= kFiles) return;
  limit = {kFiles, limit.rlim_max < kFiles ? kFiles : limit.rlim_max};
  (void)::setrlimit(RLIMIT_NOFILE, &limit);  // where it is refused the first of them have to do
}

/// What is said of it when nobody holds PID 1 any more.
std::string_view outcome(Fate fate) {
  switch (fate) {
    case Fate::kHandles:
      return "PID 1 goes on with its handler for the signal";
    case Fate::kShielded:
      return "PID 1 goes on: the kernel keeps SIGTRAP and SIGSYS from a PID 1 that is traced";
    case Fate::kGoesOn:
      return "PID 1 goes on: it has no handler for the signal, and the kernel ignores one that a process sends";
    case Fate::kRestarts:
      return "PID 1 now restarts or stops the machine as it would have without gdbdebug";
    case Fate::kDies:
    case Fate::kExits:
      break;
  }
  return "PID 1 now dies as it would have without gdbdebug";
}

/// The process that gdbserver is attached to, or will be: PID 1, or one that `hold=` holds.
pid_t subject = 1;

Text<120> name_of_subject() {
  Text<120> name("PID ");
  name.add_number(static_cast<std::uint64_t>(subject));
  return name;
}

bool peek(std::uint64_t address, std::span<char> bytes) {
  return pid1::read_memory(subject, address, bytes);
}

Text<512> executable() {
  return pid1::executable(subject);
}

/// The names of PID 1's threads; how many of them fit.
std::size_t find_threads(std::span<unsigned> threads) {
  std::size_t count = 0;
  const auto tasks = sys::open(AT_FDCWD, "/proc/1/task", O_RDONLY | O_DIRECTORY);
  if (!tasks) return 0;
  sys::Names names(*tasks);
  for (auto name = names.next(); !name.empty() && count < threads.size(); name = names.next()) {
    const auto number = parse_number<unsigned>(name);
    if (number && pid1::lives(*number)) threads[count++] = *number;
  }
  return count;
}

std::size_t read_auxv(std::uint64_t offset, std::span<char> bytes) {
  const auto file = sys::open(AT_FDCWD, "/proc/1/auxv", O_RDONLY);
  if (!file) return 0;
  const auto count = ::pread(file->get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

/// A file as PID 1 would find it; what is in /proc for the agent, since PID 1 may have none there.
int open_for_stub(std::string_view path) {
  Text<4200> name(path.starts_with("/proc/") ? "" : "/proc/1/root");
  name.add(path);
  auto file = sys::open(AT_FDCWD, name.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY);
  return file ? file->release() : -1;
}

/// PID 1 for a debugger that comes at its exit.
constexpr Stub::Subject kSubject = {
    .memory = [](std::uint64_t address, std::span<char> bytes) { return pid1::read_memory(1, address, bytes); },
    .registers = [](unsigned thread) { return register_texts(static_cast<pid_t>(thread)).values; },
    .description = [] { return register_texts(pid_t{1}).description; },
    .threads = find_threads,
    .auxv = read_auxv,
    .open = open_for_stub,
    .read = [](int file, std::uint64_t offset, std::span<char> bytes) -> long {
      return ::pread(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    },
    .close = [](int file) { (void)::close(file); },
};

class Agent {
 public:
  Agent(const Request& request, std::string_view ip, UniqueFd handoff, ModulesPlace modules, wire::Parts& parts)
      : request_(request),
        modules_(request, std::move(modules)),
        line_(request, modules_, ip),
        relay_(line_.lossy(), executable, peek),
        handoff_(std::move(handoff)),
        parts_(parts) {
    if (!parts.open()) return;
    line_.share();
    wire_.emplace(parts);
  }

  /// Returns when there is nothing left to do: the line cannot be had, or gdbserver cannot.
  void run();

 private:
  bool open_line();
  bool serve_until(int fd, std::uint64_t deadline_ms);
  void reopen_line();
  bool hold();
  bool attach();
  bool watch();
  enum class Leaves : std::uint8_t { kByItself, kWithoutSignal, kWithSignal };
  void watch_again(Leaves how);
  void hand_over();
  bool wait_for_exec();
  void say_ready();

  void step();
  int wait(std::span<pollfd> polls);
  int timeout() const;
  std::optional<std::uint64_t> wire_deadline() const;
  void read_line(bool hung_up);
  void read_server();
  void flush();
  void drain_line();
  void lose_line();
  void serve_wire();
  void say_aloud(std::string_view message);
  void grant(unsigned wishes);
  void server_ended();
  void server_died();
  bool replace_server();
  void renew_server();
  void server_stuck();
  void start_for_debugger();
  bool take_over();
  /// Whether PID 1 is watched while no debugger is there.
  bool watches() const {
    return request_.armed() || request_.at_shutdown || (request_.at_root && !real_root_.entered());
  }
  std::string_view place_of_exec();
  void hold_at_exec();
  void executed_in_session();
  bool wait_for_hold();
  bool serve_stub();
  void start_for_held(const hold::Waiting::Process& held);
  void tell_of_pid1();
  void set_subject(pid_t process);
  pid_t offered() const;
  std::span<const HeldProcess> find_held() const;
  void settle_held();
  void debugger_lost();
  void hold_for(std::uint32_t seconds);
  void check_stop();
  void look_after();
  void at_signal(const Watcher::Event& event);
  void at_exit(const Watcher::Event& event);
  void hold_at_end(const Stop& stop, const Cause& cause, const Ending& ending);
  /// Of PID 1, whoever the debugger has.
  bool is_held() const { return (subject == 1 && relay_.pid1() == Relay::Pid1::kHeld) || watcher_.is_held(); }
  bool is_at_end() const { return (subject == 1 && relay_.at_end()) || (watcher_.is_held() && !watcher_.at_exec()); }
  void unattended();
  bool line_speaks() const;
  void check_hang();
  void report_now();
  void say_core(const Stop& stop, const Cause& cause, dump::Registers& registers);
  void say_core_again();
  void pass_signal(const Stop& stop, const Cause& cause);
  void stopped_in_session();
  void call_in_session();
  void resumed_at_fatal_stop();
  void detach_at_fatal_stop();
  Fate fate_when_let_go();
  void check_deadlines();
  std::string_view state() const;
  Text<rsp::kMaxHello> hello() const;

  const Request& request_;
  Modules modules_;
  OpenLine line_;
  Relay relay_;
  Server server_;
  Watcher watcher_;
  std::optional<Stub> stub_;  ///< in the place of gdbserver where that cannot come: at an exit, or if there is none
  bool no_server_ = false;    ///< gdbserver could not be had when PID 1 was held
  bool again_ = false;        ///< PID 1 comes once more to a stop that was reported
  Text<64> held_stop_;        ///< of PID 1 that the watcher holds, in the form of a stop reply
  hold::Waiting waiting_;
  DeviceWatch devices_;
  UniqueFd handoff_;
  wire::Parts& parts_;
  std::optional<wire::Wire> wire_;  ///< where the line is a console too
  wire::Splitter splitter_;
  Text<256> program_;  ///< gdbserver
  CrashSettings crash_settings_{request_};
  CoreLog core_log_{{.kib = request_.core_kib, .all = request_.core_all}};
  RealRoot real_root_;
  const bool spare_processor_ = has_spare_processor();
  bool handed_over_ = false;
  bool survives_ = false;  ///< gdbserver detaches from PID 1 at a fatal signal, and it does not die of that
  bool done_ = false;
  bool executed_ = false;       ///< PID 1 is the real init
  bool unknown_stop_ = false;   ///< what PID 1 is held for is not known
  bool met_ = false;            ///< a debugger was there already
  bool told_of_sleep_ = false;  ///< the one that waits for PID 1 to stop
  bool busy_ = false;           ///< something came from either side a moment ago
  bool news_ = false;           ///< PID 1 was held while another process is debugged
  unsigned deaths_ = 0;         ///< gdbservers that ended by themselves since a debugger was last there
  std::string_view place_;      ///< of the exec at which PID 1 was held last, in words
  /// The agent waits for this one and serves all others meanwhile (serve_until()).
  struct {
    int fd = -1;
    bool ready = false;
    std::optional<std::uint64_t> deadline;
  } awaited_;
  unsigned signals_passed_ = 0;  ///< fatal ones for which PID 1 has a handler
  Feeder feeder_;
  std::uint64_t handled_until_ = 0;  ///< an exit counts as PID 1's crash until then
  std::uint64_t reported_ = 0;       ///< the stop in a session that was reported last
  std::uint32_t hold_seconds_ = 0;
  std::optional<std::uint64_t> hold_deadline_;     ///< when PID 1 goes on after hold_seconds_ without a debugger
  std::optional<std::uint64_t> subject_deadline_;  ///< when another process goes on that was left held
  std::optional<std::uint64_t> hang_deadline_;     ///< when to report a boot that has not reached the real root
  std::optional<std::uint64_t> stop_deadline_;     ///< when to look why PID 1 has not stopped for a debugger
};

// ---- before the hand-off ----

void Agent::run() {
  raise_file_limit();
  program_ = find_in_manifest("gdbserver");
  if (program_.empty()) {
    return log::error({"looking for gdbserver", layout::kManifest, 0, "it is not in the image"}, kWithout);
  }
  // Before a line is opened and said to be ready.
  if (const auto status = may_attach(); !status) return log::error(status.error(), kWithout);
  if (const auto status = guard::install(); !status)
    log::warning(status.error(), "a debugger may hang at the switch to the real root");
  if (const auto status = devices_.start(); !status)
    log::warning(status.error(), "a device that appears late is not seen");
  if (request_.hold_count > 0) {
    if (const auto status = waiting_.start(request_); !status)
      log::error(status.error(), "no program is held, and the boot goes on");
  }
  // Who holds PID 1 must be able to let a debugger in; otherwise the boot does not wait for the line. Where that is a
  // console, it is ours before PID 1 gets another.
  const bool opens_first = request_.wait || wire_;
  if (opens_first && !open_line()) return;
  if (!request_.holds())
    hand_over();
  else if (!hold())
    return;
  if (!opens_first && !open_line()) return;
  say_ready();
  while (!done_) step();
}

/// Opens the line, with the kernel modules that it needs, and waits for its device where it must. If PID 1 runs under
/// gdbserver it is served meanwhile: its next exec would hold it until somebody looks, and so would its end.
bool Agent::open_line() {
  const sys::Meanwhile meanwhile(
      server_.running() || watcher_.active() || waiting_.active()
          ? [](void* self, int fd,
               std::uint64_t deadline_ms) { return static_cast<Agent*>(self)->serve_until(fd, deadline_ms); }
          : sys::Meanwhile::Wait{},
      this);
  const auto next = handed_over_ ? std::string_view("going on without a debugger") : kWithout;
  std::optional<std::uint64_t> deadline;  // begins when there is nothing left to do but wait
  modules_.load_named();
  for (bool told = false;;) {
    const auto status = line_.open();
    if (status) break;
    if (modules_.load_for_line()) continue;
    const auto now = sys::now_ms();
    if (!deadline) deadline = now + kDeviceTimeoutMs;
    if (!may_come(status.error()) || now >= *deadline || devices_.fd() < 0) {
      log::error(status.error(), next);
      return false;
    }
    if (!told) log::warning(status.error(), "waiting for it, 30 seconds at most");
    told = true;
    (void)sys::wait_readable(devices_.fd(), *deadline);
    if (done_) return false;  // what it served meanwhile has failed, and said so
    devices_.clear();
  }
  devices_.stop();
  modules_.done();
  if (!wire_ && wire::is_console_now(request_)) {
    log::warning({"opening the line", request_.line.name, 0, "it is a console of the kernel too"},
                 "what others say there comes between the debugger's packets; build its driver into the kernel");
  }
  return true;
}

bool Agent::serve_until(int fd, std::uint64_t deadline_ms) {
  awaited_ = {.fd = fd, .ready = false, .deadline = deadline_ms};
  while (!done_ && !awaited_.ready && sys::now_ms() < deadline_ms) step();
  const bool ready = awaited_.ready;
  awaited_ = {};
  return ready;
}

/// A line that was lost: opens it again if its device is back. Otherwise the next device event calls again.
void Agent::reopen_line() {
  const auto status = line_.open();
  if (status) {
    devices_.stop();
  } else if (!may_come(status.error())) {
    log::error(status.error(), "going on without a debugger");
    done_ = true;
  }
}

/// PID 1 goes on. It does so too when the agent ends, since its end of the pipe is then closed.
void Agent::hand_over() {
  if (wire_ && !wire::pass_console(handoff_, launch::kGo, parts_))
    log::warning(failed("giving PID 1 its console", ""), "what it reads there is lost to a debugger");
  if (!parts_.open() || !parts_.settings->handed_over)
    (void)sys::write(handoff_.get(), {&launch::kGo, 1});  // PID 1 sees the descriptor close if this fails
  handoff_.reset();
  handed_over_ = true;
  if (request_.hang_seconds) hang_deadline_ = sys::now_ms() + std::uint64_t{*request_.hang_seconds} * 1000;
}

bool Agent::attach() {
  auto status = server_.attach(program_.c_str());
  if (status) status = crash_settings_.tell(server_);
  if (!status) {
    log::error(status.error(), handed_over_ ? std::string_view("PID 1 runs without a debugger") : kWithout);
    server_.end(true);
    return false;
  }
  return true;
}

/// Before the hand-off: PID 1 is to be watched from its first instruction on, or to be held at it, by the exec event.
bool Agent::hold() {
  relay_.set_settings(crash_settings_.packets());
  if (request_.armed()) relay_.arm();
  if (request_.holds_later()) relay_.watch();
  if (!request_.at_init) {
    if (!watch()) return false;
    hand_over();
    return true;
  }
  if (!attach()) return false;
  hand_over();
  if (!wait_for_exec()) return false;
  relay_.server_ready(Relay::Pid1::kHeld);
  if (request_.wait_seconds) hold_for(*request_.wait_seconds);
  return true;
}

bool Agent::watch() {
  watcher_.watch_calls(executed_ && request_.exit && request_.reboot && !real_root_.entered());
  const auto status = watcher_.take(false);
  if (!status) log::error(status.error(), handed_over_ ? std::string_view("PID 1 runs without a debugger") : kWithout);
  return static_cast<bool>(status);
}

bool Agent::wait_for_exec() {
  Text<32> resume("vCont;c");
  for (;;) {
    const auto reply = server_.ask(resume);
    if (!reply) {
      log::error({"holding PID 1", "", reply.error().err, reply.error().reason.data()}, "it runs without a debugger");
      server_.end();
      return false;
    }
    const auto stop = parse_stop(*reply);
    if (stop && stop->event == "exec") {
      executed_ = true;
      return true;
    }
    if (!stop) {
      log::error({"holding PID 1", "", 0, "it has ended before it executed the real init"},
                 "there is nothing to debug");
      return false;
    }
    // A signal on the way there, such as SIGCHLD: PID 1 gets it as it would have.
    resume.set("vCont;c");
    if (stop->signal != 0 && stop->signal != kGdbSigstop && stop->event.empty()) {
      resume.set("vCont;C");
      resume.add_hex(static_cast<std::uint8_t>(stop->signal));
    }
  }
}

void Agent::say_ready() {
  log::Message message("ready on ");
  message.add(line_.describe()).add("; ");
  auto level = log::Level::kInfo;
  if (is_held()) {
    level = log::Level::kAlert;  // the machine stands still: say so even on a quiet console
    message.add("PID 1 is held ");
    if (is_at_end())
      message.add("before it would die ");
    else if (!met_)
      message.add("at its first instruction ");
    message.add("and waits ");
    if (hold_deadline_ && !met_ && !is_at_end()) message.add_number(*request_.wait_seconds).add(" seconds ");
    message.add("for a debugger");
  } else if (request_.armed()) {
    message.add("PID 1 runs, and will be held if it is about to die; a debugger can attach at any time");
  } else if (watches()) {
    message.add("PID 1 runs, and will be held ");
    message.add(request_.at_root && !real_root_.entered() ? kAtRoot : kAtShutdown);
    message.add("; a debugger can attach at any time");
  } else {
    message.add("PID 1 runs; a debugger can attach at any time");
  }
  log::say(level, message);
  say_aloud(message);
  if (line_.fd() >= 0) relay_.queue_text(hello());
  flush();
}

// ---- the loop ----

void Agent::step() {
  constexpr std::size_t kLine = 0, kServer = 1, kMessages = 2, kDevices = 3, kAwaited = 4, kPid1 = 5, kWatches = 6;
  constexpr std::size_t kWire = kWatches + OpenLine::kWatches, kHold = kWire + wire::Wire::kWatches;
  const bool writes = !relay_.to_line().empty() || (wire_ && wire_->has_raw());
  const auto line_events = static_cast<short>((relay_.wants_line() ? POLLIN : 0) | (writes ? POLLOUT : 0));
  const auto server_events =
      static_cast<short>((relay_.wants_server() ? POLLIN : 0) | (relay_.to_server().empty() ? 0 : POLLOUT));
  std::array<pollfd, kHold + hold::Waiting::kWatches> polls{};
  polls[kLine] = {.fd = line_.fd(), .events = line_events, .revents = 0};
  // Nothing that is wanted: then not its end either, which poll() would tell at once and for ever.
  polls[kServer] = {.fd = server_events != 0 ? server_.fd() : -1, .events = server_events, .revents = 0};
  polls[kMessages] = {.fd = server_.messages_fd(), .events = POLLIN, .revents = 0};
  polls[kDevices] = {.fd = line_.is_open() || awaited_.fd >= 0 ? -1 : devices_.fd(), .events = POLLIN, .revents = 0};
  polls[kPid1] = {.fd = watcher_.fd(), .events = POLLIN, .revents = 0};
  polls[kAwaited] = {.fd = awaited_.fd, .events = POLLIN, .revents = 0};
  for (std::size_t which = 0; which < OpenLine::kWatches; ++which)
    polls[kWatches + which] = {.fd = line_.watch_fd(which), .events = POLLIN, .revents = 0};
  for (std::size_t which = 0; which < wire::Wire::kWatches; ++which)
    polls[kWire + which] = wire_ ? wire_->watch(which) : pollfd{.fd = -1, .events = 0, .revents = 0};
  for (std::size_t which = 0; which < hold::Waiting::kWatches; ++which) polls[kHold + which] = waiting_.watch(which);
  const int count = wait(polls);
  if (count < 0 && errno != EINTR) {
    log::error(failed("waiting for events", ""), "going on without a debugger");
    done_ = true;
    return;
  }
  if (count > 0) {
    if (polls[kMessages].revents != 0) server_.read_messages();
    if (polls[kServer].revents != 0) read_server();
    if (polls[kAwaited].revents != 0) awaited_.ready = true;
    if (polls[kLine].revents != 0) read_line((polls[kLine].revents & (POLLHUP | POLLERR)) != 0);
    if (polls[kDevices].revents != 0) {
      devices_.clear();
      reopen_line();
      if (line_.is_open()) say_ready();
    }
    for (std::size_t which = 0; which < OpenLine::kWatches; ++which) {
      if (polls[kWatches + which].revents != 0) line_.take_peer(which);
    }
    for (std::size_t which = 0; wire_ && which < wire::Wire::kWatches; ++which)
      wire_->handle(which, polls[kWire + which].revents);
    for (std::size_t which = 0; which < hold::Waiting::kWatches; ++which)
      waiting_.handle(which, polls[kHold + which].revents);
  }
  look_after();
  if (watcher_.at_exec() && !server_.running()) hold_at_exec();
  if (line_.settle_peers(relay_.in_session())) relay_.line_lost();  // what it has said was the one's before
  check_deadlines();
  flush();  // first: what is wished for may take longer than a debugger waits for its acknowledgement
  do {
    for (auto wishes = relay_.take_wishes(); wishes != 0; wishes = relay_.take_wishes()) grant(wishes);
    settle_held();
  } while (serve_stub() || relay_.wants_server_started());
  serve_wire();
  flush();
}

/// Where the line is a console too: whose it is now, and the console's text with it.
void Agent::serve_wire() {
  if (!wire_) return;
  const auto now = sys::now_ms();
  const bool guest = relay_.has_guest();
  const bool held = is_held();
  splitter_.tick(now);
  wire_->type(splitter_.console());
  splitter_.set_guest(guest, now);
  // The debugger's last answer goes out before anything else does.
  const bool busy =
      guest || relay_.engaged() || (wire_->state() != wire::Wire::State::kOpen && !relay_.to_line().empty());
  wire_->set(busy   ? wire::Wire::State::kSession
             : held ? wire::Wire::State::kQuiet
                    : wire::Wire::State::kOpen,
             relay_.shows_text(), now);
  wire_->tick(now);
  if (!relay_.takes_text()) return;
  const auto text = wire_->front(Relay::kMaxText);
  if (text.empty() && now < relay_.shown_ms() + Relay::kSilenceMs) return;
  relay_.show_text(text, now);
  wire_->consume(text.size());
}

/// Says on a line that is a console what must be seen there, where the kernel does not show it.
void Agent::say_aloud(std::string_view message) {
  constexpr int kAlert = 1;
  if (!wire_ || (wire_->state() == wire::Wire::State::kOpen && wire_->shows(kAlert))) return;
  Text<1000> text("gdbdebug: ");
  wire_->announce(text.add(message));
}

/// poll(2). In a session what answers the last packet is often there in some microseconds, while a processor that has
/// gone idle takes longer than that to come back, above all in a virtual machine: with two of them single steps over
/// TCP are half as many again, and so are a core file's megabytes a second (bench/relay.py). So it looks for a moment
/// before it sleeps, where that takes the processor from nobody; a serial line is slower than all of that.
int Agent::wait(std::span<pollfd> polls) {
  // More entries than descriptors are allowed are refused, also unused ones.
  while (polls.back().fd < 0 && polls.size() > 1) polls = polls.first(polls.size() - 1);
  constexpr std::uint64_t kMomentUs = 100;
  // Not `busy_ = count > 0` at the end: setg with a store, and the sign asked for after it. Where that store faults, as
  // the first one after a fork does, QEMU's TCG 7.2 loses the flags, and one event looks like an error.
  const bool busy = std::exchange(busy_, false);
  int count = 0;
  if (busy && spare_processor_ && !line_.lossy() && relay_.in_session()) {
    const auto end = sys::now_us() + kMomentUs;
    for (;;) {
      count = ::poll(polls.data(), polls.size(), 0);
      if (count != 0 || sys::now_us() >= end) break;
      (void)::sched_yield();
    }
  }
  // cppcheck-suppress knownConditionTrueFalse ; 2.17 does not see the assignment in the loop
  if (count == 0) count = ::poll(polls.data(), polls.size(), timeout());
  if (count > 0) busy_ = true;
  return count;
}

std::optional<std::uint64_t> Agent::wire_deadline() const {
  if (!wire_) return std::nullopt;
  auto next = wire_->deadline();
  const auto silence =
      relay_.takes_text() ? std::optional<std::uint64_t>(relay_.shown_ms() + Relay::kSilenceMs) : std::nullopt;
  for (const auto& deadline : {splitter_.deadline(), silence}) {
    if (deadline && (!next || *deadline < *next)) next = deadline;
  }
  return next;
}

int Agent::timeout() const {
  std::optional<std::uint64_t> next;
  const auto hold_deadline = relay_.engaged() ? std::nullopt : hold_deadline_;
  const auto subject_deadline = relay_.engaged() ? std::nullopt : subject_deadline_;
  for (const auto& deadline :
       {relay_.deadline(), hold_deadline, subject_deadline, awaited_.deadline, stop_deadline_, hang_deadline_,
        line_.deadline(), wire_deadline(), feeder_.deadline(), waiting_.deadline()}) {
    if (deadline && (!next || *deadline < *next)) next = deadline;
  }
  if (!next) return -1;
  const auto now = sys::now_ms();
  const auto left = *next > now ? *next - now : 0;
  return static_cast<int>(left < 1'000'000 ? left : 1'000'000);
}

/// `hung_up`: nobody is at the other end any more, though there may be bytes left.
void Agent::read_line(bool hung_up) {
  static std::array<char, 16384> buffer;
  if (!relay_.wants_line()) {
    if (hung_up) lose_line();  // what waits to be written there has no reader
    return;
  }
  const auto count = sys::read(line_.fd(), buffer);
  if (count > 0) {
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
    line_.heard(bytes);
    if (!wire_) return relay_.line_bytes(bytes);
    splitter_.take(bytes, sys::now_ms());
    wire_->type(splitter_.console());
    return relay_.line_bytes(splitter_.debugger());
  }
  if (count < 0 && errno == EAGAIN) return;
  lose_line();
}

void Agent::read_server() {
  static std::array<char, 65536> buffer;
  if (!relay_.wants_server()) return;
  const auto count = sys::read(server_.fd(), buffer);
  if (count > 0) return relay_.server_bytes({buffer.data(), static_cast<std::size_t>(count)}, sys::now_ms());
  if (count < 0 && errno == EAGAIN) return;
  if (relay_.expects_end()) return server_ended();
  server_died();
}

void Agent::flush() {
  if (line_.fd() >= 0 && !relay_.to_line().empty()) {
    const auto count = sys::write(line_.fd(), relay_.to_line().view());
    if (count > 0)
      relay_.to_line().consume(static_cast<std::size_t>(count));
    else if (count < 0 && errno != EAGAIN)
      lose_line();
  }
  if (wire_ && line_.fd() >= 0 && relay_.to_line().empty() && !wire_->write_raw(line_.fd())) lose_line();
  if (server_.fd() >= 0 && !relay_.to_server().empty()) {
    const auto count = sys::write(server_.fd(), relay_.to_server().view());
    if (count > 0) relay_.to_server().consume(static_cast<std::size_t>(count));  // its end is seen by read_server()
  }
}

/// Waits until the debugger has been sent everything, as far as we can know.
void Agent::drain_line() {
  constexpr std::uint64_t kDrainTimeoutMs = 3000;
  const auto deadline = sys::now_ms() + kDrainTimeoutMs;
  for (auto now = sys::now_ms(); line_.fd() >= 0 && !relay_.to_line().empty() && now < deadline; now = sys::now_ms()) {
    pollfd poll{.fd = line_.fd(), .events = POLLOUT, .revents = 0};
    (void)::poll(&poll, 1, static_cast<int>(deadline - now));
    flush();
  }
  line_.drain(deadline);
}

/// The device has gone (an adapter was pulled), or the peer has: wait for the next one.
void Agent::lose_line() {
  if (line_.survives_hangup()) return;
  relay_.line_lost();
  if (line_.drop_peer()) return;
  if (const auto status = devices_.start(); !status) {
    log::error(status.error(), "going on without a debugger");
    done_ = true;
    return;
  }
  reopen_line();
}

void Agent::grant(unsigned wishes) {
  // PID 1 of the agent's own namespace. A traced init gets even signals that it would be shielded from.
  const auto running = static_cast<pid_t>(relay_.running_process());
  if ((wishes & Relay::kStopPid1) != 0) (void)::kill(running, SIGSTOP);
  if ((wishes & Relay::kCancelStop) != 0) (void)::kill(running, SIGCONT);
  if ((wishes & Relay::kSessionBegan) != 0) {
    subject_deadline_.reset();
    if (subject == 1) {
      met_ = true;
      deaths_ = 0;
      unknown_stop_ = false;
      hold_deadline_.reset();
      warn_of_watchdog(request_.feed);
    }
  }
  if ((wishes & Relay::kLost) != 0) debugger_lost();
  if ((wishes & Relay::kExecuted) != 0 && subject == 1) executed_in_session();
  if ((wishes & Relay::kCallStop) != 0) call_in_session();
  if ((wishes & Relay::kFatalStop) != 0) stopped_in_session();
  if ((wishes & Relay::kFatalResume) != 0) resumed_at_fatal_stop();
  if ((wishes & Relay::kFatalDetach) != 0) detach_at_fatal_stop();
  if ((wishes & Relay::kChoose) != 0) waiting_.choose(relay_.take_chosen());
  if ((wishes & Relay::kHello) != 0) relay_.queue_text(hello());
  if ((wishes & Relay::kHelloPacket) != 0) relay_.answer_hello(hello());
  if ((wishes & Relay::kReport) != 0) report_now();
  if ((wishes & Relay::kTyped) != 0 && wire_) wire_->type(relay_.take_typed());
  if ((wishes & Relay::kOtherLetGo) != 0) let_run(static_cast<pid_t>(relay_.let_go_process()));
  if ((wishes & Relay::kLetGo) != 0) {
    let_run(subject);
    if (subject == 1)
      log::say(log::Level::kWarning,
               request_.armed() ? "the debugger goes on with another process; PID 1 runs, and is not watched meanwhile"
                                : "the debugger goes on with another process; PID 1 runs");
  }
  if ((wishes & Relay::kServerStuck) != 0) server_stuck();
  if ((wishes & Relay::kRenewServer) != 0) renew_server();
  if ((wishes & Relay::kReleaseServer) != 0) server_ended();
  if ((wishes & Relay::kStartServer) != 0) start_for_debugger();
  if ((wishes & Relay::kUnattended) != 0) unattended();
}

/// The breakpoints that are in PID 1, with what they have taken the place of.
std::span<const Patch> patches_of(const Relay& relay) {
  static std::array<Patch, Relay::kMaxBreakpoints> patches;
  std::size_t count = 0;
  for (const auto& breakpoint : relay.breakpoints()) {
    if (breakpoint.size != 0) patches[count++] = {breakpoint.address, breakpoint.size, breakpoint.original};
  }
  return std::span(patches).first(count);
}

/// gdbserver is to end, or has ended because it was told to: after a detach, or after a lost debugger.
void Agent::server_ended() {
  if (subject != 1) {
    server_.end(false, patches_of(relay_));
    return relay_.server_gone();
  }
  hold_deadline_.reset();
  if (stub_) {
    stub_.reset();
    relay_.set_held(false);
    std::exchange(survives_, false) ? watcher_.go_on() : watcher_.let_go();
    return relay_.server_gone();
  }
  if (!server_.running()) return;
  const bool dies = relay_.at_end() && !survives_;
  const auto how = std::exchange(survives_, false) ? Leaves::kWithSignal : Leaves::kWithoutSignal;
  if (!watches() || dies) {
    server_.end(false, patches_of(relay_));
  } else if (relay_.let_go()) {  // gdbserver has detached from PID 1 before
    server_.end(false, patches_of(relay_));
    (void)watch();
  } else {
    watch_again(how);
  }
  relay_.set_held(false);
  relay_.server_gone();
}

/// PID 1 goes from gdbserver to the agent, and runs, with the signal at which it stood; with a fatal one only where it
/// outlives that. Otherwise what raised it raises it again, and it is judged then.
void Agent::watch_again(Leaves how) {
  // Without it the end of the agent in this moment would leave PID 1 stopped.
  if (const auto status = server_.prepare(program_.c_str()); !status) log::error(status.error(), "going on without it");
  if (how == Leaves::kByItself)
    server_.bury(patches_of(relay_));
  else
    server_.leave(patches_of(relay_), {.delivers = true, .delivers_fatal = how == Leaves::kWithSignal});
  watcher_.watch_calls(request_.exit && request_.reboot && !real_root_.entered());
  const auto status = watcher_.take(true);
  server_.drop_prepared();
  if (!status) log::error(status.error(), "PID 1 runs without a debugger");
}

/// gdbserver has ended by itself. PID 1 stands where that left it, or has run on for a moment; its breakpoints are in.
void Agent::server_died() {
  if (subject != 1) {
    if (!parse_end(relay_.last_stop())) {
      log::Message message("gdbserver has ended by itself; ");
      log::say(log::Level::kError, message.add(name_of_subject()).add(" runs on"));
    }
    server_.end(true, patches_of(relay_));
    return relay_.server_gone();
  }
  constexpr unsigned kDeaths = 3;
  const bool held = relay_.pid1() == Relay::Pid1::kHeld && !relay_.let_go();
  const bool at_end = relay_.at_end();  // it comes there once more
  const bool session = relay_.in_session();
  const bool another = held && !(at_end && request_.armed()) && ++deaths_ <= kDeaths;
  server_.read_messages();
  log::Message message("gdbserver has ended by itself");
  if (!server_.last_message().empty()) message.add(", it last said: ").add(server_.last_message());
  log::say(log::Level::kError, message.add(another                    ? "; PID 1 stays held, under another one"
                                           : held && request_.armed() ? "; PID 1 stays held"
                                           : request_.armed()         ? "; PID 1 runs on, and is watched"
                                                                      : "; PID 1 runs without a debugger"));
  if (another && replace_server()) {
    if (session) debugger_lost();
    return;
  }
  if (watches())
    watch_again(Leaves::kByItself);
  else
    server_.end(true, patches_of(relay_));
  hold_deadline_.reset();
  relay_.server_gone();
}

/// In the place of a gdbserver that has ended or does not answer. Whether PID 1 is held by another one now.
bool Agent::replace_server() {
  auto status = server_.replace(program_.c_str(), patches_of(relay_), {.stop = relay_.last_stop()});
  if (status && subject == 1) status = crash_settings_.tell(server_);
  if (status) relay_.server_replaced();
  if (!status) log::error(status.error(), name_of_subject().add(" runs without a debugger"));
  return static_cast<bool>(status);
}

/// What a debugger turned on in gdbserver ends with it.
void Agent::renew_server() {
  const bool runs = relay_.runs_on();
  const auto signal = relay_.signal();
  const Standing standing{.stop = relay_.last_stop(),
                          .signal = runs ? 0 : signal,
                          .delivers = runs,
                          .delivers_fatal = runs && is_fatal(signal)};
  auto status = server_.renew(program_.c_str(), patches_of(relay_), standing);
  if (status && subject == 1) status = crash_settings_.tell(server_);
  if (status) return relay_.server_renewed();
  log::error(status.error(), name_of_subject().add(" runs without a debugger"));
  server_.end(true, patches_of(relay_));
  relay_.server_gone();
}

/// Somebody waits for an answer that gdbserver owes to the one before.
void Agent::server_stuck() {
  // PID 1 may sleep where nothing stops it; then another gdbserver could not do more.
  if (relay_.pid1() == Relay::Pid1::kRunning && !pid1::status_of(subject, "State").view().starts_with('t')) return;
  log::Message message("gdbserver does not answer; ");
  log::say(log::Level::kError, message.add(name_of_subject()).add(" stays held, under another one"));
  if (replace_server()) return;
  server_.end(true, patches_of(relay_));
  relay_.server_gone();
}

void Agent::start_for_debugger() {
  if (server_.running() || stub_) return;
  settle_held();  // the one before
  if (server_.running()) return;
  if (offered() != 1) return start_for_held(*waiting_.take());
  waiting_.choose({});
  if (watcher_.at_exit() || (watcher_.is_held() && no_server_)) {
    const auto& held = watcher_.held();
    const bool at_signal = held.kind == Watcher::Event::Kind::kSignal;
    stub_.emplace(kSubject, static_cast<unsigned>(held.thread), at_signal ? gdb_signal(held.signal) : kGdbSigtrap);
    return relay_.server_ready_at_end(held_stop_, true);
  }
  // gdbserver would wait for PID 1 to stop for as long as it sleeps, and the debugger with it, who learns nothing.
  if (!stays_asleep()) {
    const bool watched = watcher_.active();
    if (watched ? take_over() : attach()) {
      if (relay_.pid1() != Relay::Pid1::kFree) return;
      return watched ? relay_.server_ready_stopped() : relay_.server_ready(Relay::Pid1::kHeld);
    }
    const auto reason = server_.last_message();
    if (watcher_.at_exit() || wait_for_hold()) return start_for_debugger();  // it has just come there
    if (!is_asleep()) return relay_.server_failed(reason.empty() ? "gdbserver cannot attach to PID 1" : reason);
  }
  say_sleep("no debugger can attach before it wakes");
  Text<600> reason(describe_sleep());
  relay_.server_failed(reason.add("; no debugger can attach before it wakes. Its kernel stack is in the kernel log"));
}

void Agent::set_subject(pid_t process) {
  subject = process;
  server_.set_subject(process);
  relay_.set_subject(static_cast<unsigned>(process));
}

/// Which process the next debugger gets, or the one that is there has.
pid_t Agent::offered() const {
  if (subject != 1 || server_.running() || stub_) return subject;
  if (watcher_.is_held() && !waiting_.has_chosen()) return 1;
  const auto* next = waiting_.next();
  return next != nullptr ? next->pid : 1;
}

/// A debugger has come, and a process waits for it.
void Agent::start_for_held(const hold::Waiting::Process& held) {
  set_subject(held.pid);
  subject_deadline_ = held.deadline;
  auto status = server_.attach(program_.c_str());
  if (status) status = server_.settle();
  if (status) return relay_.server_ready_held();
  log::error(status.error(), "the process that was held goes on");
  server_.end(true);
  relay_.server_failed("gdbserver cannot attach to the process that was held; it goes on");
}

/// The process that was held has no gdbserver any more, or is not there any more: the next one is offered.
void Agent::settle_held() {
  waiting_.tick(sys::now_ms(), line_.describe());
  if (subject == 1) return;
  if (server_.running() && !relay_.in_session() && waiting_.ended(subject)) {
    server_.end(true);
    relay_.server_gone();
  }
  if (server_.running()) return tell_of_pid1();
  subject_deadline_.reset();
  news_ = false;
  waiting_.let_go(subject);
  set_subject(1);
  // It has waited for somebody who was there already.
  if (watcher_.at_exec()) return hold_at_exec();
  if (watcher_.is_held() && request_.crash_seconds) hold_for(*request_.crash_seconds);
}

/// Who debugs another process learns that PID 1 waits.
void Agent::tell_of_pid1() {
  if (!news_ || !relay_.takes_text()) return;
  news_ = false;
  relay_.show_text("gdbdebug: PID 1 is held before it would die; after a detach the next debugger gets it\n",
                   sys::now_ms());
}

/// PID 1 goes from the agent to a fresh gdbserver, which holds it where it stands, and at the signal at which it
/// stands.
bool Agent::take_over() {
  constexpr unsigned kTries = 10;
  auto status = server_.prepare(program_.c_str());
  if (!status) {
    log::error(status.error(), "PID 1 is watched as before");
    return false;
  }
  for (unsigned tries = 0; tries < kTries; ++tries) {
    const auto event = watcher_.held();
    const bool held = watcher_.is_held() && event.kind == Watcher::Event::Kind::kSignal;
    status = watcher_.at_exit() ? Status(Error{"attaching gdbserver to PID 1", "", ESRCH}) : watcher_.give();
    if (!status && status.error().err == EAGAIN) {
      look_after();  // what has come in between
      continue;
    }
    if (!status) break;
    if (held) {
      const auto stop = server_.attach_prepared_at(program_.c_str(), event.thread, event.signal, event.info);
      if (stop)
        relay_.server_ready_at_end(*stop, false);
      else
        status = stop.error();
    } else {
      status = server_.attach_prepared(program_.c_str(), {});
    }
    if (status) status = crash_settings_.tell(server_);
    if (status) return true;
    log::error(status.error(), "PID 1 is watched again");
    relay_.set_held(false);
    no_server_ = held;
    watch_again(Leaves::kByItself);
    return false;
  }
  server_.drop_prepared();
  return false;
}

/// gdbserver could not be had where PID 1 was held at a signal: what raised that raises it again, and then the debugger
/// is answered without gdbserver. Whether it has come there.
bool Agent::wait_for_hold() {
  constexpr std::uint64_t kAgainMs = 2000;
  if (!no_server_) return false;
  again_ = true;
  const auto deadline = sys::now_ms() + kAgainMs;
  for (look_after(); watcher_.active() && !watcher_.is_held() && sys::now_ms() < deadline; look_after())
    (void)sys::wait_readable(watcher_.fd(), std::min(deadline, sys::now_ms() + 50));
  again_ = false;
  return watcher_.is_held();
}

/// Answers what gdbserver would be asked, where there is none; whether there was something.
bool Agent::serve_stub() {
  if (!stub_ || relay_.to_server().empty()) return false;
  static std::array<char, Stub::kMaxReply> reply;
  while (stub_ && !relay_.to_server().empty()) {
    auto bytes = relay_.to_server().view();
    const auto size = bytes.size();
    const auto answer = stub_->take(bytes, reply);
    relay_.to_server().consume(size - bytes.size());
    if (!answer.empty()) relay_.server_bytes(answer, sys::now_ms());
  }
  return true;
}

/// A debugger waits for PID 1 to stop, and it does not.
void Agent::check_stop() {
  constexpr std::uint64_t kStopMs = 1000;
  const auto now = sys::now_ms();
  if (!relay_.wants_stop() || subject != 1) {
    stop_deadline_.reset();
    told_of_sleep_ = false;
    return;
  }
  if (told_of_sleep_) return;
  if (!stop_deadline_) stop_deadline_ = now + kStopMs;
  if (now < *stop_deadline_) return;
  stop_deadline_ = now + kStopMs;
  if (!stays_asleep()) return;
  stop_deadline_.reset();
  told_of_sleep_ = true;
  say_sleep("it cannot be stopped before it wakes");
  Text<600> reason(describe_sleep());
  relay_.stop_failed(reason.add("; it cannot be stopped before it wakes. Its kernel stack is in the kernel log"));
}

void Agent::hold_for(std::uint32_t seconds) {
  hold_seconds_ = seconds;
  hold_deadline_ = sys::now_ms() + std::uint64_t{seconds} * 1000;
}

/// The debugger has gone in the middle of its session. PID 1 runs on if it ran; one that was held stays where it stood,
/// for as long as the command line lets PID 1 wait for a debugger.
void Agent::debugger_lost() {
  constexpr std::uint32_t kUnaskedSeconds = 300;  // nobody has asked for a machine that waits
  if (relay_.runs_on()) {
    log::Message message("the debugger was lost; what it had set is taken out of ");
    return log::say(log::Level::kWarning, message.add(name_of_subject()).add(", which runs on"));
  }
  std::optional<std::uint32_t> seconds = kUnaskedSeconds;
  if (subject != 1)
    seconds = request_.hold_seconds.value_or(kUnaskedSeconds);
  else if (request_.wait && !relay_.at_end())
    seconds = request_.wait_seconds;
  else if (request_.armed())
    seconds = request_.crash_seconds;
  log::Message message("the debugger was lost; ");
  message.add(name_of_subject()).add(" stays held");
  if (relay_.at_end()) message.add(" before it would die");
  message.add(" and waits ");
  if (seconds) {
    if (subject == 1)
      hold_for(*seconds);
    else
      subject_deadline_ = sys::now_ms() + std::uint64_t{*seconds} * 1000;
    message.add_number(*seconds).add(" seconds ");
  }
  log::say(log::Level::kAlert, message.add("for the next one on ").add(line_.describe()));
  say_aloud(message);
}

// ---- PID 1's end ----

/// Looks at what has stopped PID 1 while the agent traces it.
void Agent::look_after() {
  while (const auto event = watcher_.next()) {
    switch (event->kind) {
      case Watcher::Event::Kind::kExec:
        place_ = place_of_exec();
        if (!place_.empty()) {
          watcher_.hold(*event);  // see hold_at_exec()
          if (server_.running()) log::say(log::Level::kAlert, "PID 1 is held, and waits for the debugger to detach");
          break;
        }
        watcher_.watch_calls(request_.exit && request_.reboot && !real_root_.entered());
        watcher_.pass(*event);
        break;
      case Watcher::Event::Kind::kSignal:
        at_signal(*event);
        break;
      case Watcher::Event::Kind::kCall:
      case Watcher::Event::Kind::kExit:
        at_exit(*event);
        break;
    }
  }
}

/// PID 1 has executed a program. Where it is to be held for that, in words; otherwise nothing.
std::string_view Agent::place_of_exec() {
  if (!std::exchange(executed_, true)) return {};  // the image's init
  const bool was_there = real_root_.entered();
  real_root_.look();
  if (request_.at_root && !was_there && real_root_.entered()) return kAtRoot;
  return request_.at_shutdown && pid1::shuts_down() ? kAtShutdown : std::string_view{};
}

/// PID 1 goes from the agent to gdbserver before its first instruction, and waits there for a debugger.
void Agent::hold_at_exec() {
  if (!take_over()) return watcher_.go_on();  // where it has not gone on already
  relay_.server_ready_stopped();
  met_ = false;
  if (request_.wait_seconds) hold_for(*request_.wait_seconds);
  log::Message message("PID 1 is held ");
  message.add(place_).add(", ").add(pid1::executable()).add(", and waits ");
  if (request_.wait_seconds) message.add_number(*request_.wait_seconds).add(" seconds ");
  message.add("for a debugger on ").add(line_.describe());
  log::say(log::Level::kAlert, message);
  say_aloud(message);
  warn_of_watchdog(request_.feed);
}

/// The debugger is told of the exec, and goes on by itself as a rule; the stop that it sees then is this one.
void Agent::executed_in_session() {
  const auto place = place_of_exec();
  if (place.empty() || !relay_.in_session()) return;
  (void)::kill(1, SIGSTOP);
  relay_.stop_after_exec();
  log::Message message("PID 1 is held ");
  log::say(log::Level::kInfo, message.add(place).add(", in a debugger's session"));
}

/// PID 1 is about to get a signal.
void Agent::at_signal(const Watcher::Event& event) {
  Stop stop;
  stop.signal = gdb_signal(event.signal);
  stop.thread = static_cast<unsigned>(event.thread);
  if (!is_fatal(stop.signal) || !executed_) return watcher_.pass(event);
  const auto cause = cause_of(event.info);
  const auto facts = find_facts(stop, cause);
  switch (judge(request_, stop, facts)) {
    case Verdict::kPass:
      pass_signal(stop, cause);
      [[fallthrough]];
    case Verdict::kResume:
      return watcher_.pass(event);
    case Verdict::kLetDie:
      return watcher_.let_go();
    case Verdict::kHold:
      break;
  }
  watcher_.hold(event);
  held_stop_.set("T");
  held_stop_.add_hex(static_cast<std::uint8_t>(stop.signal)).add("thread:p1.").add_number(stop.thread, 16).add(';');
  hold_at_end(stop, cause, {.handled = facts.caught, .freezes = facts.only_dumps});
}

/// PID 1 exits, or dies of what no handler and no tracer sees.
void Agent::at_exit(const Watcher::Event& event) {
  Stop stop;
  stop.thread = static_cast<unsigned>(event.thread);
  held_stop_.clear();
  if (event.signal != 0) {
    stop.signal = gdb_signal(event.signal);
    held_stop_.add('T').add_hex(static_cast<std::uint8_t>(stop.signal));
  } else {
    stop.signal = kGdbSigtrap;
    stop.event = "syscall_entry";
    held_stop_.add("T05syscall_entry:").add_number(event.end.call.value_or(0), 16).add(';');
  }
  held_stop_.add("thread:p1.").add_number(stop.thread, 16).add(';');
  auto facts = find_facts(stop, {});
  facts.in_real_root = real_root_.entered();
  facts.just_handled = sys::now_ms() < handled_until_;
  facts.killed = event.signal != 0;
  if (judge(request_, stop, facts) != Verdict::kHold) {
    log::Message message("PID 1 exits with status ");
    if (event.kind == Watcher::Event::Kind::kExit && event.signal == 0)
      log::say(log::Level::kWarning, message.add_number(exit_status(event.end)));
    return watcher_.pass(event);
  }
  watcher_.hold(event);
  hold_at_end(stop, {}, {.command = facts.command});
}

void Agent::hold_at_end(const Stop& stop, const Cause& cause, const Ending& ending) {
  relay_.set_held(true);
  news_ = subject != 1;
  if (again_) return;
  report_end(stop, cause, ending, register_texts(watcher_.held().thread), line_.describe(), request_.crash_seconds);
  report::TracedRegisters registers;
  say_core(stop, cause, registers);
  warn_of_watchdog(request_.feed);
  if (request_.crash_seconds) hold_for(*request_.crash_seconds);
}

/// Something has stopped, and nobody is there.
void Agent::unattended() {
  const auto stop = parse_stop(relay_.last_stop());
  if (!stop && parse_end(relay_.last_stop())) return;  // it was PID 1's
  if (subject != 1) return relay_.release();
  if (stop && stop->process != 1) {
    log::Message message("process ");
    message.add_number(stop->process).add(" was left traced by a debugger that has gone; it runs on");
    log::say(log::Level::kWarning, message);
    return relay_.release();
  }
  if (stop && stop->signal == kGdbSigstop) return relay_.release();  // PID 1 would stand still, and for nobody
  if (!stop || !request_.armed()) {
    log::Message message("PID 1 has stopped, and gdbserver says of it only '");
    message.add(relay_.last_stop()).add("'; it goes on in 60 seconds unless a debugger comes");
    log::say(log::Level::kAlert, message);
    hold_deadline_ = sys::now_ms() + kUnknownStopMs;
    unknown_stop_ = true;
    return;
  }
  const auto cause = find_cause(*stop, server_);
  auto facts = find_facts(*stop, cause);
  facts.in_real_root = real_root_.entered();
  switch (judge(request_, *stop, facts)) {
    case Verdict::kPass:
      pass_signal(*stop, cause);
      [[fallthrough]];
    case Verdict::kResume:
      survives_ = stop->is_signal();
      return relay_.release();
    case Verdict::kLetDie:
      relay_.mark_end();
      return relay_.release();
    case Verdict::kHold:
      break;
  }
  relay_.mark_end();
  report_end(*stop, cause, {.handled = facts.caught, .freezes = facts.only_dumps, .command = facts.command},
             register_texts(server_), line_.describe(), request_.crash_seconds);
  report::ServerRegisters registers(server_);
  say_core(*stop, cause, registers);
  warn_of_watchdog(request_.feed);
  if (request_.crash_seconds) hold_for(*request_.crash_seconds);
}

void Agent::say_core(const Stop& stop, const Cause& cause, dump::Registers& registers) {
  if (!request_.core) return;
  core_log_.say(
      stop, cause, registers, [](void* self) { return static_cast<Agent*>(self)->line_speaks(); }, this);
}

/// Whether somebody at the other end of the line has sent something, or has just come.
bool Agent::line_speaks() const {
  std::array<pollfd, 1 + OpenLine::kWatches> polls{};
  polls[0] = {.fd = line_.fd(), .events = POLLIN, .revents = 0};
  for (std::size_t which = 0; which < OpenLine::kWatches; ++which)
    polls[1 + which] = {.fd = line_.watch_fd(which), .events = POLLIN, .revents = 0};
  if (::poll(polls.data(), polls.size(), 0) <= 0) return false;
  return std::any_of(polls.begin(), polls.end(), [](const pollfd& each) { return (each.revents & POLLIN) != 0; });
}

/// The boot should have reached the real root by now. Where somebody debugs PID 1 it is theirs to say.
void Agent::check_hang() {
  hang_deadline_.reset();
  real_root_.look();
  if (real_root_.entered() || met_ || relay_.engaged() || is_held()) return;
  report_hang(*request_.hang_seconds);
  if (!request_.core) return;
  core_log_.say_running([](void* self) { return static_cast<Agent*>(self)->line_speaks(); }, this);
}

/// What every process does, for somebody at the line who has asked for it, and a core of a PID 1 that nobody holds.
void Agent::report_now() {
  report_hang({});
  if (!request_.core || relay_.engaged() || is_held()) return;
  core_log_.say_running(
      [](void* context) {
        auto* const self = static_cast<Agent*>(context);
        if (self->line_speaks()) self->read_line(false);  // a newline behind the word is no debugger
        return self->relay_.engaged();
      },
      this);
}

/// PID 1 is about to die. What is said of it once more is at the end of the log, which is what pstore keeps.
void Agent::say_core_again() {
  if (!request_.core) return;
  if (watcher_.is_held()) {
    report::TracedRegisters registers;
    const auto& held = watcher_.held();
    const auto cause = held.kind == Watcher::Event::Kind::kSignal ? cause_of(held.info) : Cause{};
    return core_log_.say_again({.signal = gdb_signal(held.signal), .thread = static_cast<unsigned>(held.thread)}, cause,
                               registers);
  }
  const auto stop = parse_stop(relay_.last_stop());
  if (!stop) return;
  report::ServerRegisters registers(server_);
  core_log_.say_again(*stop, find_cause(*stop, server_), registers);
}

/// PID 1 gets a fatal signal that it handles.
void Agent::pass_signal(const Stop& stop, const Cause& cause) {
  constexpr unsigned kMaxTold = 5;
  constexpr std::uint64_t kHandlerMs = 10'000;
  if (++signals_passed_ <= kMaxTold) report_handled(stop, cause);
  if (signals_passed_ == kMaxTold)
    log::say(log::Level::kWarning, "further signals for which PID 1 has a handler are not reported");
  handled_until_ = sys::now_ms() + kHandlerMs;
}

/// The debugger has been told of a fatal signal.
void Agent::stopped_in_session() {
  const auto stop = parse_stop(relay_.last_stop());
  if (!stop || !request_.crash) return;
  const auto cause = find_cause(*stop, server_);
  const auto facts = find_facts(*stop, cause);
  // A traced PID 1 that is resumed without the signal faults once more, and again.
  const auto text = relay_.last_stop();
  const auto place = hash(text.substr(0, text.find("core:")));
  if (fate_of(*stop, facts) != Fate::kDies || reported_ == place) return;
  reported_ = place;
  report_end(*stop, cause, {.connected = true}, register_texts(server_), line_.describe(), {});
}

/// A system call that PID 1 may end with, while a debugger is connected that has not asked for any.
void Agent::call_in_session() {
  const auto stop = parse_stop(relay_.last_stop());
  if (!stop) return;
  auto facts = find_facts(*stop, {});
  facts.in_real_root = real_root_.entered();
  if (fate_of(*stop, facts) == Fate::kGoesOn) return relay_.go_on();
  report_end(*stop, {}, {.command = facts.command, .connected = true}, register_texts(server_), line_.describe(), {});
  relay_.tell_call();
}

/// What becomes of PID 1 when its tracer lets go of it where it stands.
Fate Agent::fate_when_let_go() {
  if (watcher_.at_exit() && watcher_.held().kind == Watcher::Event::Kind::kCall) return Fate::kRestarts;
  if (watcher_.at_exit()) return watcher_.held().signal != 0 ? Fate::kDies : Fate::kExits;
#if defined(__x86_64__) || defined(__i386__)
  constexpr bool kBehind = true;  // Intel 64 manual, volume 3, 6.15: INT3 is a trap
#else
  constexpr bool kBehind = false;
#endif
  if (watcher_.is_held()) {
    const auto& held = watcher_.held();
    Stop stop;
    stop.signal = gdb_signal(held.signal);
    stop.thread = static_cast<unsigned>(held.thread);
    return gdbdebug::fate_when_let_go(stop, find_facts(stop, cause_of(held.info)), kBehind);
  }
  const auto stop = parse_stop(relay_.last_stop());
  if (!stop) return Fate::kGoesOn;
  // A debugger may have chosen another thread; it chooses anew when it goes on.
  Text<16> thread("Hg");
  (void)server_.ask(thread.add_number(stop->thread, 16));  // fails only if it is gone, and then there is no cause
  auto facts = find_facts(*stop, find_cause(*stop, server_));
  facts.in_real_root = real_root_.entered();
  return gdbdebug::fate_when_let_go(*stop, facts, kBehind);
}

/// The debugger hands PID 1 the signal at which it stands. The kernel keeps it from a PID 1 that is traced, so that it
/// would fault in the same place for ever; where it would die it dies.
void Agent::resumed_at_fatal_stop() {
  if (subject != 1) return relay_.go_on();
  if (fate_when_let_go() != Fate::kDies) return relay_.go_on();
  log::say(log::Level::kAlert,
           "the debugger has passed the signal on; PID 1 now dies as it would have without gdbdebug");
  relay_.accept_end();
  drain_line();
  relay_.release();
}

void Agent::detach_at_fatal_stop() {
  if (subject != 1) {
    relay_.accept_detach();
    drain_line();
    return relay_.release();
  }
  const auto fate = fate_when_let_go();
  log::Message message("debugger detached; ");
  message.add(outcome(fate));
  log::say(log::Level::kAlert, message);
  Text<200> text("gdbdebug: ");  // also to the user who has just typed detach
  relay_.queue_text(text.add(message).add("\r\n"));
  relay_.accept_detach();
  drain_line();
  // Also where PID 1 lives on, and is armed again: what the debugger turned on in this gdbserver would make it trace
  // the children that a handler forks.
  survives_ = !is_end(fate);
  relay_.release();
}

void Agent::check_deadlines() {
  const auto now = sys::now_ms();
  relay_.tick(now);
  if (request_.feed) feeder_.step(now, is_held());
  check_stop();
  if (hang_deadline_ && now >= *hang_deadline_) check_hang();
  if (subject_deadline_ && now >= *subject_deadline_ && !relay_.engaged()) {
    subject_deadline_.reset();
    log::Message message("no debugger came in time; ");
    log::say(log::Level::kError, message.add(name_of_subject()).add(" goes on"));
    relay_.release();
  }
  // Who has just come may be a debugger or a mere knock: it is told apart first.
  if (!hold_deadline_ || now < *hold_deadline_ || relay_.engaged()) return;
  hold_deadline_.reset();
  if (!is_held()) return;
  if (is_at_end()) {
    const auto fate = fate_when_let_go();
    log::Message message("no debugger came in time; ");
    log::say(log::Level::kError, message.add(outcome(fate)));
    if (is_end(fate)) say_core_again();
    survives_ = !is_end(fate);
    if (!watcher_.is_held()) return relay_.release();
    relay_.set_held(false);
    return survives_ ? watcher_.go_on() : watcher_.let_go();
  }
  if (std::exchange(unknown_stop_, false)) {
    log::say(log::Level::kError, "no debugger came in time; PID 1 goes on");
    return relay_.release();
  }
  log::Message message("no debugger came within ");
  log::say(log::Level::kError,
           message.add_number(hold_seconds_).add(" seconds; booting on, a debugger can still attach"));
  relay_.release();
}

/// Of the process that is offered.
std::string_view Agent::state() const {
  const auto process = offered();
  if (process == 1 && is_at_end()) return "crashed";
  if (process != subject) return "held";  // it waits
  if (process == 1 && watcher_.is_held()) return "held";
  return relay_.pid1() == Relay::Pid1::kHeld && !relay_.let_go() ? "held" : "running";
}

/// All that are held; valid until the next call.
std::span<const HeldProcess> Agent::find_held() const {
  static std::array<HeldProcess, hold::kMaxWaiting + 1> held;
  static Text<256> name;
  std::size_t count = 0;
  if (is_held()) {
    name = pid1::status("Name");
    const bool at_start = request_.wait && !met_ && !is_at_end();
    held[count++] = {1, name, is_at_end() ? "end" : at_start ? "start" : "debugger"};
  }
  for (const auto& process : waiting_.all()) {
    using State = hold::Waiting::Process::State;
    const auto number = static_cast<unsigned>(process.pid);
    if (process.pid != 0 && process.state == State::kWaits) held[count++] = {number, process.name, "start"};
    if (process.pid != 0 && process.state == State::kTaken && relay_.pid1() == Relay::Pid1::kHeld)
      held[count++] = {number, process.name, "debugger"};
  }
  return std::span(held).first(count);
}

Text<rsp::kMaxHello> Agent::hello() const {
  utsname system{};
  (void)::uname(&system);  // cannot fail with a valid buffer
  const auto process = offered();
  const auto exe = pid1::executable(process);
  const auto build_id = pid1::executable_build_id(process);
  return compose_hello({GDBDEBUG_VERSION, state(), exe, build_id, system.machine, running_watchdog(), wire_.has_value(),
                        static_cast<unsigned>(process), find_held()});
}

}  // namespace

void run_agent(const Request& request, std::string_view ip, UniqueFd handoff, ModulesPlace modules,
               wire::Parts& parts) {
  // Some 700 KB, too much for the stack. No static object: its destructor would be registered with atexit(), and that
  // brings malloc() along.
  alignas(Agent) static std::array<std::byte, sizeof(Agent)> room;
  auto* const agent = new (room.data()) Agent(request, ip, std::move(handoff), std::move(modules), parts);
  agent->run();
  agent->~Agent();
}

}  // namespace gdbdebug
