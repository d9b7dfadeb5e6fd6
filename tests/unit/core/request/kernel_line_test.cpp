// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel command line as the kernel reads it, and what is looked up in it: core/request/request.hpp.
// What is expected here is what parse_args() and next_arg() of Linux (lib/cmdline.c, kernel/params.c) make of the text.
#include "core/request/kernel_line.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/request/request.hpp"

namespace gdbdebug {

bool operator==(const Parameter& a, const Parameter& b) {
  return a.name == b.name && a.value == b.value;
}
void PrintTo(const Parameter& parameter, std::ostream* out) {
  *out << '[' << parameter.name << ']';
  if (parameter.value) *out << "=[" << *parameter.value << ']';
}

namespace {

std::vector<Parameter> split(std::string_view text) {
  std::vector<Parameter> found;
  Parameters parameters(text);
  while (const auto parameter = parameters.next()) found.push_back(*parameter);
  return found;
}

TEST(Cmdline, IsSplitAsTheKernelDoes) {
  struct Case {
    std::string_view text;
    std::vector<Parameter> parameters;
  };
  const Case cases[] = {
      {"", {}},
      {" \t\n ", {}},
      {"quiet", {{"quiet", {}}}},
      {"a=b", {{"a", "b"}}},
      {"a=", {{"a", ""}}},
      {"a=b=c", {{"a", "b=c"}}},
      {"=a", {{"=a", {}}}},
      {"=a=b", {{"=a", "b"}}},
      {"a b=c d", {{"a", {}}, {"b", "c"}, {"d", {}}}},
      {"  a \t b\n", {{"a", {}}, {"b", {}}}},
      {"a\vb\fc\rd", {{"a", {}}, {"b", {}}, {"c", {}}, {"d", {}}}},
      // Quotes: at the start of the value, of the whole parameter, and in the middle, where they stay.
      {"a=\"b c\"", {{"a", "b c"}}},
      {"\"a=b c\"", {{"a", "b c"}}},
      {"\"a b\"", {{"a b", {}}}},
      {"a=b\"c d\"e", {{"a", "b\"c d\"e"}}},
      {"a\"b c\"d", {{"a\"b c\"d", {}}}},
      {"a=\"\"", {{"a", ""}}},
      {"\"\"", {{"", {}}}},
      {"a=\"b\" c", {{"a", "b"}, {"c", {}}}},
      {"\"a\"=b", {{"a\"", "b"}}},
      {"\"a=\"b c\"", {{"a", "b"}, {"c\"", {}}}},
      {"a=\"b\"c", {{"a", "b\"c"}}},
      // A quote that never ends protects all the rest.
      {"a=\"b c", {{"a", "b c"}}},
      {"\"a b=c d", {{"a b", "c d"}}},
      {"a=\"", {{"a", ""}}},
      {"\"", {{"", {}}}},
      // `--` ends the kernel's part, but only as a word of its own.
      {"a -- b", {{"a", {}}}},
      {"-- a", {}},
      {"a --", {{"a", {}}}},
      {"a --b c", {{"a", {}}, {"--b", {}}, {"c", {}}}},
      {"a --=b c", {{"a", {}}, {"--", "b"}, {"c", {}}}},
      {"a=-- b", {{"a", "--"}, {"b", {}}}},
      {"a \"x -- y\" b", {{"a", {}}, {"x -- y", {}}, {"b", {}}}},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.text);
    EXPECT_EQ(split(one.text), one.parameters);
  }
}

constexpr std::string_view kBare = "(bare)";

TEST(Cmdline, FindsTheLastSettingOfRdGdbdebug) {
  struct Case {
    std::string_view text;
    std::optional<std::string_view> found;
  };
  const Case cases[] = {
      {"", {}},
      {"quiet root=/dev/sda1", {}},
      {"rd.gdbdebug", kBare},
      {"rd.gdbdebug=", ""},
      {"rd.gdbdebug=ttyS1,wait", "ttyS1,wait"},
      {"quiet rd.gdbdebug=ttyS1 root=/dev/sda1\n", "ttyS1"},
      // Repeated: the last one wins, in whatever form.
      {"rd.gdbdebug=a rd.gdbdebug=b", "b"},
      {"rd.gdbdebug=a rd.gdbdebug", kBare},
      {"rd.gdbdebug rd.gdbdebug=off", "off"},
      {"rd.gdbdebug=off rd.gdbdebug=ttyS1", "ttyS1"},
      // Others that look like it.
      {"rd.gdbdebugx=ttyS1", {}},
      {"xrd.gdbdebug=ttyS1", {}},
      {"rd.gdbdebug.ip=10.0.0.2", {}},
      {"rd.gdbdebug=a rd.gdbdebugx=b rd.gdbdebug.ip=c", "a"},
      {"RD.GDBDEBUG=a", {}},
      {"rd.gdbdebu=a", {}},
      {"gdbdebug=a rd_gdbdebug=b", {}},
      {"root=rd.gdbdebug=a", {}},
      {"\"x rd.gdbdebug=a\"", {}},
      // Quoted forms.
      {"rd.gdbdebug=\"ttyS1,wait\"", "ttyS1,wait"},
      {"\"rd.gdbdebug=ttyS1,wait\"", "ttyS1,wait"},
      {"rd.gdbdebug=\"tty S1\" x", "tty S1"},
      // After `--` it belongs to init.
      {"quiet -- rd.gdbdebug=a", {}},
      {"rd.gdbdebug=a -- rd.gdbdebug=b", "a"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.text);
    const auto setting = find_setting(one.text);
    std::optional<std::string_view> found;
    if (setting) found = setting->value.value_or(kBare);
    EXPECT_EQ(found, one.found);
  }
}

TEST(Cmdline, FindsTheLastValueOfAName) {
  struct Case {
    std::string_view text;
    std::optional<std::string_view> value;  ///< of init=
  };
  const Case cases[] = {
      {"", {}},      {"init=/bin/sh", "/bin/sh"},  {"init=/a init=/b", "/b"},
      {"init", {}},  {"init=/a init", "/a"},       {"rdinit=/a", {}},
      {"init=", ""}, {"init=/a -- init=/b", "/a"}, {"init=\"/a b\"", "/a b"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.text);
    EXPECT_EQ(find_value(one.text, "init"), one.value);
  }
}

TEST(Cmdline, ALineOfFourKilobytesIsReadToItsEnd) {
  for (const std::size_t size : {4095U, 4096U, 65'000U}) {
    SCOPED_TRACE(size);
    const std::string_view ending = " rd.gdbdebug=ttyS1,wait\n";
    std::string text;
    while (text.size() < size - ending.size()) text += "noise.parameter=value ";
    text.resize(size - ending.size(), ' ');
    text += ending;
    const auto setting = find_setting(text);
    ASSERT_TRUE(setting && setting->value);
    EXPECT_EQ(*setting->value, "ttyS1,wait");
  }
  const std::string one_word = "rd.gdbdebug=" + std::string(4000, 'x');
  EXPECT_EQ(find_setting(one_word)->value->size(), 4000U);
}

TEST(Cmdline, ALongTextIsCutBetweenTwoParametersOnly) {
  struct Case {
    std::string_view text;
    std::string_view complete;
  };
  const Case cases[] = {
      {"", ""},
      {"a", ""},    // it may go on
      {"a ", "a"},  // what is left is white space, and does no harm
      {"a b", "a"},
      {"a=1 \tb=2 c", "a=1 \tb=2"},
      {"a b=\"c d", "a"},
      {"a \"b c=d e", "a"},
      {"\"a b\" c", "\"a b\""},
      {"a -- b c", "a"},
      {"-- b c", ""},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.text);
    EXPECT_EQ(one.text.substr(0, complete_parameters(one.text)), one.complete);
  }
}

TEST(Cmdline, InPiecesALongTextHasTheSameParameters) {
  const std::string text = " a=1  \"b c\"=2 d=\"e f\" rd.gdbdebug=ttyS1,wait g=\"\" \t h i -- rd.gdbdebug=off";
  for (std::size_t size = 32; size <= text.size() + 1; ++size) {
    SCOPED_TRACE(size);
    std::vector<Parameter> found;
    for (std::string_view rest = text; !rest.empty();) {
      const auto piece = rest.substr(0, size);
      const auto complete = piece.size() == size ? complete_parameters(piece) : 0;
      for (const auto& one : split(complete == 0 ? piece : piece.substr(0, complete))) found.push_back(one);
      if (complete == 0) break;
      rest.remove_prefix(complete);
    }
    EXPECT_EQ(found, split(text));
  }
}

TEST(Cmdline, TellsOffFromDefaultFromALine) {
  struct Case {
    std::string_view value;
    bool off, bare;
  };
  const Case cases[] = {
      {"0", true, false},         {"no", true, false},   {"off", true, false}, {"1", false, true},
      {"yes", false, true},       {"on", false, true},   {"", false, true},    {"ttyS1", false, false},
      {"off,wait", false, false}, {"OFF", false, false}, {"00", false, false}, {"10", false, false},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.value);
    EXPECT_EQ(is_off(one.value), one.off);
    EXPECT_EQ(is_default(one.value), one.bare);
  }
}

TEST(Cmdline, EveryByteAnywhereIsTaken) {
  for (int code = 0; code < 256; ++code) {
    for (const std::string_view pattern : {"?", "a?b", "a=?", "a=?b c", "\"a=?\" b", "?=a"}) {
      std::string text(pattern);
      text[text.find('?')] = static_cast<char>(code);
      SCOPED_TRACE(text);
      EXPECT_LE(split(text).size(), 3U);
    }
  }
}

}  // namespace
}  // namespace gdbdebug
