// SPDX-License-Identifier: GPL-2.0-or-later
// registers: those that every program has, by the description that comes with them.
#pragma once

#include <cstdint>

#include "report/maps.hpp"
#include "tracee/registers.hpp"

namespace gdbdebug::report {

/// Those that lead to return addresses, 0 where there is none.
struct CallRegisters {
  std::uintptr_t link = 0;
  std::uintptr_t frame = 0;
};

/// The registers of the first feature in the target description, up to the first that is wider than 64 bits: those
/// that every program has (gdb's manual, "Target Description Format"). The reply to `g` has them in the same order.
CallRegisters say_registers(const RegisterTexts& registers, const Place& place);

}  // namespace gdbdebug::report
