// SPDX-License-Identifier: GPL-2.0-or-later
// The relay on the host: what never reaches the line, and what a lossy line does not break.
#include "session/host_relay.hpp"

#include <gtest/gtest.h>

namespace gdbdebug::client {
namespace {

std::string packet(std::string_view payload) {
  std::string room(payload.size() + 4, '\0');
  return std::string(rsp::frame(payload, room));
}

std::string taken(std::string& bytes) {
  return std::exchange(bytes, {});
}

class ClientRelay : public testing::Test {
 protected:
  // Of another gdbserver than gdbdebug's agent.
  Knowledge knowledge(std::vector<std::string> known = {}) {
    Knowledge knowledge;
    knowledge.descriptions.known = std::move(known);
    knowledge.descriptions.learned = [this](const std::string& text) { learned.push_back(text); };
    return knowledge;
  }
  HostRelay make(std::vector<std::string> known = {}) { return HostRelay(knowledge(std::move(known))); }

  // What goes to the target, and to the debugger, after the debugger asked `payload`.
  std::pair<std::string, std::string> ask(HostRelay& relay, std::string_view payload) {
    relay.debugger_bytes(packet(payload), now);
    return {taken(relay.to_target()), taken(relay.to_debugger())};
  }

  // What goes to the debugger after the target answered.
  std::string answer(HostRelay& relay, std::string_view payload) {
    relay.target_bytes("+" + packet(payload), now);
    return taken(relay.to_debugger());
  }

