// SPDX-License-Identifier: GPL-2.0-or-later
// quiet: keeps the kernel off the wire while a debugger may be on it, and has what the kernel would have printed.
//
//              begin()
//    loud <--------------> quiet
//              end()
//
// loud   the kernel prints as the system wants it to.
// quiet  the console level is 1, so that nothing is printed but a panic and emergencies, and the kernel's message for
//        each fatal trap of a process, an emergency where that process is PID 1 and so each of its breakpoints, is off.
//        What others set meanwhile counts when it ends. /dev/kmsg has what would have been printed.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/fd.hpp"
#include "core/base/text.hpp"

namespace gdbdebug::wire {

/// What has to be put back, in memory that the agent shares with its guard: whoever is left can do it.
struct Settings {
  bool quiet = false;
  int level = 0;             ///< of the console, 0: not known
  bool traps = false;        ///< debug.exception-trace was 1
  bool handed_over = false;  ///< PID 1's console is the agent's pty
};

class Quiet {
 public:
  explicit Quiet(Settings& settings) : settings_(settings) {}
  void begin();
  void end();
  /// Looks whether somebody has set the level, and sets it again.
  void look();
  bool on() const { return settings_.quiet; }
  /// The level that counts for the system.
  int level() const;
  /// Readable when the kernel has something to say; -1 while it speaks for itself.
  int fd() const { return log_.get(); }
  /// The next text that the kernel would have printed, empty where a record is below the level; nullopt: no more.
  std::optional<std::string_view> next();

 private:
  Settings& settings_;
  UniqueFd log_;
  Text<2400> text_;
};

/// Puts back what is in `settings`: what end() does, also for an agent that is not there any more.
void restore(Settings& settings);

}  // namespace gdbdebug::wire
