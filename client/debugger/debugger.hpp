// SPDX-License-Identifier: GPL-2.0-or-later
// debugger: the user's own gdb or lldb, and what it is told before it connects.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "debugger/commands.hpp"
#include "image/elf.hpp"
#include "wire/greeting.hpp"

namespace gdbdebug::client {

/// Finds `wanted`, or if that is empty gdb, gdb-multiarch or lldb, gdb-multiarch first for a `machine` (uname -m; may
/// be empty) other than this one. Errors say what to install.
Result<Debugger> find_debugger(const std::string& wanted, const std::string& machine);

/// How to come to main() of the real init.
struct MainPlan {
  enum class By { nothing, symbol, start_argument };
  By by = By::nothing;
  std::string function = "main";  ///< symbol: what it is called there; in Go main.main.
  std::string library;            ///< start_argument: the name of the library that has __libc_start_main.
  std::string argument;           ///< start_argument: gdb's expression for its first argument.
  std::string why_not;            ///< nothing: the reason.
};

/// Looks at the program at `program` in the image, at its debug file in one of `debug_dirs`, and at the libraries it
/// needs. By::nothing where nobody knows a main(): a debugger that was told to go there would go on for ever.
MainPlan plan_main(const Files& files, const std::string& program, const std::vector<std::string>& debug_dirs);

struct Plan {
  std::string sysroot;                  ///< A directory here; empty: the debugger is to know no files.
  std::string program;                  ///< The real init's file here; empty without.
  std::vector<std::string> debug_dirs;  ///< Besides the debugger's own.
  std::vector<std::string> breaks;
  std::optional<MainPlan> main;  ///< Go there.
  std::string main_script;       ///< A file with main_script(); empty without.
  bool debuginfod = false;       ///< The user has it set up.
};

/// The commands, one an element, that make `debugger` connect to `address` as gdb's `target remote` takes it, quietly.
/// An error if a name has a control character.
Result<std::vector<std::string>> debugger_commands(const Debugger& debugger, const Plan& plan,
                                                   const std::string& address);

/// A gdb script that goes to main(), and stays where PID 1 is if a step of it fails; by the start argument it does so
/// without a word about the stops on the way. Errors as above.
Result<std::string> main_script(const Debugger& debugger, const MainPlan& plan);

/// What to execute: the debugger, the commands, and the user's own arguments behind them.
std::vector<std::string> debugger_argv(const Debugger& debugger, const std::vector<std::string>& commands,
                                       const std::vector<std::string>& arguments);

/// The target descriptions that a gdbserver of this debugger's own version would make for the processors of `machine`:
/// made by the debugger itself, in a tenth of a second. The longest first; none for machines other than x86_64.
std::vector<std::string> make_descriptions(const Debugger& debugger, const std::string& machine);

/// Of the program at `program` and the libraries it needs, the paths of those without debug information: neither
/// inside, nor by build ID in one of `debug_dirs`.
std::vector<std::string> without_debug_info(const Files& files, const std::string& program,
                                            const std::vector<std::string>& debug_dirs);

}  // namespace gdbdebug::client
