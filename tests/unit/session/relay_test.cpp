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
  unsigned wishes() { return relay_->take_wishes(); }

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
      }
      if (bytes.empty() || silent) return;
      const auto reply = answer(asked_.back());
      if (reply) relay_->server_bytes(framed(*reply), now);
    }
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

TEST(Relay, ASessionBeginsWithTheFirstPacketWhateverItIs) {
  for (const std::string_view first : {"qSupported", "?", "g", "m1000,4", "vMustReplyEmpty", "Hg0"}) {
    SCOPED_TRACE(first);
    auto bench = held();
    EXPECT_FALSE(bench->in_session());
    EXPECT_TRUE(bench.send(first).starts_with("+$"));
    EXPECT_TRUE(bench->in_session());
    EXPECT_EQ(bench.wishes(), unsigned{Relay::kSessionBegan});
  }
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
  EXPECT_EQ(bench.asked(), (Payloads{"QCatchSyscalls:0", "qSupported"}));
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
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kReleaseServer}) << "PID 1 ran when the debugger was lost: it runs on";
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

TEST(Relay, DetachingEndsTheSession) {
  for (const std::string_view request : {"D;1", "D"}) {
    SCOPED_TRACE(request);
    auto bench = connected();
    EXPECT_EQ(bench.send(request), "+" + framed("OK"));
    EXPECT_EQ(bench.wishes(), 0U);
    bench->server_gone();  // gdbserver --once ends by itself
    EXPECT_FALSE(bench->in_session());
    EXPECT_EQ(bench->pid1(), Pid1::kFree);
    EXPECT_EQ(bench.out(), "") << "nothing is added to the reply that detached";
    (void)bench.line("+" + framed("qSupported"));
    EXPECT_EQ(bench.wishes(), unsigned{Relay::kStartServer}) << "and the next debugger begins anew";
  }
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
  bench->stay_attached();
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

TEST(Relay, ASignalIsForTheThreadThatStopped) {
  auto bench = armed();
  (void)bench.server("T0bthread:p1.2a;");
  (void)bench.line("+" + framed("D;1"));
  (void)bench.asked();
  bench->accept_detach();
  bench->run_on();
  (void)bench.line("");
  EXPECT_EQ(bench.asked().back(), "vCont;C0b:2a;c");
}

TEST(Relay, AnArmedAgentsGdbserverStaysWhenTheDebuggerDetaches) {
  const std::string_view settings[] = {"QPassSignals:e"};
  auto bench = held();
  bench->set_settings(settings);
  bench->stay_attached();
  bench.connect();
  (void)bench.line("+" + framed("Z0,1000,1"));
  (void)bench.asked();
  EXPECT_EQ(bench.line("+" + framed("D;1")), "+" + framed("OK"));
  EXPECT_EQ(bench.asked(), (Payloads{"z0,1000,1", "QCatchSyscalls:0", "QPassSignals:e", "vCont;c"}));
  EXPECT_EQ(bench->pid1(), Pid1::kRunning);
  EXPECT_EQ(bench.wishes() & Relay::kReleaseServer, 0U);
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

TEST(Relay, AStopThatCameBeforeCtrlCTookEffectIsToldAndTheSigstopIsSwallowedLater) {
  auto bench = running();
  (void)bench.line("\003");
  (void)bench.wishes();
  EXPECT_EQ(bench.server("T05swbreak:;thread:p1.1;"), framed("T05swbreak:;thread:p1.1;"));
  (void)bench.line("+" + framed("vCont;c"));
  (void)bench.asked();
  EXPECT_EQ(bench.server(kSigstop), "") << "the debugger has had its stop";
  EXPECT_EQ(bench.asked(), Payloads{"vCont;c"}) << "and PID 1 goes on as it asked";
  EXPECT_EQ(bench->pid1(), Pid1::kRunning);
  EXPECT_EQ(bench.server("T05thread:p1.1;"), framed("T05thread:p1.1;"));
}

TEST(Relay, ASignalIsNotDeliveredTwiceWhenASwallowedStopIsResumed) {
  auto bench = running();
  (void)bench.line("\003");
  (void)bench.server("T1ethread:p1.1;");
  (void)bench.line("+" + framed("vCont;C1e:p1.1"));
  (void)bench.asked();
  (void)bench.server(kSigstop);
  EXPECT_EQ(bench.asked(), Payloads{"vCont;c"});
}

// ---- coming back ----

TEST(Relay, APacketWhilePid1RunsComesFromANewDebuggerAndStopsPid1First) {
  auto bench = running();
  EXPECT_EQ(bench.send("qSupported"), "+");
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kStopPid1});
  EXPECT_EQ(bench.asked(), Payloads{}) << "gdbserver takes nothing while PID 1 runs";
  EXPECT_TRUE(bench.server(kSigstop).starts_with("$PacketSize=")) << "the stop is swallowed, the request answered";
  EXPECT_EQ(bench.asked(), (Payloads{"QCatchSyscalls:0", "qSupported"}));
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
  EXPECT_EQ(asked, (Payloads{"z0,2000,1", "z0,4000,1", "z2,3000,8", "QCatchSyscalls:0", "qSupported"}));
}

