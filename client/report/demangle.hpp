// SPDX-License-Identifier: GPL-2.0-or-later
// demangle: the names that C++ and Rust compilers make, as the source has them. Rust's need libiberty (binutils).
#pragma once

#include <string>

namespace gdbdebug::client {

/// The name as a person would write it; unchanged if it is not mangled, or would be longer than anybody wants to read:
/// names come from images, and a short one can stand for gigabytes.
std::string demangled(const char* name);

}  // namespace gdbdebug::client
