// SPDX-License-Identifier: GPL-2.0-or-later
// last_resort: see last_resort.cpp.
#pragma once

namespace gdbdebug {

/// Remembers what the real init is to be executed with if the helper finds itself broken.
void set_last_resort(char** argv, char** envp);

}  // namespace gdbdebug