TEST(Relay, ABreakpointThatGdbserverRefusedIsNotRemoved) {
  auto bench = connected();
  bench.answers["Z0,1000,1"] = "E01";
  (void)bench.line("+" + framed("Z0,1000,1"));
  (void)bench.asked();
  bench->line_lost();
  (void)bench.line("");
  EXPECT_EQ(bench.asked(), Payloads{"QCatchSyscalls:0"});
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
  EXPECT_EQ(bench.asked(), (Payloads{"QCatchSyscalls:0", "QProgramSignals:1;2", "QPassSignals:e"}));
}

TEST(Relay, ADebuggerLostWhilePid1IsHeldLeavesItHeld) {
  auto bench = connected();
  (void)bench.line("+" + framed("Z0,1000,1"));
  (void)bench.asked();
  bench->line_lost();
  (void)bench.line("");
  EXPECT_EQ(bench.asked(), (Payloads{"z0,1000,1", "QCatchSyscalls:0"}));
  EXPECT_EQ(bench->pid1(), Pid1::kHeld);
  EXPECT_FALSE(bench->in_session());
  EXPECT_EQ(bench.wishes(), 0U);
  EXPECT_TRUE(bench.send("qSupported").starts_with("+$PacketSize=")) << "the next one finds it there";
}

TEST(Relay, ADebuggerLostWhilePid1RunsLeavesItRunning) {
  auto bench = connected();
  (void)bench.line("+" + framed("Z0,1000,1"));
  (void)bench.line("+" + framed("vCont;c"));
  (void)bench.asked();
  bench->line_lost();
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kStopPid1}) << "a breakpoint can only be taken out of a stopped process";
  (void)bench.server(kSigstop);
  EXPECT_EQ(bench.asked(), Payloads{"z0,1000,1"});
  EXPECT_EQ(bench.wishes(), unsigned{Relay::kReleaseServer});
  EXPECT_TRUE(bench->at_own_stop()) << "the agent must know, to send a SIGCONT after it";
  bench->server_gone();
  EXPECT_EQ(bench->pid1(), Pid1::kFree);
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
  EXPECT_EQ(bench.asked(), (Payloads{"m1000,4", "QCatchSyscalls:0", "qSupported"}));
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
    (void)bench.line("");
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
  bench->resume(11);
  (void)bench.line("");
  EXPECT_EQ(bench.asked(), Payloads{"vCont;C0b:1;c"});
  (void)bench.server("T05syscall_return:3b;");
  bench->resume(0);
  (void)bench.line("");
  EXPECT_EQ(bench.asked(), Payloads{"vCont;c"});
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

}  // namespace
}  // namespace gdbdebug
