// SPDX-License-Identifier: GPL-2.0-or-later
// registers: those that every program has, by gdbserver's own description of them.
#pragma once

#include <cstdint>

#include "report/maps.hpp"
#include "tracee/server.hpp"

namespace gdbdebug::report {

/// The registers of the first feature in the target description, up to the first that is wider than 64 bits: those
/// that every program has (gdb's manual, "Target Description Format"). The reply to `g` has them in the same order.
/// Returns what the link register holds, 0 where there is none. gdbserver must be idle.
std::uintptr_t say_registers(Server& server, const Place& place);

}  // namespace gdbdebug::report
