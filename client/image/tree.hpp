// SPDX-License-Identifier: GPL-2.0-or-later
// tree: what the kernel has in its root after it unpacked an image, kept in memory.
// An image can come from anywhere, so nothing of it touches the disk before the whole of it is here and found sound: a
// name is looked up in the tree and never in the file system of this machine.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/file.hpp"

namespace gdbdebug::client {

/// A file's bytes, and what keeps them mapped. Hard links share one Content.
struct Content {
  Bytes bytes;
  std::shared_ptr<const void> owner;
};

struct Node {
  enum class Kind { directory, file, link, device, other };  // other: a FIFO or a socket

  Kind kind = Kind::directory;
  unsigned mode = 0755;              ///< Permission bits alone.
  bool implied = false;              ///< A directory that no archive made: the kernel leaves out what lies in it.
  std::shared_ptr<Content> content;  ///< Of a file; never null there.
  std::string target;                ///< Of a link, as the image has it.
  std::string name;                  ///< Its last component; empty for the root.
  Node* parent = nullptr;            ///< Null for the root.
  std::map<std::string, std::unique_ptr<Node>, std::less<>> children;  ///< Of a directory.

  /// The absolute name in the image: "/" for the root.
  [[nodiscard]] std::string path() const;
};

class Tree {
 public:
  Tree();

  /// Puts `node` at `name`, as the kernel's unpacker would: relative to the root, directories on the way followed
  /// through links, what was there replaced. Directories that are missing on the way are implied.
  /// Errors, each naming `name`: an absolute name, one with "..", one that a link leads out of the image or to nowhere,
  /// a file on the way, a directory with content in its place, a name longer than the kernel takes, and a control
  /// character in a name or in what a link leads to: names from here reach terminals and debuggers.
  Status put(std::string_view name, std::unique_ptr<Node> node);

  /// The node at `path` (with or without a leading slash), links followed as inside the image; `follow_last` tells
  /// whether a link at the end is followed too. Null if there is none, or there are too many links on the way.
  [[nodiscard]] const Node* find(std::string_view path, bool follow_last = true) const;

  /// The content of the file at `path`; empty for an empty file, and nothing if no file is there.
  [[nodiscard]] std::optional<Bytes> read(std::string_view path) const;

  [[nodiscard]] const Node& root() const { return *root_; }
  [[nodiscard]] Node& root() { return *root_; }

  /// Where a link leads, as text for a copy of the tree that lies somewhere else: relative, and never above the root,
  /// at which ".." stays as it does in the kernel. That holds by the text alone: all its ".." come first, and are no
  /// more than the directories that the link lies in.
  [[nodiscard]] std::string relative_target(const Node& link) const;

 private:
  struct Walk {
    const Node* node = nullptr;   // null: the path ends in nothing
    bool climbed = false;         // ".." was used at the root
    bool too_many_links = false;  // the kernel would give up too (ELOOP): no node, no text
    std::string text;             // the absolute path walked to, with what is missing at its end
  };
  Walk walk(const Node* from, std::string_view path, bool follow_last, int& links_left) const;

  std::unique_ptr<Node> root_;
};

}  // namespace gdbdebug::client
