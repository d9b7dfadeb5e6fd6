// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/pack/lz4.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

namespace gdbdebug {
namespace {

using Bytes = std::vector<unsigned char>;

Bytes of(std::string_view text) {
  return {text.begin(), text.end()};
}

/// Packs into as much room as it may take at worst, and unpacks again.
Bytes there_and_back(const Bytes& block, std::size_t& packed_size) {
  Bytes packed(block.size() + block.size() / 255 + 16);
  const auto size = lz4::pack(block, packed);
  EXPECT_TRUE(size.has_value());
  packed_size = size.value_or(0);
  packed.resize(packed_size);
  Bytes back(block.size());
  EXPECT_TRUE(lz4::unpack(packed, back));
  return back;
}

TEST(Lz4, WhatIsUnpackedIsWhatWasPacked) {
  std::mt19937 random(1);
  for (const std::size_t size : {0U, 1U, 4U, 5U, 12U, 13U, 17U, 100U, 300U, 4096U, 65535U}) {
    for (const unsigned kinds : {1U, 2U, 7U, 256U}) {
      SCOPED_TRACE(std::to_string(size) + " bytes of " + std::to_string(kinds) + " kinds");
      Bytes block(size);
      for (auto& byte : block) byte = static_cast<unsigned char>(random() % kinds);
      std::size_t packed = 0;
      EXPECT_EQ(there_and_back(block, packed), block);
      if (kinds == 1 && size > 1000) {
        EXPECT_LT(packed, size / 255 + 16);
      }
    }
  }
}

TEST(Lz4, ABlockIsAsTheFormatsDescriptionHasIt) {
  // A token (no literals but the first, a match of 4 + 15 + 0 bytes), a literal, an offset; then the last five bytes.
  std::array<unsigned char, 64> packed{};
  const auto size = lz4::pack(Bytes(25, 'a'), packed);
  ASSERT_TRUE(size);
  EXPECT_EQ(Bytes(packed.begin(), packed.begin() + static_cast<long>(*size)),
            (Bytes{0x1f, 'a', 1, 0, 0, 0x50, 'a', 'a', 'a', 'a', 'a'}));
}

TEST(Lz4, WhatDoesNotFitIsNotPacked) {
  Bytes block(1000);
  for (std::size_t i = 0; i < block.size(); ++i) block[i] = static_cast<unsigned char>(i * i >> 3 ^ i * 7);
  std::size_t needed = 0;
  (void)there_and_back(block, needed);
  for (std::size_t room = 0; room < needed; ++room) {
    Bytes packed(room);
    EXPECT_FALSE(lz4::pack(block, packed)) << room;
  }
  Bytes packed(needed);
  EXPECT_EQ(lz4::pack(block, packed), needed);
  EXPECT_FALSE(lz4::pack(Bytes(65536), packed));
}

TEST(Lz4, DamagedBlocksAreRefused) {
  Bytes block(32);
  for (const auto& packed : {Bytes{}, Bytes{0x10}, Bytes{0xf0}, Bytes{0xf0, 0xff, 0xff}, Bytes{0x10, 'a', 0, 0},
                             Bytes{0x10, 'a', 2, 0}, Bytes{0x10, 'a', 1}, Bytes{0x1f, 'a', 1, 0, 255, 255},
                             Bytes{0x1f, 'a', 1, 0, 20}, Bytes{0x50, 'a', 'a', 'a', 'a', 'a'}}) {
    EXPECT_FALSE(lz4::unpack(packed, block)) << packed.size();
  }
  EXPECT_TRUE(lz4::unpack(Bytes{0x00}, {}));
  EXPECT_TRUE(lz4::unpack(of("\x50hello"), std::span(block).first(5)));
}

}  // namespace
}  // namespace gdbdebug
