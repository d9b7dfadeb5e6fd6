// SPDX-License-Identifier: GPL-2.0-or-later
// stop: what a stop reply tells, and gdb's numbers of the signals in it. Pure.
#pragma once

#include <optional>
#include <string_view>

namespace gdbdebug {

/// What a stop reply says: `T05exec:...;06:...;thread:p1.1;` (gdb's manual, "Stop Reply Packets").
struct Stop {
  unsigned signal = 0;       ///< gdb's number, not the kernel's
  std::string_view event{};  ///< `exec`, `fork`, `syscall_entry`, ...; empty for a plain signal
  std::string_view value{};  ///< of the event
  unsigned thread = 1;       ///< the kernel's number of the thread that stopped
  unsigned process = 1;      ///< of its process; PID 1 where the reply does not say

  /// Whether it is a stop at a signal. An int3 of PID 1's own is told as a breakpoint once a debugger has said that it
  /// knows of these.
  bool is_signal() const { return event.empty() || event == "swbreak"; }
  /// Whether it is a stop at a system call, of which gdbserver does not know for sure whether it begins or ends.
  bool is_call() const { return event == "syscall_entry" || event == "syscall_return"; }
};
std::optional<Stop> parse_stop(std::string_view payload);
/// Whose end a reply tells: `W00`, `X09;process:3f`. PID 1's where it does not say; nullopt: it tells of no end.
std::optional<unsigned> parse_end(std::string_view payload);
/// The process of `p1.1` or `1`; 0 if there is none.
unsigned parse_process(std::string_view id);

/// gdb's signal numbers (include/gdb/signals.def).
inline constexpr unsigned kGdbSigint = 2;
inline constexpr unsigned kGdbSigquit = 3;
inline constexpr unsigned kGdbSigill = 4;
inline constexpr unsigned kGdbSigtrap = 5;
inline constexpr unsigned kGdbSigabrt = 6;
inline constexpr unsigned kGdbSigfpe = 8;
inline constexpr unsigned kGdbSigbus = 10;
inline constexpr unsigned kGdbSigsegv = 11;
inline constexpr unsigned kGdbSigsys = 12;
inline constexpr unsigned kGdbSigstop = 17;
/// Whether the signal ends a process that does not handle it, and comes with a core.
bool is_fatal(unsigned gdb_signal);

}  // namespace gdbdebug
