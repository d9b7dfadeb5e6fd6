// SPDX-License-Identifier: GPL-2.0-or-later
// squash: dracut's squash images. There the first archive holds little more than a script, which mounts a squashfs and
// goes on from its /init: that one is the root that PID 1 and a debugger see, and that the helper is in.
#pragma once

#include "image/image.hpp"

namespace gdbdebug::client {

/// Replaces the image's tree by that of the squashfs in it, if it has one. unsquashfs (of squashfs-tools) does the
/// work. Errors: no unsquashfs on this machine, a squashfs that it cannot read, a size above `limits`.
Status open_squash(Image& image, const Limits& limits, const std::string& scratch, const std::string& subject);

}  // namespace gdbdebug::client
