// SPDX-License-Identifier: GPL-2.0-or-later
// snippets: see snippets.hpp.
#include "debugger/snippets.hpp"

#include "base/json.hpp"

namespace gdbdebug::client {
namespace {

using Texts = std::vector<std::string>;

// Of all commands those that come before the connection, and do not make it: an IDE does that itself, and names the
// program.
Texts settings(Texts commands) {
  std::erase_if(commands, [](const auto& command) { return !command.starts_with("set "); });
  return commands;
}

// As one word of a POSIX shell.
std::string shell_word(const std::string& text) {
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::string vscode(const Debugger& debugger, const Plan& plan, const Texts& commands, const std::string& address) {
  std::string setup;
  for (const auto& command : settings(commands)) {
    setup += std::string(setup.empty() ? "" : ",") + "\n        { \"text\": " + quoted(command) + " }";
  }
  return "// .vscode/launch.json, with Microsoft's C/C++ extension\n"
         "{\n"
         "  \"version\": \"0.2.0\",\n"
         "  \"configurations\": [\n"
         "    {\n"
         "      \"name\": \"PID 1 of the initramfs\",\n"
         "      \"type\": \"cppdbg\",\n"
         "      \"request\": \"launch\",\n"
         "      \"program\": " +
         quoted(plan.program) +
         ",\n"
         "      \"cwd\": \"${workspaceFolder}\",\n"
         "      \"MIMode\": \"gdb\",\n"
         "      \"miDebuggerPath\": " +
         quoted(debugger.program) +
         ",\n"
         "      \"miDebuggerServerAddress\": " +
         quoted(address) +
         ",\n"
         "      \"stopAtConnect\": true,\n"
         "      \"setupCommands\": [" +
         setup +
         "\n"
         "      ]\n"
         "    }\n"
         "  ]\n"
         "}\n";
}

std::string dap(const Debugger& debugger, const Plan& plan, const Texts& commands, const std::string& address) {
  std::string arguments = "\"-q\", \"--interpreter=dap\"";
  for (const auto& command : settings(commands)) arguments += ", \"-iex\", " + quoted(command);
  return "// gdb's own Debug Adapter Protocol interface (gdb 14 or newer): the adapter, and the request\n"
         "{\n"
         "  \"adapter\": {\n"
         "    \"type\": \"executable\",\n"
         "    \"command\": " +
         quoted(debugger.program) +
         ",\n"
         "    \"args\": [" +
         arguments +
         "]\n"
         "  },\n"
         "  \"request\": {\n"
         "    \"request\": \"attach\",\n"
         "    \"program\": " +
         quoted(plan.program) +
         ",\n"
         "    \"target\": " +
         quoted(address) +
         "\n"
         "  }\n"
         "}\n";
}

std::string clion(const Debugger& debugger, const Plan& plan, const Texts& commands, const std::string& address) {
  std::string project;
  for (const auto& command : settings(commands)) {
    if (!command.starts_with("set sysroot")) project += "  " + command + "\n";
  }
  return "CLion: Run > Edit Configurations > + > Remote Debug\n"
         "  Debugger:             " +
         debugger.program +
         "\n"
         "  'target remote' args: tcp:" +
         address +
         "\n"
         "  Symbol file:          " +
         plan.program +
         "\n"
         "  Sysroot:              " +
         plan.sysroot +
         "\n"
         "and in .gdbinit of the project (Settings > Build > Debugger > allow it there):\n" +
         project;
}

std::string command_line(const Debugger& debugger, const Texts& commands, const char* option) {
  std::string text = debugger.program + option;
  const auto* flag = debugger.kind == Debugger::Kind::lldb ? " -o " : " -ex ";
  for (const auto& command : commands) text += flag + shell_word(command);
  return text + "\n";
}

}  // namespace

Result<std::string> snippet(std::string_view name, const Debugger& debugger, const Plan& plan,
                            const std::string& address) {
  const auto made = debugger_commands(debugger, plan, address);
  if (!made.ok()) return made.error();
  const auto& commands = made.value();
  // Their editors put something else in its place, for ${command:...} what that command returns, and know no way to
  // write it so that it stays.
  for (const auto& path : {plan.program, plan.sysroot}) {
    if ((name == "vscode" || name == "dap") && path.find("${") != std::string::npos) {
      return Error{"making the snippet with", path, "editors take the '${' in it for a variable",
                   "use --snippet gdb, or another directory"};
    }
  }
  if (name == "vscode") return vscode(debugger, plan, commands, address);
  if (name == "dap") return dap(debugger, plan, commands, address);
  if (name == "clion") return clion(debugger, plan, commands, address);
  if (name == "emacs") return "M-x gdb RET, and then\n" + command_line(debugger, commands, " -i=mi");
  return command_line(debugger, commands, "");
}

}  // namespace gdbdebug::client
