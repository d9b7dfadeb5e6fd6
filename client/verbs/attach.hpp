// SPDX-License-Identifier: GPL-2.0-or-later
// attach: what the verbs that join a debugger to a target have in common.
#pragma once

#include "debugger/debugger.hpp"
#include "image/cache.hpp"
#include "session/knowledge.hpp"
#include "verbs/verbs.hpp"
#include "wire/await.hpp"

namespace gdbdebug::client {

/// What to do while nothing answers.
inline constexpr const char* kAdvice =
    "boot the target with rd.gdbdebug=LINE,wait, where LINE is what this one is called there, such as ttyS1";

/// Where to make sockets that nobody else can look into: $XDG_RUNTIME_DIR, or /tmp.
std::string run_directory();

/// Where the files of the target are here.
struct Symbols {
  std::string sysroot;   ///< Absolute; empty without.
  CachedSysroot cached;  ///< Keeps it while this lives.
};

/// Unpacks the image, or takes the sysroot that was named. Errors: both were named (Exit::usage); whatever reading the
/// image says.
Result<Symbols> find_symbols(const std::vector<std::string>& initrd, const std::string& sysroot, const Limits& limits,
                             Display& display);

/// Says who answered, and compares its build ID with that of the same file in `symbols`. Returns the path, in the
/// image, of the program that runs there; empty if it is not known, or another one than here.
std::string compare(const std::optional<Greeting>& greeting, const Symbols& symbols, Display& display);

/// The directories in which debuggers look for debug files: those that were named, and the usual one.
std::vector<std::string> debug_directories(const std::vector<std::string>& named);

/// Makes the plan from all that is known, and says which files have no debug information, and why main() cannot be
/// reached if that is so.
Plan make_plan(const AttachOptions& options, const Symbols& symbols, const std::optional<Greeting>& greeting,
               const std::string& program, Debugger::Kind kind, Display& display);

/// What need not be asked of the target; `program` as compare() returned it.
Knowledge know(const AttachOptions& options, const std::optional<Greeting>& greeting, const Symbols& symbols,
               const std::string& program);

/// Starts the debugger on `arrival`, and carries its bytes until it ends. Returns its exit status.
Result<int> debug(const AttachOptions& options, const Target& target, Arrival arrival, const Symbols& symbols,
                  Display& display);

}  // namespace gdbdebug::client
