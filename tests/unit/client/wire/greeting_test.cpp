// SPDX-License-Identifier: GPL-2.0-or-later
// The agent's hello, as it comes over a line that can also carry other things.
#include "wire/greeting.hpp"

#include <gtest/gtest.h>

namespace gdbdebug::client {
namespace {

TEST(ClientGreeting, AllItsWordsAreRead) {
  const auto greeting = read_greeting(
      "gdbdebug version=0.1.0 state=held pid=1 exe=/usr/lib/systemd/systemd build_id=6f1d machine=x86_64 watchdog=10");
  ASSERT_TRUE(greeting);
  EXPECT_EQ(greeting->version, "0.1.0");
  EXPECT_EQ(greeting->state, "held");
  EXPECT_EQ(greeting->exe, "/usr/lib/systemd/systemd");
  EXPECT_EQ(greeting->build_id, "6f1d");
  EXPECT_EQ(greeting->machine, "x86_64");
  EXPECT_EQ(greeting->watchdog, "10");
}

TEST(ClientGreeting, EscapesAreTakenBack) {
  const auto greeting = read_greeting(R"(gdbdebug version=1 state=held exe=/a\x20b\x2d\x3D\x5cx41\xZZ\x4)");
  ASSERT_TRUE(greeting);
  EXPECT_EQ(greeting->exe, R"(/a b-=\x41\xZZ\x4)");
}

TEST(ClientGreeting, WhatIsHeldIsListed) {
  const auto greeting =
      read_greeting(R"(gdbdebug version=1 state=held pid=231 held=1:init:end held=231:a\x2db\x3ac:start held=x:y:z )"
                    R"(held=7:a\x1b:start )"
                    R"(held=12345678901:a:start held=7)");
  ASSERT_TRUE(greeting);
  EXPECT_EQ(greeting->pid, "231");
  ASSERT_EQ(greeting->held.size(), 2U);
  EXPECT_EQ(greeting->held[0].pid + greeting->held[0].name + greeting->held[0].why, "1initend");
  EXPECT_EQ(greeting->held[1].pid + greeting->held[1].name + greeting->held[1].why, "231a-b:cstart");
  EXPECT_EQ(greeting->refused, " held held held held");
}

TEST(ClientGreeting, ValuesThatCannotBeSuchAreRefusedAndNamed) {
  const auto greeting = read_greeting(R"(gdbdebug version=1 state=held exe=/x\x0ashell\x20id build_id=6f;1d )"
                                      R"(machine=..\x2fetc watchdog=ten)");
  ASSERT_TRUE(greeting);
  EXPECT_EQ(greeting->refused, " exe build_id machine watchdog");
  EXPECT_EQ(greeting->exe + greeting->build_id + greeting->machine + greeting->watchdog, "");
  for (const char* text : {R"(gdbdebug version=1 state=he\x1bld)", R"(gdbdebug version=1\x0a2 state=held)"}) {
    EXPECT_FALSE(read_greeting(text)) << text;
  }
  EXPECT_EQ(read_greeting("gdbdebug version=0.1.0~rc1+dfsg state=held machine=armv7l exe=/a\\xc3\\xa9")->refused, "");
}

TEST(ClientGreeting, WhatGoesBeforeItAndWhatIsNotKnownIsPassedOver) {
  const auto greeting = read_greeting("+$x#00gdbdebug version=9 later=yes bare state=dreaming machine=");
  ASSERT_TRUE(greeting);
  EXPECT_EQ(greeting->version, "9");
  EXPECT_EQ(greeting->state, "dreaming");
  EXPECT_EQ(greeting->machine, "");
}

TEST(ClientGreeting, OtherTextIsNoHello) {
  for (const char* text : {"", "gdbdebug", "gdbdebug version=", "gdbdebug version=1", "gdbdebug state=held version=1",
                           "gdbdebug: ready on ttyS1"}) {
    EXPECT_FALSE(read_greeting(text)) << text;
  }
}

TEST(ClientGreeting, LinesComeInAnyPieces) {
  LineCutter cutter;
  std::string_view bytes = "one\r\n\r\ntw";
  EXPECT_EQ(cutter.take(bytes), "one");
  EXPECT_EQ(cutter.take(bytes), std::nullopt);
  EXPECT_TRUE(bytes.empty());
  bytes = "o\nthree";
  EXPECT_EQ(cutter.take(bytes), "two");
  EXPECT_EQ(cutter.take(bytes), std::nullopt);
  bytes = "\r";
  EXPECT_EQ(cutter.take(bytes), "three");
}

TEST(ClientGreeting, ALineWithoutAnEndTakesNoMemory) {
  LineCutter cutter;
  const std::string noise(1000, 'x');
  for (int i = 0; i < 1000; ++i) {
    std::string_view bytes = noise;
    EXPECT_EQ(cutter.take(bytes), std::nullopt);
  }
  std::string_view bytes = "\n";
  const auto line = cutter.take(bytes);
  EXPECT_LE(line.value_or("").size(), 4096U);
}

}  // namespace
}  // namespace gdbdebug::client
