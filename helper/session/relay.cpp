// SPDX-License-Identifier: GPL-2.0-or-later
// relay: see relay.hpp.
#include "session/relay.hpp"

#include <algorithm>
#include <utility>

namespace gdbdebug {
namespace {

/// gdb reads a stop reply at once and acknowledges it; five repetitions at two seconds, gdb's own default
/// `remotetimeout`, and nobody is there any more.
constexpr std::uint64_t kAckTimeoutMs = 2000;
constexpr unsigned kAckTries = 5;

/// Text is shown to a debugger that has nothing else to do, and may be stopped by its user for a moment (Ctrl-Z): it is
/// repeated late, since gdb prints it twice then. That and Relay::kSilenceMs are below the ten seconds in which the
/// console is back.
constexpr std::uint64_t kTextTimeoutMs = 5000;

/// On a line that loses bytes a packet is repeated whole: keep it below four seconds at 115200 baud, as gdbserver 13
/// does.
constexpr std::uint32_t kLossyPacketSize = 0x47ff;

/// A debugger sends its second packet within a round trip of the reply to its first one.
constexpr std::uint64_t kKnockMs = 10'000;

/// What the lost debugger may have left on in gdbserver.
constexpr std::string_view kForget[] = {"QCatchSyscalls:0"};
/// The same of one that has defined tracepoints: QTStop takes them out of PID 1.
constexpr std::string_view kForgetTraces[] = {"QTStop", "QTinit"};

/// How long gdbserver may owe an answer while somebody knocks: a packet of gdb's takes it milliseconds, and gdb tries
/// to connect for some six seconds.
constexpr std::uint64_t kStuckMs = 4'000;

constexpr std::size_t kMaxRegisters = 16384;

/// A register of a reply to `g`, which begins at byte `offset` of it; nullopt on machines that are not known here.
[[maybe_unused]] std::optional<std::uint64_t> register_of(std::string_view registers, std::size_t offset) {
  constexpr std::size_t kDigits = 2 * sizeof(void*);
  if (registers.size() < 2 * offset + kDigits) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t at = kDigits; at > 0; at -= 2) {  // the lowest byte comes first
    const auto byte = parse_number<std::uint8_t>(registers.substr(2 * offset + at - 2, 2), 16);
    if (!byte) return std::nullopt;
    value = value << 8 | *byte;
  }
  return value;
}

std::optional<std::uint64_t> sp_of([[maybe_unused]] std::string_view registers) {
#if defined(__x86_64__)
  return register_of(registers, 7 * 8);
#elif defined(__i386__)
  return register_of(registers, 4 * 4);
#elif defined(__aarch64__)
  return register_of(registers, 31 * 8);
#else
  return std::nullopt;
#endif
}

std::optional<std::uint64_t> pc_of([[maybe_unused]] std::string_view registers) {
#if defined(__x86_64__)
  return register_of(registers, 16 * 8);
#elif defined(__i386__)
  return register_of(registers, 8 * 4);
#elif defined(__aarch64__)
  return register_of(registers, 32 * 8);
#else
  return std::nullopt;
#endif
}

bool is_resume(std::string_view payload) {
  if (payload.empty()) return false;
  return payload.starts_with("vCont;") || std::string_view("cCsS").find(payload.front()) != std::string_view::npos;
}

/// gdbserver's own command, the only one by which it ends. It reads the text up to a zero.
bool is_monitor_exit(std::string_view payload) {
  constexpr std::string_view kExit = "qRcmd,65786974";
  if (!payload.starts_with(kExit)) return false;
  const auto rest = payload.substr(kExit.size());
  return rest.size() < 2 || rest.starts_with("00");
}

/// Which process a resume packet sets going. `subject` if it is one of several.
unsigned resumed_process(std::string_view payload, unsigned subject) {
  if (!payload.starts_with("vCont;")) return subject;
  unsigned process = 0;
  for (auto actions = payload.substr(6); !actions.empty();) {
    auto action = take_word(actions, ';');
    (void)take_word(action, ':');
    const unsigned named = action.starts_with('p') ? parse_process(action) : subject;
    if (named == 0 || named == subject) return subject;
    process = named;
  }
  return process == 0 ? subject : process;
}

/// How many bytes a breakpoint of this kind takes the place of (gdb's manual, "Z0"). On x86 the kind is 1; on Arm 3
/// stands for a Thumb instruction of four bytes.
constexpr std::uint8_t breakpoint_size(std::uint32_t kind) {
  return kind == 3 ? 4 : kind <= 4 ? static_cast<std::uint8_t>(kind) : 0;
}

/// What a debugger does to look at PID 1 and no more: a knock may do that.
bool only_reads(std::string_view payload) {
  if (payload == "vMustReplyEmpty" || payload == "vCont?") return true;
  if (payload.starts_with("qRcmd,") || payload.find(":write:") != std::string_view::npos) return false;
  return std::string_view("?gHmpqTx").find(payload.front()) != std::string_view::npos;
}

/// A stop that gdb asks for whatever its user does, and out of which it resumes PID 1 by itself.
bool is_gdbs_own(const Stop& stop) {
  return stop.event == "fork" || stop.event == "vfork" || stop.event == "vforkdone" || stop.event == "create";
}

/// `vCont;C0b:p1.1;c` without its signals, which have been delivered: `vCont;c:p1.1;c`.
void add_without_signals(std::string_view resume, TextBuffer& text) {
  if (!resume.starts_with("vCont")) {
    const bool steps = resume.starts_with('s') || resume.starts_with('S');
    text.add(steps ? "s" : "c");
    return;
  }
  text.add(take_word(resume, ';'));
  while (!resume.empty()) {
    const auto action = take_word(resume, ';');
    text.add(';');
    if (action.starts_with('C') || action.starts_with('S'))
      text.add(action.front() == 'C' ? 'c' : 's').add(action.substr(action.size() < 3 ? action.size() : 3));
    else
      text.add(action);
  }
}

/// gdb's number of the signal that a resume hands PID 1, 0 if it is none: `vCont;C0b:p1.1;c`, `S0b`.
unsigned handed_signal(std::string_view payload) {
  const auto actions = payload.starts_with("vCont") ? payload.substr(5) : payload;
  const auto at = actions.find_first_of("CS");
  return at == std::string_view::npos ? 0 : parse_number<unsigned>(actions.substr(at + 1, 2), 16).value_or(0);
}

bool has_signal(std::string_view resume) {
  if (!resume.starts_with("vCont")) return resume.starts_with('C') || resume.starts_with('S');
  return resume.find(";C") != std::string_view::npos || resume.find(";S") != std::string_view::npos;
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
        if (!acked_ && knock_answered()) begin_session();
        acked_ = true;
        ack_deadline_.reset();
        break;
      case rsp::Token::kNak:
        if (!noack_ && !acked_) (void)to_line_.add({reply_buffer_.data(), reply_size_});
        break;
      case rsp::Token::kInterrupt:
        // While PID 1 is held it is for what follows (gdb's manual, "Interrupts"): gdb also sends it when it notices
        // its user's Ctrl-C in the middle of a stop from which it goes on by itself, as from a dprintf.
        if (!in_session() || cleaning_ != Cleaning::kNone || interrupt_) break;
        interrupt_ = true;
        if (pid1_ == Pid1::kRunning) stop_pid1();
        break;
      case rsp::Token::kNewline:
        wishes_ |= line_.word() == rsp::kReportWord ? kReport : kHello;
        break;
    }
  }
}

