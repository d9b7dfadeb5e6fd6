// SPDX-License-Identifier: GPL-2.0-or-later
// kernel_text: what the kernel says of its consoles and in its log, read. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "core/base/text.hpp"

namespace gdbdebug::wire {

/// One line of /proc/consoles: `ttyS0                -W- (EC p a)    4:64`.
struct Console {
  std::string_view name;
  bool serial = false;     ///< it has a terminal that is no screen: somebody can type there
  bool preferred = false;  ///< /dev/console leads there
};
/// Takes the first line off `consoles`.
Console take_console(std::string_view& consoles);
/// The console called `name`; nullopt: it is none.
std::optional<Console> find_console(std::string_view consoles, std::string_view name);
/// The last one that is serial.
std::optional<Console> last_serial_console(std::string_view consoles);

/// The console level in /proc/sys/kernel/printk.
std::optional<int> console_level(std::string_view printk);

/// A record of /dev/kmsg as the kernel would print it on a console, with CR and LF; nothing if its level is not below
/// `level`. False: it is none.
bool add_record(std::string_view record, int level, TextBuffer& text);

}  // namespace gdbdebug::wire
