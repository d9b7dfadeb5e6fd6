// SPDX-License-Identifier: GPL-2.0-or-later
// relay: see relay.hpp.
#include "session/relay.hpp"

namespace gdbdebug {
namespace {

/// gdb reads a stop reply at once and acknowledges it; five repetitions at two seconds, gdb's own default
/// `remotetimeout`, and nobody is there any more.
constexpr std::uint64_t kAckTimeoutMs = 2000;
constexpr unsigned kAckTries = 5;

/// On a line that loses bytes a packet is repeated whole: keep it below four seconds at 115200 baud, as gdbserver 13
/// does.
constexpr std::uint32_t kLossyPacketSize = 0x47ff;

/// What the lost debugger may have left on in gdbserver.
constexpr std::string_view kForget[] = {"QCatchSyscalls:0"};

bool is_resume(std::string_view payload) {
  if (payload.empty()) return false;
  return payload.starts_with("vCont;") || std::string_view("cCsS").find(payload.front()) != std::string_view::npos;
}

/// gdb's number of the signal that a resume hands PID 1, 0 if it is none: `vCont;C0b:p1.1;c`, `S0b`.
unsigned handed_signal(std::string_view payload) {
  const auto actions = payload.starts_with("vCont") ? payload.substr(5) : payload;
  const auto at = actions.find_first_of("CS");
  return at == std::string_view::npos ? 0 : parse_number<unsigned>(actions.substr(at + 1, 2), 16).value_or(0);
}

/// Detaching from PID 1, in the form with and without a process.
bool is_detach(std::string_view payload) {
  return payload == "D" || payload == "D;1";
}

}  // namespace

// ---- the line's side ----

void Relay::line_bytes(std::string_view bytes) {
  while (!bytes.empty()) {
    switch (line_.take(bytes)) {
      case rsp::Token::kNone:
        break;
      case rsp::Token::kPacket:
        on_request(line_.payload());
        break;
      case rsp::Token::kBadPacket:
        if (!noack_) (void)to_line_.add("-");
        break;
      case rsp::Token::kAck:
        acked_ = true;
        ack_deadline_.reset();
        break;
      case rsp::Token::kNak:
        if (!noack_ && !acked_) (void)to_line_.add({reply_buffer_.data(), reply_size_});
        break;
      case rsp::Token::kInterrupt:
        if (session_ && pid1_ == Pid1::kRunning && cleaning_ == Cleaning::kNone && !interrupt_) {
          interrupt_ = true;
          stop_pid1();
        }
        break;
      case rsp::Token::kNewline:
        wishes_ |= kHello;
        break;
    }
  }
}

void Relay::on_request(std::string_view payload) {
  const auto request_hash = hash(payload);
  const bool under_way = ask_ != Ask::kNothing || !deferred_.empty() || !acked_;
  const bool repeated = !noack_ && under_way && request_hash == request_hash_;
  // gdb begins with qSupported; lldb turns acknowledgements off before that.
  const bool greets = payload == "QStartNoAckMode";
  const bool opens = payload.starts_with("qSupported") && !greeted_;
  const bool stranger = !repeated && (!session_ || opens || pid1_ == Pid1::kRunning);
  if ((stranger && !greeted_) || (greets && noack_)) noack_ = false;
  if (!noack_) (void)to_line_.add("+");
  if (repeated) return;  // its reply is on the way, or will be asked for with a NAK

  request_hash_ = request_hash;
  acked_ = true;
  ack_deadline_.reset();
  greeted_ = greets;
  if (answer_here(payload)) return;

  const bool cleaning = cleaning_ != Cleaning::kNone;
  if (!stranger && !cleaning) {
    // No debugger asks twice before it has its reply; what does is noise, and would confuse which reply is whose.
    if (ask_ == Ask::kNothing) forward(payload);
    return;
  }

  deferred_.set(payload);
  if (deferred_.truncated()) {
    deferred_.clear();
    return reply("E.gdbdebug: nobody is connected; use target remote first");
  }
  if (cleaning) return;
  if (pid1_ == Pid1::kFree)
    wishes_ |= kStartServer;
  else
    clean(Then::kStay);
}

/// Answers what gdbserver must not see. Killing PID 1 would panic the machine, and starting or attaching to something
/// else has no place here; non-stop mode would let packets pass while PID 1 runs.
bool Relay::answer_here(std::string_view payload) {
  if (payload == "QStartNoAckMode") {
    reply(lossy_ ? "" : "OK");
    noack_ = !lossy_;
    return true;
  }
  if (payload == "k") return true;  // has no reply
  if (payload.starts_with("qAttached")) {
    // After an exec event gdbserver believes that it has made PID 1 itself, and gdb's quit would want to kill it.
    reply("1");
    return true;
  }
  if (payload == "!") {
    reply("");
    return true;
  }
  if (payload.starts_with("vKill") || payload.starts_with("R")) {
    reply("E.gdbdebug: killing PID 1 would panic the machine; use detach");
    return true;
  }
  if (payload.starts_with("vRun") || payload.starts_with("vAttach")) {
    reply("E.gdbdebug: only PID 1 can be debugged here, and it is attached; use target remote");
    return true;
  }
  if (payload == "QNonStop:1") {
    reply("E.gdbdebug: non-stop mode is not available; use set non-stop off");
    return true;
  }
  return false;
}

void Relay::forward(std::string_view payload) {
  if (constexpr std::string_view kFile = "qXfer:exec-file:read:"; executable_ && payload.starts_with(kFile))
    return reply_executable(payload.substr(kFile.size()));
  if (payload == "?") return ask_server(payload, Ask::kStop);
  if (payload.starts_with("qSupported")) return ask_server(payload, Ask::kFeatures);
  if (payload.starts_with("QPassSignals:") || payload.starts_with("QProgramSignals:")) return forward_signals(payload);
  if (payload.starts_with('Z') || payload.starts_with('z')) {
    auto rest = payload;
    breakpoint_.clear();
    breakpoint_.add(take_word(rest, ';'));
    return ask_server(payload, Ask::kBreakpoint);
  }
  if (is_detach(payload)) {
    // PID 1 dies as soon as gdbserver lets go of it, and the machine with it: the answer must be out before.
    if (fatal_stop_) {
      wishes_ |= kFatalDetach;
      return;
    }
    if (stays_) {
      reply("OK");
      return clean(Then::kResume);
    }
    if (stop_pending_) wishes_ |= kCancelStop;
    stop_pending_ = false;
    return ask_server(payload, Ask::kDetach);
  }
  if (is_resume(payload)) {
    if (session_ && fatal_stop_ && signal_ != 0 && handed_signal(payload) == signal_) {
      resume_.set(payload);
      wishes_ |= kFatalResume;
      return;
    }
    return forward_resume(payload);
  }
  if (payload.starts_with("QCatchSyscalls:")) {
    catches_ = payload.starts_with("QCatchSyscalls:1");
    for (const auto setting : settings_) {
      if (!catches_ && setting.starts_with("QCatchSyscalls:1")) return ask_server(setting, Ask::kReply);
    }
  }
  ask_server(payload, payload.starts_with("qRcmd,") ? Ask::kMonitor : Ask::kReply);
}

void Relay::forward_resume(std::string_view payload) {
  resume_.set(payload);
  pid1_ = Pid1::kRunning;
  own_stop_ = fatal_stop_ = false;
  signal_ = 0;
  ask_server(payload, Ask::kResume);
}

/// Passes a list of signals on without SIGSTOP: it is how the relay stops PID 1, so gdbserver must neither hand it to
/// PID 1 unseen (QPassSignals) nor on detach (QProgramSignals). PID 1 would stop for good.
void Relay::forward_signals(std::string_view payload) {
  Text<1024> list;
  auto rest = payload;
  list.add(take_word(rest, ':')).add(':');
  bool first = true;
  while (!rest.empty()) {
    const auto signal = take_word(rest, ';');
    if (parse_number<unsigned>(signal, 16) == kGdbSigstop) continue;
    if (!first) list.add(';');
    first = false;
    list.add(signal);
  }
  ask_server(list.truncated() ? payload : list.view(), Ask::kReply);
}

void Relay::ask_server(std::string_view payload, Ask ask) {
  ask_ = ask;
  const auto sum = rsp::checksum(payload);
  Text<4> trailer;
  trailer.add('#').add_hex(sum);
  (void)to_server_.add("$");  // room for one packet, and there is never more than one on its way
  (void)to_server_.add(payload);
  (void)to_server_.add(trailer);
}

// ---- gdbserver's side ----

void Relay::server_bytes(std::string_view bytes, std::uint64_t now_ms) {
  while (!bytes.empty()) {
    if (server_.take(bytes) == rsp::Token::kPacket) on_reply(server_.payload(), now_ms);
  }
}

void Relay::on_reply(std::string_view payload, std::uint64_t now_ms) {
  const Ask ask = ask_;
  // What PID 1 or a monitor command prints comes before the reply, in as many packets as it needs.
  const bool console_output = payload.starts_with('O') && payload != "OK";
  if (console_output && (ask == Ask::kResume || ask == Ask::kMonitor)) {
    if (session_) reply(payload);
    return;
  }
  if (ask == Ask::kResume) return on_stop(payload, now_ms);
  ask_ = Ask::kNothing;
  if (ask == Ask::kBreakpoint && payload == "OK") note_breakpoint();
  if (cleaning_ != Cleaning::kNone) return clean_on();
  switch (ask) {
    case Ask::kFeatures:
      return reply_features(payload);
    case Ask::kStop:
      return reply_stop(payload, 0, false);
    case Ask::kDetach:
      detached_ = payload == "OK";
      return reply(payload);
    case Ask::kReply:
    case Ask::kMonitor:
    case Ask::kBreakpoint:
      return reply(payload);
    case Ask::kNothing:
    case Ask::kResume:
    case Ask::kOwn:
      return;
  }
}

void Relay::on_stop(std::string_view payload, std::uint64_t now_ms) {
  ask_ = Ask::kNothing;
  pid1_ = Pid1::kHeld;
  const auto stop = parse_stop(payload);
  stop_.set(payload);
  if (stop) thread_ = stop->thread;
  if (stop && stop->event == "exec") wishes_ |= kExecuted;
  const bool ours = stop && stop->signal == kGdbSigstop && stop_pending_;
  if (ours) stop_pending_ = false;
  own_stop_ = ours;
  fatal_stop_ = stop && stop->event.empty() && is_fatal(stop->signal) && stop->signal != kGdbSigtrap;
  // SIGINT and SIGTRAP are how debuggers stop a process; they are not handed on, as gdbserver does not on a detach.
  const bool plain = stop && stop->event.empty() && !ours && stop->signal != kGdbSigint && stop->signal != kGdbSigtrap;
  signal_ = plain ? stop->signal : 0;
  if (cleaning_ != Cleaning::kNone) return clean_on();

  if (ours && !interrupt_) {
    // PID 1 had stopped by itself before the SIGSTOP reached it, and that stop was told.
    own_stop_ = false;
    return resume_again();
  }
  if (session_ && stays_ && stop && stop->is_call() && !catches_) {
    wishes_ |= kCallStop;
    return;
  }
  interrupt_ = false;
  if (session_) {
    reply_stop(payload, kGdbSigint, stop.has_value());
    if (!noack_) {
      ack_tries_ = 0;
      ack_deadline_ = now_ms + kAckTimeoutMs;
    }
    if (fatal_stop_ && stays_) wishes_ |= kFatalStop;
    return;
  }
  wishes_ |= kUnattended;
}

/// Nothing has run since the stop, so what the debugger asked for is asked for again; a signal that went with it has
/// been delivered already.
void Relay::resume_again() {
  const bool plain = resume_.truncated() || handed_signal(resume_) != 0;
  const Text<512> again(plain ? std::string_view("vCont;c") : resume_.view());
  pid1_ = Pid1::kRunning;
  ask_server(again, Ask::kResume);
}

void Relay::note_breakpoint() {
  const auto key = breakpoint_.view().substr(1);
  for (std::size_t i = 0; i < breakpoint_count_; ++i) {
    if (breakpoints_[i].key.view() != key) continue;
    if (breakpoint_.view().front() == 'z') breakpoints_[i] = breakpoints_[--breakpoint_count_];
    return;
  }
  if (breakpoint_.view().front() == 'Z' && breakpoint_count_ < breakpoints_.size() && key.size() <= 40) {
    breakpoints_[breakpoint_count_].key.clear();
    breakpoints_[breakpoint_count_++].key.add(key);
  }
}

// ---- replies to the debugger ----

void Relay::reply(std::string_view payload) {
  const auto packet = rsp::frame(payload, reply_buffer_);
  reply_size_ = packet.size();
  acked_ = noack_;
  (void)to_line_.add(packet);
}

/// gdbserver 14 and newer say /proc/1/exe where they cannot read the file itself (linux_proc_pid_to_exec_file() in
/// gdb/nat/linux-procfs.c): in the agent's root it is not there, and a debugger would find no program.
void Relay::reply_executable(std::string_view range) {
  (void)take_word(range, ':');  // the process: there is only one
  const auto offset = parse_number<std::size_t>(take_word(range, ','), 16).value_or(0);
  const auto length = parse_number<std::size_t>(range, 16).value_or(0);
  const auto name = executable_();
  const auto rest = name.view().substr(offset < name.view().size() ? offset : name.view().size());
  Text<1100> text(length < rest.size() ? "m" : "l");
  for (const char c : rest.substr(0, length)) {
    if (rsp::is_escaped(c))
      text.add('}').add(static_cast<char>(c ^ 0x20));
    else
      text.add(c);
  }
  reply(text);
}

/// gdbserver believes that its transport is reliable, and offers no-ack mode; non-stop mode is not the relay's.
void Relay::reply_features(std::string_view payload) {
  Text<4096> features;
  auto rest = payload;
  while (!rest.empty()) {
    const auto feature = take_word(rest, ';');
    if (feature == "QNonStop+" || feature == "QStartNoAckMode+") continue;
    if (!features.empty()) features.add(';');
    if (lossy_ && feature.starts_with("PacketSize=")) {
      const auto size = parse_number<std::uint32_t>(feature.substr(11), 16).value_or(kLossyPacketSize);
      features.add("PacketSize=").add_number(size < kLossyPacketSize ? size : kLossyPacketSize, 16);
      continue;
    }
    features.add(feature);
  }
  if (!lossy_) features.add(features.empty() ? "QStartNoAckMode+" : ";QStartNoAckMode+");
  reply(features.truncated() ? payload : features.view());
}

/// Tells a stop without the event that has been used up (`exec:`, `syscall_entry:`): with it, gdb 13 and 16 run on past
/// the first stop, and gdb 18 fails an assertion. A SIGSTOP of ours is told as the interrupt that was asked for.
void Relay::reply_stop(std::string_view payload, unsigned interrupted_by, bool keep_event) {
  const auto stop = parse_stop(payload);
  if (!stop || payload.front() != 'T' || payload.size() > 4000) return reply(payload);
  Text<4096> text("T");
  const unsigned signal = own_stop_ && stop->signal == kGdbSigstop ? interrupted_by : stop->signal;
  text.add_hex(static_cast<std::uint8_t>(signal));
  for (auto rest = payload.substr(3); !rest.empty();) {
    const auto pair = take_word(rest, ';');
    const auto name = pair.substr(0, pair.find(':'));
    const bool event = name == stop->event && !name.empty();
    if (event && !keep_event) continue;
    if (executable_ && pair == "exec:2f70726f632f312f657865") {  // /proc/1/exe: see reply_executable()
      text.add("exec:").add_hex(executable_().view()).add(';');
      continue;
    }
    text.add(pair).add(';');
  }
  reply(text);
}

// ---- sessions ----

void Relay::begin_session() {
  session_ = true;
  catches_ = false;
  interrupt_ = false;
  wishes_ |= kSessionBegan;
}

void Relay::stop_pid1() {
  if (stop_pending_) return;
  stop_pending_ = true;
  wishes_ |= kStopPid1;
}

void Relay::clean(Then then) {
  then_ = then;
  session_ = false;
  interrupt_ = false;
  cleaning_ = Cleaning::kWaiting;
  if (pid1_ == Pid1::kRunning) return stop_pid1();
  if (ask_ == Ask::kNothing) clean_on();
}

/// One step at a time: gdbserver is idle and PID 1 is held whenever this is called.
void Relay::clean_on() {
  if (cleaning_ == Cleaning::kWaiting) cleaning_ = Cleaning::kBreakpoints;
  if (cleaning_ == Cleaning::kBreakpoints) {
    if (breakpoint_count_ > 0) {
      Text<80> remove("z");
      remove.add(breakpoints_[--breakpoint_count_].key);
      return ask_server(remove, Ask::kOwn);
    }
    cleaning_ = Cleaning::kSettings;
    setting_ = 0;
  }
  if (then_ != Then::kRelease) {
    constexpr std::size_t kForgets = std::size(kForget);
    if (setting_ < kForgets) return ask_server(kForget[setting_++], Ask::kOwn);
    if (setting_ - kForgets < settings_.size()) return ask_server(settings_[setting_++ - kForgets], Ask::kOwn);
    cleaning_ = Cleaning::kNone;
    if (deferred_.empty()) {
      if (then_ == Then::kResume) resume(signal_);
      return;
    }
    begin_session();
    const Text<4096> first(deferred_);
    deferred_.clear();
    return forward(first);
  }
  cleaning_ = Cleaning::kReleasing;
  if (stop_pending_) wishes_ |= kCancelStop;
  stop_pending_ = false;
  wishes_ |= kReleaseServer;
}

void Relay::debugger_lost() {
  const bool ran = pid1_ == Pid1::kRunning || (ack_deadline_ && !fatal_stop_);
  noack_ = greeted_ = false;
  acked_ = true;
  ack_deadline_.reset();
  deferred_.clear();
  request_hash_ = 0;
  if (!session_) return;
  session_ = false;
  if (pid1_ == Pid1::kFree || cleaning_ != Cleaning::kNone) return;
  if (!ran) return clean(Then::kStay);
  clean(stays_ ? Then::kResume : Then::kRelease);
}

void Relay::line_lost() {
  line_.reset();
  to_line_.clear();
  debugger_lost();
}

void Relay::tick(std::uint64_t now_ms) {
  if (!ack_deadline_ || now_ms < *ack_deadline_) return;
  if (++ack_tries_ > kAckTries) return debugger_lost();
  ack_deadline_ = now_ms + kAckTimeoutMs;
  (void)to_line_.add({reply_buffer_.data(), reply_size_});
}

void Relay::accept_detach() {
  reply("OK");
  session_ = false;
}

void Relay::mark_end() {
  const auto stop = parse_stop(stop_);
  fatal_stop_ = true;
  if (stop && stop->is_signal()) signal_ = stop->signal;
}

void Relay::accept_end() {
  Text<4> text("X");
  reply(text.add_hex(static_cast<std::uint8_t>(signal_)));
  session_ = false;
}

void Relay::go_on() {
  if (pid1_ != Pid1::kHeld || ask_ != Ask::kNothing) return;
  if (parse_stop(stop_) && parse_stop(stop_)->is_call()) return resume_again();
  const Text<512> resume(resume_);
  forward_resume(resume);
}

void Relay::tell_call() {
  fatal_stop_ = true;
  interrupt_ = false;
  reply_stop(stop_, 0, false);
}

void Relay::release() {
  if (pid1_ != Pid1::kFree && cleaning_ == Cleaning::kNone) clean(Then::kRelease);
}

void Relay::run_on() {
  if (pid1_ != Pid1::kFree && cleaning_ == Cleaning::kNone) clean(Then::kResume);
}

void Relay::resume(unsigned gdb_signal) {
  Text<40> packet("vCont;c");
  if (gdb_signal != 0) {
    // To the thread that it is for: without one gdbserver hands it to every thread (handle_v_cont() in server.cc).
    packet.set("vCont;C");
    packet.add_hex(static_cast<std::uint8_t>(gdb_signal)).add(':').add_number(thread_, 16).add(";c");
  }
  forward(packet);
}

void Relay::server_ready(Pid1 pid1) {
  pid1_ = pid1;
  ask_ = pid1 == Pid1::kRunning ? Ask::kResume : Ask::kNothing;
  resume_.clear();
  resume_.add("vCont;c");
  if (!deferred_.empty()) clean(Then::kStay);
}

void Relay::server_failed(std::string_view reason) {
  deferred_
      .clear();  // first: server_gone() would ask for another gdbserver, which would fail in the same way, for ever
  server_gone();
  Text<256> text("E.gdbdebug: ");
  reply(text.add(reason));
}

void Relay::server_gone() {
  // A debugger that came while gdbserver was being released, or was about to end after a detach, gets the next one. One
  // that died while it was made ready for a debugger would die again.
  const bool released = cleaning_ == Cleaning::kReleasing || detached_;
  const bool unanswered =
      (session_ && ask_ != Ask::kNothing && ask_ != Ask::kDetach) || (!deferred_.empty() && !released);
  // A gdbserver that died of a detach has let go of PID 1 all the same.
  const bool let_go = session_ && ask_ == Ask::kDetach;
  if (!released) deferred_.clear();
  pid1_ = Pid1::kFree;
  ask_ = Ask::kNothing;
  cleaning_ = Cleaning::kNone;
  session_ = interrupt_ = stop_pending_ = own_stop_ = fatal_stop_ = detached_ = false;
  breakpoint_count_ = 0;
  to_server_.clear();
  server_.reset();
  if (unanswered) reply("E.gdbdebug: gdbserver has ended; connect again");
  if (let_go) reply("OK");
  if (!deferred_.empty()) wishes_ |= kStartServer;
}

unsigned Relay::take_wishes() {
  const unsigned wishes = wishes_;
  wishes_ = 0;
  return wishes;
}

}  // namespace gdbdebug
