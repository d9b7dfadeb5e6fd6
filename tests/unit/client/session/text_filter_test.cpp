// SPDX-License-Identifier: GPL-2.0-or-later
// What of a console's text a terminal with a debugger in it is shown.
#include "session/text_filter.hpp"

#include <gtest/gtest.h>

namespace gdbdebug::client {
namespace {

TEST(ClientTextFilter, PassesTextAndColours) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"plain\r\n\ttext\b", "plain\r\n\ttext\b"},
      {"[\033[0;32m  OK  \033[0m] Reached", "[\033[0;32m  OK  \033[0m] Reached"},
      {"shell# \033[6n", "shell# "},
      {"\033[2J\033[1;1Hx", "x"},
      {"\033[?25lx", "x"},
      {"\033]0;title\a", "0;title"},
      {"\033\033[1mx", "\033[1mx"},
      {"a\007b\001c\177", "abc"},
      {"\303\244", "\303\244"},
      {"\033[1111111111111111111111111111111111mx", "11111111111mx"},
  };
  for (const auto& [text, expected] : rows) {
    SCOPED_TRACE(expected);
    TextFilter whole;
    EXPECT_EQ(whole.pass(text), expected);
    TextFilter parts;
    std::string passed;
    for (const char c : text) passed += parts.pass(std::string_view(&c, 1));
    EXPECT_EQ(passed, expected);
  }
}

}  // namespace
}  // namespace gdbdebug::client