void Relay::on_request(std::string_view payload) {
  const auto request_hash = hash(payload);
  if (payload.starts_with(rsp::kOurText)) return;  // our answer to that, from a peer that echoes
  if (payload == rsp::kHelloRequest) {
    wishes_ |= kHelloPacket;
    return;
  }
  if (payload.starts_with(rsp::kChooseRequest)) {
    chosen_.clear();
    for (auto name = payload.substr(rsp::kChooseRequest.size()); name.size() >= 2; name.remove_prefix(2))
      chosen_.add(static_cast<char>(parse_number<std::uint8_t>(name.substr(0, 2), 16).value_or('?')));
    wishes_ |= kChoose | kHelloPacket;
    return;
  }
  if (payload == rsp::kReportRequest) {
    wishes_ |= kReport;
    if (!noack_) (void)to_line_.add("+");
    if (!shows_text()) (void)to_line_.add("$OK#9a");  // or a debugger would take it for PID 1's stop
    return;
  }
  if (payload.starts_with(rsp::kTypeRequest)) {
    (void)to_line_.add("+");
    if (!shows_text()) return;  // PID 1 has just stopped; a reply would be taken for that to the next request
    for (auto keys = payload.substr(rsp::kTypeRequest.size()); keys.size() >= 2; keys.remove_prefix(2))
      typed_.add(static_cast<char>(parse_number<std::uint8_t>(keys.substr(0, 2), 16).value_or('?')));
    wishes_ |= kTyped;
    return;
  }
  const bool under_way = ask_ != Ask::kNothing || !deferred_.empty() || !acked_;
  const bool repeated = !noack_ && under_way && request_hash == request_hash_;
  // gdb begins with qSupported; lldb turns acknowledgements off before that.
  const bool greets = payload == "QStartNoAckMode";
  const bool opens = payload.starts_with("qSupported") && !greeted_;
  const bool stranger = !repeated && (guest_ == Guest::kNobody || opens || pid1_ == Pid1::kRunning);
  if ((stranger && !greeted_) || (greets && noack_)) noack_ = false;
  if (!noack_) (void)to_line_.add("+");
  if (repeated) return;  // its reply is on the way, or will be asked for with a NAK

  const bool follows_up = knock_answered();
  request_hash_ = request_hash;
  acked_ = true;
  late_stop_.clear();
  ack_deadline_.reset();
  greeted_ = greets;
  if (follows_up && !stranger) begin_session();
  if (answer_here(payload)) return;

  const bool cleaning = cleaning_ != Cleaning::kNone;
  if (!stranger && !cleaning) {
    // No debugger asks twice before it has its reply; what does is noise, and would confuse which reply is whose.
    if (ask_ == Ask::kNothing) forward(payload);
    return;
  }

  if (cut_off_ && !payload.starts_with("qSupported")) return reply("E.gdbdebug: gdbserver has ended; connect again");
  cut_off_ = false;
  if (payload.empty()) return reply("");  // as to every request that is not known
  if (!only_reads(payload) || payload.size() > kMaxDeferred)
    return reply("E.gdbdebug: nobody is connected; use target remote first");
  if (guest_ != Guest::kKnocking) knock_ran_ = pid1_ == Pid1::kFree ? !held_ : cleaning ? then_ != Then::kStay : ran();
  guest_ = Guest::kKnocking;
  knock_deadline_.reset();
  deferred_.set(payload);
  if (cleaning) return;
  if (pid1_ == Pid1::kFree)
    wishes_ |= kStartServer;
  else if (!detached_)  // otherwise gdbserver is about to end, and the next one is for this debugger
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
    reply(subject_ == 1 ? "E.gdbdebug: killing PID 1 would panic the machine; use detach"
                        : "E.gdbdebug: the process is not gdbdebug's to kill; use detach");
    return true;
  }
  if (payload.starts_with("vRun") || payload.starts_with("vAttach")) {
    reply("E.gdbdebug: only PID 1 can be debugged here, and it is attached; use target remote");
    return true;
  }
  if (payload.starts_with("QTDisconnected:") && payload != "QTDisconnected:0") {
    // gdbserver would stay attached after a detach, in non-stop mode, where nobody could ever talk to it again.
    reply("E.gdbdebug: tracing ends with the session; use set disconnected-tracing off");
    return true;
  }
  if (is_monitor_exit(payload)) {
    // The output of a monitor command, in hexadecimal digits.
    Text<200> text;
    reply(text.add_hex("gdbdebug: monitor exit would kill PID 1 and panic the machine; use detach\n"));
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
  used_ = true;
  if (payload == "?") return ask_server(payload, Ask::kStop);
  if (payload.starts_with("qSupported")) {
    multiprocess_ = multiprocess_ || payload.find("multiprocess+") != std::string_view::npos;
    return forward_features(payload);
  }
  if (payload.starts_with("vFile:setfs:") && payload != "vFile:setfs:0") anchor();
  if (payload.starts_with("QPassSignals:") || payload.starts_with("QProgramSignals:")) return forward_signals(payload);
  if (payload.starts_with('Z') || payload.starts_with('z')) return forward_breakpoint(payload);
  if (payload.starts_with('D')) return forward_detach(payload);
  if (payload.starts_with('G') || payload.starts_with('P')) return forward_registers(payload);
  if (is_resume(payload)) {
    if (read_only_) return reply("E.gdbdebug: PID 1 is at its end and cannot go on; use detach");
    if (in_session() && fatal_stop_ && signal_ != 0 && handed_signal(payload) == signal_ &&
        payload.size() <= kMaxResume) {
      resume_.set(payload);
      wishes_ |= kFatalResume;
      return;
    }
    return forward_resume(payload);
  }
  if (payload.starts_with("QCatchSyscalls:")) {
    catches_ = payload.starts_with("QCatchSyscalls:1");
    for (const auto setting : settings()) {
      if (!catches_ && setting.starts_with("QCatchSyscalls:1")) return ask_server(setting, Ask::kReply);
    }
  }
  if (payload.starts_with("Hg")) {
    thread_choice_.set(payload);
    const unsigned process = payload.starts_with("Hgp") ? parse_process(payload.substr(2)) : 0;
    selected_ = process != 0 ? process : process_;  // `any`: gdbserver stays where it is
    return ask_server(payload, Ask::kThread);
  }
  traces_ = traces_ || payload.starts_with("QT");
  ask_server(payload, payload.starts_with("qRcmd,") ? Ask::kMonitor : Ask::kReply);
}

