// SPDX-License-Identifier: GPL-2.0-or-later
// log: messages in the kernel log, so on the console too.
// Form: `gdbdebug: step 'subject': reason; what happens next`.
#pragma once

#include <string_view>

#include "core/base/result.hpp"
#include "core/base/text.hpp"

namespace gdbdebug::log {

/// The kernel's levels (include/linux/kern_levels.h). A boot with `quiet` still shows errors: what costs the session is
/// said at that level. What makes the machine stand still is an alert, shown also with `loglevel=3` or 2.
enum class Level : char { kAlert = '1', kError = '3', kWarning = '4', kInfo = '6' };

using Message = Text<900>;  // a record of the kernel log holds some 1000 bytes (LOG_LINE_MAX, kernel/printk/printk.c)

/// Writes `gdbdebug: text`. /dev/kmsg takes ten messages in five seconds from one opened file and drops the rest
/// (devkmsg_write() in kernel/printk/printk.c), so every message opens it anew. Where /dev has no kmsg, a detached
/// devtmpfs has. Where the kernel takes no messages (printk.devkmsg=off) they go to the console alone; where there is
/// none, to descriptor 2.
void say(Level level, std::string_view text);

/// Says an error and what happens next.
void error(const Error& error, std::string_view next);
void warning(const Error& error, std::string_view next);

/// `step 'subject': reason; next`
Message describe(const Error& error, std::string_view next);

}  // namespace gdbdebug::log
