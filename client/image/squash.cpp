// SPDX-License-Identifier: GPL-2.0-or-later
// squash: see squash.hpp.
#include "image/squash.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <charconv>
#include <cstdlib>

#include "base/bytes.hpp"
#include "base/interrupt.hpp"
#include "base/process.hpp"
#include "image/unpack.hpp"

namespace gdbdebug::client {
namespace {

constexpr std::string_view kStep = "opening the squashfs in";
constexpr int kSeconds = 300;  // unsquashfs takes 2 s for 50 MB; this is for a machine on its knees

// The names dracut has given it: up to version 102, and from 103 on.
constexpr std::array<std::string_view, 2> kNames{"/squash-root.img", "/squashfs-root.img"};

struct DirectoryCloser {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// The sum of the files' sizes in the listing of `unsquashfs -lln`: type and mode, owner, size, date, time, name.
std::uint64_t listed_size(std::string_view listing) {
  std::uint64_t total = 0;
  while (!listing.empty()) {
    const auto end = std::min(listing.find('\n'), listing.size());
    auto line = listing.substr(0, end);
    listing.remove_prefix(std::min(end + 1, listing.size()));
    if (!line.starts_with('-')) continue;
    for (int column = 0; column < 2; ++column) {
      line.remove_prefix(std::min(line.find(' '), line.size()));
      line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    }
    std::uint64_t size = 0;
    std::from_chars(line.data(), line.data() + line.size(), size);
    total += size;
  }
  return total;
}

// Takes what lies in the directory `fd` into the tree, under `name`.
Status take(int fd, const std::string& name, Tree& tree, const std::string& subject) {
  const std::unique_ptr<DIR, DirectoryCloser> directory(::fdopendir(::dup(fd)));
  if (!directory) return system_error(std::string(kStep), subject, errno);
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string leaf = entry->d_name;
    if (leaf == "." || leaf == "..") continue;
    struct stat status {};
    if (::fstatat(fd, leaf.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return system_error(std::string(kStep), subject, errno);
    const std::string path = name.empty() ? leaf : name + "/" + leaf;
    auto node = std::make_unique<Node>();
    node->mode = status.st_mode & 0777U;
    if (S_ISDIR(status.st_mode)) {
      if (auto put = tree.put(path, std::move(node)); !put.ok()) return put;
      const UniqueFd below(::openat(fd, leaf.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (!below) return system_error(std::string(kStep), subject, errno);
      if (auto taken = take(below.get(), path, tree, subject); !taken.ok()) return taken;
      continue;
    }
    if (S_ISLNK(status.st_mode)) {
      std::array<char, 4096> target;
      const ssize_t size = ::readlinkat(fd, leaf.c_str(), target.data(), target.size());
      if (size < 0) return system_error(std::string(kStep), subject, errno);
      node->kind = Node::Kind::link;
      node->target.assign(target.data(), static_cast<std::size_t>(size));
    } else if (S_ISREG(status.st_mode)) {
      const UniqueFd file(::openat(fd, leaf.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
      if (!file) return system_error(std::string(kStep), subject, errno);
      const auto mapping = Mapping::of(file.get(), leaf, kStep);
      if (!mapping.ok()) return mapping.error();
      node->kind = Node::Kind::file;
      node->content = std::make_shared<Content>(Content{mapping.value()->bytes(), mapping.value()});
    } else {
      node->kind = S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode) ? Node::Kind::device : Node::Kind::other;
    }
    if (auto put = tree.put(path, std::move(node)); !put.ok()) return put;
  }
  return {};
}

}  // namespace

Status open_squash(Image& image, const Limits& limits, const std::string& scratch, const std::string& subject) {
  Bytes inner;
  for (const auto name : kNames) {
    if (const auto found = image.tree.read(name); found && has_at(*found, 0, "hsqs")) inner = *found;
  }
  if (inner.empty()) {
    if (image.tree.find("/erofs-root.img") != nullptr) {
      return Error{std::string(kStep), subject, "it is an erofs, which gdbdebug cannot open",
                   "build the image with dracut's squash-squashfs module, or without squash"};
    }
    return {};
  }
  if (!find_program("unsquashfs")) {
    return Error{std::string(kStep), subject, "this is dracut's squash image, and unsquashfs is not installed here",
                 "install squashfs-tools"};
  }

  ScratchDirectory work;
  if (auto made = work.make(scratch); !made.ok()) return made;
  const std::string file = work.path() + "/squashfs";
  {
    const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) return system_error(std::string(kStep), subject, errno);
    if (const int number = write_all(fd.get(), inner); number != 0)
      return system_error(std::string(kStep), subject, number);
  }
  std::string complaint;
  const auto failed = [&] {
    while (complaint.ends_with('\n')) complaint.pop_back();
    const auto last = complaint.rfind('\n');
    return Error{std::string(kStep), subject,
                 "unsquashfs cannot read it: " + complaint.substr(last == std::string::npos ? 0 : last + 1)};
  };
  Spawn list;
  list.argv = {"unsquashfs", "-lln", file};
  const auto listing = run(list, std::size_t{256} << 20, kSeconds, &complaint);
  if (!listing.ok()) return listing.error();
  if (listing.value().status != 0) return failed();
  const auto size = listed_size(listing.value().text);
  if (size > limits.unpacked) {
    return Error{std::string(kStep), subject,
                 "its files hold more than " + std::to_string(limits.unpacked >> 20) + " MiB",
                 "if that is right, raise the limit with --max-size"};
  }
  Spawn tool;
  const std::string root = work.path() + "/root";
  // -no-exit-code: as an ordinary user it cannot make device nodes, which is no failure here.
  tool.argv = {"unsquashfs", "-no-progress", "-no-xattrs", "-no-exit-code", "-processors", "1", "-dest", root, file};
  tool.file_limit = limits.unpacked;
  complaint.clear();
  const auto unpacked = run(tool, std::size_t{16} << 20, kSeconds, &complaint);
  if (!unpacked.ok()) return unpacked.error();
  if (unpacked.value().status != 0) return failed();

  Tree tree;
  const UniqueFd fd(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return failed();
  if (auto taken = take(fd.get(), "", tree, subject); !taken.ok()) return taken;
  // An overlay is not in the root to which the image's init switches, and is what starts that init.
  auto& outside = image.tree.root().children;
  if (const auto overlay = outside.find("gdbdebug");
      overlay != outside.end() && !tree.root().children.contains("gdbdebug")) {
    overlay->second->parent = &tree.root();
    tree.root().children.insert(outside.extract(overlay));
  }
  image.tree = std::move(tree);
  image.unpacked = size;
  image.squash = true;
  return {};
}

}  // namespace gdbdebug::client