std::optional<Relay::Breakpoint> Relay::parse_breakpoint(std::string_view payload, std::uint32_t process) {
  auto rest = payload.substr(1);
  rest = take_word(rest, ';');
  const auto type = take_word(rest, ',');
  const auto address = parse_number<std::uint64_t>(take_word(rest, ','), 16);
  const auto kind = parse_number<std::uint32_t>(rest, 16);
  if (type.size() != 1 || type < "0" || type > "4" || !address || !kind) return std::nullopt;
  return Breakpoint{*address, *kind, process, type.front()};
}

/// What a debugger sets is remembered, to be taken out when it is lost: what stays in PID 1 ends it. So what cannot be
/// remembered is refused.
void Relay::forward_breakpoint(std::string_view payload) {
  const auto breakpoint = parse_breakpoint(payload, process_);
  if (!breakpoint) return reply("E.gdbdebug: this form of breakpoint is not supported");
  sets_breakpoint_ = payload.front() == 'Z';
  breakpoint_ = *breakpoint;
  look_under_breakpoint();
  if (sets_breakpoint_ && payload.find(";cmds:") != std::string_view::npos) {
    // With them gdbserver stays attached after a detach, as with disconnected tracing.
    return reply("E.gdbdebug: commands that run at the target are not supported; use set dprintf-style gdb");
  }
  if (sets_breakpoint_ && breakpoint_count_ == breakpoints_.size()) {
    const std::span known(breakpoints_.data(), breakpoint_count_);
    if (std::find(known.begin(), known.end(), breakpoint_) == known.end())
      return reply("E.gdbdebug: 1024 breakpoints are set, and no more can be");
  }
  ask_server(payload, Ask::kBreakpoint);
}

/// gdbserver takes every packet that begins with a D for a detach, and reads its number as strtol(3) does: lldb's is
/// `D;0000000000000001`. It is asked in the one form that is known here.
void Relay::forward_detach(std::string_view payload) {
  const auto process = payload == "D"              ? std::optional<std::uint32_t>(subject_)
                       : payload.starts_with("D;") ? parse_number<std::uint32_t>(payload.substr(2), 16)
                                                   : std::nullopt;
  if (!process || (*process != subject_ && !multiprocess_))
    return reply("E.gdbdebug: this form of detach is not supported; use D;1");
  if (*process != subject_) {  // a child that gdb has followed: what was set there goes with it
    std::size_t kept = 0;
    for (std::size_t i = 0; i < breakpoint_count_; ++i) {
      if (breakpoints_[i].process != *process) breakpoints_[kept++] = breakpoints_[i];
    }
    breakpoint_count_ = kept;
    detaching_ = *process;
    return ask_server(Text<16>("D;").add_number(*process, 16), Ask::kDetachOther);
  }
  // PID 1 dies as soon as gdbserver lets go of it, and the machine with it: the answer must be out before.
  look_for_call();
  if (fatal_stop_ && call_ != Call::kRuns) {
    wishes_ |= kFatalDetach;
    return;
  }
  if (let_go_) return reply("E.gdbdebug: PID 1 is not being debugged any more");
  if (other_count_ > 0) {  // the debugger follows a child, or keeps several processes
    if (stop_pending_) wishes_ |= kCancelStop;
    stop_pending_ = false;
    return ask_server(Text<16>("D;").add_number(subject_, 16), Ask::kLetGo);
  }
  if (watched()) {
    reply("OK");
    return clean(Then::kRelease);
  }
  clean(Then::kDetach);
}

