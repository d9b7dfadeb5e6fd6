// SPDX-License-Identifier: GPL-2.0-or-later
// The relay's state machine: helper/session/relay.hpp. Bytes, time and a scripted gdbserver go in; bytes and wishes
// come out.
#include "session/relay.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace gdbdebug {
namespace {

using Pid1 = Relay::Pid1;
using Payloads = std::vector<std::string>;

std::string framed(std::string_view payload) {
  std::vector<char> buffer(payload.size() + 8);
  return std::string(rsp::frame(payload, buffer));
}

constexpr std::string_view kFeatures =
    "PacketSize=20000;QPassSignals+;QStartNoAckMode+;multiprocess+;QNonStop+;exec-events+;vContSupported+";
constexpr std::string_view kExecStop =
    "T05exec:2f696e6974;06:0000000000000000;07:00e0ffffff7f0000;10:40f0fdf7ff7f0000;thread:p1.1;core:0;";
constexpr std::string_view kPlainStop =
    "T05"
    "06:0000000000000000;07:00e0ffffff7f0000;10:40f0fdf7ff7f0000;thread:p1.1;core:0;";
constexpr std::string_view kSigstop = "T11thread:p1.1;";  // gdb's number of SIGSTOP is 17

/// In the place of what gdbserver was asked: it was replaced.
constexpr std::string_view kRenewed = "(another gdbserver)";
constexpr std::string_view kXml = "xmlRegisters=i386";

/// The relay between a test, which is the debugger, and a gdbserver that answers as `answers` says.
class Bench {
 public:
  explicit Bench(bool lossy = true) : relay_(std::make_unique<Relay>(lossy)) {}
  Relay* operator->() { return relay_.get(); }

  /// What goes to the debugger after it has sent these bytes and gdbserver has answered what it was asked.
  std::string line(std::string_view bytes) {
    relay_->line_bytes(bytes);
    serve();
    return out();
  }
  std::string send(std::string_view payload) { return line(framed(payload)); }
  ~Bench() {
    if (relay_) {
      EXPECT_TRUE(relay_->consistent());
    }
  }
  Bench(Bench&&) = default;

  /// gdbserver says something by itself: a stop.
  std::string server(std::string_view payload) {
    relay_->server_bytes(framed(payload), now);
    serve();
    return out();
  }

  /// Takes what is on its way to the line.
  std::string out() {
    const std::string bytes(relay_->to_line().view());
    relay_->to_line().consume(bytes.size());
    return bytes;
  }
  /// What gdbserver was asked since the last call.
  Payloads asked() { return std::exchange(asked_, {}); }
  unsigned wishes() {
    (void)renew();
    return std::exchange(wishes_, 0) | relay_->take_wishes();
  }

  /// A debugger that has connected to a held PID 1: after qSupported and `?`, acknowledged.
  void connect() {
    (void)send("qSupported:multiprocess+");
    (void)send("?");
    (void)line("+");
    (void)asked();
    (void)wishes();
  }

  std::map<std::string, std::string, std::less<>> answers;
  bool silent = false;  ///< gdbserver answers nothing
  bool raw = false;     ///< asked() has what the relay adds to qSupported
  std::uint64_t now = 1000;

 private:
  void serve() {
    for (;;) {
      const std::string bytes(relay_->to_server().view());
      relay_->to_server().consume(bytes.size());
      std::string_view rest = bytes;
      while (!rest.empty()) {
        if (reader_.take(rest) != rsp::Token::kPacket) {
          EXPECT_TRUE(rest.empty()) << "gdbserver got something that is no packet: " << bytes;
          continue;
        }
        asked_.emplace_back(reader_.payload());
        // What the relay adds to every one of these has a test of its own.
        if (auto& last = asked_.back(); !raw && last.starts_with("qSupported") && last.ends_with(kXml))
          last.resize(last.size() - kXml.size() - 1);
      }
      if (bytes.empty() && renew()) continue;
      if (bytes.empty() || silent) return;
      const auto reply = answer(asked_.back());
      if (reply) relay_->server_bytes(framed(*reply), now);
    }
  }
  /// The agent's part: another gdbserver takes the place of this one, at once.
  bool renew() {
    if (!relay_->wants_server_renewed()) return false;
    wishes_ |= relay_->take_wishes() & ~unsigned{Relay::kRenewServer};
    asked_.emplace_back(kRenewed);
    if (relay_->signal() != 0) asked_.back() += " signal " + std::to_string(relay_->signal());
    relay_->server_renewed();
    return true;
  }
  std::optional<std::string> answer(std::string_view payload) {
    if (const auto found = answers.find(payload); found != answers.end()) return found->second;
    if (payload.starts_with("qSupported")) return std::string(kFeatures);
    if (payload == "?") return std::string(kExecStop);
    if (payload.starts_with("vCont;") || payload == "c" || payload == "s") return std::nullopt;  // PID 1 runs
    if (payload.starts_with("g")) return "0011";
    return "OK";
  }

  std::unique_ptr<Relay> relay_;  // too large for a stack frame with sanitizers
  std::vector<char> buffer_ = std::vector<char>(rsp::kMaxPacket);
  rsp::Reader reader_{buffer_};
  Payloads asked_;
  unsigned wishes_ = 0;
};

Bench held(bool lossy = true) {
  Bench bench(lossy);
  bench->server_ready(Pid1::kHeld);
  return bench;
}

Bench connected(bool lossy = true) {
  auto bench = held(lossy);
  bench.connect();
  return bench;
}

Bench running() {
  auto bench = connected();
  (void)bench.send("vCont;c");
  (void)bench.asked();
  EXPECT_EQ(bench->pid1(), Pid1::kRunning);
  return bench;
}

// ---- stop replies ----

/// A loopback plug, or a terminal that nobody has made raw.
TEST(Relay, APeerThatEchoesGetsOneHello) {
  Bench relay;
  unsigned hellos = 0;
  for (std::string bytes = "\r\n"; !bytes.empty(); bytes = relay.out()) {
    (void)relay.line(bytes);
    if ((relay.wishes() & Relay::kHello) == 0) break;
    ASSERT_LT(++hellos, 10U) << "for ever";
    relay->queue_text("gdbdebug version=0.1.0 state=held pid=1\r\n");
  }
  EXPECT_EQ(hellos, 1U);
}

TEST(Relay, ReadsStopReplies) {
  struct Case {
    std::string_view payload;
    bool is_stop;
    unsigned signal;
    std::string_view event, value;
  };
  const Case cases[] = {
      {"T05thread:p1.1;", true, 5, "", ""},
      {"S11", true, 17, "", ""},
      {"T0bthread:p1.1;core:0;", true, 11, "", ""},
      {"T05exec:2f78;thread:p1.1;", true, 5, "exec", "2f78"},
      {"T05thread:p1.1;exec:2f78;", true, 5, "exec", "2f78"},
      {"T05syscall_entry:e7;thread:p1.1;", true, 5, "syscall_entry", "e7"},
      {"T05syscall_return:e7;", true, 5, "syscall_return", "e7"},
      {"T05fork:p5.5;", true, 5, "fork", "p5.5"},
      {"T05watch:1000;", true, 5, "watch", "1000"},
      {"T05swbreak:;thread:p1.1;", true, 5, "swbreak", ""},
      {"T05", true, 5, "", ""},
      {"W00", false, 0, "", ""},
      {"X0b;process:1", false, 0, "", ""},
      {"OK", false, 0, "", ""},
      {"E01", false, 0, "", ""},
      {"", false, 0, "", ""},
      {"T0", false, 0, "", ""},
      {"Txx", false, 0, "", ""},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.payload);
    const auto stop = parse_stop(one.payload);
    ASSERT_EQ(stop.has_value(), one.is_stop);
    if (!stop) continue;
    EXPECT_EQ(stop->signal, one.signal);
    EXPECT_EQ(stop->event, one.event);
    EXPECT_EQ(stop->value, one.value);
  }
}

TEST(Relay, KnowsWhoseStopAndWhoseEndIsTold) {
  EXPECT_EQ(parse_stop("T05thread:p1.3;")->process, 1U);
  EXPECT_EQ(parse_stop("T05thread:p1.3;")->thread, 3U);
  EXPECT_EQ(parse_stop("T0bthread:p3f.40;")->process, 63U);
  EXPECT_EQ(parse_stop("T0bthread:40;")->process, 1U) << "without the multiprocess extensions there is only one";
  EXPECT_EQ(parse_stop("S05")->process, 1U);
  EXPECT_EQ(parse_end("W00"), 1U);
  EXPECT_EQ(parse_end("W3;process:3f"), 63U) << "gdbserver writes no leading zero";
  EXPECT_EQ(parse_end("W03;process:3f"), 63U);
  EXPECT_EQ(parse_end("X0b;process:1"), 1U);
  for (const std::string_view other : {"T05thread:p1.1;", "OK", "", "W", "Wx0", "E01"})
    EXPECT_EQ(parse_end(other), std::nullopt) << other;
}

TEST(Relay, KnowsWhichSignalsEndAProcessWithACore) {
  for (const unsigned signal : {3U, 4U, 5U, 6U, 8U, 10U, 11U, 12U}) EXPECT_TRUE(is_fatal(signal)) << signal;
  for (const unsigned signal : {0U, 1U, 2U, 9U, 13U, 14U, 15U, 17U, 20U, 30U, 45U})
    EXPECT_FALSE(is_fatal(signal)) << signal;
}

// ---- the beginning of a session ----

TEST(Relay, TheFirstStopIsToldWithoutTheEventThatHasBeenUsedUp) {
  struct Case {
    const char* what;
    std::string_view from_server, to_line;
  };
  const Case cases[] = {
      {"exec", kExecStop, kPlainStop},
      {"exec in the middle", "T05thread:p1.1;exec:2f78;core:0;", "T05thread:p1.1;core:0;"},
      {"system call entered", "T05syscall_entry:e7;thread:p1.1;", "T05thread:p1.1;"},
      {"system call returned", "T05syscall_return:3b;thread:p1.1;", "T05thread:p1.1;"},
      {"a plain stop", "T05thread:p1.1;", "T05thread:p1.1;"},
      {"a signal", "T0bthread:p1.1;", "T0bthread:p1.1;"},
      {"the short form", "S05", "S05"},
      {"PID 1 has ended", "W00", "W00"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.what);
    auto bench = held();
    bench.answers["?"] = one.from_server;
    (void)bench.send("qSupported:multiprocess+");
    EXPECT_EQ(bench.line("+" + framed("?")), "+" + framed(one.to_line)) << "the checksum belongs to the new text";
  }
}

TEST(Relay, ALaterStopKeepsItsEvent) {
  for (const std::string_view stop :
       {kExecStop, std::string_view("T05syscall_entry:e7;thread:p1.1;"), std::string_view("T05fork:p5.5;")}) {
    SCOPED_TRACE(stop);
    auto bench = running();
    EXPECT_EQ(bench.server(stop), framed(stop));
    EXPECT_EQ(bench->pid1(), Pid1::kHeld);
  }
}

TEST(Relay, ASessionBeginsWhenTheReplyToTheFirstPacketIsAcknowledged) {
  for (const std::string_view first : {"qSupported", "?", "g", "m1000,4", "vMustReplyEmpty", "Hg0"}) {
    SCOPED_TRACE(first);
    auto bench = held();
    EXPECT_TRUE(bench.line("+" + framed(first)).starts_with("+$"));
    EXPECT_FALSE(bench->in_session()) << "nobody knows yet whether it was more than a knock";
    EXPECT_TRUE(bench->engaged());
    EXPECT_EQ(bench.wishes(), 0U);
    (void)bench.line("+");
    EXPECT_TRUE(bench->in_session());
    EXPECT_EQ(bench.wishes(), unsigned{Relay::kSessionBegan});
  }
}

