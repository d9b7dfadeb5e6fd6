// SPDX-License-Identifier: GPL-2.0-or-later
// Words, numbers and short texts: core/base/text.hpp.
#include "core/base/text.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <vector>

namespace gdbdebug {
namespace {

TEST(Text, TakesWordsUpToASeparator) {
  struct Case {
    std::string_view text;
    std::vector<std::string_view> words;
  };
  const Case cases[] = {
      {"a,b,c", {"a", "b", "c"}}, {"a", {"a"}}, {",", {""}}, {"a,", {"a"}}, {",a", {"", "a"}}, {"a,,b", {"a", "", "b"}},
      {"a b,c", {"a b", "c"}},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.text);
    std::vector<std::string_view> words;
    for (auto rest = one.text; !rest.empty();) words.push_back(take_word(rest, ','));
    EXPECT_EQ(words, one.words);
  }
}

TEST(Text, TakingAWordFromNothingGivesNothing) {
  std::string_view rest;
  EXPECT_EQ(take_word(rest, ','), "");
  EXPECT_EQ(rest, "");
}

TEST(Text, TrimsTheKernelsWhiteSpaceAndNoOther) {
  struct Case {
    std::string_view text, trimmed;
  };
  const Case cases[] = {
      {"", ""},       {" ", ""},        {"a", "a"},           {" a ", "a"}, {"\t\r\n\v\fa\t\r\n\v\f", "a"},
      {"a b", "a b"}, {" a b ", "a b"}, {"\xa0 a", "\xa0 a"},  // a non-breaking space in Latin-1 belongs to the word
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.text);
    EXPECT_EQ(trim(one.text), one.trimmed);
  }
}

TEST(Text, ReadsWholeNumbersThatFitAndNothingElse) {
  struct Case {
    std::string_view text;
    int base;
    std::optional<std::uint16_t> value;
  };
  const Case cases[] = {
      {"0", 10, 0},      {"1", 10, 1},     {"65535", 10, 65535},
      {"65536", 10, {}}, {"007", 10, 7},   {"", 10, {}},
      {"-1", 10, {}},    {"+1", 10, {}},   {" 1", 10, {}},
      {"1 ", 10, {}},    {"1x", 10, {}},   {"0x10", 10, {}},
      {"ff", 16, 255},   {"FF", 16, 255},  {"ffff", 16, 65535},
      {"10000", 16, {}}, {"0x10", 16, {}}, {"g", 16, {}},
      {"1.0", 10, {}},   {"1e3", 10, {}},  {"99999999999999999999999999", 10, {}},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.text);
    EXPECT_EQ(parse_number<std::uint16_t>(one.text, one.base), one.value);
  }
}

TEST(Text, KnowsHexadecimalDigits) {
  for (int code = 0; code < 256; ++code) {
    const char c = static_cast<char>(code);
    SCOPED_TRACE(code);
    const auto at = std::string_view("0123456789abcdef").find(c);
    const auto upper = std::string_view("0123456789ABCDEF").find(c);
    const int expected = at != std::string_view::npos      ? static_cast<int>(at)
                         : upper != std::string_view::npos ? static_cast<int>(upper)
                                                           : -1;
    EXPECT_EQ(hex_value(c), expected);
  }
}

TEST(Text, WritesNumbers) {
  struct Case {
    std::uint64_t number;
    unsigned base;
    std::string_view text;
  };
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  const Case cases[] = {
      {0, 10, "0"}, {9, 10, "9"},  {10, 10, "10"}, {115200, 10, "115200"},          {kMost, 10, "18446744073709551615"},
      {0, 16, "0"}, {15, 16, "f"}, {16, 16, "10"}, {kMost, 16, "ffffffffffffffff"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.text);
    Text<32> text;
    text.add_number(one.number, one.base);
    EXPECT_EQ(text.view(), one.text);
  }
}

TEST(Text, WritesBytesAsTwoHexadecimalDigitsEach) {
  Text<32> text;
  text.add_hex(std::string_view("\x00\x0f\xf0\xff", 4)).add_hex(std::uint8_t{7});
  EXPECT_EQ(text.view(), "000ff0ff07");
}

TEST(Text, CutsWhatDoesNotFitAndSaysSo) {
  Text<4> text;
  text.add("abcd");
  EXPECT_FALSE(text.truncated());
  text.add("");
  EXPECT_FALSE(text.truncated());
  text.add('e');
  EXPECT_TRUE(text.truncated());
  EXPECT_EQ(text.view(), "abcd");
  EXPECT_STREQ(text.c_str(), "abcd");
  text.clear();
  EXPECT_FALSE(text.truncated());
  text.add("abcdefgh");
  EXPECT_EQ(text.view(), "abcd");
  EXPECT_TRUE(text.truncated());
}

TEST(Text, SettingATextReplacesTheOldOneAndForgetsThatItWasCut) {
  Text<4> text("abcdef");
  ASSERT_TRUE(text.truncated());
  text.set("x");
  EXPECT_EQ(text.view(), "x");
  EXPECT_FALSE(text.truncated());
}

TEST(Text, CanBeSetToAPartOfItself) {
  Text<8> text("abcdef");
  text.set(text.view().substr(2, 3));
  EXPECT_EQ(text.view(), "cde");
}

TEST(Text, CopiesAreIndependent) {
  Text<8> one("one");
  Text<8> two(one);
  one.add('!');
  EXPECT_EQ(two.view(), "one");
  two = one;
  EXPECT_EQ(two.view(), "one!");
  const auto& same = two;
  two = same;
  EXPECT_EQ(two.view(), "one!");
}

TEST(Text, EndsInAZeroWheneverItIsLookedAt) {
  Text<8> text("abcdefgh");
  EXPECT_EQ(text.c_str()[8], '\0');
  text.set("ab");
  EXPECT_EQ(text.c_str()[2], '\0');
  text.tail()[0] = 'c';
  text.grow(1);
  EXPECT_STREQ(text.c_str(), "abc");
  EXPECT_EQ(text.room(), 5U);
}

}  // namespace
}  // namespace gdbdebug