void Relay::forward_resume(std::string_view payload) {
  if (payload.size() > kMaxResume) return reply("E.gdbdebug: this way to resume is too long to be remembered");
  resume_.set(payload);
  pid1_ = Pid1::kRunning;
  if (call_ != Call::kRuns) {
    called_ = written_ && !has_signal(payload) ? std::optional(stood_) : std::nullopt;
    if (called_) called_stop_.set(stop_);
  }
  look_for_call();
  stood_ = {};
  own_stop_ = fatal_stop_ = gdbs_stop_ = written_ = not_its_own_ = untold_ = false;
  signal_ = 0;
  running_process_ = resumed_process(payload, subject_);
  if (let_go_ && running_process_ == subject_ && other_count_ > 0) running_process_ = others_[0];
  if (interrupt_) stop_pid1();
  ask_server(payload, Ask::kResume);
}

/// Registers that are written after a fatal signal take it away: what raised it is not what PID 1 executes next. It is
/// raised again where nothing else has changed. After a function that the debugger has called PID 1 stands where it
/// stood before, with the signal that it had there.
void Relay::forward_registers(std::string_view payload) {
  if (fatal_stop_ && signal_ != 0 && !written_) {
    const auto now = called_.value_or(Standing{});
    not_its_own_ = now.signal != signal_;
    fatal_stop_ = now.fatal;
    signal_ = now.signal;
    if (called_) {
      stood_ = now;
      stop_.set(called_stop_);
    }
  }
  written_ = true;
  const bool whole = payload.starts_with('G') && payload.size() <= kMaxRegisters;
  if (whole) written_registers_.set(payload.substr(1));
  if (!whole || call_ != Call::kNone) return ask_server(payload, Ask::kReply);
  call_thread_.set(thread_choice_);
  ask_server("g", Ask::kSave);  // what they are before they are written
}

/// PID 1 goes on after its registers were written: it begins with a function that a debugger calls if it has another
/// program counter and a deeper stack, and is back from it when both are what they were before.
void Relay::look_for_call() {
  if (!written_ || call_ == Call::kNone) return;
  const auto place = [](std::string_view registers) { return std::pair(pc_of(registers), sp_of(registers)); };
  const auto before = place(registers_);
  const auto now = place(written_registers_);
  if (!before.first || !before.second || !now.first || !now.second || now == before)
    call_ = Call::kNone;
  else if (call_ == Call::kPrepared)
    call_ = now.first != before.first && *now.second < *before.second ? Call::kRuns : Call::kNone;
}

/// A debugger goes, or has gone, in the middle of a function that it has called: PID 1 is to be where it was before.
/// Whether gdbserver was asked something for that.
bool Relay::undo_call() {
  look_for_call();
  if (call_ == Call::kNone) return false;
  if (call_ == Call::kRuns) {
    call_ = Call::kPrepared;
    written_ = false;
    const auto now = called_.value_or(Standing{});
    not_its_own_ = signal_ != 0 && now.signal != signal_;
    fatal_stop_ = now.fatal;
    signal_ = now.signal;
    untold_ = false;
    ask_server(call_thread_.empty() ? std::string_view("Hg0") : call_thread_.view(), Ask::kOwn);
    return true;
  }
  call_ = Call::kNone;
  Text<kMaxRegisters> packet("G");
  for (const char c : registers_.view()) packet.add(c == 'x' ? '0' : c);  // what is not available
  ask_server(packet, Ask::kOwn);
  return true;
}

/// gdbserver 16 ends on x86 with AVX when a later client does not say what an earlier one, the agent, has said: the
/// registers that it then describes are not those that it knows (regcache.cc: "Unknown register ymm0h requested").
void Relay::forward_features(std::string_view payload) {
  Text<kMaxDeferred + 32> features(payload);
  if (payload.find("xmlRegisters=") == std::string_view::npos)
    features.add(payload.find(':') == std::string_view::npos ? ':' : ';').add("xmlRegisters=i386");
  ask_server(features.truncated() ? payload : features.view(), Ask::kFeatures);
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
  if (list.truncated()) return reply("E.gdbdebug: this list of signals is too long");
  ask_server(list, Ask::kReply);
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
    if (in_session()) reply(payload);
    return;
  }
  if (ask == Ask::kResume) return on_stop(payload, now_ms);
  ask_ = Ask::kNothing;
  if (ask == Ask::kBreakpoint && payload == "OK") note_breakpoint();
  if (ask == Ask::kThread && payload == "OK") process_ = selected_;
  if (ask == Ask::kSave) {
    std::array<char, kMaxRegisters> expanded;
    registers_.set(rsp::expand(payload, expanded));
    call_ = Call::kPrepared;
    return ask_server(Text<kMaxRegisters>("G").add(written_registers_), Ask::kReply);
  }
  if (cleaning_ != Cleaning::kNone) return clean_on();
  switch (ask) {
    case Ask::kFeatures:
      return reply_features(payload);
    case Ask::kStop:
      return reply_stop(payload, 0, false);
    case Ask::kDetach:
      detached_ = payload == "OK";
      if (detached_) wishes_ |= kReleaseServer;  // by itself it does not end while it traces a child
      return reply(payload);
    case Ask::kDetachOther:
      reply(payload);
      if (payload != "OK") return;
      wishes_ |= kOtherLetGo;
      return forget_process(detaching_);
    case Ask::kLetGo:
      reply(payload);
      if (payload != "OK") return;
      let_go_ = true;
      own_stop_ = gdbs_stop_ = false;
      signal_ = 0;
      stood_ = {};
      wishes_ |= kLetGo;
      return;
    case Ask::kReply:
    case Ask::kThread:
    case Ask::kMonitor:
    case Ask::kBreakpoint:
      return reply(payload);
    case Ask::kNothing:
    case Ask::kResume:
    case Ask::kSave:
    case Ask::kOwn:
      return;
  }
}

