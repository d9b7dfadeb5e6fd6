// SPDX-License-Identifier: GPL-2.0-or-later
// place: where a thread of PID 1 stands, whoever traces it.
#pragma once

#include <cstdint>

namespace gdbdebug {

/// /proc/PID/task/TID/syscall: `running`, `-1 SP PC`, or `NUMBER ARGUMENTS... SP PC` (fs/proc/base.c).
struct Place {
  std::uint64_t pc = 0;
  std::uint64_t sp = 0;
  std::uint64_t first_argument = 0;
};

Place find_place(unsigned thread);

}  // namespace gdbdebug
