// SPDX-License-Identifier: GPL-2.0-or-later
// What may reach a terminal, and what is no name.
#include "base/words.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"

namespace gdbdebug::client {
namespace {

TEST(ClientWords, NothingThatMovesOrReordersATerminalIsPrinted) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"plain", "plain"},
      {"F\u0151tan\u00fas\u00edtv\u00e1ny \u65e5\u672c \U0001f600",
       "F\u0151tan\u00fas\u00edtv\u00e1ny \u65e5\u672c \U0001f600"},
      {"a\x1b[2Jb\nc\td\x7f", "a?[2Jb?c?d?"},
      {"\xc2\x9b"
       "2J\xc2\x85",
       "?2J?"},  // C1 in UTF-8
      {"\x9b"
       "2J",
       "?2J"},                                 // as an 8-bit terminal knows it
      {"caf\xe9 au lait", "caf? au lait"},     // Latin-1
      {"\xc0\x9b\xe0\x80\x9b\xf8", "??????"},  // overlong, and no lead at all
      {"\xed\xa0\x80\xe2\x82", "?????"},       // a surrogate, and a sequence that is cut off
      {"gpj.\xe2\x80\xae"
       "exe\xe2\x80\xac",
       "gpj.?exe?"},                                               // overrides
      {"\xe2\x81\xa6i\xe2\x81\xa9\xd8\x9c\xe2\x80\x8f", "?i???"},  // isolates and marks
      {"a\xe2\x80\xa8"
       "b\xe2\x80\xa9"
       "c",
       "a?b?c"},  // separators of lines and paragraphs
  };
  for (const auto& [text, expected] : rows) {
    EXPECT_EQ(printable(text), expected);
    EXPECT_EQ(printable(printable(text)), expected);
  }
  EXPECT_EQ(printable("one\n\ttwo\r\x9b", true), "one\n\ttwo??");
}

TEST(ClientWords, AControlCharacterIsFoundAndNothingElseIsOne) {
  for (const std::string_view text : {"a\nb", "\x01", "x\x7f", "\xc2\x85", "\xc2\x9b"}) EXPECT_TRUE(has_control(text));
  EXPECT_TRUE(has_control(std::string_view("\0", 1)));
  for (const std::string_view text : {"", "a b", "\xe9", "\xc3\xa9", "\xe2\x80\xae", "$(x)`y`\"'\\"}) {
    EXPECT_FALSE(has_control(text)) << text;
  }
}

TEST(ClientWords, ATextIsCutBetweenCharacters) {
  EXPECT_EQ(cut("abc", 5), "abc");
  EXPECT_EQ(cut("abc", 2), "ab");
  EXPECT_EQ(cut("a\u65e5", 4), "a\u65e5");
  EXPECT_EQ(cut("a\u65e5", 3), "a");
  EXPECT_EQ(cut("\u65e5", 1), "");
}

TEST(ClientWords, JsonHasNoneOfThatEither) {
  EXPECT_EQ(quoted("a\"\\\n\x7f\u00e9"), "\"a\\\"\\\\\\u000a\\u007f\u00e9\"");
  EXPECT_EQ(quoted("\xc2\x9b\xe2\x80\xae\x9b"), "\"\\u009b\\u202e\xef\xbf\xbd\"");
}

}  // namespace
}  // namespace gdbdebug::client
