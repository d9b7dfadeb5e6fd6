// SPDX-License-Identifier: GPL-2.0-or-later
// frames: the return addresses of PID 1, as far as they can be found without any table of the program's.
#pragma once

#include <cstdint>

#include "report/maps.hpp"

namespace gdbdebug::report {

/// Looks through the link register (its value is `link`) and the stack for return addresses. Frame pointers are not
/// used: distributions build without them, and a broken stack is what one looks for. Returns how many lines there are.
unsigned say_frames(const Maps& maps, const Place& place, std::uintptr_t link);

}  // namespace gdbdebug::report
