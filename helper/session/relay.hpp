// SPDX-License-Identifier: GPL-2.0-or-later
// relay: carries packets between the line and gdbserver, and keeps a session clean.
// Pure: bytes and the time go in, bytes and wishes come out; the agent moves them. Nothing here waits or allocates.
//
// gdbserver's side is a socket pair that loses nothing, in no-ack mode from the start. The line's side may be a UART:
// the relay acknowledges, asks again and repeats there by itself, so a lost byte costs one packet and never a session,
// and a debugger that vanishes leaves no half of a conversation behind in gdbserver.
// All-stop only: while PID 1 is held there is at most one request under way, and while it runs there is none but
// the interrupt (gdb's manual, "Remote Protocol").
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "core/base/text.hpp"
#include "core/rsp/packet.hpp"
#include "core/rsp/stop.hpp"

namespace gdbdebug {

/// Bytes on their way out. What does not fit is refused as a whole.
template <std::size_t N>
class Outbox {
 public:
  bool add(std::string_view bytes) {
    if (begin_ == end_) begin_ = end_ = 0;
    if (bytes.size() > N - end_ && begin_ > 0) {
      std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (bytes.size() > N - end_) return false;
    if (!bytes.empty()) std::memcpy(bytes_.data() + end_, bytes.data(), bytes.size());
    end_ += bytes.size();
    return true;
  }
  std::string_view view() const { return {bytes_.data() + begin_, end_ - begin_}; }
  void consume(std::size_t count) { begin_ += count; }
  void clear() { begin_ = end_ = 0; }
  bool empty() const { return begin_ == end_; }

 private:
  std::array<char, N> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

class Relay {
 public:
  /// What only the agent can do; collected until take_wishes().
  enum Wish : unsigned {
    kStartServer = 1,    ///< attach gdbserver to PID 1, then call server_ready() or server_failed()
    kStopPid1 = 2,       ///< send PID 1 a SIGSTOP
    kCancelStop = 4,     ///< send PID 1 a SIGCONT: a SIGSTOP of ours is still pending
    kReleaseServer = 8,  ///< close gdbserver's socket: it detaches and ends
    kHello = 16,         ///< answer with the hello: queue_text()
    kUnattended = 32,    ///< PID 1 stopped and nobody is there: last_stop(), then resume() or stay
    kSessionBegan = 64,
    kFatalDetach = 128,  ///< the debugger wants to detach at a fatal signal or a call that ends PID 1: say what will
                         ///< happen, then accept_detach() and release()
    kLost = 256,         ///< the debugger was lost in a session; runs_on() says what becomes of PID 1
    kRenewServer = 512,  ///< replace gdbserver, which is idle: then server_renewed() or server_gone()
    kServerStuck =
        1024,       ///< gdbserver owes an answer for too long, and somebody waits: replace it, then server_replaced()
    kLetGo = 2048,  ///< the debugger goes on with another process: PID 1 runs without a tracer
    kExecuted = 4096,       ///< PID 1 has executed a program
    kFatalStop = 8192,      ///< the debugger of an armed PID 1 has been told of a fatal signal: last_stop()
    kCallStop = 16384,      ///< PID 1 stands at a system call that the debugger did not ask for: tell_call() or go_on()
    kFatalResume = 32768,   ///< the debugger hands PID 1 the fatal signal at which it stands: go_on(), or accept_end()
                            ///< and release()
    kOtherLetGo = 65536,    ///< the debugger has detached from another process, let_go_process()
    kHelloPacket = 131072,  ///< the same as kHello, in a packet: answer_hello()
    kTyped = 262144,        ///< the debugger's user types on the console: take_typed()
    kChoose = 524288,       ///< somebody wants to debug this process: take_chosen(); kHelloPacket comes with it
    kReport = 1048576,      ///< say in the kernel log what every process does
  };
  enum class Pid1 : std::uint8_t { kFree, kRunning, kHeld };
  /// What is set beyond that is refused: it could not be taken out after a lost debugger.
  static constexpr std::size_t kMaxBreakpoints = 1024;
  static constexpr std::size_t kMaxDeferred = 4096;
  static constexpr std::size_t kMaxResume = 512;
  static constexpr std::size_t kMaxReason = 1024;
  /// How much text goes into one `O` packet.
  static constexpr std::size_t kMaxText = 400;
  /// With no text for so long an empty one asks whether the debugger is still there.
  static constexpr std::uint64_t kSilenceMs = 2000;

  /// What PID 1 executes, by a name that a debugger can look up.
  using Executable = Text<512> (*)();
  /// Reads PID 1's memory.
  using Peek = bool (*)(std::uint64_t address, std::span<char> bytes);

  /// `lossy`: the line can lose bytes, so no-ack mode is not offered on it.
  explicit Relay(bool lossy, Executable executable = nullptr, Peek peek = nullptr)
      : executable_(executable), peek_(peek), lossy_(lossy) {}

  // What happened.
  void line_bytes(std::string_view bytes);
  void line_lost();
  void server_bytes(std::string_view bytes, std::uint64_t now_ms);
  /// gdbserver is attached, in no-ack mode, and has nothing to answer; PID 1 is held or runs.
  void server_ready(Pid1 pid1);
  /// The same, with PID 1 held by a SIGSTOP of ours.
  void server_ready_stopped();
  /// The same of a process beside PID 1 that is held since before the debugger came: a knock leaves it where it stands.
  void server_ready_held();
  /// The same, with PID 1 held at its end: `stop` is the reply that tells of it. `read_only`: PID 1 can be looked at,
  /// and nothing else.
  void server_ready_at_end(std::string_view stop, bool read_only);
  /// While no gdbserver is attached: which process the next one is for. What is said of PID 1 here holds for that one.
  void set_subject(unsigned process) { subject_ = process_ = selected_ = running_process_ = process; }
  void server_failed(std::string_view reason);
  void server_gone();
  /// Another gdbserver holds PID 1 where the one before did, which was idle: the cleaning up is done.
  void server_renewed();
  /// The same after a gdbserver that had ended or did not answer: a session that it had is over.
  void server_replaced();
  void tick(std::uint64_t now_ms);

  // What to do.
  unsigned take_wishes();
  auto& to_line() { return to_line_; }
  auto& to_server() { return to_server_; }
  /// Whether there is room for what more bytes of the line could cause.
  bool wants_line() const { return to_line_.view().size() < 4096 && to_server_.empty(); }
  /// Whether there is room for a whole reply.
  bool wants_server() const { return to_line_.view().size() < 8192; }
  bool wants_server_started() const { return (wishes_ & kStartServer) != 0; }
  bool wants_server_renewed() const { return (wishes_ & kRenewServer) != 0; }
  /// When tick() must be called, in the clock of now_ms; nullopt: no need.
  std::optional<std::uint64_t> deadline() const {
    std::optional<std::uint64_t> next;
    for (const auto& deadline : {ack_deadline_, knock_deadline_, stuck_deadline_, late_deadline()}) {
      if (deadline && (!next || *deadline < *next)) next = deadline;
    }
    return next;
  }

  // What the agent may ask of it.
  /// Whether the debugger can be shown text now: PID 1 runs in its session, and it has acknowledged what came before.
  bool takes_text() const { return shows_text() && acked_; }
  /// Whether it can be shown text again and again: when that is slow, it is the line.
  bool shows_text() const {
    return in_session() && pid1_ == Pid1::kRunning && ask_ == Ask::kResume && cleaning_ == Cleaning::kNone;
  }
  /// Shows it text, up to kMaxText bytes; without text, it shows only whether it is there.
  void show_text(std::string_view text, std::uint64_t now_ms);
  /// When it was last shown text that it has seen.
  std::uint64_t shown_ms() const { return shown_ms_; }
  /// What kTyped has typed.
  Text<512> take_typed();
  /// What kChoose has named.
  Text<64> take_chosen();
  /// The answer to kHelloPacket.
  void answer_hello(std::string_view hello);
  /// Whether somebody is there, if only with a first packet.
  bool has_guest() const { return guest_ != Guest::kNobody; }
  void queue_text(std::string_view text) { (void)to_line_.add(text); }  // a hello that does not fit is not missed
  /// PID 1 does not stop for the debugger that asked for it: tells it why. A knock is over with that.
  void stop_failed(std::string_view reason);
  /// Answers the debugger's detach.
  void accept_detach();
  /// Tells the debugger that PID 1 has ended by the signal at which it stands.
  void accept_end();
  /// Does what the debugger has asked for, or goes on with it.
  void go_on();
  /// Tells the debugger of the stop at a system call, as if it were a signal.
  void tell_call();
  /// Takes the lost or expected debugger's traces away, and lets gdbserver detach and end.
  void release();
  /// Packets that gdbserver is told again after a debugger was lost at PID 1's end (an armed agent's own settings):
  /// there it is not replaced.
  void set_settings(std::span<const std::string_view> settings) { settings_ = settings; }
  /// PID 1 is to be held at its end also where a debugger has gone.
  void arm() { armed_ = watched_ = true; }
  /// PID 1 does not run free after a session: see kReleaseServer.
  void watch() { watched_ = true; }
  /// PID 1 is held at an exec, and has to stop once more before its first instruction: a SIGSTOP was queued for it.
  void stop_after_exec() { interrupt_ = stop_pending_ = true; }
  /// Whether PID 1 is held without a gdbserver.
  void set_held(bool held) { held_ = held; }
  /// The stop at which nobody is there is PID 1's end.
  void mark_end();
  /// Whether PID 1 is held at its end: a fatal signal, or its exit.
  bool at_end() const { return fatal_stop_ && pid1_ == Pid1::kHeld; }
  /// The last stop of all.
  std::string_view last_stop() const { return stop_.view(); }
  /// gdb's number of the signal that PID 1 is to get when it goes on without a debugger.
  unsigned signal() const { return signal_; }
  /// Whether the debugger has detached from PID 1 and goes on with another process.
  bool let_go() const { return let_go_; }
  /// The other process from which the debugger has detached last.
  unsigned let_go_process() const { return detaching_; }
  /// The process that a SIGSTOP has to be sent to: one of those that run.
  unsigned running_process() const { return running_process_; }
  /// What a Z packet has put into a process: `Z0,55d0,1`.
  struct Breakpoint {
    std::uint64_t address = 0;
    std::uint32_t kind = 0;
    std::uint32_t process = 1;
    char type = '0';
    std::uint8_t size = 0;           ///< of the instruction in memory that it takes the place of; 0: not known
    std::array<char, 4> original{};  ///< that instruction
    bool operator==(const Breakpoint& other) const {
      return address == other.address && kind == other.kind && process == other.process && type == other.type;
    }
  };
  std::span<const Breakpoint> breakpoints() const { return std::span(breakpoints_).first(breakpoint_count_); }

  /// Whether gdbserver ends because it was told to: a detach, or a release().
  bool expects_end() const { return detached_ || ask_ == Ask::kDetach || cleaning_ == Cleaning::kReleasing; }
  bool in_session() const { return guest_ == Guest::kConnected; }
  /// Whether anybody is there, if only with a first packet, or something of a debugger's is being undone.
  bool engaged() const { return guest_ != Guest::kNobody || (busy() && ask_ != Ask::kResume); }
  /// Whether PID 1 goes on by itself once what a debugger left has been undone.
  bool runs_on() const { return cleaning_ != Cleaning::kNone ? then_ != Then::kStay : pid1_ != Pid1::kHeld; }
  /// Whether somebody waits for PID 1 to stop.
  bool wants_stop() const { return pid1_ == Pid1::kRunning && stop_pending_ && (interrupt_ || !deferred_.empty()); }
  Pid1 pid1() const { return pid1_; }
  /// Whether PID 1 is held by a SIGSTOP of ours, or one is on its way.
  bool at_own_stop() const { return own_stop_; }
  bool stop_pending() const { return stop_pending_; }
  bool busy() const { return cleaning_ != Cleaning::kNone || ask_ != Ask::kNothing; }
  /// What holds between any two calls; for tests.
  bool consistent() const;

 private:
  /// What gdbserver's next packet answers.
  enum class Ask : std::uint8_t {
    kNothing,
    kReply,
    kMonitor,
    kStop,
    kFeatures,
    kThread,
    kBreakpoint,
    kDetach,
    kDetachOther,
    kLetGo,
    kResume,
    kSave,
    kOwn
  };
  /// Who is at the other end of the line.
  ///
  ///            first packet              `+` for its reply, or a second packet
  ///   kNobody --------------> kKnocking ---------------------------------------> kConnected
  ///      ^                        | 10 s, line lost: PID 1 is as it was              |
  ///      +------------------------+-----------------------------------------------<--+ detach, lost
  ///
  /// kKnocking   nothing that changes PID 1 is passed on; knock_ran_: it is to run again when nobody follows up.
  /// kConnected  a session.
  enum class Guest : std::uint8_t { kNobody, kKnocking, kConnected };
  /// How far the cleaning up after a lost debugger is.
  enum class Cleaning : std::uint8_t { kNone, kWaiting, kBreakpoints, kSettings, kRenewing, kReleasing };
  /// What follows it.
  enum class Then : std::uint8_t { kStay, kRelease, kDetach };

  // Of a function that a debugger calls, from the registers that are written to those that are written back. Whoever
  // goes in between leaves PID 1 in the function.
  enum class Call : std::uint8_t { kNone, kPrepared, kRuns };

  static std::optional<Breakpoint> parse_breakpoint(std::string_view payload, std::uint32_t process);
  /// A signal at which PID 1 stands.
  struct Standing {
    unsigned signal = 0;  ///< gdb's number of the one that it is to get when it goes on without a debugger
    bool fatal = false;   ///< it ends with it
  };

  void on_request(std::string_view payload);
  bool answer_here(std::string_view payload);
  void forward(std::string_view payload);
  void forward_signals(std::string_view payload);
  void on_reply(std::string_view payload, std::uint64_t now_ms);
  void on_stop(std::string_view payload, std::uint64_t now_ms);
  void reply(std::string_view payload);
  void reply_executable(std::string_view range);
  void reply_features(std::string_view payload);
  void forward_breakpoint(std::string_view payload);
  void forward_detach(std::string_view payload);
  void forward_resume(std::string_view payload);
  void forward_registers(std::string_view payload);
  void look_for_call();
  bool undo_call();
  void reply_stop(std::string_view payload, unsigned interrupted_by, bool keep_event);
  void ask_server(std::string_view payload, Ask ask);
  void begin_session();
  void debugger_lost();
  void dismiss();
  void knock_over();
  bool knock_answered() const {
    return guest_ == Guest::kKnocking && ask_ == Ask::kNothing && cleaning_ == Cleaning::kNone && deferred_.empty();
  }
  bool ran() const;
  bool remove_breakpoint();
  void clean(Then then);
  void clean_on();
  void stop_pid1();
  void resume_again();
  void note_breakpoint();
  void look_under_breakpoint();
  void anchor();
  void note_process(unsigned process);
  bool knows_process(unsigned process) const;
  /// A process beside PID 1 has neither a watcher nor settings of the agent's own.
  bool armed() const { return armed_ && subject_ == 1; }
  bool watched() const { return watched_ && subject_ == 1; }
  std::span<const std::string_view> settings() const {
    return subject_ == 1 ? settings_ : std::span<const std::string_view>();
  }
  /// Whether a stop or an end is that of the process that gdbserver is attached to: 1 also stands for no number.
  bool is_subject(unsigned process) const { return process == subject_ || process == 1; }
  void forget_process(unsigned process);
  void cleaned();
  void forward_features(std::string_view payload);
  bool owes_answer() const;
  void tell_stop(std::string_view payload, std::uint64_t now_ms);
  /// A stop waits for the acknowledgement of text: it has come, so now.
  std::optional<std::uint64_t> late_deadline() const {
    return late_stop_.empty() || !acked_ ? std::nullopt : std::optional<std::uint64_t>(0);
  }

  const Executable executable_;
  const Peek peek_;
  const bool lossy_;
  bool armed_ = false;
  bool watched_ = false;
  bool held_ = false;       ///< PID 1 is held without a gdbserver
  bool read_only_ = false;  ///< it cannot go on
  bool detached_ = false;   ///< gdbserver was told to detach, and has said OK
  bool used_ = false;       ///< gdbserver has had a debugger: what that turned on in it is still on
  bool anchored_ = false;   ///< a SIGSTOP is queued whenever PID 1 stands in a session
  bool let_go_ = false;     ///< the debugger has detached from PID 1 and goes on with another process
  Guest guest_ = Guest::kNobody;
  bool knock_ran_ = false;
  bool cut_off_ = false;  ///< its gdbserver has ended in a session: what that debugger still asks is no knock
  bool noack_ = false;
  bool greeted_ = false;  ///< the packet before was QStartNoAckMode
  bool catches_ = false;  ///< the debugger has asked for system calls
  Pid1 pid1_ = Pid1::kFree;
  Ask ask_ = Ask::kNothing;
  Cleaning cleaning_ = Cleaning::kNone;
  Then then_ = Then::kStay;
  Call call_ = Call::kNone;
  unsigned wishes_ = 0;

  bool interrupt_ = false;     ///< the debugger asked for a stop
  bool stop_pending_ = false;  ///< a SIGSTOP of ours was sent and has not shown yet
  bool own_stop_ = false;      ///< PID 1 is held because of it
  bool fatal_stop_ = false;    ///< PID 1 is held at a fatal signal, or its exit
  unsigned signal_ = 0;        ///< gdb's number of the signal that it is to get when it goes on without a debugger
  bool gdbs_stop_ = false;     ///< it stands at a stop that gdb has asked for in its own interest, such as a fork
  // A function that a debugger calls in PID 1 ends in a stop of the debugger's own making, a SIGSEGV at its return
  // address; then the registers are written back, and that stop is none of PID 1's (forward_registers()).
  bool not_its_own_ = false;  ///< gdbserver has a signal for it that was the debugger's own work
  bool untold_ = false;       ///< it has stopped for a reason of its own while a debugger's traces were taken away
  bool traces_ = false;       ///< tracepoints may be defined
  bool written_ = false;      ///< registers were written since the last stop
  Standing stood_;            ///< at which signal PID 1 stands, whatever was written
  std::optional<Standing> called_;  ///< and where it stood when the function was called
  Text<1024> called_stop_;          ///< the stop reply of that

  std::uint64_t shown_ms_ = 0;
  Text<512> typed_;
  Text<64> chosen_;
  Text<16384> late_stop_;  ///< the stop that came while text was not acknowledged
  std::optional<std::uint64_t> ack_deadline_;
  std::optional<std::uint64_t> stuck_deadline_;
  std::optional<std::uint64_t> knock_deadline_;
  std::uint64_t request_hash_ = 0;
  unsigned ack_tries_ = 0;
  Text<64> call_thread_;           ///< of the function under way: the Hg packet that chooses its thread
  Text<16384> registers_;          ///< what they were before
  Text<16384> written_registers_;  ///< and what was written

  bool acked_ = true;     ///< the last reply was acknowledged
  bool showing_ = false;  ///< and was text that the debugger is shown

  unsigned subject_ = 1;  ///< the process that gdbserver is attached to
  unsigned running_process_ = 1;
  unsigned detaching_ = 0;             ///< the other process of the last D packet
  std::array<unsigned, 64> others_{};  ///< the processes beside PID 1 that the debugger has been told of
  std::size_t other_count_ = 0;

  bool sets_breakpoint_ = false;  ///< a Z packet is under way
  bool multiprocess_ = false;     ///< a debugger of this gdbserver's has named processes
  std::uint32_t process_ = 1;     ///< the one that g, m, Z and others mean
  std::uint32_t selected_ = 1;    ///< the same, once gdbserver has said OK to it

  Text<kMaxResume> resume_;  ///< how PID 1 was resumed last
  Breakpoint breakpoint_;    ///< of the Z or z packet under way
  std::array<Breakpoint, kMaxBreakpoints> breakpoints_;
  std::size_t breakpoint_count_ = 0;
  std::size_t removed_ = 0;  ///< of these, while cleaning up
  std::span<const std::string_view> settings_;
  std::size_t setting_ = 0;

  Text<64> thread_choice_;       ///< the last Hg packet
  Text<kMaxDeferred> deferred_;  ///< a new debugger's first packet, until it can be passed on
  Text<1024> stop_;
  std::array<char, rsp::kMaxPacket> line_buffer_;
  std::array<char, rsp::kMaxPacket> server_buffer_;
  std::array<char, rsp::kMaxPacket> reply_buffer_;  ///< the last reply with its frame, to be repeated
  std::size_t reply_size_ = 0;
  rsp::Reader line_{line_buffer_};
  rsp::Reader server_{server_buffer_};
  Outbox<rsp::kMaxPacket + 8192> to_line_;
  Outbox<rsp::kMaxPacket + 8192> to_server_;
};

}  // namespace gdbdebug
