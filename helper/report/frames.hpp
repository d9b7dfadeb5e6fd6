// SPDX-License-Identifier: GPL-2.0-or-later
// frames: the return addresses of PID 1, as far as they can be found without any table of the program's.
#pragma once

#include <cstdint>

#include "report/maps.hpp"
#include "report/registers.hpp"

namespace gdbdebug::report {

struct Frames {
  unsigned lines = 0;
  std::uint64_t omitted = 0;  ///< Words that are in no line.
  std::uint64_t unread = 0;   ///< How many bytes of the stack were not looked at.
};

/// Looks through the link register and the stack for words that point behind a call instruction. A chain of frame
/// pointers is followed beside that: distributions build with and without them, and a broken stack is what one looks
/// for. `overflow`: the stack has no more room, so all of it is one.
Frames say_frames(const Maps& maps, const Place& place, const CallRegisters& registers, bool overflow);

}  // namespace gdbdebug::report
