// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/arriving.hpp"

#include <gtest/gtest.h>

namespace gdbdebug::client {
namespace {

using State = Arriving::State;

struct Step {
  const char* text;
  State state;
  bool found;
};

TEST(Arriving, EachLineSaysHowFarTheRecordsAre) {
  const Step steps[] = {
      {"[    1.0] Run /init as init process\r\n", State::kNothing, false},
      {"gdbdebug: PID 1 (crash) is held before it would die: SIGSEGV\n", State::kNothing, false},
      {"[    2.0] gdbdebug: report: begin version=1\r\n", State::kReport, true},
      {"[    2.0] gdbdebug: report: frame 0\r\n", State::kReport, true},
      {"[    2.0] usb 1-1: new device\r\n", State::kReport, false},
      {"<1>gdbdebug: report: end frames=1 maps=0\n", State::kReportEnded, true},
      {"[    2.1] gdbdebug: core: 1a2b3c4d begin version=1 00000000\r\n", State::kCore, true},
      {"[    2.1] gdbdebug: core: 1a2b3c4d 0 5 UGhlbGxv 00000000\r\n", State::kCore, true},
      {"[    2.2] gdbdebug: core: 1a2b3c4d end blocks=1 00000000\r\n", State::kCoreEnded, true},
      {"gdbdebug: hang: the real root's init has not been executed\n", State::kHang, true},
      {"gdbdebug: hang: process pid=1\n", State::kHang, true},
      {"gdbdebug: hang: end processes=1\n", State::kHangEnded, true},
  };
  Arriving arriving;
  for (const auto& step : steps) {
    EXPECT_EQ(arriving.take(step.text), step.found) << step.text;
    EXPECT_EQ(arriving.state(), step.state) << step.text;
  }
}

TEST(Arriving, ALineCanComeByteByByte) {
  Arriving arriving;
  for (const char byte : std::string("x gdbdebug: report: end frames=0\r\n")) {
    EXPECT_EQ(arriving.state(), State::kNothing);
    (void)arriving.take({&byte, 1});
    if (byte == '\r') break;
  }
  EXPECT_EQ(arriving.state(), State::kReportEnded);
}

TEST(Arriving, NothingIsExpectedForEverButAReport) {
  Arriving arriving;
  EXPECT_FALSE(arriving.patience());
  (void)arriving.take(std::string(100'000, 'x') + "\n");
  EXPECT_FALSE(arriving.patience());
  (void)arriving.take("gdbdebug: report: begin\n");
  const auto between = arriving.patience();
  (void)arriving.take("gdbdebug: core: 1a2b3c4d end\n");
  const auto last = arriving.patience();
  ASSERT_TRUE(between && last);
  EXPECT_LT(*last, *between);
}

}  // namespace
}  // namespace gdbdebug::client
