// SPDX-License-Identifier: GPL-2.0-or-later
// watchdog: whether a hardware watchdog would end the session.
#pragma once

#include <cstdint>
#include <optional>

namespace gdbdebug {

/// Seconds after which a watchdog resets the machine unless its process feeds it: the shortest, if there are more.
/// Nothing where no process has started one; what runs since the firmware is fed by the kernel until then
/// (CONFIG_WATCHDOG_HANDLE_BOOT_ENABLED). From the agent's /sys (Documentation/ABI/testing/sysfs-class-watchdog), which
/// kernels without CONFIG_WATCHDOG_SYSFS do not have: nothing, likewise.
std::optional<unsigned> running_watchdog();

/// Says in the kernel log that a watchdog runs, if one does, and what happens: `fed` while PID 1 is held, or what to
/// do.
void warn_of_watchdog(bool fed);

/// Feeds the watchdogs that PID 1 has open (option `feed`): while PID 1 is held, and never otherwise. PID 1 does it
/// again by itself when it goes on.
///
///           hold                 4 times in the shortest time-out
///   Idle ---------> Feeding ---------+
///     ^                |   ^---------+
///     +----------------+ PID 1 runs
///
/// A watchdog can be open once (kernel: watchdog_dev.c, watchdog_open()), so PID 1's own descriptor is borrowed for the
/// moment (pidfd_getfd(2), Linux 5.6): closing the copy does not close the watchdog, which PID 1 still has.
class Feeder {
 public:
  /// Called whenever the loop comes round, at the latest at deadline().
  void step(std::uint64_t now_ms, bool held);
  std::optional<std::uint64_t> deadline() const { return next_; }

 private:
  std::optional<std::uint64_t> next_;
  bool told_ = false;  ///< that it cannot be fed
};

}  // namespace gdbdebug
