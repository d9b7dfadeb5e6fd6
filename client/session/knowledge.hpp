// SPDX-License-Identifier: GPL-2.0-or-later
// knowledge: what is known of a target before its debugger connects.
#pragma once

#include <optional>

#include "base/known_descriptions.hpp"
#include "image/known_program.hpp"

namespace gdbdebug::client {

struct Knowledge {
  Descriptions descriptions = {};
  std::optional<KnownProgram> program = {};  ///< That PID 1 executes, by all that is known; its bytes are proved first.
  bool agent = false;                        ///< gdbdebug's agent answers there: it has said hello.
  bool whole_vdso = false;                   ///< Let the debugger read the kernel's vdso, 10 kB on the line.
};

}  // namespace gdbdebug::client