TEST(Relay, ASessionBeginsWithASecondPacketTooWhichNeedsNoAcknowledgement) {
  for (const std::string_view second : {"g", "vMustReplyEmpty", "QStartNoAckMode", "!"}) {
    SCOPED_TRACE(second);
    auto bench = held(false);
    (void)bench.send("qSupported");
    EXPECT_FALSE(bench->in_session());
    (void)bench.send(second);
    EXPECT_TRUE(bench->in_session());
    EXPECT_EQ(bench.wishes(), unsigned{Relay::kSessionBegan});
  }
  auto lldb = held(false);  // it turns acknowledgements off before anything else
  (void)lldb.line("+" + framed("QStartNoAckMode"));
  (void)lldb.line("+" + framed("qSupported:multiprocess+"));
  EXPECT_FALSE(lldb->in_session());
  (void)lldb.send("QThreadSuffixSupported");
  EXPECT_TRUE(lldb->in_session());
}

TEST(Relay, AFirstPacketThatIsRepeatedIsStillAKnock) {
  auto bench = held();
  bench.silent = true;
  (void)bench.send("qSupported");
  (void)bench.send("qSupported");
  bench.silent = false;
  (void)bench.server("OK");  // to QCatchSyscalls
  (void)bench.send("qSupported");
  EXPECT_FALSE(bench->in_session());
  (void)bench.line("-");
  EXPECT_FALSE(bench->in_session());
}

/// How a knock comes to its end.
enum class End { kLineLost, kTenSeconds };

void end_knock(Bench& bench, End end) {
  if (end == End::kLineLost) return bench->line_lost();
  bench->tick(bench.now);
  ASSERT_EQ(bench->deadline(), bench.now + 10'000);
  bench->tick(bench.now + 9'999);
  EXPECT_TRUE(bench->engaged());
  bench->tick(bench.now + 10'000);
}

TEST(Relay, AKnockThatNobodyFollowsUpLeavesAHeldPid1Held) {
  for (const auto end : {End::kLineLost, End::kTenSeconds}) {
    auto bench = held();
    (void)bench.send("qSupported");
    end_knock(bench, end);
    (void)bench.line("");
    EXPECT_FALSE(bench->engaged());
    EXPECT_EQ(bench->deadline(), std::nullopt);
    EXPECT_EQ(bench->pid1(), Pid1::kHeld);
    EXPECT_EQ(bench.wishes(), 0U) << "no session has begun, and none is lost";
  }
}

TEST(Relay, AKnockThatNobodyFollowsUpLeavesAFreePid1Free) {
  for (const auto end : {End::kLineLost, End::kTenSeconds}) {
    Bench bench;
    (void)bench.send("qSupported");
    EXPECT_EQ(bench.wishes(), unsigned{Relay::kStartServer});
    bench->server_ready(Pid1::kHeld);
    (void)bench.line("");
    end_knock(bench, end);
    (void)bench.line("");
    EXPECT_EQ(bench.wishes(), unsigned{Relay::kReleaseServer});
  }
}

TEST(Relay, AKnockThatIsOverBeforeGdbserverWasStartedStartsNone) {
  Bench bench;
  (void)bench.send("qSupported");
  bench->line_lost();
  EXPECT_EQ(bench.wishes(), 0U);
}

TEST(Relay, AKnockThatNobodyFollowsUpLeavesAnArmedPid1RunningAndArmed) {
  const std::string_view settings[] = {"QPassSignals:e"};
  for (const auto end : {End::kLineLost, End::kTenSeconds}) {
    Bench bench;
    bench->server_ready(Pid1::kRunning);
    bench->set_settings(settings);
    bench->arm();
    (void)bench.send("qSupported");
    EXPECT_EQ(bench.wishes(), unsigned{Relay::kStopPid1});
    (void)bench.server(kSigstop);
    EXPECT_EQ(bench->pid1(), Pid1::kHeld);
    (void)bench.asked();
    end_knock(bench, end);
    (void)bench.line("");
    EXPECT_EQ(bench.asked(), Payloads{});
    EXPECT_EQ(bench.wishes(), unsigned{Relay::kReleaseServer}) << "the agent watches it";
  }
}

TEST(Relay, AKnockThatIsOverBeforePid1HasStoppedLetsItRun) {
  Bench bench;
  bench->server_ready(Pid1::kRunning);
  bench->arm();
  (void)bench.send("qSupported");
  bench->line_lost();
  (void)bench.server(kSigstop);
  EXPECT_NE(bench.wishes() & Relay::kReleaseServer, 0U);
}

TEST(Relay, AKnockAtASessionsLineLeavesPid1AsThatSessionHadIt) {
  for (const bool runs : {false, true}) {
    SCOPED_TRACE(runs);
    auto bench = runs ? running() : connected();
    (void)bench.send("qSupported:other");
    if (runs) (void)bench.server(kSigstop);
    (void)bench.wishes();
    end_knock(bench, End::kTenSeconds);
    (void)bench.line("");
    EXPECT_EQ(bench.wishes(), runs ? unsigned{Relay::kReleaseServer} : 0U);
    if (!runs) {
      EXPECT_EQ(bench->pid1(), Pid1::kHeld);
    }
  }
}

TEST(Relay, AKnockChangesNothingInPid1) {
  for (const std::string_view first : {"c",
                                       "vCont;c",
                                       "s",
                                       "D;1",
                                       "D",
                                       "Z0,1000,1",
                                       "z0,1000,1",
                                       "M1000,1:00",
                                       "X1000,0:",
                                       "G00",
                                       "P10=00",
                                       "QCatchSyscalls:1",
                                       "QPassSignals:",
                                       "QTinit",
                                       "qRcmd,68656c70",
                                       "qXfer:siginfo:write::0:x",
                                       "vFile:open:2f,0,0",
                                       "C0b",
                                       "i",
                                       "t"}) {
    for (const auto pid1 : {Pid1::kFree, Pid1::kHeld, Pid1::kRunning}) {
      SCOPED_TRACE(first);
      Bench bench;
      if (pid1 != Pid1::kFree) bench->server_ready(pid1);
      EXPECT_EQ(bench.send(first), "+" + framed("E.gdbdebug: nobody is connected; use target remote first"));
      EXPECT_EQ(bench.asked(), Payloads{});
      EXPECT_EQ(bench.wishes(), 0U);
      EXPECT_FALSE(bench->engaged());
      EXPECT_EQ(bench->pid1(), pid1);
    }
  }
}

TEST(Relay, AnEmptyPacketIsNoKnock) {
  Bench bench;
  EXPECT_EQ(bench.send(""), "+" + framed(""));
  EXPECT_EQ(bench.wishes(), 0U);
  EXPECT_FALSE(bench->engaged());
}

TEST(Relay, ACrashThatComesInThePlaceOfAKnocksStopIsNotLost) {
  Bench bench;
  bench->server_ready(Pid1::kRunning);
  bench->arm();
  (void)bench.send("qSupported");
  (void)bench.wishes();
  (void)bench.server("T0bthread:p1.1;");
  bench->line_lost();
  (void)bench.line("");
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kUnattended}) << "the agent reports it and holds PID 1";
  EXPECT_EQ(bench->last_stop(), "T0bthread:p1.1;");
  EXPECT_EQ(bench->pid1(), Pid1::kHeld);
}

TEST(Relay, WhoeverWaitsForAStopThatDoesNotComeIsToldWhy) {
  Bench knock;
  knock->server_ready(Pid1::kRunning);
  knock->arm();
  (void)knock.send("qSupported");
  EXPECT_TRUE(knock->wants_stop());
  knock->stop_failed("it sleeps");
  EXPECT_EQ(knock.out(), framed("E.gdbdebug: it sleeps"));
  EXPECT_FALSE(knock->wants_stop());
  (void)knock.server(kSigstop);
  EXPECT_NE(knock.wishes() & Relay::kReleaseServer, 0U) << "it woke up, and is not held for somebody who has gone";

  auto session = running();
  EXPECT_FALSE(session->wants_stop());
  (void)session.line("\003");
  EXPECT_TRUE(session->wants_stop());
  session->stop_failed("it sleeps");
  EXPECT_EQ(session.out(), framed("O67646264656275673a20697420736c656570730a"));
  EXPECT_EQ(session.server(kSigstop), framed("T02thread:p1.1;")) << "and when it stops, that is told";
}

TEST(Relay, OnALineThatLosesBytesNoAckModeIsNotOfferedAndPacketsStaySmall) {
  auto bench = held(true);
  EXPECT_EQ(bench.send("qSupported"),
            "+" + framed("PacketSize=47ff;QPassSignals+;multiprocess+;exec-events+;vContSupported+"));
  EXPECT_EQ(bench.line("+" + framed("QStartNoAckMode")), "+" + framed(""));
  EXPECT_EQ(bench.send("g"), "+" + framed("0011")) << "packets are acknowledged as before";
}

TEST(Relay, OnALineThatLosesNothingNoAckModeIsOfferedByTheRelay) {
  auto bench = held(false);
  EXPECT_EQ(bench.send("qSupported"),
            "+" + framed("PacketSize=20000;QPassSignals+;multiprocess+;exec-events+;vContSupported+;QStartNoAckMode+"));
  EXPECT_EQ(bench.line("+" + framed("QStartNoAckMode")), "+" + framed("OK"));
  EXPECT_EQ(bench.line("+" + framed("g")), framed("0011")) << "nothing is acknowledged any more";
}

TEST(Relay, ASmallerPacketSizeOfGdbserverIsKept) {
  auto bench = held(true);
  bench.answers["qSupported"] = "PacketSize=3fff";
  EXPECT_EQ(bench.send("qSupported"), "+" + framed("PacketSize=3fff"));
}

TEST(Relay, OnDemandGdbserverIsStartedByTheFirstPacketAndThenAsked) {
  Bench bench;
  EXPECT_EQ(bench.send("qSupported"), "+");
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kStartServer});
  EXPECT_EQ(bench.asked(), Payloads{});
  bench->server_ready(Pid1::kHeld);
  EXPECT_TRUE(bench.line("").starts_with("$PacketSize=47ff;"));
  (void)bench.line("+");
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kSessionBegan});
}

TEST(Relay, OnDemandAGdbserverThatCannotAttachIsAnErrorThatTheUserReads) {
  Bench bench;
  (void)bench.send("qSupported");
  (void)bench.wishes();
  bench->server_failed("Cannot attach to process 1: Operation not permitted");
  EXPECT_EQ(bench.out(), framed("E.gdbdebug: Cannot attach to process 1: Operation not permitted"));
  EXPECT_FALSE(bench->in_session());
  EXPECT_EQ(bench.wishes(), 0U) << "nothing is tried again by itself";
  (void)bench.send("?");
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kStartServer}) << "the next packet tries again";
}

TEST(Relay, OnDemandAGdbserverThatDiesBeforeTheSessionIsAnErrorAndNotTriedForEver) {
  Bench bench;
  (void)bench.send("qSupported");
  (void)bench.wishes();
  bench.silent = true;
  bench->server_ready(Pid1::kHeld);
  bench->server_gone();
  EXPECT_EQ(bench.wishes(), 0U);
  EXPECT_EQ(bench.out(), framed("E.gdbdebug: gdbserver has ended; connect again"));
}

TEST(Relay, AFirstPacketThatIsTooLongIsRefused) {
  Bench bench;
  EXPECT_EQ(bench.send(std::string(5000, 'x')),
            "+" + framed("E.gdbdebug: nobody is connected; use target remote first"));
  EXPECT_EQ(bench.wishes(), 0U);
}

