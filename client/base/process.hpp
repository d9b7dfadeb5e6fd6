// SPDX-License-Identifier: GPL-2.0-or-later
// process: programs that gdbdebug runs.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"

namespace gdbdebug::client {

/// The absolute path of `program`: itself if it has a slash and can be executed, else the first in $PATH.
std::optional<std::string> find_program(const std::string& program);

/// How a child is to be set up. Descriptors of -1 are inherited.
struct Spawn {
  std::vector<std::string> argv;  ///< argv[0] is looked for in $PATH.
  int input = -1;
  int output = -1;
  int error = -1;
  std::uint64_t file_limit = 0;     ///< RLIMIT_FSIZE in bytes, or 0 for none.
  bool own_group = false;           ///< Out of the reach of the terminal, and of its Ctrl-C.
  bool ignores_interrupts = false;  ///< Ctrl-C passes it by, though it may use the terminal.
  bool dies_with_us = false;        ///< Gets SIGTERM when this process ends, however it ends.
};

/// Starts it. Errors: no such program; the child's own errno if exec failed. The child has default signal dispositions.
Result<pid_t> spawn(const Spawn& spawn);

/// Waits for the end of `pid`. Returns its exit status, or 128 and its signal.
int wait_for(pid_t pid);

/// Waits at most so long for the end of the child `pid`, or until a signal comes. Whether it has ended; then `status`
/// is as from wait_for().
bool ends_within(pid_t pid, int milliseconds, int& status);

/// Ends the child `pid`: asks it to, and kills it when it has not ended within `milliseconds`. Waits for no one who
/// cannot be killed.
void end_child(pid_t pid, int milliseconds);

struct Output {
  std::string text;  ///< What it wrote on its standard output.
  int status = 0;    ///< As wait_for().
};

/// Runs a program to its end and collects its standard output (at most `limit` bytes) and its standard error, which
/// goes to `errors` unless that is null. Standard input is /dev/null. After `seconds` it is killed, which is an error.
Result<Output> run(Spawn spawn, std::size_t limit, int seconds, std::string* errors = nullptr);

}  // namespace gdbdebug::client
