// SPDX-License-Identifier: GPL-2.0-or-later
// in_root: opens names that an image or a target chose, inside a directory that is the root to them.
#pragma once

#include <string>

#include "base/file.hpp"

namespace gdbdebug::client {

/// Opens `path` as a process would whose root directory is `root`: an absolute path and an absolute link begin there,
/// ".." stays there, and what procfs has for links to open files leads nowhere. `flags` are those of open(2), without
/// O_CREAT; O_CLOEXEC is added. An fd of -1 leaves errno.
UniqueFd open_in_root(int root, const std::string& path, int flags);

/// The same without openat2(2), which Linux has since 5.6 and some sandboxes forbid. For open_in_root(), and for tests.
UniqueFd walk_in_root(int root, const std::string& path, int flags);

}  // namespace gdbdebug::client
