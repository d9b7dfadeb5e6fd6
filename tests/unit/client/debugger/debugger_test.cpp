// SPDX-License-Identifier: GPL-2.0-or-later
// What a debugger is told, and the snippets for IDEs.
#include "debugger/debugger.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "debugger/snippets.hpp"

namespace gdbdebug::client {
namespace {

const Debugger kGdb13{Debugger::Kind::gdb, "/usr/bin/gdb", 13};
const Debugger kLldb{Debugger::Kind::lldb, "/usr/bin/lldb", 0};

Plan plan() {
  Plan plan;
  plan.sysroot = "/cache/it's";
  plan.program = "/cache/it's/usr/lib/\"init\"";
  return plan;
}

bool has(const std::vector<std::string>& commands, const std::string& command) {
  return std::ranges::find(commands, command) != commands.end();
}

std::size_t place(const std::vector<std::string>& commands, const std::string& command) {
  return static_cast<std::size_t>(std::ranges::find(commands, command) - commands.begin());
}

TEST(ClientDebugger, GdbKnowsTheFilesBeforeItConnects) {
  const auto commands = debugger_commands(kGdb13, plan(), "/run/line");
  EXPECT_TRUE(has(commands, "set sysroot /cache/it's"));
  EXPECT_TRUE(has(commands, "set exec-file-mismatch off"));
  EXPECT_TRUE(has(commands, R"(file "/cache/it's/usr/lib/\"init\"")"));
  EXPECT_EQ(commands.back(), "target remote /run/line");
}

TEST(ClientDebugger, AnOldGdbIsToldNothingItDoesNotKnow) {
  const Debugger old{Debugger::Kind::gdb, "gdb", 9};
  for (const auto& command : debugger_commands(old, plan(), "/run/line")) {
    EXPECT_EQ(command.find("exec-file-mismatch"), std::string::npos);
    EXPECT_EQ(command.find("debuginfod"), std::string::npos);
  }
}

TEST(ClientDebugger, WithoutFilesGdbReadsNoneOverTheLine) {
  const auto commands = debugger_commands(kGdb13, {}, "/run/line");
  EXPECT_TRUE(has(commands, "set sysroot /var/empty"));
  EXPECT_TRUE(std::ranges::none_of(commands, [](const auto& one) { return one.starts_with("file "); }));
}

TEST(ClientDebugger, BreakpointsComeAfterTheWayToMain) {
  auto wanted = plan();
  wanted.breaks = {"manager_new"};
  wanted.main = MainPlan{MainPlan::By::start_argument, "libc.so.6", "$rdi", ""};
  const auto commands = debugger_commands(kGdb13, wanted, "/run/line");
  EXPECT_TRUE(has(commands, R"(tcatch load libc\.so\.6)"));
  EXPECT_LT(place(commands, "tbreak *__libc_start_main"), place(commands, "tbreak *$rdi"));
  EXPECT_LT(place(commands, "tbreak *$rdi"), place(commands, "break manager_new"));
  EXPECT_LT(place(commands, "break manager_new"), commands.size());
}

TEST(ClientDebugger, LldbConnectsToASocketOrAPort) {
  EXPECT_EQ(debugger_commands(kLldb, plan(), "/run/line").back(),
            "process connect --plugin gdb-remote unix-connect:///run/line");
  EXPECT_EQ(debugger_commands(kLldb, plan(), "127.0.0.1:7").back(),
            "process connect --plugin gdb-remote connect://127.0.0.1:7");
  EXPECT_EQ(debugger_argv(kLldb, {"one"}, {"--two"}),
            (std::vector<std::string>{"/usr/bin/lldb", "-o", "one", "--two"}));
}

TEST(ClientDebugger, AMissingDebuggerIsNamed) {
  const auto found = find_debugger("no-such-gdb", "");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().subject, "no-such-gdb");
}

TEST(ClientSnippets, EachNamesTheAddressTheProgramAndTheSysroot) {
  auto wanted = plan();
  wanted.sysroot = "/cache/root";
  wanted.program = "/elsewhere/init";
  for (const auto name : kSnippets) {
    SCOPED_TRACE(name);
    const auto text = snippet(name, kGdb13, wanted, "127.0.0.1:2345");
    EXPECT_NE(text.find("127.0.0.1:2345"), std::string::npos) << text;
    EXPECT_NE(text.find("/elsewhere/init"), std::string::npos) << text;
    EXPECT_NE(text.find("/cache/root"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace gdbdebug::client
