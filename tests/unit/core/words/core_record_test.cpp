// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/words/core_record.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace gdbdebug {
namespace {

using namespace core_record;

std::string block_record() {
  const std::array<unsigned char, 3> packed{1, 2, 3};
  Record record;
  put_block(record, 0x1234abcd, 7, 900, packed);
  finish(record);
  return std::string(record.view());
}

TEST(CoreRecord, ABlockComesBack) {
  const auto text = block_record();
  EXPECT_EQ(text.substr(0, 20), "1234abcd 7 900 AQID ");
  for (const auto& line : {text, text + "\r", text + "[    1.0] something else", text + " more words"}) {
    SCOPED_TRACE(line);
    const auto parsed = parse(line);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->id, 0x1234abcdU);
    EXPECT_TRUE(parsed->keyword.empty());
    EXPECT_EQ(parsed->number, 7U);
    EXPECT_EQ(parsed->length, 900U);
    EXPECT_EQ(parsed->data, "AQID");
  }
}

TEST(CoreRecord, PairsComeBack) {
  Record record;
  start(record, 1, "begin");
  record.add(" version=1 comm=a\\x20b");
  finish(record);
  const auto parsed = parse(record);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->id, 1U);
  EXPECT_EQ(parsed->keyword, "begin");
  EXPECT_EQ(parsed->pairs, "version=1 comm=a\\x20b");
}

TEST(CoreRecord, EachChangedByteIsNoticed) {
  const auto text = block_record();
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto changed = text;
    changed[i] ^= 1;
    EXPECT_FALSE(parse(changed)) << changed;
    EXPECT_FALSE(parse(text.substr(0, i))) << i;
    EXPECT_FALSE(parse(text.substr(0, i) + text.substr(i + 1))) << i;
  }
}

TEST(CoreRecord, TheLongestFitsIntoALineOfTheKernelLog) {
  const std::array<unsigned char, kMaxPacked> packed{};
  Record record;
  put_block(record, UINT32_MAX, UINT32_MAX, 65535, packed);
  finish(record);
  EXPECT_FALSE(record.truncated());
  EXPECT_TRUE(parse(record));
  EXPECT_LE(std::string_view("<1>gdbdebug: ").size() + kMark.size() + kMaxRecord + 1, 992U);
}

TEST(CoreRecord, HeadsComeBack) {
  constexpr std::uint64_t kPlaces[] = {0, 1, 4096, 0x7ffe12345678, UINT64_MAX};
  for (const auto end : kPlaces) {
    for (const auto at : kPlaces) {
      SCOPED_TRACE(std::to_string(end) + " to " + std::to_string(at));
      std::array<unsigned char, kMaxHead> bytes{};
      const Piece piece{.kind = Kind::kMemory, .at = at, .length = 300};
      const auto size = put_head(piece, end, bytes);
      ASSERT_GT(size, 0U);
      std::span<const unsigned char> block(bytes.data(), size);
      const auto read = take_head(block, end);
      ASSERT_TRUE(read);
      EXPECT_EQ(read->kind, piece.kind);
      EXPECT_EQ(read->at, at);
      EXPECT_EQ(read->length, 300U);
      EXPECT_TRUE(block.empty());
      for (std::size_t cut = 0; cut < size; ++cut) {
        block = {bytes.data(), cut};
        EXPECT_FALSE(take_head(block, end)) << cut;
        EXPECT_EQ(put_head(piece, end, std::span(bytes).first(cut)), 0U);
      }
      (void)put_head(piece, end, bytes);
    }
  }
}

}  // namespace
}  // namespace gdbdebug
