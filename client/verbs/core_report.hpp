// SPDX-License-Identifier: GPL-2.0-or-later
// core_report: what a core that came through a log says, told by gdb. Everything in the core is hostile: gdb reads no
// file but those of the image that the core's build IDs name, and runs nothing.
#pragma once

#include <string>
#include <vector>

#include "report/core_log.hpp"
#include "verbs/verbs.hpp"

namespace gdbdebug::client {

/// What was made of one core.
struct CoreReport {
  std::vector<std::string> backtrace;  ///< gdb's lines; empty if there is none.
  std::vector<std::string> notes;      ///< What is missing, and what that costs.
  std::string file;                    ///< The ELF core that was written for the user; empty without.
  std::string command;                 ///< What opens it.
  bool complete = false;               ///< Nothing that the machine said is missing.
};

/// `sysroot` may be empty. Errors: the file that the user named cannot be written.
Result<CoreReport> report_core(const Core& core, const ReportOptions& options, const std::string& sysroot);

/// In one line: where it is from, and how much of it is there.
std::string summary_of(const Core& core);

}  // namespace gdbdebug::client
