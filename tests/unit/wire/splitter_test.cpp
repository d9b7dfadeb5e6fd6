// SPDX-License-Identifier: GPL-2.0-or-later
// What on a wire that is a console too is a debugger's.
#include "wire/splitter.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "core/rsp/packet.hpp"

namespace gdbdebug::wire {
namespace {

std::string packet(std::string_view payload) {
  std::string room(payload.size() + 4, '\0');
  return std::string(rsp::frame(payload, room));
}

/// Both streams, with the bytes given one at a time or all at once.
class Bench {
 public:
  void take(std::string_view bytes, bool one_by_one = false) {
    while (!bytes.empty()) {
      const auto count = one_by_one ? 1 : bytes.size();
      splitter.take(bytes.substr(0, count), now);
      bytes.remove_prefix(count);
      keep();
    }
  }
  void wait(std::uint64_t ms) {
    now += ms;
    splitter.tick(now);
    keep();
  }
  void keep() {
    console += splitter.console();
    debugger += splitter.debugger();
    EXPECT_TRUE(splitter.consistent());
  }
  void guest(bool there) {
    splitter.set_guest(there, now);
    EXPECT_TRUE(splitter.consistent());
  }

  Splitter splitter;
  std::uint64_t now = 1000;
  std::string console;
  std::string debugger;
};

TEST(Splitter, WhatIsNoPacketIsTyped) {
  const std::string long_one = "$" + std::string(2 * Splitter::kMaxFirst, 'x') + "#00";
  const std::array<std::string, 10> typed = {
      "hello\r",        "\n",        "pa$$word+-#42\r", "$#42",   "$q#7",
      "$qSupported#00", "$a$b#c+$d", "\003\004\177",    long_one, "++\r$+\r",
  };
  for (const auto& text : typed) {
    for (const bool one_by_one : {false, true}) {
      SCOPED_TRACE(text.substr(0, 40));
      Bench bench;
      bench.take(text, one_by_one);
      bench.wait(Splitter::kPatienceMs);
      EXPECT_EQ(bench.console, text);
      EXPECT_EQ(bench.debugger, "");
    }
  }
}

TEST(Splitter, AWholePacketIsTheDebuggers) {
  for (const std::string_view before : {"", "x", "+", "pass", "$", "$abc", "+x"}) {
    for (const bool one_by_one : {false, true}) {
      SCOPED_TRACE(before);
      Bench bench;
      const auto first = packet("qSupported:multiprocess+;xmlRegisters=i386");
      bench.take(std::string(before) + first, one_by_one);
      const bool sign = before == "+";
      EXPECT_EQ(bench.debugger, (sign ? "+" : "") + first);
      EXPECT_EQ(bench.console, sign ? "" : before);
      EXPECT_EQ(bench.splitter.state(), Splitter::State::kGuest);
    }
  }
}

TEST(Splitter, HalfAPacketIsTypedAfterAMoment) {
  Bench bench;
  bench.take("$qSup");
  EXPECT_EQ(bench.console, "");
  EXPECT_EQ(bench.splitter.deadline(), bench.now + Splitter::kPatienceMs);
  bench.wait(Splitter::kPatienceMs - 1);
  EXPECT_EQ(bench.console, "");
  bench.wait(1);
  EXPECT_EQ(bench.console, "$qSup");
  EXPECT_FALSE(bench.splitter.deadline());
}

TEST(Splitter, ASlowWireIsGivenItsTime) {
  Bench bench;
  const auto first = packet("qSupported");
  for (const char byte : first) {
    bench.wait(Splitter::kPatienceMs - 1);
    bench.take(std::string_view(&byte, 1));
  }
  EXPECT_EQ(bench.debugger, first);
  EXPECT_EQ(bench.console, "");
}

TEST(Splitter, InASessionAllIsTheDebuggers) {
  Bench bench;
  bench.take(packet("qSupported"));
  bench.guest(true);
  bench.take("+\003-junk\n$half");
  bench.wait(10'000);
  EXPECT_EQ(bench.debugger, packet("qSupported") + "+\003-junk\n$half");
  EXPECT_EQ(bench.console, "");
}

TEST(Splitter, AQuestionIsNoSession) {
  Bench bench;
  bench.take(packet("qGdbdebug.hello"));
  bench.guest(false);
  EXPECT_EQ(bench.splitter.state(), Splitter::State::kText);
  bench.take("+x\r");  // typed: nobody acknowledges the answer
  EXPECT_EQ(bench.console, "+x\r");
}

TEST(Splitter, TheLastAcknowledgementIsNotTyped) {
  Bench bench;
  bench.take(packet("qSupported"));
  bench.guest(true);
  bench.guest(false);
  bench.debugger.clear();
  bench.take("-+root\r");
  EXPECT_EQ(bench.debugger, "-+");
  EXPECT_EQ(bench.console, "root\r");
}

TEST(Splitter, WhoTypesAfterASessionIsNotTakenForTheDebugger) {
  Bench bench;
  bench.guest(true);
  bench.guest(false);
  bench.take("r+");
  bench.wait(Splitter::kPatienceMs);
  EXPECT_EQ(bench.console, "r+");
  bench.guest(true);
  bench.guest(false);
  bench.wait(Splitter::kFarewellMs);
  bench.take("+\r");
  EXPECT_EQ(bench.console, "r++\r");
  EXPECT_EQ(bench.debugger, "");
}

TEST(Splitter, TheNextDebuggerMayComeAtOnce) {
  Bench bench;
  bench.guest(true);
  bench.guest(false);
  bench.take("+" + packet("qSupported"));
  EXPECT_EQ(bench.debugger, "+" + packet("qSupported"));
  EXPECT_EQ(bench.console, "");
}

}  // namespace
}  // namespace gdbdebug::wire