  std::vector<std::string> learned;
  std::uint64_t now = 1000;
};

TEST_F(ClientRelay, APacketAndItsReplyGoThroughUntouched) {
  auto relay = make();
  const auto [line, here] = ask(relay, "vCont;c");
  EXPECT_EQ(line, packet("vCont;c"));
  EXPECT_EQ(here, "+");
  EXPECT_EQ(answer(relay, "T0506:0*,;"), packet("T0506:0*,;"));
  EXPECT_EQ(taken(relay.to_target()), "+");
}

TEST_F(ClientRelay, WhoDoesNotSpeakOfSwbreakGetsIt) {
  const std::pair<const char*, const char*> rows[] = {
      {"qSupported:xmlRegisters=i386,arm,mips,arc", "qSupported:xmlRegisters=i386,arm,mips,arc;swbreak+"},
      {"qSupported", "qSupported:swbreak+"},
      {"qSupported:swbreak+;hwbreak+", "qSupported:swbreak+;hwbreak+"},
      {"qSupported:swbreak-", "qSupported:swbreak-"},
  };
  for (const auto& [asked, sent] : rows) {
    SCOPED_TRACE(asked);
    auto relay = make();
    EXPECT_EQ(ask(relay, asked).first, packet(sent));
  }
}

TEST_F(ClientRelay, WhoKillsHearsOfAnEndAndTheTargetNothing) {
  auto relay = make();
  const auto [line, here] = ask(relay, "k");
  EXPECT_EQ(line, "");
  EXPECT_EQ(here, "+" + packet("X09"));
}

TEST_F(ClientRelay, WhyTheTargetDoesNotKillIsKeptForTheUser) {
  auto relay = make();
  (void)ask(relay, "vKill;1");
  EXPECT_EQ(answer(relay, "E.gdbdebug: killing PID 1 would panic the machine; use detach"),
            packet("E.gdbdebug: killing PID 1 would panic the machine; use detach"));
  EXPECT_EQ(relay.take_refusal(), "gdbdebug: killing PID 1 would panic the machine; use detach");
  EXPECT_EQ(relay.take_refusal(), "");
  (void)ask(relay, "vCont;c");
  (void)answer(relay, "E.gdbdebug: something else");
  EXPECT_EQ(relay.take_refusal(), "");
}

TEST_F(ClientRelay, AcknowledgementsEndHere) {
  auto relay = make();
  EXPECT_EQ(ask(relay, "qSupported:swbreak+").first, packet("qSupported:swbreak+"));
  EXPECT_EQ(answer(relay, "PacketSize=47ff"), packet("PacketSize=47ff;QStartNoAckMode+"));
  taken(relay.to_target());
  EXPECT_EQ(ask(relay, "QStartNoAckMode"), std::pair(std::string(), "+" + packet("OK")));
  EXPECT_EQ(ask(relay, "vCont;c"), std::pair(packet("vCont;c"), std::string())) << "no + in this mode";
}

TEST_F(ClientRelay, WhatIsKnownHereIsNotAsked) {
  auto relay = make();
  EXPECT_EQ(ask(relay, "qTStatus"), std::pair(std::string(), "+" + packet("")));
  EXPECT_EQ(ask(relay, "vMustReplyEmpty"), std::pair(std::string(), "+" + packet("")));
  EXPECT_EQ(ask(relay, "qAttached:1"), std::pair(std::string(), "+" + packet("1")));
}

TEST_F(ClientRelay, ALostPacketIsSentAgainAndAtLastGivenUp) {
  auto relay = make();
  (void)ask(relay, "g");
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(relay.deadline());
    now = *relay.deadline() - 1;
    relay.tick(now);
    EXPECT_EQ(taken(relay.to_target()), "") << "too early";
    relay.tick(++now);
    EXPECT_EQ(taken(relay.to_target()), packet("g"));
    EXPECT_FALSE(relay.given_up());
  }
  relay.tick(*relay.deadline());
  EXPECT_TRUE(relay.given_up());
}

TEST_F(ClientRelay, AnAcknowledgedPacketIsNotSentAgain) {
  auto relay = make();
  (void)ask(relay, "vCont;c");
  relay.target_bytes("+", now);
  EXPECT_FALSE(relay.deadline());
  relay.target_bytes("-", now);
  EXPECT_EQ(taken(relay.to_target()), "");
}

TEST_F(ClientRelay, ADamagedReplyIsAskedForAgain) {
  auto relay = make();
  (void)ask(relay, "qC");
  auto damaged = packet("QCp1.1");
  damaged[1] ^= 1;
  relay.target_bytes("+" + damaged, now);
  EXPECT_EQ(taken(relay.to_target()), "-");
  EXPECT_EQ(taken(relay.to_debugger()), "");
  relay.target_bytes(packet("QCp1.1"), now);
  EXPECT_EQ(taken(relay.to_debugger()), packet("QCp1.1"));
}

// The check of a packet is one byte: a long one that is damaged again and again is at last taken for a good one.
TEST_F(ClientRelay, OnALineThatDamagesRepliesLessIsReadAtATimeUntilItIsTheSameTwice) {
  auto relay = make();
  (void)ask(relay, "qXfer:auxv:read::0,1000");
  taken(relay.to_target());
  auto damaged = packet("m0011");
  damaged[1] ^= 1;
  relay.target_bytes("+" + damaged, now);
  const auto less = packet("qXfer:auxv:read::0,100");
  EXPECT_EQ(taken(relay.to_target()), "+" + less);
  relay.target_bytes("+" + damaged, now);
  EXPECT_EQ(taken(relay.to_target()), "-");
  for (const auto* const wrong : {"m0012", "m0011"}) {
    relay.target_bytes("+" + packet(wrong), now);
    EXPECT_EQ(taken(relay.to_debugger()), "");
    EXPECT_EQ(taken(relay.to_target()), "+" + less);
  }
  EXPECT_EQ(answer(relay, "m0011"), packet("m0011"));
}

TEST_F(ClientRelay, AReplyThatIsLostAsAWholeIsAskedForAgain) {
  auto relay = make();
  (void)ask(relay, "g");
  taken(relay.to_target());
  relay.target_bytes("+", now);
  ASSERT_TRUE(relay.deadline());
  now = *relay.deadline();
  relay.tick(now);
  EXPECT_EQ(taken(relay.to_target()), "-");
  EXPECT_FALSE(relay.given_up());
}

TEST_F(ClientRelay, AReplyThatCameTwiceReachesTheDebuggerOnce) {
  auto relay = make();
  (void)ask(relay, "g");
  EXPECT_EQ(answer(relay, "0011"), packet("0011"));
  EXPECT_EQ(answer(relay, "0011"), "");
}

// Two NAKs for one damaged packet bring two copies, of which the second meets the next request.
TEST_F(ClientRelay, ACopyOfTheReplyBeforeIsNotTakenForTheNextReply) {
  auto relay = make();
  (void)ask(relay, "g");
  EXPECT_EQ(answer(relay, "0011"), packet("0011"));
  (void)ask(relay, "m1000,2");
  taken(relay.to_target());
  relay.target_bytes(packet("0011"), now);
  EXPECT_EQ(taken(relay.to_debugger()), "");
  EXPECT_EQ(taken(relay.to_target()), "") << "not acknowledged, so that the target repeats it if it is the reply";
  EXPECT_EQ(answer(relay, "2233"), packet("2233"));
}

TEST_F(ClientRelay, AReplyLikeTheOneBeforeWhoseRequestsAcknowledgementIsLostArrivesInTheEnd) {
  auto relay = make();
  (void)ask(relay, "Z0,1000,1");
  (void)answer(relay, "OK");
  (void)ask(relay, "Z0,2000,1");
  taken(relay.to_target());
  relay.target_bytes(packet("OK"), now);  // the + before it was lost
  EXPECT_EQ(taken(relay.to_debugger()), "");
  now = *relay.deadline();
  relay.tick(now);
  EXPECT_EQ(taken(relay.to_target()), packet("Z0,2000,1"));
  EXPECT_EQ(answer(relay, "OK"), packet("OK"));
}

TEST_F(ClientRelay, APacketWhoseEndWasLostIsAskedForAgain) {
  auto relay = make();
  (void)ask(relay, "g");
  taken(relay.to_target());
  relay.target_bytes("$0011", now);
  now = *relay.deadline();
  relay.tick(now);
  EXPECT_EQ(taken(relay.to_target()), "-" + packet("g")) << "what acknowledged the request may be in it";
  EXPECT_EQ(answer(relay, "0011"), packet("0011"));
}

TEST_F(ClientRelay, CtrlCGoesOutAtOnce) {
  auto relay = make();
  (void)ask(relay, "vCont;c");
  relay.debugger_bytes("\003", now);
  EXPECT_EQ(taken(relay.to_target()), "\003");
}

TEST_F(ClientRelay, TheSameReadInOneBreathIsAnsweredHereAndLaterAnew) {
  auto relay = make();
  (void)ask(relay, "m1000,8");
  (void)answer(relay, "0011");
  taken(relay.to_target());
  now += 100;
  EXPECT_EQ(ask(relay, "m1000,8"), std::pair(std::string(), "+" + packet("0011")));
  now += 60000;
  EXPECT_EQ(ask(relay, "m1000,8").first, packet("m1000,8"));
}

TEST_F(ClientRelay, WhatMayChangeMemoryEndsTheBreath) {
  for (const char* change : {"M1000,1:00", "X1000,1:a", "vCont;s:p1.1", "G00", "P0=00", "Z0,1000,1", "qRcmd,6162",
                             "qXfer:siginfo:write::0:a"}) {
    SCOPED_TRACE(change);
    auto relay = make();
    (void)ask(relay, "m1000,8");
    (void)answer(relay, "0011");
    (void)ask(relay, change);
    (void)answer(relay, "OK");
    taken(relay.to_target());
    EXPECT_EQ(ask(relay, "m1000,8").first, packet("m1000,8"));
  }
}

TEST_F(ClientRelay, BinaryReadsAreAnsweredAgainLikeThoseInDigits) {
  auto relay = make();
  (void)ask(relay, "x1000,2");
  EXPECT_EQ(answer(relay, "bab"), packet("bab"));
  taken(relay.to_target());
  EXPECT_EQ(ask(relay, "x1000,2"), std::pair(std::string(), "+" + packet("bab")));
}

// A gdb that follows a fork reads the same addresses of two processes.
TEST_F(ClientRelay, WhatWasReadOfOneProcessIsNotOfAnother) {
  auto relay = make();
  for (const char* thread : {"Hgp1.1", "Hgp2.2"}) {
    (void)ask(relay, thread);
    (void)answer(relay, "OK");
    taken(relay.to_target());
    EXPECT_EQ(ask(relay, "m1000,8").first, packet("m1000,8")) << thread;
    (void)answer(relay, "0011");
    taken(relay.to_target());
  }
}

TEST_F(ClientRelay, AKnownDescriptionCostsOneProbe) {
  const std::string description =
      "<?xml " + std::string(5000, 'a') + "the end of this one, and of no other one here</t>\n";
  auto relay = make({description});
  const auto [line, here] = ask(relay, "qXfer:features:read:target.xml:0,1000");
  EXPECT_LT(line.size(), 60U);
  EXPECT_EQ(here, "+");
  const auto first = answer(relay, "l" + description.substr(description.size() - 48));
  EXPECT_EQ(first, packet("m" + description.substr(0, 0x1000)));
  taken(relay.to_target());
  const auto [line2, here2] = ask(relay, "qXfer:features:read:target.xml:1000,1000");
  EXPECT_EQ(line2, "");
  EXPECT_EQ(here2, "+" + packet("l" + description.substr(0x1000)));
}

// Nine sets of features, and two probes.
TEST_F(ClientRelay, AProbeInTheMiddleOfTheLongerOnesTellsThemApart) {
  std::vector<std::string> known;
  for (std::size_t i = 1; i < 10; ++i)
    known.push_back("<?xml " + std::string(100, 'a') + std::string(100 * i, static_cast<char>('a' + i)) + "</t>\n");
  const auto& target = known[6];
  auto relay = make(known);
  auto sent = ask(relay, "qXfer:features:read:target.xml:0,1000").first;
  std::string here;
  int probes = 0;
  for (; here.empty() && probes < 9; ++probes) {
    auto range = std::string_view(sent).substr(sent.rfind(':') + 1);
    const auto offset = std::stoul(std::string(range), nullptr, 16);
    const auto piece = target.substr(offset, 49);
    here = answer(relay, (offset + piece.size() < target.size() ? "m" : "l") + piece);
    sent = taken(relay.to_target());
  }
  EXPECT_EQ(probes, 2);
  EXPECT_EQ(here, packet("l" + target));
}

TEST_F(ClientRelay, AnotherDescriptionIsFetchedAndKept) {
  auto relay = make({std::string(200, 'a')});
  (void)ask(relay, "qXfer:features:read:target.xml:0,1000");
  relay.target_bytes("+" + packet("m" + std::string(49, 'b')), now);  // it goes on, so it is longer
  EXPECT_EQ(taken(relay.to_debugger()), "");
  EXPECT_EQ(taken(relay.to_target()), "+" + packet("qXfer:features:read:target.xml:0,1000"));
  EXPECT_EQ(answer(relay, "l<target/>"), packet("l<target/>"));
  EXPECT_EQ(learned, std::vector<std::string>{"<target/>"});
}

// Of a 32-bit program the description is another one than of the 64-bit program that it executes.
TEST_F(ClientRelay, AfterAnExecTheDescriptionIsAskedForAnew) {
  const std::string first = std::string(5000, 'a') + "of 32 bit, and nothing of the other one in it</t>\n";
  auto relay = make({first});
  (void)ask(relay, "qXfer:features:read:target.xml:0,1000");
  (void)answer(relay, "l" + first.substr(first.size() - 48));
  for (const char* stop : {"T05thread:p1.1;", "T05swbreak:;thread:p1.1;"}) {
    (void)ask(relay, "vCont;c");
    (void)answer(relay, stop);
    taken(relay.to_target());
    EXPECT_EQ(ask(relay, "qXfer:features:read:target.xml:0,10").first, "") << stop;
  }
  for (const char* stop : {"T0506:0*,;exec:2f6e657874;thread:p1.1;", "T05exec:2f6e657874;thread:p1.1;"}) {
    (void)ask(relay, "vCont;c");
    (void)answer(relay, stop);
    taken(relay.to_target());
    EXPECT_NE(ask(relay, "qXfer:features:read:target.xml:0,1000").first, "") << stop;
    relay.target_bytes("+" + packet("m" + std::string(49, 'b')), now);  // not the old one: it is longer
    taken(relay.to_target());
    EXPECT_EQ(answer(relay, "l<target>of 64 bit</target>"), packet("l<target>of 64 bit</target>"));
  }
}

TEST_F(ClientRelay, ADescriptionWithPartsElsewhereIsNotKept) {
  auto relay = make();
  (void)ask(relay, "qXfer:features:read:target.xml:0,1000");
  (void)answer(relay, "l<xi:include href=\"x\"/>");
  EXPECT_TRUE(learned.empty());
}

TEST_F(ClientRelay, TheVdsoIsLeftOutUnlessItIsWanted) {
  const std::string open = "vFile:open:2f70726f632f312f7461736b2f312f6d617073,0,1c0";  // /proc/1/task/1/maps
  auto relay = make();
  EXPECT_EQ(ask(relay, open), std::pair(std::string(), "+" + packet("F7ffffff0")));
  EXPECT_EQ(ask(relay, "vFile:pread:7ffffff0,1000,0"), std::pair(std::string(), "+" + packet("F0;")));
  EXPECT_EQ(ask(relay, "vFile:close:7ffffff0"), std::pair(std::string(), "+" + packet("F0")));
  EXPECT_EQ(ask(relay, "vFile:open:2f70726f632f312f6d617073,0,1c0").second, "+") << "/proc/1/maps is for the user";
  auto with_vdso = knowledge();
  with_vdso.whole_vdso = true;
  HostRelay whole(with_vdso);
  EXPECT_EQ(ask(whole, open).first, packet(open));
}

TEST_F(ClientRelay, TheVdsoIsNoLibraryUnlessItIsWanted) {
  const std::string begin = R"(<library-list-svr4 version="1.0" main-lm="0x7f01">)";
  const std::string vdso = R"(<library name="linux-vdso.so.1" lm="0x7f02" l_addr="0x7ff0" l_ld="0x7ff3" lmid="0x0"/>)";
  const std::string rest =
      R"(<library name="/lib/libc.so.6" lm="0x7f03" l_addr="0x7f10" l_ld="0x7f19" lmid="0x0"/></library-list-svr4>)";
  const std::string whole = "qXfer:libraries-svr4:read:start=0;prev=0:0,fff";
  auto relay = make();
  (void)ask(relay, whole);
  EXPECT_EQ(answer(relay, "l" + begin + vdso + rest), packet("l" + begin + rest));
  // In pieces it stays, because gdb counts their bytes.
  for (const auto* offset : {":0,fff", ":32,fff"}) {
    const std::string piece = (std::string_view(offset).starts_with(":0") ? "m" : "l") + begin + vdso;
    (void)ask(relay, std::string("qXfer:libraries-svr4:read:") + offset);
    EXPECT_EQ(answer(relay, piece), packet(piece)) << offset;
  }
  auto with_vdso = knowledge();
  with_vdso.whole_vdso = true;
  HostRelay wanted(with_vdso);
  (void)ask(wanted, whole);
  EXPECT_EQ(answer(wanted, "l" + begin + vdso + rest), packet("l" + begin + vdso + rest));
}

TEST_F(ClientRelay, ADetachIsKnownByItsReply) {
  auto relay = make();
  (void)ask(relay, "D;1");
  EXPECT_FALSE(relay.detached());
  (void)answer(relay, "OK");
  EXPECT_TRUE(relay.detached());
}

TEST_F(ClientRelay, WhatPid1WritesComesBeforeTheStop) {
  auto relay = make();
  (void)ask(relay, "vCont;c");
  EXPECT_EQ(answer(relay, "O6869"), packet("O6869"));
  EXPECT_EQ(answer(relay, "S05"), packet("S05"));
}

TEST_F(ClientRelay, TheConsolesTextIsShownAsItIsWanted) {
  using Text = HostRelay::ConsoleText;
  for (const auto how : {Text::raw, Text::plain, Text::coloured, Text::kept}) {
    SCOPED_TRACE(static_cast<int>(how));
    auto relay = make();
    relay.show_console(how);
    (void)ask(relay, "vCont;c");
    const auto shown = answer(relay, "O68691b5b366e21");  // "hi", a question to the terminal, "!"
    EXPECT_EQ(taken(relay.to_target()), "+");
    std::string expected = packet("O68691b5b366e21");
    if (how == Text::plain) expected = packet("O686921");
    if (how == Text::coloured) expected = packet("O1b5b33366d6869211b5b33396d");
    EXPECT_EQ(shown, how == Text::kept ? "" : expected);
    EXPECT_EQ(relay.take_console(), how == Text::kept ? "hi\033[6n!" : "");
    // The stop that was waited for still comes through.
    EXPECT_EQ(answer(relay, "T05thread:p1.1;"), packet("T05thread:p1.1;"));
  }
}

TEST_F(ClientRelay, WhatIsTypedOnTheConsoleGoesOutWhilePid1Runs) {
  auto relay = make();
  EXPECT_FALSE(relay.type("x"));
  (void)ask(relay, "vCont;c");
  EXPECT_FALSE(relay.type("x")) << "the target has not taken the request yet";
  relay.target_bytes("+", now);
  EXPECT_TRUE(relay.type("l\r"));
  EXPECT_EQ(taken(relay.to_target()), packet("QGdbdebug.type:6c0d"));
  EXPECT_EQ(answer(relay, "T05thread:p1.1;"), packet("T05thread:p1.1;"));
  EXPECT_FALSE(relay.type("x"));
}

}  // namespace
}  // namespace gdbdebug::client
