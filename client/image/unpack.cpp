// SPDX-License-Identifier: GPL-2.0-or-later
// unpack: see unpack.hpp. The tree has real directories only on the way to each node, so no name that is made here can
// lead through a link.
#include "image/unpack.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <vector>

#include "base/interrupt.hpp"

namespace gdbdebug::client {
namespace {

constexpr std::string_view kStep = "unpacking into";
constexpr std::string_view kPattern = ".gdbdebug-XXXXXX";

struct Making {
  const Tree& tree;
  const std::string& subject;
  int root;
  Unpacked result = {};
  std::map<const Content*, std::string> made = {};  // where a content with several names was written first
};

Error failed(const Making& making, int number) {
  return system_error(
      std::string(kStep), making.subject, number,
      number == ENOSPC ? "nothing is left behind; name a directory with more room" : "nothing is left behind");
}

Status make_file(int directory, const std::string& name, const Node& node, const std::string& path, Making& making) {
  if (node.content.use_count() > 1) {
    const auto [first, is_new] = making.made.emplace(node.content.get(), path);
    if (!is_new) {
      // Where hard links cannot be had (some network file systems), a copy serves as well.
      if (::linkat(making.root, first->second.c_str(), directory, name.c_str(), 0) == 0) return {};
    }
  }
  const UniqueFd fd(::openat(directory, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return failed(making, errno);
  if (const int number = write_all(fd.get(), node.content->bytes); number != 0) return failed(making, number);
  if (::fchmod(fd.get(), node.mode | 0600U) != 0) return failed(making, errno);
  return {};
}

Status make_children(int directory, const Node& node, const std::string& path, Making& making) {
  for (const auto& [name, child] : node.children) {
    if (interrupted()) return interrupted_error(std::string(kStep), making.subject);
    const std::string child_path = path.empty() ? name : path + "/" + name;
    switch (child->kind) {
      case Node::Kind::directory: {
        if (::mkdirat(directory, name.c_str(), 0700) != 0) return failed(making, errno);
        const UniqueFd below(::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!below) return failed(making, errno);
        if (auto made = make_children(below.get(), *child, child_path, making); !made.ok()) return made;
        if (::fchmod(below.get(), child->mode | 0700U) != 0) return failed(making, errno);
        break;
      }
      case Node::Kind::link:
        if (::symlinkat(making.tree.relative_target(*child).c_str(), directory, name.c_str()) != 0) {
          return failed(making, errno);
        }
        break;
      case Node::Kind::file:
        if (auto made = make_file(directory, name, *child, child_path, making); !made.ok()) return made;
        ++making.result.files;
        break;
      case Node::Kind::device:
      case Node::Kind::other:
        if (making.result.passed_over++ == 0) making.result.example = child_path;
        break;
    }
  }
  return {};
}

// Whether `path` is an empty directory; errno is set if it is not.
bool empty_directory(const std::string& path) {
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) return false;
  bool empty = true;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") empty = false;
  }
  ::closedir(directory);
  errno = empty ? 0 : ENOTEMPTY;
  return empty;
}

// Moves what is in `from` up into the empty directory `to`; puts everything back if one of them cannot be moved.
Status move_up(const std::string& from, const std::string& to, const Tree& tree, const Making& making) {
  std::vector<std::string> moved;
  for (const auto& [name, child] : tree.root().children) {
    if (child->kind == Node::Kind::device || child->kind == Node::Kind::other) continue;
    if (::rename((from + "/" + name).c_str(), (to + "/" + name).c_str()) != 0) {
      const int number = errno;
      for (const auto& back : moved) (void)::rename((to + "/" + back).c_str(), (from + "/" + back).c_str());
      return failed(making, number);
    }
    moved.push_back(name);
  }
  return {};
}

// Removes `name` in `directory`. By descriptors, since a path in here can be longer than PATH_MAX.
void remove_at(int directory, const std::string& name) {
  if (::unlinkat(directory, name.c_str(), 0) == 0 || (errno != EISDIR && errno != EPERM)) return;
  const UniqueFd below(::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!below) return;
  if (DIR* listing = ::fdopendir(::dup(below.get())); listing != nullptr) {
    while (const dirent* entry = ::readdir(listing)) {
      const std::string leaf = entry->d_name;
      if (leaf != "." && leaf != "..") remove_at(below.get(), leaf);
    }
    ::closedir(listing);
  }
  (void)::unlinkat(directory, name.c_str(), AT_REMOVEDIR);  // best effort, as promised
}

}  // namespace

void remove_tree(const std::string& path) {
  remove_at(AT_FDCWD, path);
}

ScratchDirectory::~ScratchDirectory() {
  if (!path_.empty()) remove_tree(path_);
}

Status ScratchDirectory::make(const std::string& parent) {
  std::string name = (parent == "/" ? "" : parent) + "/" + std::string(kPattern);
  if (::mkdtemp(name.data()) == nullptr) return system_error("making a directory in", parent, errno);
  path_ = name;
  return {};
}

Result<Unpacked> unpack(const Tree& tree, const std::string& directory) {
  struct stat status {};
  const bool exists = ::lstat(directory.c_str(), &status) == 0;
  if (!exists && errno != ENOENT) return system_error(std::string(kStep), directory, errno);
  if (exists && !empty_directory(directory)) {
    return system_error(std::string(kStep), directory, errno, "name a directory that is empty or does not exist yet");
  }

  ScratchDirectory work;
  if (auto made = work.make(exists ? directory : parent_directory(directory)); !made.ok()) return made.error();
  const UniqueFd root(::open(work.path().c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!root) return system_error(std::string(kStep), directory, errno);
  Making making{tree, directory, root.get()};
  if (auto made = make_children(root.get(), tree.root(), "", making); !made.ok()) return made.error();

  if (exists) {
    if (auto moved = move_up(work.path(), directory, tree, making); !moved.ok()) return moved.error();
  } else {
    if (::fchmod(root.get(), tree.root().mode | 0700U) != 0 || ::rename(work.path().c_str(), directory.c_str()) != 0) {
      return failed(making, errno);
    }
    work.keep();
  }
  return making.result;
}

}  // namespace gdbdebug::client
