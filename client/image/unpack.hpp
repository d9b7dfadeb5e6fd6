// SPDX-License-Identifier: GPL-2.0-or-later
// unpack: a tree onto the disk, whole or not at all.
#pragma once

#include <string>

#include "image/tree.hpp"

namespace gdbdebug::client {

/// Removes `path` and everything in it, without following a link. Best effort: what cannot be removed stays.
void remove_tree(const std::string& path);

/// A directory of our own that goes away with the object, and everything in it.
class ScratchDirectory {
 public:
  ScratchDirectory() = default;
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory();

  /// Makes it in `parent`, by a name that nobody else has, readable by its owner alone.
  Status make(const std::string& parent);
  /// It is something else now (renamed): leave it alone.
  void keep() { path_.clear(); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Unpacked {
  std::size_t files = 0;
  std::size_t passed_over = 0;  ///< Device nodes, FIFOs and sockets: a debugger needs none.
  std::string example;          ///< One of those.
};

/// Makes `directory` hold what `tree` has: a directory that does not exist yet, or an empty one. Links are made
/// relative so that they lead inside it; everything belongs to the caller, without setuid bits, and can be removed by
/// the caller. When it fails `directory` is as it was. Errors: it is not empty, no permission, no room, interrupted.
Result<Unpacked> unpack(const Tree& tree, const std::string& directory);

}  // namespace gdbdebug::client
