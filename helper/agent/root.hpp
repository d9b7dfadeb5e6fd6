// SPDX-License-Identifier: GPL-2.0-or-later
// root: the agent's own root, so that the real init finds the machine as bare as the kernel left it, and nothing that
// the agent needs goes away when the initramfs is given up.
//
// A tmpfs with copies of what the image's manifest names, moved over "/" of a private mount namespace, with fresh proc,
// devtmpfs and sysfs inside. Nothing is ever mounted on a directory of the initramfs: the switch to the real root
// deletes those, which would detach the mounts here, and gdbserver could not read /proc/1/exe any more.
#pragma once

#include "core/base/fd.hpp"
#include "core/base/result.hpp"
#include "core/base/text.hpp"

namespace gdbdebug {

/// The image's root, which can be reached through this descriptor after the agent has left it.
UniqueFd image_root();

/// Where in the image's root the overlay has kernel modules of its own and a modprobe for them; empty: it has none.
std::string_view modules_of_overlay();

/// Takes the overlay out of the image, if the agent was started from one: the real init finds the image as it was made.
void remove_overlay(const UniqueFd& image);

/// Makes the root and fills it; the caller still stands in the image's root afterwards, in a mount namespace of its
/// own. The descriptor is the new root's.
Result<UniqueFd> prepare_root();

/// Enters it: "/" is the new root from here on. On kernels whose rootfs can be pivoted away (7.0 and newer have a
/// nullfs below it; an image in a squashfs is no rootfs either) the namespace lets go of the image altogether.
Status enter_root(const UniqueFd& root);

/// Mounts proc, devtmpfs and sysfs in the root that was entered. sysfs may be missing; the other two may not.
Status mount_kernel_file_systems();

/// The path of the first file in the manifest whose name is `name`; empty if there is none.
Text<256> find_in_manifest(std::string_view name);

}  // namespace gdbdebug
