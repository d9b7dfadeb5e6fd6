// SPDX-License-Identifier: GPL-2.0-or-later
// The console's text that waits.
#include "wire/backlog.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gdbdebug::wire {
namespace {

template <std::size_t N>
std::string drain(Backlog<N>& backlog) {
  std::string text;
  while (!backlog.empty()) {
    const auto part = backlog.front(3);
    EXPECT_LE(part.size(), 3U);
    text += part;
    backlog.consume(part.size());
  }
  return text;
}

TEST(Backlog, KeepsTheOrder) {
  Backlog<8> backlog;
  std::string all;
  for (int i = 0; i < 40; ++i) {
    const auto text = std::to_string(i);
    backlog.add(text);
    all += text;
    if (i % 3 == 2) {
      EXPECT_EQ(drain(backlog), all);
      all.clear();
    }
  }
  EXPECT_FALSE(backlog.has_lost());
}

TEST(Backlog, DropsTheOldestAndCounts) {
  Backlog<8> backlog;
  backlog.add("abcdef");
  backlog.add("ghijk");
  EXPECT_EQ(backlog.take_lost(), 3U);
  EXPECT_EQ(backlog.room(), 0U);
  EXPECT_EQ(drain(backlog), "defghijk");
  backlog.add("0123456789");
  EXPECT_EQ(backlog.take_lost(), 2U);
  EXPECT_EQ(drain(backlog), "23456789");
  EXPECT_EQ(backlog.take_lost(), 0U);
}

TEST(Backlog, TakesANoteInFront) {
  Backlog<8> backlog;
  backlog.add("abcdef");
  backlog.consume(4);
  backlog.add("gh");
  backlog.add_front("1234");
  EXPECT_EQ(backlog.size(), 8U);
  EXPECT_EQ(drain(backlog), "1234efgh");
}

}  // namespace
}  // namespace gdbdebug::wire