// ---- a line that loses bytes ----

TEST(Relay, APacketWithoutItsHeadIsAnsweredWithANak) {
  Bench bench;
  EXPECT_EQ(bench.line("pported:multiprocess+;swbreak+#c9"), "-");
  EXPECT_EQ(bench.wishes(), 0U) << "what has no head begins no session";
  (void)bench.send("qSupported:multiprocess+");
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kStartServer}) << "and gdb's repetition begins one";
}

TEST(Relay, ADamagedPacketIsAnsweredWithANakAndNotPassedOn) {
  for (const std::string_view bytes : {"$g#68", "$g#zz", "$g#6z"}) {
    SCOPED_TRACE(bytes);
    auto bench = connected();
    EXPECT_EQ(bench.line(bytes), "-");
    EXPECT_EQ(bench.asked(), Payloads{});
    EXPECT_EQ(bench.send("g"), "+" + framed("0011"));
  }
}

TEST(Relay, APacketLongerThanAnyOfGdbsIsAnsweredWithANak) {
  auto bench = connected();
  EXPECT_EQ(bench.send(std::string(rsp::kMaxPacket + 1, 'x')), "-");
  EXPECT_EQ(bench.send("g"), "+" + framed("0011"));
}

TEST(Relay, ANakRepeatsTheLastReply) {
  auto bench = connected();
  EXPECT_EQ(bench.send("g"), "+" + framed("0011"));
  EXPECT_EQ(bench.line("-"), framed("0011"));
  EXPECT_EQ(bench.line("-"), framed("0011"));
  EXPECT_EQ(bench.line("+"), "");
  EXPECT_EQ(bench.line("-"), "") << "an acknowledged reply is not repeated";
  EXPECT_EQ(bench.asked(), Payloads{"g"}) << "gdbserver was asked once";
}

TEST(Relay, ARepeatedRequestIsNotAskedTwice) {
  auto bench = connected();
  bench.silent = true;
  EXPECT_EQ(bench.send("g"), "+");
  EXPECT_EQ(bench.send("g"), "+") << "the debugger did not see the first +";
  EXPECT_EQ(bench.asked(), Payloads{"g"});
  EXPECT_EQ(bench.server("0011"), framed("0011"));
  EXPECT_EQ(bench.send("g"), "+") << "its reply is lost, and it will ask with a NAK";
  EXPECT_EQ(bench.line("-"), framed("0011"));
  EXPECT_EQ(bench.asked(), Payloads{});
}

TEST(Relay, TheSameRequestAfterAnAcknowledgedReplyIsANewOne) {
  auto bench = connected();
  EXPECT_EQ(bench.send("g"), "+" + framed("0011"));
  EXPECT_EQ(bench.line("+" + framed("g")), "+" + framed("0011"));
  EXPECT_EQ(bench.asked(), (Payloads{"g", "g"}));
}

TEST(Relay, TheFirstPacketSentThreeTimesBeginsOneSession) {
  Bench bench;  // gdb connects before the machine is ready, and repeats
  for (int i = 0; i < 3; ++i) EXPECT_EQ(bench.send("qSupported"), "+");
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kStartServer});
  bench->server_ready(Pid1::kHeld);
  EXPECT_TRUE(bench.line("").starts_with("$PacketSize="));
  EXPECT_EQ(bench.asked(), Payloads{"qSupported"}) << "nobody has used this gdbserver";
  EXPECT_EQ(bench.line("+"), "");
}

TEST(Relay, AStopThatNobodyAcknowledgesIsRepeatedFiveTimesAndThenTheDebuggerIsGone) {
  auto bench = running();
  (void)bench.server("T05thread:p1.1;");
  ASSERT_EQ(bench->deadline(), bench.now + 2000);
  for (int i = 0; i < 5; ++i) {
    SCOPED_TRACE(i);
    bench.now += 1999;
    bench->tick(bench.now);
    EXPECT_EQ(bench.out(), "") << "too early";
    bench.now += 1;
    bench->tick(bench.now);
    EXPECT_EQ(bench.out(), framed("T05thread:p1.1;"));
    EXPECT_TRUE(bench->in_session());
  }
  bench.now += 2000;
  bench->tick(bench.now);
  EXPECT_FALSE(bench->in_session());
  EXPECT_EQ(bench->deadline(), std::nullopt);
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kReleaseServer | Relay::kLost})
      << "PID 1 ran when the debugger was lost: it runs on";
}

TEST(Relay, AnAcknowledgedStopIsNotRepeated) {
  auto bench = running();
  (void)bench.server("T05thread:p1.1;");
  (void)bench.line("+");
  EXPECT_EQ(bench->deadline(), std::nullopt);
  bench->tick(bench.now + 100'000);
  EXPECT_EQ(bench.out(), "");
  EXPECT_TRUE(bench->in_session());
}

TEST(Relay, AStopWhoseDebuggerAsksOnIsTakenAsAcknowledged) {
  auto bench = running();
  (void)bench.server("T05thread:p1.1;");
  EXPECT_EQ(bench.send("g"), "+" + framed("0011"));
  EXPECT_EQ(bench->deadline(), std::nullopt);
}

// ---- the session ----

TEST(Relay, EverythingElseGoesThroughUntouched) {
  auto bench = connected();
  const std::string every_byte = [] {
    std::string text = "X1000,f0:";
    for (int code = 0; code < 256; ++code) {
      const char c = static_cast<char>(code);
      if (c == '$' || c == '#' || c == '}' || c == '*')
        text += {'}', static_cast<char>(c ^ 0x20)};
      else
        text += c;
    }
    return text;
  }();
  const std::string requests[] = {"g",
                                  "m1000,40",
                                  "Z0,1000,1",
                                  "vCont?",
                                  "qXfer:features:read:target.xml:0,fff",
                                  every_byte,
                                  "QNonStop:0",
                                  "vMustReplyEmpty",
                                  "Hg0",
                                  "qXfer:exec-file:read:1:0,fff",
                                  "vFile:open:2f,0,0",
                                  "QCatchSyscalls:1;3b"};
  for (const auto& request : requests) {
    SCOPED_TRACE(request);
    const std::string answer = "reply:}\003\xff*" + request.substr(0, 20);
    bench.answers[request] = answer;
    EXPECT_EQ(bench.line("+" + framed(request)), "+" + framed(answer));
    EXPECT_EQ(bench.asked(), Payloads{request});
  }
}

TEST(Relay, ALargeReplyGoesThroughWhole) {
  auto bench = connected(false);
  const std::string dump(0x20000 - 8, 'f');
  bench.answers["m1000,ffff"] = dump;
  EXPECT_EQ(bench.send("m1000,ffff"), "+" + framed(dump));
}

TEST(Relay, OutputOfTheProgramGoesToTheSessionAndIsNoStop) {
  auto bench = running();
  EXPECT_EQ(bench.server("O68690a"), framed("O68690a"));
  EXPECT_EQ(bench->pid1(), Pid1::kRunning);
}

TEST(Relay, WhatAMonitorCommandPrintsComesBeforeItsReply) {
  auto bench = connected(false);
  bench.silent = true;
  EXPECT_EQ(bench.send("qRcmd,68656c70"), "+");
  EXPECT_EQ(bench.server("O6f6e650a"), framed("O6f6e650a"));
  EXPECT_EQ(bench.server("O74776f0a"), framed("O74776f0a"));
  EXPECT_EQ(bench.server("OK"), framed("OK"));
  EXPECT_FALSE(bench->busy());
}

TEST(Relay, WhatWouldEndOrReplacePid1IsRefusedWithAReason) {
  constexpr std::string_view kKill = "E.gdbdebug: killing PID 1 would panic the machine; use detach";
  constexpr std::string_view kOnly =
      "E.gdbdebug: only PID 1 can be debugged here, and it is attached; use target remote";
  struct Case {
    std::string_view request, reply;
  };
  const Case cases[] = {
      {"vKill;1", kKill},
      {"R00", kKill},
      {"vRun;2f62696e2f7368", kOnly},
      {"vAttach;5", kOnly},
      {"QNonStop:1", "E.gdbdebug: non-stop mode is not available; use set non-stop off"},
      {"!", ""},  // extended mode, as every stub without it answers
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.request);
    auto bench = connected();
    EXPECT_EQ(bench.send(one.request), "+" + framed(one.reply));
    EXPECT_EQ(bench.asked(), Payloads{}) << "gdbserver never sees it";
    EXPECT_EQ(bench.line("+" + framed("g")), "+" + framed("0011")) << "the session goes on";
  }
}

TEST(Relay, WhatIsRefusedIsRefusedOutsideASessionTooAndStartsNothing) {
  for (const std::string_view request : {"vKill;1", "R00", "vRun;", "vAttach;1", "QNonStop:1", "!", "k"}) {
    SCOPED_TRACE(request);
    Bench bench;
    (void)bench.send(request);
    EXPECT_EQ(bench.wishes(), 0U);
    EXPECT_FALSE(bench->in_session());
  }
}

TEST(Relay, KillHasNoReplyAndNoEffect) {
  auto bench = connected();
  EXPECT_EQ(bench.send("k"), "+");
  EXPECT_EQ(bench.asked(), Payloads{});
  EXPECT_EQ(bench->pid1(), Pid1::kHeld);
}

TEST(Relay, SignalListsArePassedOnWithoutSigstop) {
  struct Case {
    std::string_view request, passed;
  };
  const Case cases[] = {
      {"QPassSignals:e;10;14", "QPassSignals:e;10;14"},
      {"QPassSignals:e;11;14", "QPassSignals:e;14"},
      {"QPassSignals:11", "QPassSignals:"},
      {"QPassSignals:11;12", "QPassSignals:12"},
      {"QPassSignals:", "QPassSignals:"},
      {"QPassSignals:011", "QPassSignals:"},
      {"QProgramSignals:0;1;11;12", "QProgramSignals:0;1;12"},
      {"QPassSignals:111;a1", "QPassSignals:111;a1"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.request);
    auto bench = connected();
    EXPECT_EQ(bench.send(one.request), "+" + framed("OK"));
    EXPECT_EQ(bench.asked(), Payloads{std::string(one.passed)});
  }
}

TEST(Relay, AListOfSignalsThatIsTooLongIsRefusedAndNotPassedOnWithSigstop) {
  auto bench = connected();
  std::string list = "QPassSignals:11";
  for (int i = 0; i < 600; ++i) list += ";e";
  EXPECT_TRUE(bench.line("+" + framed(list)).starts_with("+$E.gdbdebug: "));
  EXPECT_EQ(bench.asked(), Payloads{});
}

TEST(Relay, DetachingTakesOutWhatIsInAndEndsTheSession) {
  for (const std::string_view request : {"D;1", "D", "D;01", "D;0000000000000001"}) {
    SCOPED_TRACE(request);
    auto bench = connected();
    (void)bench.line("+" + framed("Z0,1000,1"));
    (void)bench.line("+" + framed("Z2,2000,8"));
    (void)bench.asked();
    EXPECT_EQ(bench.line("+" + framed(request)), "+" + framed("OK"));
    EXPECT_EQ(bench.asked(), (Payloads{"z2,2000,8", "z0,1000,1", "D;1"})) << "gdbserver leaves them in (lldb's way)";
    EXPECT_TRUE(bench->expects_end());
    EXPECT_EQ(bench.wishes(), unsigned{Relay::kReleaseServer}) << "it would stay for a child that it traces";
    bench->server_gone();
    EXPECT_FALSE(bench->in_session());
    EXPECT_EQ(bench->pid1(), Pid1::kFree);
    EXPECT_EQ(bench.out(), "") << "nothing is added to the reply that detached";
    (void)bench.line("+" + framed("qSupported"));
    EXPECT_EQ(bench.wishes(), unsigned{Relay::kStartServer}) << "and the next debugger begins anew";
  }
}