void Relay::on_stop(std::string_view payload, std::uint64_t now_ms) {
  ask_ = Ask::kNothing;
  const auto ended = parse_end(payload);
  if (ended && !is_subject(*ended)) {
    const bool told = in_session() && knows_process(*ended);
    forget_process(*ended);
    // Another process's end is not PID 1's, and stops nobody: what was asked for is still under way.
    if (!told) return ask_server("vCont;c", Ask::kResume);
  }
  pid1_ = Pid1::kHeld;
  const auto stop = parse_stop(payload);
  const bool of_pid1 = stop && is_subject(stop->process);
  if (of_pid1 && stop->event == "exec") wishes_ |= kExecuted;
  // Of a PID 1 with threads gdbserver has sometimes one more to tell of than was sent; and one that is handed on stops
  // PID 1 for good.
  const bool ours = stop && stop->event.empty() && stop->signal == kGdbSigstop && (stop_pending_ || in_session());
  if (ours) stop_pending_ = false;
  own_stop_ = ours;
  fatal_stop_ = of_pid1 && stop->event.empty() && is_fatal(stop->signal) && stop->signal != kGdbSigtrap;
  // SIGINT and SIGTRAP are how debuggers stop a process; they are not handed on, as gdbserver does not on a detach.
  const bool plain =
      of_pid1 && stop->event.empty() && !ours && stop->signal != kGdbSigint && stop->signal != kGdbSigtrap;
  signal_ = plain ? stop->signal : 0;
  stood_ = {.signal = signal_, .fatal = fatal_stop_};
  gdbs_stop_ = stop && is_gdbs_own(*stop);
  // The program in which they were is not there any more.
  if (of_pid1 && stop->event == "exec") {
    breakpoint_count_ = 0;
    call_ = Call::kNone;
  }
  if (stop && (stop->event == "fork" || stop->event == "vfork")) note_process(parse_process(stop->value));
  if (stop) process_ = of_pid1 ? subject_ : stop->process;
  stop_.set(payload);
  if (cleaning_ != Cleaning::kNone) {
    untold_ = fatal_stop_ || (of_pid1 && stop->is_call());
    if (untold_ && armed() && then_ == Then::kRelease) then_ = Then::kStay;
    return clean_on();
  }

  if (ours && !interrupt_) {
    // PID 1 had stopped by itself before the SIGSTOP reached it, and that stop was told.
    own_stop_ = false;
    return resume_again();
  }
  if (in_session() && armed() && of_pid1 && stop->is_call() && !catches_) {
    wishes_ |= kCallStop;
    return;
  }
  // What stopped PID 1 before the SIGSTOP did may be nothing that gdb's user sees: a fork, a dprintf, a condition that
  // does not hold. gdb goes on then, and still waits for the stop that was asked for.
  interrupt_ = interrupt_ && !ours;
  if (in_session()) {
    if (anchored_ && stop) anchor();
    if (showing_ && !acked_)
      late_stop_.set(payload);
    else
      tell_stop(payload, now_ms);
    // Not where a function that the debugger has called in PID 1 returns to.
    if (fatal_stop_ && armed() && !called_) wishes_ |= kFatalStop;
    return;
  }
  wishes_ |= kUnattended;
}

void Relay::tell_stop(std::string_view payload, std::uint64_t now_ms) {
  reply_stop(payload, kGdbSigint, parse_stop(payload).has_value());
  if (noack_) return;
  ack_tries_ = 0;
  ack_deadline_ = now_ms + kAckTimeoutMs;
}

void Relay::show_text(std::string_view text, std::uint64_t now_ms) {
  Text<2 * kMaxText + 1> packet("O");
  reply(packet.add_hex(text));
  shown_ms_ = now_ms;
  if (noack_) return;
  showing_ = true;
  ack_tries_ = 0;
  ack_deadline_ = now_ms + kTextTimeoutMs;
}

Text<512> Relay::take_typed() {
  const Text<512> keys(typed_);
  typed_.clear();
  return keys;
}

Text<64> Relay::take_chosen() {
  const Text<64> name(chosen_);
  chosen_.clear();
  return name;
}

/// Nothing of the session's is touched. On a line where nobody debugs nobody acknowledges it either, and what is lost
/// is asked for again.
void Relay::answer_hello(std::string_view hello) {
  std::array<char, rsp::kMaxHello + 64> packet;
  if (!noack_) (void)to_line_.add("+");
  (void)to_line_.add(rsp::frame(trim(hello), packet));
}

/// Nothing has run since the stop, so what was asked for is asked for again; a signal that went with it has been
/// delivered already.
void Relay::resume_again() {
  Text<kMaxResume> again;
  add_without_signals(resume_, again);
  pid1_ = Pid1::kRunning;
  if (interrupt_) stop_pid1();  // asked for while PID 1 stood here unseen
  ask_server(again, Ask::kResume);
}

/// To open files in PID 1's mount namespace gdbserver forks a helper, which has all of its descriptors (mnsh_main() in
/// gdb/nat/linux-namespaces.c): were gdbserver killed, the kernel would not see its anchor go before PID 1 is on its
/// way. So from then on a SIGSTOP is queued whenever PID 1 stands; it comes first when PID 1 goes on, and is swallowed.
void Relay::anchor() {
  anchored_ = true;
  if (pid1_ == Pid1::kHeld && !let_go_) stop_pid1();
}

