// SPDX-License-Identifier: GPL-2.0-or-later
// unguarded: takes the place of helper/tracee/guard.cpp in a helper for one test, which shows the deadlock that the
// guard cures. Nothing here watches over gdbserver.
#include "tracee/guard.hpp"

namespace gdbdebug::guard {

Status install() {
  return Done{};
}

Status start(pid_t) {
  return Done{};
}

void stop() {
}

Status watch() {
  return Done{};
}

void unwatch() {
}

}  // namespace gdbdebug::guard
