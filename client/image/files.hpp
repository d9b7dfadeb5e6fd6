// SPDX-License-Identifier: GPL-2.0-or-later
// files: the files of an image, wherever they are: in a tree in memory, or unpacked in a directory.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "image/tree.hpp"

namespace gdbdebug::client {

/// Paths are absolute and as inside the image.
class Files {
 public:
  Files() = default;
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  virtual ~Files() = default;

  /// The file's content, for as long as this object lives; nothing if it is not there, or not a regular file.
  [[nodiscard]] virtual std::optional<Bytes> read(const std::string& path) const = 0;
  /// The names in a directory; none if it is not there.
  [[nodiscard]] virtual std::vector<std::string> list(const std::string& path) const = 0;
  /// Where `path` leads, links followed; empty if to nothing.
  [[nodiscard]] virtual std::string resolve(const std::string& path) const = 0;
};

class TreeFiles : public Files {
 public:
  /// The files below `root`, which is empty for those of the whole tree, or has no slash at its end.
  explicit TreeFiles(const Tree& tree, std::string root = {}) : tree_(tree), root_(std::move(root)) {}
  [[nodiscard]] std::optional<Bytes> read(const std::string& path) const override;
  [[nodiscard]] std::vector<std::string> list(const std::string& path) const override;
  [[nodiscard]] std::string resolve(const std::string& path) const override;

 private:
  const Tree& tree_;
  std::string root_;
};

class DirectoryFiles : public Files {
 public:
  /// `root` is a directory as `gdbdebug sysroot` makes it, or any other sysroot, "/" included. Nothing outside it is
  /// read, whatever names and links say: ".." and absolute links stay inside, as for a process whose root it is. Names
  /// with control characters are as if they were not there.
  explicit DirectoryFiles(std::string root);
  [[nodiscard]] std::optional<Bytes> read(const std::string& path) const override;
  [[nodiscard]] std::vector<std::string> list(const std::string& path) const override;
  [[nodiscard]] std::string resolve(const std::string& path) const override;
  /// The name of `path`, which resolve() returned, on this machine.
  [[nodiscard]] std::string here(const std::string& path) const { return root_ + path; }

 private:
  std::string root_;  // without a slash at its end
  UniqueFd root_fd_;
  mutable std::map<std::string, std::shared_ptr<const Mapping>> open_;
};

}  // namespace gdbdebug::client