TEST(Relay, AnArmedDetachIsRecognizedInEveryFormOfItsNumber) {
  for (const std::string_view request : {"D;1", "D", "D;01", "D;0000000000000001"}) {
    SCOPED_TRACE(request);
    auto bench = held();
    bench->arm();
    bench.connect();
    EXPECT_EQ(bench.line("+" + framed(request)), "+" + framed("OK"));
    EXPECT_EQ(bench.asked(), Payloads{});
    EXPECT_EQ(bench.wishes(), unsigned{Relay::kReleaseServer})
        << "the agent takes PID 1 over where gdbserver leaves it";
  }
}

TEST(Relay, ADetachThatCannotBeUnderstoodIsRefused) {
  for (const std::string_view request :
       {"D1", "D;", "D;x", "D; 1", "D;0x1", "D;-1", "D;1;", "D;100000000", "D;1 ", "Detach"}) {
    SCOPED_TRACE(request);
    auto bench = connected();
    EXPECT_TRUE(bench.send(request).starts_with("+$E.gdbdebug: ")) << "gdbserver would detach, and nobody would know";
    EXPECT_EQ(bench.asked(), Payloads{});
    EXPECT_TRUE(bench->in_session());
  }
}

TEST(Relay, ADetachFromAChildIsNotOneFromPid1) {
  auto bench = connected();
  EXPECT_EQ(bench.send("D;0005"), "+" + framed("OK"));
  EXPECT_EQ(bench.asked(), Payloads{"D;5"});
  EXPECT_FALSE(bench->expects_end());
  auto single = held();  // gdbserver would detach from PID 1 whatever the number is
  (void)single.send("qSupported:swbreak+");
  (void)single.line("+" + framed("?"));
  (void)single.asked();
  EXPECT_TRUE(single.line("+" + framed("D;5")).starts_with("+$E.gdbdebug: "));
  EXPECT_EQ(single.asked(), Payloads{});
}

// ---- a function that the debugger calls in PID 1 ----

constexpr std::string_view kDummyStop = "T0bthread:p1.1;";  // at its return address, on the stack

TEST(Relay, TheStopAtTheEndOfACalledFunctionIsNoneOfPid1s) {
  for (const bool armed : {false, true}) {
    SCOPED_TRACE(armed);
    auto bench = running();
    if (armed) bench->arm();
    (void)bench.server("T05swbreak:;thread:p1.1;");
    (void)bench.line("+" + framed("G00"));
    (void)bench.line("+" + framed("vCont;c"));
    (void)bench.server(kDummyStop);
    EXPECT_TRUE(bench->at_end()) << "nobody can know better yet";
    (void)bench.line("+" + framed("P10=00"));
    EXPECT_FALSE(bench->at_end());
    (void)bench.line("+" + framed("G00"));
    EXPECT_FALSE(bench->at_end());
    (void)bench.asked();
    EXPECT_EQ(bench.line("+" + framed("D;1")), "+" + framed("OK"));
    EXPECT_EQ(bench.wishes() & Relay::kFatalDetach, 0U);
    const Payloads free = {"QProgramSignals:", "D;1"};
    const Payloads watched = {"QProgramSignals:"};
    EXPECT_EQ(bench.asked(), armed ? watched : free) << "gdbserver would hand PID 1 the SIGSEGV";
  }
}

TEST(Relay, TheNextDebuggerIsNotToldOfTheStopAtTheEndOfACalledFunction) {
  auto bench = running();
  (void)bench.server(kDummyStop);
  (void)bench.line("+" + framed("G00"));
  bench->line_lost();
  (void)bench.line("");
  bench.answers["?"] = std::string(kSigstop);  // of a gdbserver that knows nothing of it
  (void)bench.send("qSupported");
  EXPECT_EQ(bench.line("+" + framed("?")), "+" + framed("T00thread:p1.1;")) << "it would hand it on with continue";
}

TEST(Relay, AfterAFunctionThatWasCalledAtItsEndPid1IsAtItsEndAgain) {
  auto bench = running();
  bench->arm();
  (void)bench.server("T06thread:p1.1;");
  EXPECT_TRUE(bench->at_end());
  for (int i = 0; i < 2; ++i) {
    SCOPED_TRACE(i);
    (void)bench.line("+" + framed("G00"));
    (void)bench.line("+" + framed("vCont;c"));
    (void)bench.server(kDummyStop);
    (void)bench.line("+" + framed("G00"));
    EXPECT_TRUE(bench->at_end());
  }
  (void)bench.line("+" + framed("D;1"));
  EXPECT_NE(bench.wishes() & Relay::kFatalDetach, 0U);
}

TEST(Relay, ACallOfAnEarlierSessionIsForgotten) {
  auto bench = running();
  bench->arm();
  (void)bench.server("T05swbreak:;thread:p1.1;");
  for (int session = 0; session < 2; ++session) {
    SCOPED_TRACE(session);
    if (session == 1) bench.connect();
    (void)bench.line("+" + framed("G00"));
    (void)bench.line("+" + framed("vCont;c"));
    (void)bench.server(kDummyStop);
    (void)bench.line("+" + framed("G00"));
    EXPECT_EQ(bench->at_end(), session == 1);
    if (session == 1) break;
    (void)bench.line("+" + framed("D;1"));
    EXPECT_NE(bench.wishes() & Relay::kReleaseServer, 0U);
    bench->server_gone();
    bench->server_ready_at_end("T0bthread:p1.1;", false);
  }
}

#if defined(__x86_64__)
/// Registers as `g` tells them, up to the program counter.
std::string registers(std::uint8_t sp, std::uint8_t pc) {
  std::string text(std::size_t{17} * 16, '0');
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto put = [&](std::size_t at, std::uint8_t value) {
    text[at * 16] = kDigits[value >> 4];
    text[at * 16 + 1] = kDigits[value & 15];
  };
  put(7, sp);
  put(16, pc);
  return text;
}

TEST(Relay, ADebuggerThatGoesInAFunctionThatItHasCalledLeavesPid1WhereItWas) {
  const auto before = registers(0x80, 0x10), in_call = registers(0x40, 0x20);
  for (const bool detaches : {false, true}) {
    SCOPED_TRACE(detaches);
    auto bench = connected();
    bench.answers["g"] = before;
    (void)bench.line("+" + framed("Hgp1.1"));
    (void)bench.line("+" + framed("G" + in_call));
    EXPECT_EQ(bench.asked(), (Payloads{"Hgp1.1", "g", "G" + in_call}));
    (void)bench.line("+" + framed("vCont;c"));
    (void)bench.server("T05swbreak:;thread:p1.1;");
    (void)bench.asked();
    if (detaches) {
      EXPECT_EQ(bench.line("+" + framed("D;1")), "+" + framed("OK"));
      EXPECT_EQ(bench.asked(), (Payloads{"Hgp1.1", "G" + before, "D;1"}));
    } else {
      bench->line_lost();
      (void)bench.line("");
      EXPECT_EQ(bench.asked(), (Payloads{"Hgp1.1", "G" + before, std::string(kRenewed)}));
      EXPECT_EQ(bench->pid1(), Pid1::kHeld);
    }
  }
}

TEST(Relay, ADetachAtPid1sEndAfterACallThatHasEndedIsOneAtItsEnd) {
  const auto before = registers(0x80, 0x10);
  auto bench = held();
  bench->server_gone();
  bench->arm();
  bench->server_ready_at_end("T0bthread:p1.1;", false);
  bench.connect();
  bench.answers["g"] = before;
  (void)bench.line("+" + framed("G" + registers(0x40, 0x20)));
  (void)bench.line("+" + framed("vCont;c"));
  (void)bench.server(kDummyStop);
  (void)bench.line("+" + framed("G" + before));
  (void)bench.wishes();
  (void)bench.line("+" + framed("D;1"));
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kFatalDetach});
}

TEST(Relay, RegistersThatAreWrittenOtherwiseStayWritten) {
  const auto before = registers(0x80, 0x10);
  struct Case {
    std::string_view what;
    std::string first;
    std::string then;
  };
  const Case cases[] = {{"a call that has ended", registers(0x40, 0x20), before},
                        {"another place", registers(0x80, 0x20), ""},
                        {"a value", registers(0x80, 0x10), ""}};
  for (const auto& one : cases) {
    SCOPED_TRACE(one.what);
    auto bench = connected();
    bench.answers["g"] = before;
    (void)bench.line("+" + framed("G" + one.first));
    (void)bench.line("+" + framed("vCont;c"));
    (void)bench.server("T05swbreak:;thread:p1.1;");
    if (!one.then.empty()) (void)bench.line("+" + framed("G" + one.then));
    (void)bench.asked();
    EXPECT_EQ(bench.line("+" + framed("D;1")), "+" + framed("OK"));
    EXPECT_EQ(bench.asked(), Payloads{"D;1"});
  }
}
#endif

TEST(Relay, ACrashInACalledFunctionIsOneWhileNothingIsWritten) {
  auto bench = running();
  (void)bench.server("T05swbreak:;thread:p1.1;");
  (void)bench.line("+" + framed("G00"));
  (void)bench.line("+" + framed("vCont;c"));
  (void)bench.server("T0bthread:p1.1;");
  EXPECT_TRUE(bench->at_end());
  (void)bench.line("+" + framed("D;1"));
  EXPECT_NE(bench.wishes() & Relay::kFatalDetach, 0U);
}

TEST(Relay, AnExitIsPid1sEndWhateverIsWritten) {
  auto bench = held();
  bench->server_ready(Pid1::kRunning);
  bench->arm();
  (void)bench.server("T05syscall_entry:e7;thread:p1.1;");
  bench->mark_end();
  bench.connect();
  (void)bench.line("+" + framed("P0=00"));
  EXPECT_TRUE(bench->at_end());
  (void)bench.line("+" + framed("vCont;c"));
  (void)bench.server(kDummyStop);
  (void)bench.line("+" + framed("G00"));
  EXPECT_TRUE(bench->at_end()) << "it stands at its exit again";
}

TEST(Relay, ASignalThatIsNotFatalIsKeptWhenRegistersAreWritten) {
  auto bench = running();
  bench->arm();
  (void)bench.server("T14thread:p1.1;");  // SIGCHLD
  (void)bench.line("+" + framed("P0=00"));
  (void)bench.asked();
  (void)bench.line("+" + framed("D;1"));
  EXPECT_EQ(bench->signal(), 20U);
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kReleaseServer});
}

TEST(Relay, ADetachIsAnsweredThoughGdbserverDiesOfIt) {
  auto bench = connected();
  bench.silent = true;
  EXPECT_EQ(bench.line("+" + framed("D;1")), "+");
  bench->server_gone();
  EXPECT_EQ(bench.out(), framed("OK"));
  EXPECT_FALSE(bench->in_session());
}

TEST(Relay, ADebuggerThatComesBeforeGdbserverHasEndedAfterADetachGetsANewOne) {
  auto bench = connected();
  (void)bench.send("D;1");
  (void)bench.wishes();
  bench.silent = true;  // it is about to end
  EXPECT_EQ(bench.line("+" + framed("qSupported")), "+");
  bench->server_gone();
  EXPECT_EQ(bench.out(), "");
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kStartServer});
  bench.silent = false;
  bench->server_ready(Pid1::kHeld);
  EXPECT_TRUE(bench.line("").starts_with("$PacketSize="));
}

