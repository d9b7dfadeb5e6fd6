// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/space.hpp"

#include <gtest/gtest.h>

namespace gdbdebug {
namespace {

using namespace dump;

constexpr std::string_view kMaps =
    "555555554000-555555556000 r--p 00000000 00:01 12                         /usr/bin/a b\n"
    "555555556000-555555557000 r-xp 00002000 00:01 12                         /usr/bin/a b\n"
    "555555557000-555555558000 rw-p 00002000 00:01 12                         /usr/bin/a b\n"
    "555555558000-55555555a000 rw-p 00000000 00:00 0 \n"
    "7ffff7fff000-7ffff8000000 ---p 00000000 00:00 0 \n"
    "7ffff8000000-7ffff8002000 rw-p 00000000 00:00 0                          [stack]\n";

TEST(Space, FindsAreasAndStacks) {
  const Space space(kMaps);
  ASSERT_EQ(space.areas().size(), 6U);
  EXPECT_EQ(space.find(0x555555553fff), nullptr);
  EXPECT_EQ(space.find(0x555555556000), &space.areas()[1]);
  EXPECT_EQ(space.find(0x55555555a000), nullptr);
  EXPECT_EQ(space.at_or_above(0x55555555a000), &space.areas()[4]);
  EXPECT_EQ(space.at_or_above(0x7ffff8002000), nullptr);
  EXPECT_EQ(space.stack(0x7ffff7fff800), &space.areas()[5]) << "in the guard page";
  EXPECT_EQ(space.stack(0x7ffff0000000), &space.areas()[5]) << "below it";
  EXPECT_TRUE(space.areas()[1].executable && space.areas()[1].is_file && !space.areas()[1].writable);
  EXPECT_TRUE(space.follows_file(space.areas()[3]));
  EXPECT_FALSE(space.follows_file(space.areas()[5]));
}

TEST(Space, TheMappingsAreSaidInFewBytes) {
  Text<1024> text;
  put_maps(kMaps, text);
  EXPECT_EQ(text.view(),
            "555555554 2 r--p 0 /usr/bin/a b\n"
            "+0 1 r-xp\n"
            "+0 1 rw-p 2\n"
            "555555558 2 rw-p 0\n"
            "7ffff7fff 1 ---p 0\n"
            "7ffff8000 2 rw-p 0 [stack]\n");
}

TEST(Space, WhatIsNoMappingIsLeftOut) {
  EXPECT_TRUE(Space("").areas().empty());
  EXPECT_TRUE(Space("nonsense\n\n-\n5-3 rw-p\n").areas().empty());
}

}  // namespace
}  // namespace gdbdebug
