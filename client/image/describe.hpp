// SPDX-License-Identifier: GPL-2.0-or-later
// describe: images, sizes and times in words, for people.
#pragma once

#include <string>

#include "image/image.hpp"

namespace gdbdebug::client {

/// "11 bytes", "4.1 KiB", "31.2 MiB".
std::string human_size(std::uint64_t bytes);

/// "dracut, zstd, 31.2 MiB, with an early archive": what is known of an image, in a few words.
std::string describe(const Image& image);

}  // namespace gdbdebug::client
