// SPDX-License-Identifier: GPL-2.0-or-later
// sha256: FIPS 180-4, to name an image by its content.
#pragma once

#include <string>

#include "base/file.hpp"

namespace gdbdebug::client {

/// The SHA-256 of `bytes` in 64 hexadecimal digits.
std::string sha256(Bytes bytes);

}  // namespace gdbdebug::client
