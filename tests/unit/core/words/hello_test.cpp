// SPDX-License-Identifier: GPL-2.0-or-later
// The hello, one line that tells who is on the line: core/words/hello.hpp. Its form is fixed in gdbdebug(7).
#include "core/words/hello.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gdbdebug {
namespace {

TEST(Hello, SaysWhoIsHere) {
  struct Case {
    const char* what;
    Hello hello;
    std::string_view line;
  };
  const Case cases[] = {
      {"all of it",
       {"0.1.0", "held", "/usr/lib/systemd/systemd", "6f1d0a", "x86_64"},
       "gdbdebug version=0.1.0 state=held pid=1 exe=/usr/lib/systemd/systemd build_id=6f1d0a machine=x86_64\r\n"},
      {"no executable and no build ID",
       {"0.1.0", "running", "", "", "aarch64"},
       "gdbdebug version=0.1.0 state=running pid=1 machine=aarch64\r\n"},
      {"running",
       {"1.2.3", "running", "/init", "", "x86_64"},
       "gdbdebug version=1.2.3 state=running pid=1 exe=/init machine=x86_64\r\n"},
      {"crashed",
       {"1.2.3", "crashed", "/init", "", "x86_64"},
       "gdbdebug version=1.2.3 state=crashed pid=1 exe=/init machine=x86_64\r\n"},
      {"with a watchdog",
       {"1.2.3", "running", "/init", "", "x86_64", 10},
       "gdbdebug version=1.2.3 state=running pid=1 exe=/init machine=x86_64 watchdog=10\r\n"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.what);
    EXPECT_EQ(compose_hello(one.hello).view(), one.line);
  }
}

TEST(Hello, EscapesWhatGdbOrAReaderWouldStumbleOver) {
  struct Case {
    std::string_view exe, written;
  };
  const Case cases[] = {
      {"/a b", "/a\\x20b"},
      {"/a$b", "/a\\x24b"},
      {"/a%b", "/a\\x25b"},
      {"/a+b", "/a\\x2bb"},
      {"/a-b", "/a\\x2db"},
      {"/a#b", "/a\\x23b"},
      {"/a=b", "/a\\x3db"},
      {"/a\\b", "/a\\x5cb"},
      {"/a\nb", "/a\\x0ab"},
      {"/a\rb", "/a\\x0db"},
      {"/a\x7f", "/a\\x7f"},
      {"/\xc3\xa4", "/\\xc3\\xa4"},
      {"/a\x01", "/a\\x01"},
      {"/a\x03", "/a\\x03"},
      {"/a'\"~!*}", "/a'\"~!\\x2a\\x7d"},
      {"/init (deleted)", "/init\\x20(deleted)"},
      {std::string_view("/a\0b", 4), "/a\\x00b"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.written);
    const auto line = compose_hello({"0", "held", one.exe, "", "m"});
    EXPECT_EQ(line.view(), "gdbdebug version=0 state=held pid=1 exe=" + std::string(one.written) + " machine=m\r\n");
  }
}

TEST(Hello, HasNoneOfTheCharactersThatMeanSomethingToGdb) {
  std::string all;
  for (int code = 0; code < 256; ++code) all.push_back(static_cast<char>(code));
  for (std::size_t from = 0; from < all.size(); from += 64) {
    const auto part = std::string_view(all).substr(from, 64);
    const auto line = compose_hello({part, part, part, part, part});
    EXPECT_EQ(line.view().find_first_of("$%+-#\003"), std::string_view::npos) << line.view();
  }
}

TEST(Hello, ListsWhatIsHeld) {
  const HeldProcess held[] = {{1, "systemd", "end"}, {231, "a-b:c d", "start"}};
  EXPECT_EQ(compose_hello({"0", "held", "/x", "", "m", {}, true, 231, held}).view(),
            "gdbdebug version=0 state=held pid=231 exe=/x machine=m wire=shared held=1:systemd:end "
            "held=231:a\\x2db\\x3ac\\x20d:start\r\n");
  const std::string longest(5000, '%');
  const std::vector<HeldProcess> many(64, HeldProcess{4194304, longest, "debugger"});
  const auto line = compose_hello({"0", "held", longest, longest, "m", {}, false, 1, many});
  EXPECT_TRUE(line.view().ends_with(":debugger\r\n")) << "the line is cut before its end";
}

TEST(Hello, IsOneLineHoweverLongTheNamesAre) {
  const std::string longest(5000, '%');  // three characters and a backslash each
  const std::string digits(5000, 'a');
  const auto line = compose_hello({"0.1.0", "held", longest, digits, "x86_64"});
  EXPECT_TRUE(line.view().starts_with("gdbdebug version=0.1.0 state=held pid=1 exe=\\x25"));
  EXPECT_TRUE(line.view().ends_with("\r\n")) << "the line is cut before its end";
  EXPECT_EQ(line.view().find('\n'), line.view().size() - 1);
}

}  // namespace
}  // namespace gdbdebug
