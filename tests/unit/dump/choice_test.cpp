// SPDX-License-Identifier: GPL-2.0-or-later
#include "dump/choice.hpp"

#include <elf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

namespace gdbdebug {
namespace {

using namespace dump;

/// A process in a map: pages that are not in it cannot be read.
class FakeMemory final : public Memory {
 public:
  std::size_t read(std::uint64_t address, std::span<unsigned char> bytes) const override {
    std::size_t count = 0;
    for (; count < bytes.size(); ++count) {
      const auto page = pages.find((address + count) & ~std::uint64_t{4095});
      if (page == pages.end()) break;
      bytes[count] = page->second[(address + count) & 4095];
    }
    return count;
  }
  bool read_file(std::uint64_t, std::uint64_t, std::uint64_t offset, std::span<unsigned char> bytes) const override {
    if (!has_file) return false;
    std::fill(bytes.begin(), bytes.end(), static_cast<unsigned char>(offset >> 12));
    return true;
  }
  void page(std::uint64_t address, unsigned char fill = 0) { pages[address].assign(4096, fill); }
  void word(std::uint64_t address, std::uint64_t value) {
    std::memcpy(pages.at(address & ~std::uint64_t{4095}).data() + (address & 4095), &value, sizeof value);
  }

  std::map<std::uint64_t, std::vector<unsigned char>> pages;
  bool has_file = true;
};

constexpr std::string_view kMaps =
    "400000-401000 r-xp 00000000 00:01 12 /init\n"
    "401000-402000 rw-p 00001000 00:01 12 /init\n"
    "402000-403000 rw-p 00000000 00:00 0 \n"
    "500000-502000 rw-p 00000000 00:00 0 [heap]\n"
    "7ff000-801000 rw-p 00000000 00:00 0 [stack]\n";
constexpr std::uint64_t kSp = 0x800f00;

class ChoiceTest : public ::testing::Test {
 protected:
  ChoiceTest() : space(kMaps) {
    for (const auto page : {0x402000, 0x500000, 0x501000, 0x7ff000, 0x800000})
      memory.page(static_cast<std::uint64_t>(page));
    memory.page(0x400000);
    memory.page(0x401000, 1);  // as in the file
  }
  [[nodiscard]] unsigned round_of(const Choice& choice, std::uint64_t address) const {
    for (const auto& range : choice.selection().ranges()) {
      if (address >= range.begin && address < range.end) return range.round;
    }
    return Choice::kRounds;
  }