void Relay::note_process(unsigned process) {
  if (process > 1 && !knows_process(process) && other_count_ < others_.size()) others_[other_count_++] = process;
}

bool Relay::knows_process(unsigned process) const {
  const auto known = std::span(others_).first(other_count_);
  return std::find(known.begin(), known.end(), process) != known.end();
}

/// The process has ended, or was detached from. If it was the last one that the debugger kept, so has the session.
void Relay::forget_process(unsigned process) {
  const auto known = std::span(others_).first(other_count_);
  const auto at = std::find(known.begin(), known.end(), process);
  if (at == known.end()) return;
  *at = known.back();
  if (--other_count_ > 0 || !let_go_ || cleaning_ != Cleaning::kNone) return;
  detached_ = true;
  wishes_ |= kReleaseServer;
}

/// Notes what a breakpoint in memory takes the place of, for a gdbserver that ends before it has taken it out.
void Relay::look_under_breakpoint() {
  const auto size = breakpoint_size(breakpoint_.kind);
  if (!sets_breakpoint_ || breakpoint_.type != '0' || peek_ == nullptr || size == 0) return;
  if (peek_(breakpoint_.address, std::span(breakpoint_.original).first(size))) breakpoint_.size = size;
}

void Relay::note_breakpoint() {
  const std::span known(breakpoints_.data(), breakpoint_count_);
  const auto found = std::find(known.begin(), known.end(), breakpoint_);
  if (sets_breakpoint_ && found == known.end()) breakpoints_[breakpoint_count_++] = breakpoint_;
  if (!sets_breakpoint_ && found != known.end()) *found = breakpoints_[--breakpoint_count_];
}

// ---- replies to the debugger ----

