// SPDX-License-Identifier: GPL-2.0-or-later
// hang_report: what every process was doing, found in a console log (gdbdebug(7), THE HANG REPORT). Pure: text in,
// values out. Lines can be lost, doubled and in another order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gdbdebug::client {

struct HangReport {
  struct Process {
    std::uint64_t pid = 0;
    std::optional<std::uint64_t> parent;
    std::string comm;
    std::string state;   ///< A letter, as in /proc/PID/stat.
    std::string call;    ///< The system call that it is in, a name or a number; may be empty.
    std::string on;      ///< What the call's descriptor leads to, its path, or its child; may be empty.
    std::string wchan;   ///< Where in the kernel; may be empty.
    std::string cpu;     ///< The ticks that it has used, sample by sample; empty: none.
    bool input = false;  ///< It waits for somebody to type.
    std::vector<std::string> command;
    std::vector<std::string> stack;  ///< The kernel's functions, the innermost first.

    bool operator==(const Process&) const = default;
  };

  std::string head;  ///< The first line; empty: it is lost.
  std::vector<Process> processes;
  std::optional<std::size_t> said;  ///< How many there were; nothing: the last line is lost.
  std::uint64_t omitted = 0;

  [[nodiscard]] bool complete() const { return !head.empty() && said == processes.size(); }
};

/// All of them, in order.
std::vector<HangReport> read_hang_reports(std::string_view log);

}  // namespace gdbdebug::client
