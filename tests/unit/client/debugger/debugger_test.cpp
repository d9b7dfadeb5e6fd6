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

// The commands, which must not have been refused.
std::vector<std::string> commands_of(const Debugger& debugger, const Plan& plan, const std::string& address) {
  const auto commands = debugger_commands(debugger, plan, address);
  EXPECT_TRUE(commands.ok());
  return commands.ok() ? commands.value() : std::vector<std::string>{""};
}

bool has(const std::vector<std::string>& commands, const std::string& command) {
  return std::ranges::find(commands, command) != commands.end();
}

std::size_t place(const std::vector<std::string>& commands, const std::string& command) {
  return static_cast<std::size_t>(std::ranges::find(commands, command) - commands.begin());
}

TEST(ClientDebugger, GdbKnowsTheFilesBeforeItConnects) {
  const auto commands = commands_of(kGdb13, plan(), "/run/line");
  EXPECT_TRUE(has(commands, "set sysroot /cache/it's"));
  EXPECT_TRUE(has(commands, "set exec-file-mismatch off"));
  EXPECT_TRUE(has(commands, R"(file "/cache/it's/usr/lib/\"init\"")"));
  EXPECT_EQ(commands.back(), "with print symbol-loading brief -- target remote /run/line");
}

TEST(ClientDebugger, AnOldGdbIsToldNothingItDoesNotKnow) {
  const Debugger old{Debugger::Kind::gdb, "gdb", 9};
  for (const auto& command : commands_of(old, plan(), "/run/line")) {
    EXPECT_EQ(command.find("exec-file-mismatch"), std::string::npos);
    EXPECT_EQ(command.find("debuginfod"), std::string::npos);
    EXPECT_FALSE(command.starts_with("with ")) << command;
  }
}

TEST(ClientDebugger, WithoutFilesGdbReadsNoneOverTheLine) {
  const auto commands = commands_of(kGdb13, {}, "/run/line");
  EXPECT_TRUE(has(commands, "set sysroot /var/empty"));
  EXPECT_TRUE(std::ranges::none_of(commands, [](const auto& one) { return one.starts_with("file "); }));
}

TEST(ClientDebugger, BreakpointsComeAfterTheWayToMain) {
  auto wanted = plan();
  wanted.breaks = {"manager_new"};
  wanted.main = MainPlan{MainPlan::By::start_argument, "main", "libc.so.6", "$rdi", ""};
  const auto commands = commands_of(kGdb13, wanted, "/run/line");
  EXPECT_TRUE(has(commands, R"(tcatch load libc\.so\.6)"));
  EXPECT_LT(place(commands, "advance *__libc_start_main"), place(commands, "advance *$rdi"));
  EXPECT_LT(place(commands, "advance *$rdi"), place(commands, "break manager_new"));
  EXPECT_LT(place(commands, "break manager_new"), commands.size());
}

// A `tbreak` that fails keeps nobody from the `continue` behind it, but in a script.
TEST(ClientDebugger, TheWayToMainNeverGoesOnWhereItCannotStop) {
  auto wanted = plan();
  for (const auto by : {MainPlan::By::symbol, MainPlan::By::start_argument}) {
    wanted.main = MainPlan{by, "main.main", "libc.so.6", "$rdi", ""};
    wanted.main_script.clear();
    auto commands = commands_of(kGdb13, wanted, "/run/line");
    for (std::size_t i = 0; i < commands.size(); ++i) {
      EXPECT_TRUE(commands[i] != "continue" || commands[i - 1].starts_with("tcatch load ")) << i;
    }
    EXPECT_EQ(has(commands, "advance main.main"), by == MainPlan::By::symbol);
    wanted.main_script = "/run/main.gdb";
    commands = commands_of(kGdb13, wanted, "/run/line");
    EXPECT_FALSE(has(commands, "continue"));
    EXPECT_TRUE(has(commands, "source /run/main.gdb"));
  }
  const MainPlan by_symbol{MainPlan::By::symbol, "main.main", "", "", ""};
  EXPECT_EQ(main_script(kGdb13, by_symbol).value(), "with breakpoint pending off -- tbreak main.main\ncontinue\n");
  EXPECT_EQ(main_script({Debugger::Kind::gdb, "gdb", 9}, by_symbol).value(), "advance main.main\n");
}

TEST(ClientDebugger, AControlCharacterInAnyNameIsRefusedByBoth) {
  const std::string hostile = "x\nshell touch /tmp/owned\n";
  for (const auto& debugger : {kGdb13, kLldb}) {
    std::vector<Plan> plans(6, plan());
    plans[0].sysroot = "/" + hostile;
    plans[1].program = "/" + hostile;
    plans[2].debug_dirs = {hostile};
    plans[3].breaks = {hostile};
    plans[4].main = MainPlan{MainPlan::By::symbol, hostile, "", "", ""};
    plans[5].program = "/\xc2\x85";
    for (const auto& one : plans) {
      const auto commands = debugger_commands(debugger, one, "/run/line");
      ASSERT_FALSE(commands.ok());
      EXPECT_EQ(commands.error().text().find('\n'), std::string::npos);
      for (const auto name : kSnippets) EXPECT_FALSE(snippet(name, debugger, one, "127.0.0.1:1").ok());
    }
  }
  EXPECT_FALSE(main_script(kGdb13, {MainPlan::By::start_argument, "main", "libx.so\nshell id", "$rdi", ""}).ok());
}

TEST(ClientDebugger, NamesAreQuotedForWhoReadsThem) {
  EXPECT_EQ(Commands(Debugger::Kind::gdb).word(R"(a"b\c`d)"), R"("a\"b\\c`d")");
  EXPECT_EQ(Commands(Debugger::Kind::lldb).word(R"(a"b\c`d)"), R"("a\"b\\c\`d")");
  EXPECT_EQ(Commands::expression("libstdc++.so.6[*]^$"), R"(libstdc++\.so\.6\[\*]\^\$)");
}

TEST(ClientDebugger, LldbConnectsToASocketOrAPort) {
  EXPECT_EQ(commands_of(kLldb, plan(), "/run/line").back(),
            "process connect --plugin gdb-remote unix-connect:///run/line");
  EXPECT_EQ(commands_of(kLldb, plan(), "127.0.0.1:7").back(),
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
    const auto made = snippet(name, kGdb13, wanted, "127.0.0.1:2345");
    ASSERT_TRUE(made.ok());
    const auto& text = made.value();
    EXPECT_NE(text.find("127.0.0.1:2345"), std::string::npos) << text;
    EXPECT_NE(text.find("/elsewhere/init"), std::string::npos) << text;
    EXPECT_NE(text.find("/cache/root"), std::string::npos) << text;
  }
}

// Visual Studio Code runs what ${command:...} names, wherever it stands in a launch.json.
TEST(ClientSnippets, AnEditorsVariableInANameIsRefusedWhereAnEditorReadsIt) {
  auto wanted = plan();
  wanted.program = "/cache/${command:workbench.action.quit}";
  for (const auto name : kSnippets) {
    EXPECT_EQ(snippet(name, kGdb13, wanted, "127.0.0.1:1").ok(), name != "vscode" && name != "dap") << name;
  }
}

}  // namespace
}  // namespace gdbdebug::client