TEST(Relay, ADetachFromPid1sEndIsToldFirstAndAnsweredWhenThatIsOut) {
  auto bench = running();
  (void)bench.server("T0bthread:p1.1;");
  EXPECT_TRUE(bench->at_end());
  EXPECT_EQ(bench.line("+" + framed("D;1")), "+") << "the machine dies with PID 1, so the user is told before";
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kFatalDetach});
  EXPECT_EQ(bench.asked(), Payloads{});
  bench->accept_detach();
  EXPECT_EQ(bench.out(), framed("OK"));
  EXPECT_FALSE(bench->in_session());
  bench->release();
  (void)bench.line("");
  EXPECT_NE(bench.wishes() & Relay::kReleaseServer, 0U);
}

/// An armed agent's PID 1 that a debugger has resumed.
Bench armed() {
  static constexpr std::string_view kSettings[] = {"QPassSignals:e", "QCatchSyscalls:1;e7"};
  auto bench = held();
  bench->set_settings(kSettings);
  bench->arm();
  bench.connect();
  (void)bench.line("+" + framed("vCont;r1000,1010:p1.1;c"));
  (void)bench.asked();
  (void)bench.wishes();
  return bench;
}

TEST(Relay, AFatalSignalInASessionIsToldToTheDebuggerAndTheAgent) {
  auto bench = armed();
  EXPECT_EQ(bench.server("T0bthread:p1.1;"), framed("T0bthread:p1.1;"));
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kFatalStop});
}

TEST(Relay, AFatalSignalThatIsHandedOnIsTheAgentsBusiness) {
  for (const std::string_view resume : {"vCont;C0b:p1.1;c", "vCont;S0b:p1.1;c", "C0b"}) {
    SCOPED_TRACE(resume);
    auto bench = armed();
    (void)bench.server("T0bthread:p1.1;");
    (void)bench.wishes();
    (void)bench.line("+" + framed(resume));
    EXPECT_EQ(bench.wishes(), unsigned{Relay::kFatalResume});
    EXPECT_EQ(bench.asked(), Payloads{});
    bench->go_on();
    (void)bench.line("");
    EXPECT_EQ(bench.asked(), Payloads{std::string(resume)});
  }
}

TEST(Relay, ADebuggerIsToldTheEndThatItsSignalBrings) {
  auto bench = armed();
  (void)bench.server("T0bthread:p1.1;");
  (void)bench.line("+" + framed("vCont;C0b:p1.1;c"));
  bench->accept_end();
  EXPECT_EQ(bench.out(), framed("X0b"));
  EXPECT_FALSE(bench->in_session());
}

TEST(Relay, WithoutTheSignalPid1GoesOnFromAFatalOneAsTheDebuggerSays) {
  auto bench = armed();
  (void)bench.server("T0bthread:p1.1;");
  (void)bench.wishes();
  (void)bench.line("+" + framed("vCont;c"));
  EXPECT_EQ(bench.wishes(), 0U);
  EXPECT_EQ(bench.asked(), Payloads{"vCont;c"});
}

TEST(Relay, ASystemCallThatTheDebuggerDidNotAskForIsNotToldBeforeTheAgentHasLooked) {
  auto bench = armed();
  EXPECT_EQ(bench.server("T05syscall_entry:e7;thread:p1.3;"), "");
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kCallStop});
  bench->go_on();
  (void)bench.line("");
  EXPECT_EQ(bench.asked(), Payloads{"vCont;r1000,1010:p1.1;c"}) << "as the debugger has resumed it";

  EXPECT_EQ(bench.server("T05syscall_return:e7;thread:p1.3;"), "");
  bench->tell_call();
  EXPECT_EQ(bench.out(), framed("T05thread:p1.3;"));
  EXPECT_TRUE(bench->at_end());
}

TEST(Relay, ACtrlCWhilePid1StandsUnseenStopsIt) {
  auto bench = armed();
  (void)bench.server("T05syscall_entry:3c;thread:p1.3;");
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kCallStop});
  EXPECT_EQ(bench.line("\003"), "");
  bench->go_on();
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kStopPid1});
  EXPECT_EQ(bench.server(kSigstop), framed("T02thread:p1.1;"));
}

TEST(Relay, SystemCallsThatTheDebuggerAskedForAreItsOwn) {
  auto bench = armed();
  (void)bench.server("T05thread:p1.1;");
  (void)bench.line("+" + framed("QCatchSyscalls:1;2"));
  (void)bench.line("+" + framed("vCont;c"));
  (void)bench.wishes();
  EXPECT_EQ(bench.server("T05syscall_entry:2;thread:p1.1;"), framed("T05syscall_entry:2;thread:p1.1;"));
  (void)bench.asked();
  (void)bench.line("+" + framed("QCatchSyscalls:0"));
  EXPECT_EQ(bench.asked(), Payloads{"QCatchSyscalls:1;e7"}) << "the agent's are back";
}

TEST(Relay, AProgramThatPid1ExecutesIsToldToTheAgent) {
  auto bench = armed();
  (void)bench.server(kExecStop);
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kExecuted});
}

TEST(Relay, AnArmedAgentsGdbserverIsReleasedWhenTheDebuggerDetaches) {
  const std::string_view settings[] = {"QPassSignals:e"};
  auto bench = held();
  bench->set_settings(settings);
  bench->arm();
  bench.connect();
  (void)bench.line("+" + framed("Z0,1000,1"));
  (void)bench.asked();
  EXPECT_EQ(bench.line("+" + framed("D;1")), "+" + framed("OK"));
  EXPECT_EQ(bench.asked(), Payloads{"z0,1000,1"});
  EXPECT_EQ(bench.wishes() & Relay::kReleaseServer, unsigned{Relay::kReleaseServer});
}

TEST(Relay, GdbserverEndingInTheMiddleOfARequestIsToldToTheDebugger) {
  auto bench = connected();
  bench.silent = true;
  (void)bench.send("g");
  bench->server_gone();
  EXPECT_EQ(bench.out(), framed("E.gdbdebug: gdbserver has ended; connect again"));
  EXPECT_FALSE(bench->in_session());
}

// ---- Ctrl-C ----

TEST(Relay, CtrlCStopsPid1AndIsToldAsSigint) {
  auto bench = running();
  EXPECT_EQ(bench.line("\003"), "");
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kStopPid1});
  EXPECT_EQ(bench.server(kSigstop), framed("T02thread:p1.1;"));
  EXPECT_EQ(bench->pid1(), Pid1::kHeld);
}

TEST(Relay, ImpatientCtrlCsStopPid1Once) {
  auto bench = running();
  (void)bench.line("\003\003\003");
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kStopPid1});
  EXPECT_EQ(bench.server(kSigstop), framed("T02thread:p1.1;"));
  EXPECT_EQ(bench.wishes(), 0U);
}

TEST(Relay, CtrlCWhilePid1IsHeldOrNobodyIsConnectedDoesNothing) {
  auto bench = connected();
  EXPECT_EQ(bench.line("\003"), "");
  EXPECT_EQ(bench.wishes(), 0U);
  Bench nobody;
  EXPECT_EQ(nobody.line("\003"), "");
  EXPECT_EQ(nobody.wishes(), 0U);
}

TEST(Relay, AStopThatCameBeforeCtrlCTookEffectIsToldAndTheInterruptAfterIt) {
  for (const std::string_view first : {"T05swbreak:;thread:p1.1;", "T05vfork:p5.5;thread:p1.1;", "T14thread:p1.1;"}) {
    SCOPED_TRACE(first);
    auto bench = running();
    (void)bench.line("\003");
    (void)bench.wishes();
    EXPECT_EQ(bench.server(first), framed(first));
    EXPECT_FALSE(bench->wants_stop());
    (void)bench.line("+" + framed("vCont;c"));  // gdb goes on by itself: a dprintf, a fork, a condition
    EXPECT_TRUE(bench->wants_stop());
    (void)bench.line("\003");
    EXPECT_EQ(bench.wishes(), 0U) << "it is on its way";
    EXPECT_EQ(bench.server(kSigstop), framed("T02thread:p1.1;")) << "its user still waits";
    (void)bench.line("+" + framed("vCont;c"));
    EXPECT_FALSE(bench->wants_stop());
  }
}

TEST(Relay, ACtrlCWhilePid1IsHeldIsForWhatFollows) {
  for (const bool lossy : {false, true}) {
    SCOPED_TRACE(lossy);
    auto bench = connected(lossy);
    (void)bench.line("+" + framed("vCont;c"));
    (void)bench.server("T05swbreak:;thread:p1.1;");
    (void)bench.line("\003+");  // sent before that stop had arrived
    EXPECT_EQ(bench.wishes(), 0U);
    (void)bench.send("vCont;c");
    EXPECT_EQ(bench.wishes(), unsigned{Relay::kStopPid1});
    EXPECT_EQ(bench.server(kSigstop), framed("T02thread:p1.1;"));
    (void)bench.line("+\003");  // the user's Ctrl-C in the middle of that stop
    (void)bench.send("g");
    (void)bench.server("00000000");
    EXPECT_EQ(bench.wishes(), 0U);
    (void)bench.send("vCont;c");
    EXPECT_EQ(bench.wishes(), unsigned{Relay::kStopPid1});
    EXPECT_EQ(bench.server(kSigstop), framed("T02thread:p1.1;"));
    (void)bench.line("+\003");
    (void)bench.send("D;1");  // a debugger that leaves takes it along
    (void)bench.server("OK");
    EXPECT_EQ(bench.wishes() & Relay::kStopPid1, 0U);
  }
}

TEST(Relay, ASignalIsNotDeliveredTwiceWhenASwallowedStopIsResumed) {
  struct Case {
    std::string_view resumed, again;
  };
  const Case cases[] = {
      {"vCont;C1e:p1.1", "vCont;c:p1.1"},
      {"vCont;S1e:p1.1;c:p1.-1", "vCont;s:p1.1;c:p1.-1"},
      {"vCont;C1e", "vCont;c"},
      {"vCont;r1000,2000:p1.1;C1e", "vCont;r1000,2000:p1.1;c"},
      {"vCont;s:p1.1", "vCont;s:p1.1"},
      {"C1e", "c"},
      {"S1e", "s"},
      {"s", "s"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.resumed);
    auto bench = running();
    (void)bench.send("qSupported");  // the next debugger, for which PID 1 is stopped
    (void)bench.server("T1ethread:p1.1;");
    (void)bench.line("+" + framed("g"));
    bench.silent = true;
    (void)bench.line("+" + framed(one.resumed));
    (void)bench.asked();
    EXPECT_EQ(bench.server(kSigstop), "");
    EXPECT_EQ(bench.asked(), Payloads{std::string(one.again)});
  }
}

TEST(Relay, AResumeThatCannotBeRememberedIsRefused) {
  auto bench = connected();
  const auto reply = bench.line("+" + framed("vCont;c" + std::string(600, ';')));
  EXPECT_TRUE(reply.starts_with("+$E.gdbdebug: ")) << reply;
  EXPECT_EQ(bench->pid1(), Pid1::kHeld);
  EXPECT_EQ(bench.asked(), Payloads{});
}

// ---- coming back ----

TEST(Relay, APacketWhilePid1RunsComesFromANewDebuggerAndStopsPid1First) {
  auto bench = running();
  EXPECT_EQ(bench.send("qSupported"), "+");
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kStopPid1});
  EXPECT_EQ(bench.asked(), Payloads{}) << "gdbserver takes nothing while PID 1 runs";
  EXPECT_TRUE(bench.server(kSigstop).starts_with("$PacketSize=")) << "the stop is swallowed, the request answered";
  EXPECT_EQ(bench.asked(), (Payloads{std::string(kRenewed), "qSupported"}));
  bench.answers["?"] = kSigstop;
  EXPECT_EQ(bench.line("+" + framed("?")), "+" + framed("T00thread:p1.1;")) << "it stands there with no signal";
}