void Relay::reply(std::string_view payload) {
  const auto packet = rsp::frame(payload, reply_buffer_);
  reply_size_ = packet.size();
  acked_ = noack_;
  showing_ = false;
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

/// gdbserver believes that its transport is reliable, and offers no-ack mode; non-stop mode is not the relay's, and
/// tracing and commands at the target do not outlive a session. What there is no room for is not offered.
void Relay::reply_features(std::string_view payload) {
  constexpr std::size_t kRoomForNoAck = 32;
  Text<4096> features;
  auto rest = payload;
  while (!rest.empty()) {
    const auto feature = take_word(rest, ';');
    if (feature == "QNonStop+" || feature == "QStartNoAckMode+" || feature == "DisconnectedTracing+" ||
        feature == "BreakpointCommands+" || feature.size() + kRoomForNoAck > features.room())
      continue;
    if (!features.empty()) features.add(';');
    if (lossy_ && feature.starts_with("PacketSize=")) {
      const auto size = parse_number<std::uint32_t>(feature.substr(11), 16).value_or(kLossyPacketSize);
      features.add("PacketSize=").add_number(size < kLossyPacketSize ? size : kLossyPacketSize, 16);
      continue;
    }
    features.add(feature);
  }
  if (!lossy_) features.add(features.empty() ? "QStartNoAckMode+" : ";QStartNoAckMode+");
  reply(features);
}

/// Tells a stop without the event that has been used up (`exec:`, `syscall_entry:`): with it, gdb 13 and 16 run on past
/// the first stop, and gdb 18 fails an assertion. A SIGSTOP of ours is told as the interrupt that was asked for.
void Relay::reply_stop(std::string_view payload, unsigned interrupted_by, bool keep_event) {
  const auto stop = parse_stop(payload);
  if (!stop || payload.front() != 'T') return reply(payload);
  const bool not_its_own = not_its_own_ || (own_stop_ && stop->signal == kGdbSigstop);
  const unsigned signal = not_its_own ? interrupted_by : stop->signal;
  Text<16384> text("T");  // the name of a program is at most 4096 bytes long (PATH_MAX), twice that in hexadecimal
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
  guest_ = Guest::kConnected;
  knock_deadline_.reset();
  interrupt_ = untold_ = catches_ = false;
  wishes_ |= kSessionBegan;
}

void Relay::stop_pid1() {
  if (stop_pending_) return;
  stop_pending_ = true;
  wishes_ |= kStopPid1;
}

void Relay::clean(Then then) {
  // What it ends with is judged first, as if nobody had been there.
  if (untold_ && armed() && then == Then::kRelease) then = Then::kStay;
  then_ = let_go_ ? Then::kRelease : then;  // it is not PID 1 that would stay or run on
  removed_ = 0;
  if (guest_ == Guest::kConnected && then != Then::kDetach) dismiss();
  interrupt_ = false;
  setting_ = 0;
  cleaning_ = Cleaning::kWaiting;
  if (pid1_ == Pid1::kRunning) return stop_pid1();
  if (ask_ == Ask::kNothing) clean_on();
}

/// Asks gdbserver to take one more breakpoint out; false: there is none left.
bool Relay::remove_breakpoint() {
  Text<64> packet;
  if (removed_ < breakpoint_count_) {
    const auto& next = breakpoints_[breakpoint_count_ - 1 - removed_];  // the last one first
    if (next.process == process_) {
      packet.add('z').add(next.type).add(',').add_number(next.address, 16).add(',').add_number(next.kind, 16);
      ++removed_;
    } else {
      process_ = next.process;
    }
  } else if (process_ != subject_ && !let_go_) {
    process_ = subject_;
  } else {
    return false;
  }
  if (packet.empty()) packet.add("Hgp").add_number(process_, 16).add(".0");
  ask_server(packet, Ask::kOwn);
  return true;
}

/// One step at a time: gdbserver is idle and PID 1 is held whenever this is called.
void Relay::clean_on() {
  const bool lets_go = then_ == Then::kRelease || then_ == Then::kDetach;
  if (cleaning_ == Cleaning::kWaiting) cleaning_ = Cleaning::kBreakpoints;
  if (cleaning_ == Cleaning::kBreakpoints) {
    if (remove_breakpoint()) return;
    if (!let_go_ && undo_call()) return;
    cleaning_ = Cleaning::kSettings;
    setting_ = traces_ ? 0 : std::size(kForgetTraces);
    traces_ = false;
  }
  if (setting_ < std::size(kForgetTraces)) return ask_server(kForgetTraces[setting_++], Ask::kOwn);
  if (!lets_go) {
    if (!used_) return cleaned();
    if (!fatal_stop_ && !untold_) {
      cleaning_ = Cleaning::kRenewing;
      wishes_ |= kRenewServer;
      return;
    }
    // At PID 1's end gdbserver is not replaced: PID 1 would die while nobody traces it.
    const auto number = setting_ - std::size(kForgetTraces);
    ++setting_;
    if (number < std::size(kForget)) return ask_server(kForget[number], Ask::kOwn);
    if (number - std::size(kForget) < settings().size())
      return ask_server(settings()[number - std::size(kForget)], Ask::kOwn);
    return cleaned();
  }
  // gdbserver would hand PID 1 the signal of a stop that was the debugger's own work.
  if (std::exchange(not_its_own_, false)) return ask_server("QProgramSignals:", Ask::kOwn);
  if (stop_pending_) wishes_ |= kCancelStop;
  stop_pending_ = false;
  if (then_ == Then::kDetach) {
    cleaning_ = Cleaning::kNone;
    return ask_server(Text<16>("D;").add_number(subject_, 16), Ask::kDetach);
  }
  cleaning_ = Cleaning::kReleasing;
  wishes_ |= kReleaseServer;
}

/// Nothing of a debugger is left in PID 1, which is held.
void Relay::cleaned() {
  cleaning_ = Cleaning::kNone;
  breakpoint_count_ = 0;
  if (!deferred_.empty()) {
    const Text<kMaxDeferred> first(deferred_);
    deferred_.clear();
    return forward(first);
  }
  if (untold_) wishes_ |= kUnattended;  // it came in the place of the stop that was asked for
}

/// Whether PID 1 ran, as far as its user is concerned.
bool Relay::ran() const {
  if (call_ == Call::kRuns) return false;  // it was held when the function was called
  return pid1_ == Pid1::kRunning || (!fatal_stop_ && (ack_deadline_ || gdbs_stop_));
}

void Relay::debugger_lost() {
  const bool ran = this->ran();
  noack_ = greeted_ = cut_off_ = false;
  acked_ = true;
  late_stop_.clear();
  ack_deadline_.reset();
  request_hash_ = 0;
  if (guest_ == Guest::kKnocking) return knock_over();
  deferred_.clear();
  if (!in_session()) return;
  dismiss();
  if (pid1_ == Pid1::kFree || cleaning_ != Cleaning::kNone || ask_ == Ask::kDetach) return;
  wishes_ |= kLost;
  if (!ran) return clean(Then::kStay);
  clean(Then::kRelease);
}

/// A stop that waited for the debugger's acknowledgement is not for the next one.
void Relay::dismiss() {
  guest_ = Guest::kNobody;
  interrupt_ = false;
  late_stop_.clear();
}

/// Nobody has followed up a first packet: PID 1 is as it was before.
void Relay::knock_over() {
  dismiss();
  knock_deadline_.reset();
  deferred_.clear();
  wishes_ &= ~unsigned{kStartServer};
  if (pid1_ == Pid1::kFree || cleaning_ == Cleaning::kReleasing) return;
  const auto then = knock_ran_ ? Then::kRelease : Then::kStay;
  if (cleaning_ == Cleaning::kNone)
    clean(then);
  else
    then_ = then;
}

void Relay::stop_failed(std::string_view reason) {
  Text<kMaxReason> text;
  if (guest_ == Guest::kKnocking) {
    knock_over();
    text.add("E.gdbdebug: ").add(reason);
  } else if (in_session() && interrupt_) {
    text.add('O').add_hex("gdbdebug: ").add_hex(reason).add_hex("\n");
  }
  if (!text.empty()) reply(text);
}

void Relay::line_lost() {
  line_.reset();
  to_line_.clear();
  debugger_lost();
}

/// Whether somebody waits for gdbserver to answer what it was asked before, or to tell of a stop that was asked for.
bool Relay::owes_answer() const {
  return !deferred_.empty() && cleaning_ != Cleaning::kNone && ask_ != Ask::kNothing;
}

void Relay::tick(std::uint64_t now_ms) {
  if (!owes_answer()) {
    stuck_deadline_.reset();
  } else if (!stuck_deadline_) {
    stuck_deadline_ = now_ms + kStuckMs;
  } else if (now_ms >= *stuck_deadline_) {
    stuck_deadline_.reset();
    wishes_ |= kServerStuck;
  }
  if (knock_answered()) {
    if (!knock_deadline_) knock_deadline_ = now_ms + kKnockMs;
    if (now_ms >= *knock_deadline_) return debugger_lost();
  }
  if (acked_ && !late_stop_.empty()) {
    const Text<16384> stop(late_stop_);
    late_stop_.clear();
    tell_stop(stop, now_ms);
  }
  if (!ack_deadline_ || now_ms < *ack_deadline_) return;
  if (++ack_tries_ > (showing_ ? 1 : kAckTries)) return debugger_lost();
  ack_deadline_ = now_ms + kAckTimeoutMs;
  (void)to_line_.add({reply_buffer_.data(), reply_size_});
}

void Relay::accept_detach() {
  reply("OK");
  interrupt_ = false;
  if (in_session()) dismiss();  // or the next one has knocked already
}

void Relay::mark_end() {
  const auto stop = parse_stop(stop_);
  fatal_stop_ = stood_.fatal = true;
  if (stop && stop->is_signal()) signal_ = stood_.signal = stop->signal;
}

void Relay::accept_end() {
  Text<4> text("X");
  reply(text.add_hex(static_cast<std::uint8_t>(signal_)));
  dismiss();
}

void Relay::go_on() {
  if (pid1_ != Pid1::kHeld || ask_ != Ask::kNothing) return;
  if (const auto stop = parse_stop(stop_); stop && stop->is_call()) return resume_again();
  const Text<kMaxResume> resume(resume_);
  forward_resume(resume);
}

void Relay::tell_call() {
  fatal_stop_ = true;
  interrupt_ = false;
  reply_stop(stop_, 0, false);
}

void Relay::release() {
  untold_ = false;
  if (pid1_ != Pid1::kFree && cleaning_ == Cleaning::kNone) clean(Then::kRelease);
}

void Relay::server_ready(Pid1 pid1) {
  pid1_ = pid1;
  ask_ = pid1 == Pid1::kRunning ? Ask::kResume : Ask::kNothing;
  resume_.clear();
  resume_.add("vCont;c");
  if (!deferred_.empty()) clean(Then::kStay);
}

void Relay::server_ready_stopped() {
  own_stop_ = true;
  server_ready(Pid1::kHeld);
}

void Relay::server_ready_held() {
  knock_ran_ = false;
  server_ready_stopped();
}

void Relay::server_ready_at_end(std::string_view stop, bool read_only) {
  stop_.set(stop);
  read_only_ = read_only;
  pid1_ = Pid1::kHeld;
  mark_end();
  server_ready(Pid1::kHeld);
}

void Relay::server_failed(std::string_view reason) {
  deferred_
      .clear();  // first: server_gone() would ask for another gdbserver, which would fail in the same way, for ever
  server_gone();
  Text<kMaxReason> text("E.gdbdebug: ");
  reply(text.add(reason));
}

void Relay::server_renewed() {
  pid1_ = Pid1::kHeld;
  ask_ = Ask::kNothing;
  own_stop_ = true;
  used_ = anchored_ = interrupt_ = stop_pending_ = fatal_stop_ = false;
  gdbs_stop_ = written_ = not_its_own_ = untold_ = multiprocess_ = traces_ = false;
  signal_ = 0;
  stood_ = {};
  call_ = Call::kNone;
  called_.reset();
  other_count_ = 0;
  process_ = running_process_ = subject_;
  cleaned();
}

void Relay::server_replaced() {
  cut_off_ = in_session();
  const bool asked = in_session() && ask_ != Ask::kNothing;
  if (in_session() || deferred_.empty()) dismiss();
  knock_deadline_.reset();
  late_stop_.clear();
  detached_ = let_go_ = false;
  to_server_.clear();
  server_.reset();
  then_ = Then::kStay;
  server_renewed();
  if (asked) reply("E.gdbdebug: gdbserver has ended; connect again");
}

void Relay::server_gone() {
  // A debugger that came while gdbserver was being released, or was about to end after a detach, gets the next one. One
  // that died while it was made ready for a debugger would die again.
  const bool released = cleaning_ == Cleaning::kReleasing || detached_;
  const bool asked = ask_ != Ask::kNothing && ask_ != Ask::kDetach;
  const bool unanswered = (in_session() && asked) || (guest_ == Guest::kKnocking && asked && !released) ||
                          (!deferred_.empty() && !released);
  cut_off_ = in_session() && !released && ask_ != Ask::kDetach;
  // A gdbserver that died of a detach has let go of PID 1 all the same.
  const bool let_go = in_session() && ask_ == Ask::kDetach;
  if (!released) deferred_.clear();
  if (deferred_.empty()) dismiss();
  knock_deadline_.reset();
  late_stop_.clear();
  pid1_ = Pid1::kFree;
  ask_ = Ask::kNothing;
  cleaning_ = Cleaning::kNone;
  interrupt_ = stop_pending_ = own_stop_ = fatal_stop_ = detached_ = false;
  gdbs_stop_ = written_ = not_its_own_ = untold_ = multiprocess_ = traces_ = false;
  stood_ = {};
  call_ = Call::kNone;
  called_.reset();
  used_ = anchored_ = let_go_ = read_only_ = false;
  process_ = running_process_ = subject_;
  breakpoint_count_ = other_count_ = 0;
  to_server_.clear();
  server_.reset();
  if (unanswered) reply("E.gdbdebug: gdbserver has ended; connect again");
  if (let_go) reply("OK");
  if (!deferred_.empty()) wishes_ |= kStartServer;
}

bool Relay::consistent() const {
  const bool nobody = guest_ == Guest::kNobody;
  if (nobody && (!deferred_.empty() || interrupt_)) return false;
  if (knock_deadline_ && guest_ != Guest::kKnocking) return false;
  if (pid1_ == Pid1::kFree && busy()) return false;
  if (pid1_ != Pid1::kHeld && (fatal_stop_ || gdbs_stop_ || own_stop_)) return false;
  if (pid1_ == Pid1::kRunning && ask_ != Ask::kResume) return false;
  if (pid1_ == Pid1::kRunning && interrupt_ && !stop_pending_) return false;
  if (!late_stop_.empty() && (nobody || pid1_ == Pid1::kRunning)) return false;
  return breakpoint_count_ <= breakpoints_.size();
}

unsigned Relay::take_wishes() {
  const unsigned wishes = wishes_;
  wishes_ = 0;
  return wishes;
}

}  // namespace gdbdebug
