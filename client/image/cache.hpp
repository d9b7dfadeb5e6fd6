// SPDX-License-Identifier: GPL-2.0-or-later
// cache: what is worth keeping between two calls: unpacked images by their content, and target descriptions.
// Everything in it can be made again, so it may be deleted at any time.
#pragma once

#include <string>
#include <vector>

#include "base/known_descriptions.hpp"
#include "image/image.hpp"

namespace gdbdebug::client {

/// $GDBDEBUG_CACHE, or $XDG_CACHE_HOME/gdbdebug, or $HOME/.cache/gdbdebug. An error if none of them is set.
Result<std::string> cache_directory();

/// Makes `path` and the directories on the way to it, as far as they are missing, for the user alone.
Status make_directories(const std::string& path);

/// An unpacked image in the cache. While the object lives nobody clears it away.
struct CachedSysroot {
  std::string path;
  std::shared_ptr<UniqueFd> lock;
};

/// The image in these files, in boot order, as a sysroot in the cache, unpacked if it is not there yet. Of the others
/// the most recent ones stay. Two calls at the same time unpack it once.
Result<CachedSysroot> cached_sysroot(const std::vector<std::string>& image, const Limits& limits);

/// The descriptions in the cache for targets of this `machine` (uname -m), and the way to keep another.
Descriptions cached_descriptions(const std::string& machine);

}  // namespace gdbdebug::client