TEST(Relay, TheBreakpointsOfALostDebuggerAreRemovedBeforeTheNextOneIsAnswered) {
  auto bench = connected();
  for (const std::string_view packet :
       {"Z0,1000,1", "Z0,2000,1", "Z2,3000,8", "z0,1000,1", "Z0,2000,1", "Z0,4000,1;X1,ff"}) {
    (void)bench.line("+" + framed(packet));
  }
  (void)bench.line("+" + framed("vCont;c"));
  (void)bench.asked();
  EXPECT_EQ(bench.send("qSupported"), "+");
  (void)bench.server(kSigstop);
  auto asked = bench.asked();
  ASSERT_EQ(asked.size(), 5U);
  std::sort(asked.begin(), asked.begin() + 3);  // in whatever order
  EXPECT_EQ(asked, (Payloads{"z0,2000,1", "z0,4000,1", "z2,3000,8", std::string(kRenewed), "qSupported"}));
}

TEST(Relay, ABreakpointThatCannotBeRememberedIsRefused) {
  auto bench = connected();
  for (const char type : {'0', '1', '2', '3', '4'}) {
    for (unsigned i = 0; i < Relay::kMaxBreakpoints / 5; ++i)
      EXPECT_EQ(bench.line("+" + framed("Z" + std::string(1, type) + ",1" + std::to_string(1000 + i) + ",1")),
                "+" + framed("OK"));
  }
  for (std::size_t i = Relay::kMaxBreakpoints / 5 * 5; i < Relay::kMaxBreakpoints; ++i)
    (void)bench.line("+" + framed("Z0,2" + std::to_string(1000 + i) + ",1"));
  (void)bench.asked();
  for (const std::string_view more : {"Z0,3000,1", "Z1,3000,1", "Z2,3000,8", "Z3,3000,8", "Z4,3000,8"}) {
    EXPECT_EQ(bench.line("+" + framed(more)), "+" + framed("E.gdbdebug: 1024 breakpoints are set, and no more can be"));
    EXPECT_EQ(bench.asked(), Payloads{}) << "gdbserver must not set it either";
  }
  EXPECT_EQ(bench.line("+" + framed("Z0,11000,1")), "+" + framed("OK")) << "one that is there, with another condition";
  (void)bench.line("+" + framed("z0,11000,1"));
  EXPECT_EQ(bench.line("+" + framed("Z2,3000,8")), "+" + framed("OK")) << "there is room again";
  (void)bench.asked();
  bench->line_lost();
  (void)bench.line("");
  const auto asked = bench.asked();
  EXPECT_EQ(std::count_if(asked.begin(), asked.end(), [](const auto& one) { return one.starts_with("z"); }), 1024);
}

TEST(Relay, ABreakpointOfAFormThatIsNotKnownIsRefused) {
  for (const std::string_view packet : {"Z", "Z0", "Z0,", "Z0,1000", "Z0,1000,", "Z0,1000,x", "Z5,1000,1", "Z0 ,1000,1",
                                        "Z0,10000000000000000,1", "Z0,1000,100000000", "z00,1000,1"}) {
    SCOPED_TRACE(packet);
    auto bench = connected();
    EXPECT_TRUE(bench.line("+" + framed(packet)).starts_with("+$E.gdbdebug: "));
    EXPECT_EQ(bench.asked(), Payloads{});
  }
}

TEST(Relay, ABreakpointIsTheSameInWhateverFormItsNumbersAre) {
  auto bench = connected();
  (void)bench.line("+" + framed("Z0,00401000,01"));
  (void)bench.line("+" + framed("Z0,401000,1"));
  (void)bench.line("+" + framed("z0,0401000,1"));
  (void)bench.asked();
  bench->line_lost();
  (void)bench.line("");
  EXPECT_EQ(bench.asked(), Payloads{std::string(kRenewed)});
}

TEST(Relay, ABreakpointThatGdbTakesOutOfAChildIsStillInPid1) {
  auto bench = connected();
  (void)bench.line("+" + framed("Z0,1000,1"));
  (void)bench.line("+" + framed("vCont;c"));
  (void)bench.server("T05fork:p5.5;thread:p1.1;");
  (void)bench.line("+" + framed("Hgp5.5"));
  (void)bench.line("+" + framed("z0,1000,1"));
  (void)bench.line("+" + framed("D;5"));
  (void)bench.asked();
  bench->line_lost();
  (void)bench.line("");
  EXPECT_EQ(bench.asked(), (Payloads{"Hgp1.0", "z0,1000,1"}));
}

TEST(Relay, ABreakpointOfAChildIsTakenOutOfTheChild) {
  auto bench = connected();
  (void)bench.line("+" + framed("Z0,1000,1"));
  (void)bench.line("+" + framed("Hgp5.5"));
  (void)bench.line("+" + framed("Z0,2000,1"));
  bench.answers["Hgp7.7"] = "E01";
  (void)bench.line("+" + framed("Hgp7.7"));
  (void)bench.line("+" + framed("Z0,3000,1"));
  (void)bench.line("+" + framed("Hgp0.0"));
  (void)bench.line("+" + framed("Z0,4000,1"));
  (void)bench.asked();
  bench->line_lost();
  (void)bench.line("");
  EXPECT_EQ(bench.asked(),
            (Payloads{"z0,4000,1", "z0,3000,1", "z0,2000,1", "Hgp1.0", "z0,1000,1", std::string(kRenewed)}));
}

TEST(Relay, CommandsAtTheTargetAndDisconnectedTracingAreNeitherOfferedNorTaken) {
  auto bench = held(false);
  bench.answers["qSupported"] =
      "PacketSize=20000;ConditionalBreakpoints+;BreakpointCommands+;DisconnectedTracing+;EnableDisableTracepoints+";
  EXPECT_EQ(bench.send("qSupported"),
            "+" + framed("PacketSize=20000;ConditionalBreakpoints+;EnableDisableTracepoints+;QStartNoAckMode+"));
  (void)bench.asked();
  for (const std::string_view packet :
       {"QTDisconnected:1", "QTDisconnected:01", "Z0,1000,1;cmds:1,X3,220127", "Z0,1000,1;X1,27;cmds:0,X1,27"}) {
    SCOPED_TRACE(packet);
    EXPECT_TRUE(bench.line("+" + framed(packet)).starts_with("+$E.gdbdebug: "));
    EXPECT_EQ(bench.asked(), Payloads{});
  }
  EXPECT_EQ(bench.line("+" + framed("QTDisconnected:0")), "+" + framed("OK"));
}

TEST(Relay, TracingEndsWithTheSession) {
  auto bench = connected();
  (void)bench.line("+" + framed("QTinit"));
  (void)bench.line("+" + framed("QTStart"));
  (void)bench.asked();
  EXPECT_EQ(bench.line("+" + framed("D;1")), "+" + framed("OK"));
  EXPECT_EQ(bench.asked(), (Payloads{"QTStop", "QTinit", "D;1"}));
}

TEST(Relay, ABreakpointThatGdbserverRefusedIsNotRemoved) {
  auto bench = connected();
  bench.answers["Z0,1000,1"] = "E01";
  (void)bench.line("+" + framed("Z0,1000,1"));
  (void)bench.asked();
  bench->line_lost();
  (void)bench.line("");
  EXPECT_EQ(bench.asked(), Payloads{std::string(kRenewed)});
}

TEST(Relay, AnEmptyPacketIsPassedOnWhateverCameBeforeIt) {
  auto bench = connected();
  (void)bench.line("+" + framed("z0,1000,1"));
  bench.answers[""] = "OK";  // and not taken for a breakpoint's reply
  EXPECT_EQ(bench.line("+" + framed("")), "+" + framed("OK"));
}

TEST(Relay, AnArmedAgentsSettingsAreToldAgainAfterADebugger) {
  const std::string_view settings[] = {"QProgramSignals:1;2", "QPassSignals:e"};
  auto bench = connected();
  bench->set_settings(settings);
  bench->line_lost();
  (void)bench.line("");
  EXPECT_EQ(bench.asked(), (Payloads{std::string(kRenewed)}));
}

TEST(Relay, ADebuggerLostWhilePid1IsHeldLeavesItHeld) {
  auto bench = connected();
  (void)bench.line("+" + framed("Z0,1000,1"));
  (void)bench.asked();
  bench->line_lost();
  (void)bench.line("");
  EXPECT_EQ(bench.asked(), (Payloads{"z0,1000,1", std::string(kRenewed)}));
  EXPECT_EQ(bench->pid1(), Pid1::kHeld);
  EXPECT_FALSE(bench->in_session());
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kLost});
  EXPECT_FALSE(bench->runs_on());
  EXPECT_TRUE(bench.send("qSupported").starts_with("+$PacketSize=")) << "the next one finds it there";
}

TEST(Relay, ADebuggerLostWhilePid1RunsLeavesItRunning) {
  auto bench = connected();
  (void)bench.line("+" + framed("Z0,1000,1"));
  (void)bench.line("+" + framed("vCont;c"));
  (void)bench.asked();
  bench->line_lost();
  EXPECT_TRUE(bench->runs_on());
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kStopPid1 | Relay::kLost})
      << "a breakpoint can only be taken out of a stopped process";
  (void)bench.server(kSigstop);
  EXPECT_EQ(bench.asked(), Payloads{"z0,1000,1"});
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kReleaseServer});
  EXPECT_TRUE(bench->at_own_stop()) << "the agent must know, to send a SIGCONT after it";
  bench->server_gone();
  EXPECT_EQ(bench->pid1(), Pid1::kFree);
}

TEST(Relay, ADebuggerLostAtAStopThatOnlyGdbAskedForLeavesPid1Running) {
  struct Case {
    std::string_view stop;
    bool runs;
  };
  const Case cases[] = {
      {"T05fork:p5.5;thread:p1.1;", true},
      {"T05vfork:p5.5;thread:p1.1;", true},
      {"T05vforkdone:;thread:p1.1;", true},
      {"T05swbreak:;thread:p1.1;", false},
      {"T05syscall_entry:e7;thread:p1.1;", false},
      {"T05exec:2f78;thread:p1.1;", false},
      {"T0bthread:p1.1;", false},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.stop);
    auto bench = running();
    (void)bench.server(one.stop);
    (void)bench.line("+");
    bench->line_lost();
    (void)bench.line("");
    EXPECT_EQ(bench.wishes() & ~unsigned{Relay::kExecuted},
              one.runs ? unsigned{Relay::kLost | Relay::kReleaseServer} : unsigned{Relay::kLost});
  }
}

TEST(Relay, ABreakpointHitWhileTheLostDebuggersBreakpointsAreRemovedIsForNobody) {
  auto bench = connected();
  (void)bench.line("+" + framed("Z0,1000,1"));
  (void)bench.line("+" + framed("vCont;c"));
  (void)bench.asked();
  bench->line_lost();
  (void)bench.wishes();
  EXPECT_EQ(bench.server("T05swbreak:;thread:p1.1;"), "") << "it came before the SIGSTOP";
  EXPECT_EQ(bench.asked(), Payloads{"z0,1000,1"});
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kReleaseServer | Relay::kCancelStop});
}

TEST(Relay, ALineLostInTheMiddleOfAPacketLeavesNothingOfIt) {
  auto bench = connected();
  (void)bench.line("$m1000,4");
  bench->line_lost();
  (void)bench.line("");
  EXPECT_TRUE(bench.send("qSupported").starts_with("+$PacketSize="));
}

