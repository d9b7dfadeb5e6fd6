// SPDX-License-Identifier: GPL-2.0-or-later
// /etc/gdbdebug.conf: core/request/conf.hpp.
#include "core/request/conf.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gdbdebug {
namespace {

struct Case {
  const char* what;
  std::string_view text;
  std::optional<std::string_view> value;  ///< of `default`
};

TEST(Conf, FindsTheValueOfAKey) {
  const Case cases[] = {
      {"a line", "default=ttyS1,wait\n", "ttyS1,wait"},
      {"no newline at the end", "default=ttyS1", "ttyS1"},
      {"an empty file", "", {}},
      {"no such key", "lines=serial\n", {}},
      {"the last one wins", "default=a\ndefault=b\n", "b"},
      {"an empty value wins too", "default=a\ndefault=\n", ""},
      {"blanks around the key and the value", "  default \t=  ttyS1  \n", "ttyS1"},
      {"carriage returns", "default=ttyS1\r\n", "ttyS1"},
      {"a pair of quotes", "default=\"ttyS1,wait\"\n", "ttyS1,wait"},
      {"quotes keep blanks", "default=\" a \"\n", " a "},
      {"an empty pair of quotes", "default=\"\"\n", ""},
      {"one quote is a character", "default=\"\n", "\""},
      {"a quote at one end only", "default=\"a\n", "\"a"},
      {"single quotes are characters", "default='a'\n", "'a'"},
      {"the value may contain =", "default=ttyS1,wait=30\n", "ttyS1,wait=30"},
      {"a comment", "# default=a\n", {}},
      {"a comment after blanks", "   #default=a\n", {}},
      {"a # in a value is no comment", "default=a#b\n", "a#b"},
      {"a line without =", "default\n", {}},
      {"a key that begins alike", "defaults=a\n", {}},
      {"a key that ends alike", "xdefault=a\n", {}},
      {"upper case is another key", "DEFAULT=a\n", {}},
      {"an empty key", "=a\n", {}},
      {"blank lines between", "\n\n \ndefault=a\n\n", "a"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.what);
    EXPECT_EQ(conf_value(one.text, "default"), one.value);
  }
}

TEST(Conf, KeysDoNotMix) {
  constexpr std::string_view kText =
      "default=ttyS1\nlines=serial virtio\nmodules=a b\nauthorized_keys=/k\nhost_key=\"/h k\"\n";
  EXPECT_EQ(conf_value(kText, "lines"), "serial virtio");
  EXPECT_EQ(conf_value(kText, "modules"), "a b");
  EXPECT_EQ(conf_value(kText, "authorized_keys"), "/k");
  EXPECT_EQ(conf_value(kText, "host_key"), "/h k");
}

TEST(Conf, ALongLineIsReadWhole) {
  const std::string value(60'000, 'x');
  EXPECT_EQ(conf_value("default=" + value + "\n", "default"), value);
}

}  // namespace
}  // namespace gdbdebug
