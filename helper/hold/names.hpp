// SPDX-License-Identifier: GPL-2.0-or-later
// names: which process is one that `hold=` names, out of what the kernel tells of it. Pure: text in, value out.
// All of it may come from a process that is hostile.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/base/text.hpp"

namespace gdbdebug::hold {

/// What a process that executes a program says of it.
struct Executed {
  std::string_view path;      ///< of the file that is opened
  std::string_view name;      ///< as execve(2) was given it: a link's name, a script's; may be empty
  std::string_view argument;  ///< argv[0], by which a multi-call program knows what it is; may be empty
};

/// The name by which it was executed, if `programs` has it: an absolute path is compared as a whole, a base name with
/// what follows the last slash. Empty: it is none of them.
std::string_view match(std::span<const std::string_view> programs, const Executed& executed);

/// The system call that /proc/PID/syscall tells of: `59 0x7ff... ... sp pc`. nullopt: `running`, or not of that form.
struct Call {
  long number = -1;
  std::uint64_t arguments[3]{};
  std::uint64_t pc = 0;
};
std::optional<Call> parse_call(std::string_view text);

/// Where a line of /proc/PID/mountinfo says that a file system is mounted, with its escapes taken off; empty: nothing
/// is executed from there, or the line is not of that form.
Text<4096> mount_point(std::string_view line);

}  // namespace gdbdebug::hold