TEST(Relay, AReplyToALostDebuggerIsNotForTheNextOne) {
  auto bench = connected();
  bench.silent = true;
  (void)bench.send("m1000,4");
  bench->line_lost();
  EXPECT_EQ(bench.send("qSupported"), "+");
  bench.silent = false;
  (void)bench.server("aabbccdd");
  EXPECT_EQ(bench.asked(), (Payloads{"m1000,4", std::string(kRenewed), "qSupported"}));
}

TEST(Relay, ALineLostAfterEveryByteOfASessionLeavesARelayThatTakesTheNextDebugger) {
  const std::string session = framed("qSupported") + "+" + framed("?") + "+" + framed("Z0,1000,1") + "+" + framed("g") +
                              "+" + framed("vCont;c") + "\003";
  for (std::size_t cut = 0; cut <= session.size(); ++cut) {
    SCOPED_TRACE(cut);
    auto bench = held();
    (void)bench.line(std::string_view(session).substr(0, cut));
    bench->line_lost();
    (void)bench.out();
    if (bench->pid1() == Pid1::kRunning) {
      EXPECT_NE(bench.wishes() & Relay::kStopPid1, 0U);
      (void)bench.server(kSigstop);
      EXPECT_EQ(bench.wishes(), unsigned{Relay::kReleaseServer});
      bench->server_gone();
    }
    (void)bench.line("");
    (void)bench.wishes();
    EXPECT_TRUE(bench.send("qSupported").starts_with("+")) << "the next debugger is heard";
    if ((bench.wishes() & Relay::kStartServer) != 0) bench->server_ready(Pid1::kHeld);
    (void)bench.line("+");
    EXPECT_TRUE(bench->in_session());
    EXPECT_EQ(bench->pid1(), Pid1::kHeld);
  }
}

TEST(Relay, ASessionIsTheSameHoweverItsBytesAreSplit) {
  const std::string requests[] = {framed("qSupported"), "+" + framed("?"),   "+" + framed("Z0,1000,1"),
                                  "+" + framed("g"),    "+" + framed("D;1"), "+"};
  const auto play = [&](std::size_t piece) {
    auto bench = held();
    std::string seen;
    for (const std::string_view request : requests) {
      for (std::size_t at = 0; at < request.size(); at += piece) seen += bench.line(request.substr(at, piece));
    }
    return seen;
  };
  const auto whole = play(1000);
  EXPECT_TRUE(whole.ends_with("+" + framed("OK")));
  for (std::size_t piece = 1; piece < 20; ++piece) EXPECT_EQ(play(piece), whole) << "in pieces of " << piece;
}

// ---- nobody there ----

TEST(Relay, AStopWithNobodyThereIsTheAgentsBusiness) {
  Bench bench;
  bench->server_ready(Pid1::kRunning);
  EXPECT_EQ(bench.server("T0bthread:p1.1;"), "");
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kUnattended});
  EXPECT_EQ(bench->last_stop(), "T0bthread:p1.1;");
  bench->release();
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kReleaseServer});
}

TEST(Relay, ReleasingLetsGdbserverGo) {
  auto bench = held();
  bench->release();
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kReleaseServer});
  Bench nothing;
  nothing->release();
  EXPECT_EQ(nothing.wishes(), 0U);
}

TEST(Relay, ADebuggerThatArrivesWhileGdbserverIsReleasedGetsANewOne) {
  auto bench = held();
  bench->release();
  EXPECT_EQ(bench.send("qSupported"), "+");
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kReleaseServer});
  bench->server_gone();
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kStartServer});
  bench->server_ready(Pid1::kHeld);
  EXPECT_TRUE(bench.line("").starts_with("$PacketSize="));
}

// ---- gdbserver's life ----

TEST(Relay, AQSupportedWithoutRegistersInXmlGetsThem) {
  struct Case {
    std::string_view from_debugger, to_server;
  };
  const Case cases[] = {
      {"qSupported", "qSupported:xmlRegisters=i386"},
      {"qSupported:multiprocess+", "qSupported:multiprocess+;xmlRegisters=i386"},
      {"qSupported:xmlRegisters=i386,arm;swbreak+", "qSupported:xmlRegisters=i386,arm;swbreak+"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.from_debugger);
    auto bench = held();
    bench.raw = true;
    (void)bench.send(one.from_debugger);
    EXPECT_EQ(bench.asked(), Payloads{std::string(one.to_server)}) << "gdbserver 16 ends of it on x86 with AVX";
  }
}

TEST(Relay, MonitorExitIsRefusedInEveryForm) {
  for (const std::string_view request : {"qRcmd,65786974", "qRcmd,6578697400", "qRcmd,65786974006161"}) {
    SCOPED_TRACE(request);
    auto bench = connected();
    EXPECT_TRUE(bench.send(request).starts_with("+$67646264656275673a20")) << "a text in hexadecimal digits";
    EXPECT_EQ(bench.asked(), Payloads{});
  }
  auto bench = connected();
  (void)bench.send("qRcmd,657869742061");  // "exit a" is no command of gdbserver's
  EXPECT_EQ(bench.asked(), Payloads{"qRcmd,657869742061"});
}

TEST(Relay, TheEndOfAnotherProcessIsNotPid1s) {
  for (const std::string_view end : {"W3;process:3f", "W00;process:5", "X0b;process:3f"}) {
    SCOPED_TRACE(end);
    Bench bench;
    bench->server_ready(Pid1::kRunning);
    EXPECT_EQ(bench.server(end), "");
    EXPECT_EQ(bench.asked(), Payloads{"vCont;c"});
    EXPECT_EQ(bench->pid1(), Pid1::kRunning);
    EXPECT_EQ(bench.wishes(), 0U);
  }
  Bench bench;
  bench->server_ready(Pid1::kRunning);
  (void)bench.server("X0b;process:1");
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kUnattended});
}

TEST(Relay, AFaultOfAnotherProcessIsNotPid1sEnd) {
  auto bench = running();
  (void)bench.server("T0bthread:p3f.3f;");
  EXPECT_FALSE(bench->at_end());
  EXPECT_EQ(bench->signal(), 0U);
}

TEST(Relay, ADebuggerThatFollowsAChildLeavesPid1AndKeepsItsSession) {
  auto bench = running();
  bench->arm();
  (void)bench.server("T05fork:p5.5;thread:p1.1;");
  EXPECT_EQ(bench.line("+" + framed("D;1")), "+" + framed("OK"));
  EXPECT_EQ(bench.asked(), Payloads{"D;1"}) << "only gdbserver can let go of one of two";
  EXPECT_EQ(bench.wishes() & Relay::kLetGo, unsigned{Relay::kLetGo});
  EXPECT_TRUE(bench->let_go());
  EXPECT_EQ(bench.line("+" + framed("Hgp5.5")), "+" + framed("OK"));
  (void)bench.line("+" + framed("vCont;c:p5.-1"));
  EXPECT_EQ(bench->running_process(), 5U) << "what Ctrl-C stops";
  EXPECT_EQ(bench.line("\003"), "");
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kStopPid1});
  EXPECT_EQ(bench.server("T11thread:p5.5;"), framed("T02thread:p5.5;"));
  (void)bench.line("+" + framed("vCont;c:p5.-1"));
  EXPECT_EQ(bench.server("W00;process:5"), framed("W00;process:5"));
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kReleaseServer}) << "nothing is left to be debugged";
  EXPECT_TRUE(bench->expects_end());
}

TEST(Relay, ADebuggerThatIsLostWithAChildLeavesItToItself) {
  auto bench = running();
  (void)bench.server("T05fork:p5.5;thread:p1.1;");
  (void)bench.line("+" + framed("D;1"));
  (void)bench.wishes();
  bench->line_lost();
  (void)bench.line("");
  EXPECT_NE(bench.wishes() & Relay::kReleaseServer, 0U);
}

TEST(Relay, ADetachFromAChildEndsNoSessionThatHasPid1) {
  auto bench = running();
  (void)bench.server("T05fork:p5.5;thread:p1.1;");
  EXPECT_EQ(bench.line("+" + framed("D;5")), "+" + framed("OK"));
  EXPECT_EQ(bench.asked(), Payloads{"D;5"});
  EXPECT_TRUE(bench->in_session());
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kOtherLetGo}) << "gdbserver sends it no SIGCONT behind its fence";
  EXPECT_EQ(bench->let_go_process(), 5U);
}

TEST(Relay, AGdbserverThatOwesAnAnswerIsReplacedOnlyWhenSomebodyKnocks) {
  auto bench = connected();
  bench.silent = true;
  (void)bench.line("+" + framed("vFile:open:2f,0,0"));
  bench->tick(bench.now += 60'000);
  EXPECT_EQ(bench.wishes(), 0U) << "nobody waits but the one who asked";
  (void)bench.line(framed("qSupported"));
  bench->tick(bench.now);
  ASSERT_NE(bench->deadline(), std::nullopt);
  bench->tick(bench.now += 3'999);
  EXPECT_EQ(bench.wishes() & Relay::kServerStuck, 0U);
  bench->tick(bench.now += 1);
  EXPECT_NE(bench.wishes() & Relay::kServerStuck, 0U);
  bench.silent = false;
  bench->server_replaced();
  EXPECT_TRUE(bench.line("").starts_with("$PacketSize=")) << "the one who knocked gets the new one";
  EXPECT_EQ(bench->pid1(), Pid1::kHeld);
}

TEST(Relay, AGdbserverThatIsReplacedInASessionEndsIt) {
  auto bench = connected();
  bench.silent = true;
  (void)bench.send("g");
  bench->server_replaced();
  EXPECT_EQ(bench.out(), framed("E.gdbdebug: gdbserver has ended; connect again"));
  EXPECT_FALSE(bench->in_session());
  EXPECT_EQ(bench->pid1(), Pid1::kHeld);
}

TEST(Relay, WhatABreakpointTakesThePlaceOfIsNotedUntilItIsOut) {
  static constexpr std::string_view kMemory = "\x55\x48\x89\xe5";
  auto relay = std::make_unique<Relay>(true, nullptr, [](std::uint64_t address, std::span<char> bytes) {
    if (address != 0x1000 || bytes.size() > kMemory.size()) return false;
    std::copy_n(kMemory.begin(), bytes.size(), bytes.begin());
    return true;
  });
  relay->server_ready(Pid1::kHeld);
  const auto ask = [&](std::string_view request) {
    relay->line_bytes(framed(request));
    relay->to_server().clear();
    relay->server_bytes(framed("OK"), 1000);
    relay->line_bytes("+");
    relay->to_line().clear();
  };
  ask("qSupported");
  ask("Z0,1000,1");
  ask("Z0,2000,1");
  ask("Z2,1000,4");
  ASSERT_EQ(relay->breakpoints().size(), 3U);
  EXPECT_EQ(relay->breakpoints()[0].size, 1);
  EXPECT_EQ(relay->breakpoints()[0].original[0], '\x55');
  EXPECT_EQ(relay->breakpoints()[1].size, 0) << "that could not be read";
  EXPECT_EQ(relay->breakpoints()[2].size, 0) << "a watchpoint takes no place";
  ask("z0,1000,1");
  EXPECT_EQ(relay->breakpoints().size(), 2U);
}

TEST(Relay, WithAHelperOfGdbserversAStopIsQueuedWheneverPid1Stands) {
  auto bench = connected();
  (void)bench.send("vFile:setfs:1");
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kStopPid1});
  (void)bench.line("+" + framed("vCont;s:p1.1"));
  (void)bench.asked();
  EXPECT_EQ(bench.server(kSigstop), "") << "it comes before the step";
  EXPECT_EQ(bench.asked(), Payloads{"vCont;s:p1.1"});
  EXPECT_EQ(bench.server("T05thread:p1.1;"), framed("T05thread:p1.1;"));
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kStopPid1});
  (void)bench.line("+" + framed("D;1"));
  EXPECT_NE(bench.wishes() & Relay::kCancelStop, 0U);
}

