// SPDX-License-Identifier: GPL-2.0-or-later
// readers: who has the port itself open, and not the terminal in its place.
#pragma once

#include "wire/parts.hpp"

namespace gdbdebug::wire {

/// Names in the kernel log, once, a process that has opened the port to read from it.
void name_readers(const Parts& parts);

}  // namespace gdbdebug::wire
