// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/pstore.hpp"

#include <gtest/gtest.h>

namespace gdbdebug::client {
namespace {

std::vector<std::string> names_of(std::vector<LogFile> files) {
  sort_by_name(files);
  std::vector<std::string> names;
  for (const auto& file : files) names.push_back(file.name);
  return names;
}

TEST(Pstore, NumbersInNamesCountAsNumbers) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(names_of({{"d-10", ""}, {"d-9", ""}, {"d", ""}, {"c-11", ""}}), (Names{"c-11", "d", "d-9", "d-10"}));
  EXPECT_EQ(names_of({{"d-010", ""}, {"d-9a", ""}, {"d-9", ""}}), (Names{"d-9", "d-9a", "d-010"}));
  EXPECT_EQ(names_of({{"b/1", ""}, {"a/2", ""}, {"a/10", ""}}), (Names{"a/2", "a/10", "b/1"}));
}

TEST(Pstore, PartsComeInTheOrderInWhichTheyWereLogged) {
  EXPECT_EQ(joined_logs({{"x/dmesg-efi-2", "Panic#1 Part2\nb"},
                         {"x/dmesg-efi-1", "Panic#1 Part1\nc"},
                         {"x/dmesg-efi-3", "Panic#1 Part3\na"}}),
            "Panic#1 Part3\na\nPanic#1 Part2\nb\nPanic#1 Part1\nc\n");
}

TEST(Pstore, DumpsDoNotMix) {
  EXPECT_EQ(
      joined_logs({{"dmesg-1", "Oops#1 Part1\nb"},
                   {"dmesg-2", "Oops#1 Part2\na"},
                   {"dmesg-3", "Panic#2 Part1\nd"},
                   {"dmesg-4", "Panic#2 Part2\nc"},
                   {"dmesg-5", "Panic#2 Part1\nf"},
                   {"dmesg-6", "Panic#2 Part2\ne"}}),
      "Oops#1 Part2\na\nOops#1 Part1\nb\nPanic#2 Part2\nc\nPanic#2 Part1\nd\nPanic#2 Part2\ne\nPanic#2 Part1\nf\n");
}

TEST(Pstore, WhatIsNoPartKeepsItsPlace) {
  EXPECT_EQ(joined_logs({{"second.log", "s"}, {"dmesg-1", "Panic#1 Part1\np"}, {"first.log", "f"}}),
            "s\nf\nPanic#1 Part1\np\n");
  for (const char* text : {"Panic#1 Part", "Panic#1 Partx", "Panic Part1 #", "", "Part1", " Part4294967296"})
    EXPECT_EQ(joined_logs({{"dmesg-1", text}, {"z", "z"}}), std::string(text) + "\nz\n") << text;
}

}  // namespace
}  // namespace gdbdebug::client