  FakeMemory memory;
  Space space;
};

TEST_F(ChoiceTest, WhatFramesPointToComesBeforeWhatThatPointsTo) {
  memory.word(kSp + 16, 0x500110);  // a chunk of 0x40 bytes
  memory.word(0x500108, 0x41);
  memory.word(0x500118, 0x501000);  // which points on
  memory.word(0x500ff8, 0x21);
  Choice choice(memory, space, 8, 65536);
  choice.add_stack(kSp);
  for (unsigned round = Choice::kObjects; round < Choice::kRounds; ++round) choice.add_round(round);
  EXPECT_EQ(round_of(choice, kSp - 128), Choice::kFixed);
  EXPECT_EQ(round_of(choice, 0x800ff8), Choice::kFixed);
  EXPECT_EQ(round_of(choice, kSp - 136), Choice::kRounds);
  EXPECT_EQ(round_of(choice, 0x500108), Choice::kObjects);
  EXPECT_EQ(round_of(choice, 0x500140), Choice::kObjects);
  EXPECT_EQ(round_of(choice, 0x500150), Choice::kRounds) << "behind the chunk";
  EXPECT_EQ(round_of(choice, 0x501000), Choice::kFirstReached);
}

TEST_F(ChoiceTest, ChangedVariablesAreTakenAndTheLinkersWordsLast) {
  memory.word(0x401100, 9);
  memory.word(0x401200, 0x400010);  // an address in a file
  memory.word(0x402300, 7);         // had no value in the file
  Choice choice(memory, space, 8, 65536);
  choice.add_stack(kSp);
  for (unsigned round = Choice::kObjects; round < Choice::kRounds; ++round) choice.add_round(round);
  EXPECT_EQ(round_of(choice, 0x401100), Choice::kChanged);
  EXPECT_EQ(round_of(choice, 0x402300), Choice::kChanged);
  EXPECT_EQ(round_of(choice, 0x401200), Choice::kRelocated);
  EXPECT_EQ(round_of(choice, 0x401300), Choice::kRounds) << "as in the file";
}

TEST_F(ChoiceTest, VariablesAreTakenWholeWhereTheFileCannotBeRead) {
  memory.has_file = false;
  Choice choice(memory, space, 8, 65536);
  choice.add_round(Choice::kChanged);
  EXPECT_EQ(round_of(choice, 0x401300), Choice::kChanged);
}

TEST_F(ChoiceTest, AStackTakesHalfOfTheBudgetAtMost) {
  Choice choice(memory, space, 8, 1024);
  choice.add_stack(0x7ff800);
  EXPECT_EQ(choice.selection().bytes(), 512U);
  EXPECT_EQ(round_of(choice, 0x7ff800), Choice::kFixed);
}

TEST_F(ChoiceTest, AStackPointerThatIsNowhereDoesNoHarm) {
  Choice choice(memory, space, 8, 65536);
  choice.add_stack(0x900000);
  choice.add_other_stack(0x900000);
  choice.add_code(0);
  EXPECT_EQ(choice.selection().bytes(), 0U);
  choice.add_stack(0x600000);  // it has overflowed
  EXPECT_EQ(round_of(choice, 0x7ff000), Choice::kFixed);
}

/// Puts an auxiliary vector and program headers into the fake process, and a list of two libraries.
std::vector<unsigned char> with_libraries(FakeMemory& memory, std::uint64_t second) {
  Elf64_Phdr headers[2]{};
  headers[0].p_type = PT_PHDR;
  headers[0].p_vaddr = 0x40;
  headers[1].p_type = PT_DYNAMIC;
  headers[1].p_vaddr = 0x1800;
  headers[1].p_memsz = 0x40;
  std::memcpy(memory.pages.at(0x400000).data() + 0x40, headers, sizeof headers);
  memory.word(0x401800, DT_DEBUG);
  memory.word(0x401808, 0x402500);
  memory.word(0x402508, 0x500200);  // r_map
  memory.word(0x500208, 0x500300);  // l_name
  memory.word(0x500218, second);    // l_next
  std::memcpy(memory.pages.at(0x500000).data() + 0x300, "libc.so", 8);
  const std::uint64_t vector[] = {AT_PHDR, 0x400040, AT_PHNUM, 2, AT_NULL, 0};
  std::vector<unsigned char> bytes(sizeof vector);
  std::memcpy(bytes.data(), vector, sizeof vector);
  return bytes;
}

TEST_F(ChoiceTest, TheListOfLibrariesIsTakenWithItsNames) {
  const auto auxiliary = with_libraries(memory, 0);
  Choice choice(memory, space, 8, 65536);
  choice.add_libraries(auxiliary);
  for (const std::uint64_t address : {0x401800U, 0x402500U, 0x500200U, 0x500300U})
    EXPECT_EQ(round_of(choice, address), Choice::kFixed) << address;
}

TEST_F(ChoiceTest, ABrokenListOfLibrariesEnds) {
  for (const std::uint64_t next : {0x500200U, 0x10U, 0x502000U}) {  // itself, nowhere, behind the heap
    const auto auxiliary = with_libraries(memory, next);
    Choice choice(memory, space, 8, 65536);
    choice.add_libraries(auxiliary);
    EXPECT_EQ(round_of(choice, 0x500200), Choice::kFixed);
  }
  Choice choice(memory, space, 8, 65536);
  choice.add_libraries({});
  EXPECT_EQ(choice.selection().bytes(), 0U);
}

}  // namespace
}  // namespace gdbdebug
