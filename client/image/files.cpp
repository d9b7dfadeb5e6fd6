// SPDX-License-Identifier: GPL-2.0-or-later
// files: see files.hpp.
#include "image/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>

#include "base/words.hpp"
#include "image/in_root.hpp"

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
  return tree_.read(root_ + path);
}

std::vector<std::string> TreeFiles::list(const std::string& path) const {
  std::vector<std::string> names;
  if (const Node* node = tree_.find(root_ + path); node != nullptr) {
    for (const auto& [name, child] : node->children) names.push_back(name);
  }
  return names;
}

std::string TreeFiles::resolve(const std::string& path) const {
  const Node* node = tree_.find(root_ + path);
  const auto found = node != nullptr ? node->path() : "";
  return found.starts_with(root_) ? found.substr(root_.size()) : "";
}

DirectoryFiles::DirectoryFiles(std::string root) : root_(real_path(root)) {
  if (root_.empty()) root_ = std::move(root);
  root_fd_.reset(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  while (root_.ends_with('/')) root_.pop_back();
}

std::optional<Bytes> DirectoryFiles::read(const std::string& path) const {
  if (const auto found = open_.find(path); found != open_.end()) return found->second->bytes();
  if (!root_fd_ || has_control(path)) return std::nullopt;
  // Looked at before it is opened: to open a device can do something.
  const auto place = open_in_root(root_fd_.get(), path, O_PATH);
  struct stat status {};
  if (!place || ::fstat(place.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  const auto fd = open_in_root(root_fd_.get(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd) return std::nullopt;
  auto mapping = Mapping::of(fd.get(), path, "reading");
  if (!mapping.ok()) return std::nullopt;
  open_[path] = mapping.value();
  return mapping.value()->bytes();
}

std::vector<std::string> DirectoryFiles::list(const std::string& path) const {
  std::vector<std::string> names;
  if (!root_fd_ || has_control(path)) return names;
  auto fd = open_in_root(root_fd_.get(), path, O_RDONLY | O_DIRECTORY);
  DIR* directory = fd ? ::fdopendir(fd.get()) : nullptr;
  if (directory == nullptr) return names;
  (void)fd.release();  // closedir() closes it
  while (const dirent* entry = ::readdir(directory)) {
    const std::string name = entry->d_name;
    if (name != "." && name != ".." && !has_control(name)) names.push_back(name);
  }
  ::closedir(directory);
  return names;
}

std::string DirectoryFiles::resolve(const std::string& path) const {
  if (!root_fd_ || has_control(path)) return "";
  const auto place = open_in_root(root_fd_.get(), path, O_PATH);
  if (!place) return "";
  const auto real = real_path("/proc/self/fd/" + std::to_string(place.get()));
  if (!real.starts_with(root_ + "/") || has_control(real.substr(root_.size()))) return "";
  return real.substr(root_.size());
}

}  // namespace gdbdebug::client