// ---- hello ----

TEST(Relay, ANewlineBetweenPacketsAsksForTheHello) {
  struct Case {
    const char* what;
    std::string_view bytes;
    bool asked;
  };
  const Case cases[] = {
      {"newline", "\n", true},
      {"carriage return", "\r", true},
      {"both", "\r\n", true},
      {"a word and Enter", "hello\r", true},
      {"a word without Enter", "hello", false},
      {"in a packet", "$m\n", false},
      {"in a whole packet", "$\n#0a", false},
      {"after an acknowledgement", "+\n", true},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.what);
    auto bench = held();
    (void)bench.line(one.bytes);
    EXPECT_EQ((bench.wishes() & Relay::kHello) != 0, one.asked);
  }
}

TEST(Relay, TheWordReportOnALineOfItsOwnAsksForAReport) {
  struct Case {
    std::string_view bytes;
    unsigned wishes;
  };
  const Case cases[] = {
      {"report\r", Relay::kReport},
      {"report\r\n", Relay::kReport | Relay::kHello},
      {"\nreport\n", Relay::kReport | Relay::kHello},
      {"report", 0},
      {"reports\n", Relay::kHello},
      {"a report\n", Relay::kHello},
      {"gdbdebug report\n", 0},  // an echo
      {"Report\n", Relay::kHello},
      {"+report\n", Relay::kReport},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(testing::PrintToString(one.bytes));
    auto bench = held();
    (void)bench.line(one.bytes);
    EXPECT_EQ(bench.wishes() & (Relay::kHello | Relay::kReport), one.wishes);
    auto slow = held();
    for (const char& byte : one.bytes) (void)slow.line({&byte, 1});
    EXPECT_EQ(slow.wishes() & (Relay::kHello | Relay::kReport), one.wishes) << "byte by byte";
  }
}

TEST(Relay, APacketAsksForAReportAndTouchesNoSession) {
  const auto request = framed(rsp::kReportRequest);
  Bench free;
  EXPECT_EQ(free.line(request), "+" + framed("OK"));
  EXPECT_EQ(free.wishes(), unsigned{Relay::kReport});
  EXPECT_FALSE(free->has_guest());

  auto bench = connected();
  EXPECT_EQ(bench.line(request), "+" + framed("OK"));
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kReport});
  EXPECT_EQ(bench.send("g"), "+" + framed("0011"));

  auto runs = running();
  EXPECT_EQ(runs.line(request), "+") << "a reply would be taken for a stop";
  EXPECT_EQ(runs.wishes(), unsigned{Relay::kReport});
  EXPECT_EQ(runs.server(kPlainStop), framed(kPlainStop));

  auto quiet = connected(false);
  (void)quiet.send("QStartNoAckMode");
  EXPECT_EQ(quiet.line("+" + request), framed("OK"));
}

TEST(Relay, ATextOfTheAgentsGoesOutBehindWhatIsThere) {
  auto bench = held();
  bench->queue_text("gdbdebug state=held\r\n");
  EXPECT_EQ(bench.send("?"), "gdbdebug state=held\r\n+" + framed(kPlainStop));
}

// ---- flow control ----

TEST(Relay, ReadsNoMoreFromTheLineThanItCanAnswer) {
  auto bench = connected();
  EXPECT_TRUE(bench->wants_line());
  bench->line_bytes(framed("g"));
  EXPECT_FALSE(bench->wants_line()) << "the request has not gone to gdbserver yet";
  (void)bench.line("");
  EXPECT_TRUE(bench->wants_line());
  bench->queue_text(std::string(5000, 'x'));
  EXPECT_FALSE(bench->wants_line()) << "a line that takes nothing is asked for nothing";
  (void)bench.out();
  EXPECT_TRUE(bench->wants_line());
}

TEST(Relay, AReplyAlwaysFitsWhereThereIsRoomForIt) {
  auto bench = connected(false);
  bench->queue_text(std::string(8191, 'x'));
  ASSERT_TRUE(bench->wants_server());
  const std::string dump(0x20000, 'f');
  bench->line_bytes(framed("m0,ffff"));
  const auto out = bench.server(dump);
  EXPECT_TRUE(out.ends_with(framed(dump))) << "a whole packet of the largest size";
}

TEST(Outbox, RefusesWhatDoesNotFitAndMovesUpWhatIsLeft) {
  Outbox<8> box;
  EXPECT_TRUE(box.add("abcdefgh"));
  EXPECT_FALSE(box.add("i"));
  box.consume(6);
  EXPECT_TRUE(box.add("ijklmn"));
  EXPECT_EQ(box.view(), "ghijklmn");
  EXPECT_FALSE(box.add("o"));
  box.consume(8);
  EXPECT_TRUE(box.empty());
  EXPECT_TRUE(box.add("12345678"));
  EXPECT_EQ(box.view(), "12345678");
  box.clear();
  EXPECT_TRUE(box.empty());
  EXPECT_FALSE(box.add("123456789"));
  EXPECT_TRUE(box.empty());
}

// ---- a line that is a console too ----

std::string text_packet(std::string_view text) {
  Text<2 * Relay::kMaxText + 1> payload("O");
  return framed(payload.add_hex(text));
}

TEST(Relay, ShowsTextWhilePid1RunsAndNobodyOwesAnAcknowledgement) {
  auto bench = connected();
  EXPECT_FALSE(bench->takes_text()) << "PID 1 is held";
  (void)bench.send("vCont;c");
  EXPECT_TRUE(bench->takes_text());
  bench->show_text("hi\n", bench.now);
  EXPECT_EQ(bench.out(), text_packet("hi\n"));
  EXPECT_FALSE(bench->takes_text());
  EXPECT_EQ(bench.line("-"), text_packet("hi\n"));
  EXPECT_EQ(bench.line("+"), "");
  EXPECT_TRUE(bench->takes_text());
}

TEST(Relay, AStopWaitsForTheTextBeforeIt) {
  auto bench = running();
  bench->show_text("text", bench.now);
  (void)bench.out();
  EXPECT_EQ(bench.server(kPlainStop), "");
  EXPECT_FALSE(bench->takes_text());
  bench->tick(bench.now);
  EXPECT_EQ(bench.out(), "");
  EXPECT_EQ(bench.line("-"), text_packet("text"));
  (void)bench.line("+");
  EXPECT_EQ(bench->deadline(), 0U) << "at once";
  bench->tick(bench.now);
  EXPECT_EQ(bench.out(), framed(kPlainStop));
  EXPECT_EQ(bench.line("-"), framed(kPlainStop));
  EXPECT_EQ(bench.line("+"), "");
  EXPECT_EQ(bench.send("g"), "+" + framed("0011"));
}

TEST(Relay, ADebuggerThatTakesNoTextIsLostInTime) {
  auto bench = running();
  bench->show_text("", bench.now);
  EXPECT_EQ(bench.out(), framed("O"));
  bench->tick(bench.now += 4'900);
  EXPECT_EQ(bench.out(), "") << "a gdb that its user has stopped for a moment prints what is repeated twice";
  bench->tick(bench.now += 100);
  EXPECT_EQ(bench.out(), framed("O"));
  EXPECT_TRUE(bench->in_session());
  bench->tick(bench.now += 2'000);
  EXPECT_FALSE(bench->in_session());
  EXPECT_NE(bench.wishes() & Relay::kLost, 0U);
  EXPECT_LT(Relay::kSilenceMs + 7'000, 10'000U);
}

TEST(Relay, AStopOfADebuggerThatIsLostIsNotToldToTheNext) {
  auto bench = running();
  bench->show_text("text", bench.now);
  (void)bench.server(kPlainStop);
  bench->tick(bench.now += 5'000);
  bench->tick(bench.now += 2'000);
  EXPECT_FALSE(bench->in_session());
  (void)bench.out();
  bench->tick(bench.now);
  EXPECT_EQ(bench.out(), "");
}

TEST(Relay, APacketThatChoosesAProcessIsNoDebugger) {
  Bench bench;
  EXPECT_EQ(bench.send("qGdbdebug.hello:75646576"), "");
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kHelloPacket} | unsigned{Relay::kChoose});
  EXPECT_EQ(bench->take_chosen().view(), "udev");
  EXPECT_EQ(bench->take_chosen().view(), "");
  EXPECT_FALSE(bench->has_guest());
  EXPECT_TRUE(bench.asked().empty());
}

TEST(Relay, WhatIsArmedIsPid1AndNoOtherProcess) {
  for (const unsigned subject : {1U, 231U}) {
    SCOPED_TRACE(subject);
    const std::string thread = subject == 1 ? "p1.1" : "pe7.e7";
    Bench bench;
    bench->arm();
    bench->set_subject(subject);
    bench->server_ready_held();
    bench.connect();
    (void)bench.send("vCont;c:" + thread);
    (void)bench.server("T0bthread:" + thread + ";");
    EXPECT_TRUE(bench->at_end());
    EXPECT_EQ(bench.wishes(), subject == 1 ? unsigned{Relay::kFatalStop} : 0U);
    EXPECT_NE(bench.send("vKill;e7").find(subject == 1 ? "panic the machine" : "not gdbdebug's to kill"),
              std::string::npos);
  }
}

TEST(Relay, AnotherProcessIsDetachedFromByItsNumber) {
  Bench bench;
  bench->arm();
  bench->set_subject(231);
  bench->server_ready_held();
  bench.connect();
  EXPECT_EQ(bench.send("D;e7"), "+" + framed("OK"));
  EXPECT_EQ(bench.asked(), Payloads{"D;e7"});
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kReleaseServer});
}

TEST(Relay, APacketThatAsksForTheHelloIsNoDebugger) {
  for (const bool runs : {false, true}) {
    Bench bench;
    bench->server_ready(runs ? Pid1::kRunning : Pid1::kHeld);
    EXPECT_EQ(bench.send(rsp::kHelloRequest), "");
    EXPECT_EQ(bench.wishes(), unsigned{Relay::kHelloPacket});
    bench->answer_hello("gdbdebug version=1 state=held\r\n");
    EXPECT_EQ(bench.out(), "+" + framed("gdbdebug version=1 state=held"));
    EXPECT_FALSE(bench->has_guest());
    EXPECT_TRUE(bench.asked().empty());
    // It comes back from a peer that echoes.
    EXPECT_EQ(bench.line("+" + framed("gdbdebug version=1 state=held")), "");
    EXPECT_FALSE(bench->has_guest());
  }
}

TEST(Relay, WhatIsTypedHasNoReplyAndBeginsNoSession) {
  auto bench = running();
  EXPECT_EQ(bench.send("QGdbdebug.type:6c730d"), "+");
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kTyped});
  EXPECT_EQ(bench->take_typed().view(), "ls\r");
  EXPECT_EQ(bench->take_typed().view(), "");
  // PID 1 has just stopped.
  (void)bench.server(kPlainStop);
  EXPECT_EQ(bench.send("QGdbdebug.type:0d"), "+");
  EXPECT_EQ(bench.wishes() & Relay::kTyped, 0U);
  EXPECT_TRUE(bench.asked().empty());
  auto nobody = held();
  EXPECT_EQ(nobody.send("QGdbdebug.type:0d"), "+");
  EXPECT_FALSE(nobody->has_guest());
}

}  // namespace
}  // namespace gdbdebug
