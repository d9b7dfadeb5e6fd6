// SPDX-License-Identifier: GPL-2.0-or-later
// files: see files.hpp.
#include "image/files.hpp"

#include <dirent.h>

#include <cstdlib>

namespace gdbdebug::client {
namespace {

// The name that realpath(3) gives, or an empty one.
std::string real_path(const std::string& path) {
  char* real = ::realpath(path.c_str(), nullptr);
  std::string text = real != nullptr ? real : "";
  std::free(real);
  return text;
}

}  // namespace

std::optional<Bytes> TreeFiles::read(const std::string& path) const {
  return tree_.read(path);
}

std::vector<std::string> TreeFiles::list(const std::string& path) const {
  std::vector<std::string> names;
  if (const Node* node = tree_.find(path); node != nullptr) {
    for (const auto& [name, child] : node->children) names.push_back(name);
  }
  return names;
}

std::string TreeFiles::resolve(const std::string& path) const {
  const Node* node = tree_.find(path);
  return node != nullptr ? node->path() : "";
}

DirectoryFiles::DirectoryFiles(std::string root) : root_(real_path(root)) {
  if (root_.empty()) root_ = std::move(root);
  while (root_.ends_with('/')) root_.pop_back();
}

std::optional<Bytes> DirectoryFiles::read(const std::string& path) const {
  if (const auto found = open_.find(path); found != open_.end()) return found->second->bytes();
  auto mapping = Mapping::open(here(path), "reading");
  if (!mapping.ok()) return std::nullopt;
  open_[path] = mapping.value();
  return mapping.value()->bytes();
}

std::vector<std::string> DirectoryFiles::list(const std::string& path) const {
  std::vector<std::string> names;
  DIR* directory = ::opendir(here(path).c_str());
  if (directory == nullptr) return names;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  ::closedir(directory);
  return names;
}

std::string DirectoryFiles::resolve(const std::string& path) const {
  const auto real = real_path(here(path));
  if (!real.starts_with(root_ + "/")) return "";
  return real.substr(root_.size());
}

}  // namespace gdbdebug::client
