// SPDX-License-Identifier: GPL-2.0-or-later
// watchdog: whether a hardware watchdog would end the session.
#pragma once

#include <optional>

namespace gdbdebug {

/// Seconds after which a watchdog resets the machine unless its process feeds it: the shortest, if there are more.
/// Nothing where no process has started one; what runs since the firmware is fed by the kernel until then
/// (CONFIG_WATCHDOG_HANDLE_BOOT_ENABLED). From the agent's /sys (Documentation/ABI/testing/sysfs-class-watchdog), which
/// kernels without CONFIG_WATCHDOG_SYSFS do not have: nothing, likewise.
std::optional<unsigned> running_watchdog();

/// Says in the kernel log that a watchdog runs, if one does, and what to do.
void warn_of_watchdog();

}  // namespace gdbdebug
