// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/pack/text64.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace gdbdebug {
namespace {

TEST(Text64, IsBase64WithAnotherPlusAndNoPadding) {
  constexpr std::pair<std::string_view, std::string_view> kCases[] = {
      // RFC 4648, section 10
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "././"}};
  for (const auto& [bytes, text] : kCases) {
    SCOPED_TRACE(std::string(text));
    Text<64> made;
    add_text64(made, {reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
    EXPECT_EQ(made.view(), text);
    std::array<unsigned char, 64> read{};
    const auto size = read_text64(text, read);
    ASSERT_TRUE(size);
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(read.data()), *size), bytes);
  }
}

TEST(Text64, RefusesWhatItIsNot) {
  std::array<unsigned char, 4> room{};
  for (const auto* text : {"A", "Zg==", "Zm9+", "Zm 8", "Zm9vYmFy"}) EXPECT_FALSE(read_text64(text, room)) << text;
}

TEST(Text64, TheCheckIsTheUsualOne) {
  EXPECT_EQ(crc32("123456789"), 0xcbf43926U);
  EXPECT_EQ(crc32(""), 0U);
}

}  // namespace
}  // namespace gdbdebug
