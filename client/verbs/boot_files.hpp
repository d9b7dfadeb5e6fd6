// SPDX-License-Identifier: GPL-2.0-or-later
// boot_files: what `gdbdebug vm` boots: the kernel and the image of this machine where none is named, the overlay for
// an image without gdbdebug, and all of it as the one file that QEMU takes.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace gdbdebug::client {

struct BootFiles {
  std::string kernel;
  std::string initrd;
};

/// The newest version below `root` ("" for this machine) that has a kernel and an image, as Debian, Fedora, openSUSE,
/// Arch and kernel-install lay them out. Not a rescue or fallback image. Error: there is none.
Result<BootFiles> newest_boot_files(const std::string& root);

/// The kernel of this `version` below `root`; empty if there is none.
std::string kernel_of(const std::string& root, const std::string& version);

/// Makes an overlay at `path` with gdbdebug-overlay(8) of this machine. Errors: it is not installed, or it failed.
Status make_overlay(const std::string& path);

/// Writes the archives in `files` to `path` as a boot loader puts them in memory, each at a multiple of 4; of a UKI its
/// .initrd section.
Status join_images(const std::vector<std::string>& files, const std::string& path);

}  // namespace gdbdebug::client
