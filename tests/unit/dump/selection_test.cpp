// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/selection.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace gdbdebug {
namespace {

using dump::Range;
using dump::Selection;

TEST(Selection, TakesWhatIsNotThereYet) {
  Selection selection(1000);
  EXPECT_TRUE(selection.add(0x101, 0x10f, 0));  // whole words
  EXPECT_TRUE(selection.add(0x120, 0x130, 0));
  EXPECT_TRUE(selection.add(0x0f0, 0x140, 1));
  ASSERT_EQ(selection.ranges().size(), 5U);
  EXPECT_EQ(selection.bytes(), 0x50U);
  EXPECT_TRUE(selection.has(0x100) && selection.has(0x13f) && !selection.has(0x140) && !selection.has(0xef));
}

TEST(Selection, EndsWithItsBudget) {
  Selection selection(64);
  EXPECT_TRUE(selection.add(0, 40, 0));
  EXPECT_FALSE(selection.add(100, 200, 0));
  EXPECT_EQ(selection.bytes(), 64U);
  EXPECT_FALSE(selection.add(300, 310, 0));
  EXPECT_FALSE(selection.has(300));
}

TEST(Selection, NoByteIsInTwoRanges) {
  std::mt19937 random(7);
  Selection selection(UINT64_MAX);
  std::set<std::uint64_t> words;
  for (unsigned i = 0; i < 2000; ++i) {
    const std::uint64_t begin = random() % 8192;
    const auto end = begin + random() % 200;
    selection.add(begin, end, static_cast<unsigned>(random() % 3));
    for (auto word = begin / 8; end > begin && word * 8 < end; ++word) words.insert(word);
  }
  std::uint64_t last = 0;
  for (const auto& range : selection.ranges()) {
    ASSERT_LE(last, range.begin);
    ASSERT_LT(range.begin, range.end);
    last = range.end;
  }
  EXPECT_EQ(selection.bytes(), words.size() * 8);
}

TEST(Selection, SaysWhenItHasNoRoomForMoreRanges) {
  Selection selection(UINT64_MAX);
  bool more = true;
  std::uint64_t count = 0;
  for (; more; ++count) more = selection.add(count * 64, count * 64 + 8, 0);
  EXPECT_EQ(count, Selection::kCapacity);
  EXPECT_TRUE(selection.full());
}

}  // namespace
}  // namespace gdbdebug
