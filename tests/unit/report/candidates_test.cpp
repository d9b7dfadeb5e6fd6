// SPDX-License-Identifier: GPL-2.0-or-later
// The list of return addresses, as stacks of programs fill it.
#include "report/candidates.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace gdbdebug {
namespace {

constexpr std::size_t kLimit = 31;

void add(Candidates& list, std::vector<std::uint64_t> addresses, bool linker = false) {
  for (const auto address : addresses) list.add({.address = address, .linker = linker});
}

/// `1 2*7`: the addresses in order, with their number where there is more than one word.
std::string text_of(const Candidates& list) {
  std::string text;
  for (const auto& line : list.lines()) {
    text += (text.empty() ? "" : " ") + std::to_string(line.address);
    if (line.times != 1) text += "*" + std::to_string(line.times);
  }
  return text;
}

std::uint64_t words_of(const Candidates& list) {
  auto words = list.omitted();
  for (const auto& line : list.lines()) words += line.times;
  return words;
}

TEST(Candidates, AnOrdinaryStackStaysAsItIs) {
  Candidates list;
  add(list, {1, 2, 3, 2, 4});
  list.shorten(kLimit);
  EXPECT_EQ(text_of(list), "1 2 3 2 4");
  EXPECT_EQ(list.omitted(), 0U);
  EXPECT_TRUE(list.has(3));
  EXPECT_FALSE(list.has(5));
}

TEST(Candidates, ARecursionIsOneLineAndItsBeginningIsThere) {
  Candidates list;
  add(list, {7, 8});
  for (int i = 0; i < 20000; ++i) add(list, {1});
  add(list, {2, 3, 4});
  list.shorten(kLimit);
  EXPECT_EQ(text_of(list), "7 8 1*20000 2 3 4");
  EXPECT_EQ(list.omitted(), 0U);
}

TEST(Candidates, FunctionsThatCallEachOtherShowHowTheyDoIt) {
  Candidates list;
  for (int i = 0; i < 5000; ++i) add(list, {1, 2, 3});
  add(list, {4, 5});
  list.shorten(kLimit);
  EXPECT_EQ(text_of(list), "1 2 3 1*4999 2*4999 3*4999 4 5");
}

TEST(Candidates, WhatTheDynamicLinkerHasLeftGoesFirst) {
  Candidates list;
  add(list, {1, 2, 3, 4, 5, 6}, true);
  for (std::uint64_t i = 100; i < 140; ++i) add(list, {i}, true);
  add(list, {10, 11, 12});
  for (std::uint64_t i = 200; i < 210; ++i) add(list, {i}, true);
  add(list, {13, 14, 15});
  list.shorten(kLimit);
  EXPECT_EQ(list.lines().size(), kLimit);
  EXPECT_EQ(list.omitted(), 62 - kLimit);
  for (std::uint64_t address = 1; address < 16; ++address) {
    EXPECT_TRUE(list.has(address) || (address > 6 && address < 10)) << address;
  }
  EXPECT_TRUE(list.has(100)) << "there is room for those close to the innermost";
}

TEST(Candidates, ACrashInTheDynamicLinkerShowsBothEnds) {
  Candidates list;
  for (std::uint64_t i = 0; i < 100; ++i) add(list, {i}, true);
  list.shorten(kLimit);
  EXPECT_EQ(list.lines().size(), kLimit);
  EXPECT_EQ(list.lines().front().address, 0U);
  EXPECT_EQ(list.lines().back().address, 99U);
  EXPECT_EQ(list.omitted(), 100 - kLimit);
}

TEST(Candidates, TheOutermostAndTheChainOfFramePointersOutliveTheMiddle) {
  Candidates list;
  for (std::uint64_t i = 0; i < 150; ++i) list.add({.address = i, .chained = i == 70});
  list.shorten(kLimit);
  EXPECT_EQ(list.lines().size(), kLimit);
  for (const std::uint64_t address : {0U, 19U, 70U, 141U, 149U}) EXPECT_TRUE(list.has(address)) << address;
  EXPECT_EQ(list.omitted(), 150 - kLimit);
}

TEST(Candidates, CopiesGoBeforeAnyAddressDoes) {
  Candidates list;
  for (std::uint64_t i = 0; i < 30; ++i) add(list, {i, 99});
  for (std::uint64_t i = 0; i < 30; ++i) add(list, {i});
  list.shorten(kLimit);
  EXPECT_EQ(list.lines().size(), kLimit);
  EXPECT_EQ(list.omitted(), 0U);
  EXPECT_EQ(words_of(list), 90U);
}

TEST(Candidates, EveryWordIsCountedAndTheOrderIsKept) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    SCOPED_TRACE(round);
    Candidates list;
    std::set<std::uint64_t> added;
    const std::uint64_t different = 1 + random() % 1000;
    const std::uint64_t words = random() % 3000;
    for (std::uint64_t i = 0; i < words; ++i) {
      const std::uint64_t address = i * different / words + random() % 3;
      added.insert(address);
      list.add({.address = address, .linker = random() % 2 == 0, .chained = random() % 8 == 0});
      ASSERT_LE(list.lines().size(), Candidates::kCapacity);
    }
    list.shorten(kLimit);
    EXPECT_LE(list.lines().size(), kLimit);
    EXPECT_EQ(words_of(list), words);
    EXPECT_TRUE(added.size() > kLimit || list.omitted() == 0);
    for (std::size_t i = 1; i < list.lines().size() && list.omitted() != 0; ++i)
      EXPECT_LE(list.lines()[i - 1].address, list.lines()[i].address + 3);
  }
}

}  // namespace
}  // namespace gdbdebug
