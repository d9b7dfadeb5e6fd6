// SPDX-License-Identifier: GPL-2.0-or-later
// The gate: a signal that comes between the look and the wait ends the wait.
#include "base/interrupt.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <ctime>

namespace gdbdebug::client {
namespace {

TEST(ClientInterrupt, ASignalFromBeforeTheWaitEndsIt) {
  catch_interrupts();
  {
    const InterruptGate gate;
    ASSERT_EQ(::raise(SIGTERM), 0);
    EXPECT_FALSE(interrupted());
    EXPECT_EQ(gate.wait({}, 60'000), -1);  // a minute, where the signal is lost
    EXPECT_EQ(errno, EINTR);
    EXPECT_TRUE(interrupted());
  }
  catch_interrupts_again();
  EXPECT_FALSE(interrupted());
  ASSERT_EQ(::raise(SIGTERM), 0);  // outside it comes at once
  EXPECT_TRUE(interrupted());
}

TEST(ClientInterrupt, WithoutASignalTheWaitIsAPoll) {
  catch_interrupts_again();
  const InterruptGate gate;
  EXPECT_EQ(gate.wait({}, 1), 0);
  EXPECT_FALSE(interrupted());
}

}  // namespace
}  // namespace gdbdebug::client
