// SPDX-License-Identifier: GPL-2.0-or-later
// root: see root.hpp.
#include "agent/root.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/layout.hpp"
#include "sys/log.hpp"
#include "sys/sys.hpp"

namespace gdbdebug {
namespace {

using Path = Text<256>;
Text<32768> manifest;  // some 20 lines in practice

/// Whether the agent was started from an overlay; in its own root it never is.
bool in_overlay() {
  return std::string_view(sys::executed_as()) == layout::kOverlayAgent;
}

/// Where what belongs to `path` in the agent's root lies in the image.
Path place_in_image(std::string_view path) {
  if (!in_overlay()) return Path(path);
  if (path == layout::kManifest) return Path(layout::kOverlayManifest);
  if (path == layout::kAgent) return Path(layout::kOverlayAgent);
  Path place(layout::kOverlayRoot);
  place.add(path);
  return place;
}

Status read_manifest() {
  manifest.clear();
  const auto file = sys::open(AT_FDCWD, place_in_image(layout::kManifest).c_str(), O_RDONLY | O_NONBLOCK);
  if (!file) return file.error();
  if (!sys::read_all(*file, manifest)) return failed("reading", layout::kManifest);
  return Done{};
}

/// Calls `visit` with each path of the manifest.
template <typename Visit>
void visit_manifest(Visit visit) {
  for (auto rest = manifest.view(); !rest.empty();) {
    const auto line = trim(take_word(rest, '\n'));
    if (line.starts_with('/')) visit(line);
  }
}

/// Makes the directories on the way to `path` below `root`. What exists is fine; what fails shows when the file is
/// made.
void make_directories(const UniqueFd& root, std::string_view path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    const Path directory(path.substr(1, slash - 1));
    (void)::mkdirat(root.get(), directory.c_str(), 0755);
  }
}

Status copy_file(const UniqueFd& root, std::string_view path) {
  const Path name(path);
  const auto place = place_in_image(path);
  if (place.truncated()) return Error{"copying", path, ENAMETOOLONG};
  // O_NONBLOCK: it may be a pipe to which nobody writes.
  const auto from = sys::open(AT_FDCWD, place.c_str(), O_RDONLY | O_NONBLOCK);
  if (!from) return Error{"copying", path, from.error().err};
  struct stat info {};
  if (::fstat(from->get(), &info) != 0) return failed("copying", path);
  make_directories(root, path);
  const auto to = sys::open(root.get(), name.c_str() + 1, O_WRONLY | O_CREAT | O_TRUNC, info.st_mode & 07777);
  if (!to) return Error{"copying", path, to.error().err};
  for (auto left = info.st_size; left > 0;) {
    const auto count = ::sendfile(to->get(), from->get(), nullptr, static_cast<std::size_t>(left));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("copying", path);
    if (count == 0) return Error{"copying", path, EIO, "the file ended too early"};
    left -= count;
  }
  return Done{};
}

/// Kernels before 5.2: a tmpfs mounted over "/" is reached by going up from the root, since a path that begins at "/"
/// begins below what is mounted there.
Result<UniqueFd> mount_tmpfs_over_root() {
  if (::mount("tmpfs", "/", "tmpfs", 0, "mode=755") != 0) return failed("mounting", "tmpfs");
  return sys::open(AT_FDCWD, "/..", O_RDONLY | O_DIRECTORY);
}

Status mount_inside(const char* type, const char* path) {
  (void)::mkdir(path, 0755);
  if (const auto mount = sys::detached_mount(type)) return sys::attach_mount(*mount, path);
  if (::mount(type, path, type, MS_NOSUID, nullptr) != 0) return failed("mounting", path);
  return Done{};
}

}  // namespace

UniqueFd image_root() {
  auto file = sys::open(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
  return file ? std::move(*file) : UniqueFd();
}

std::string_view modules_of_overlay() {
  Path modprobe(layout::kOverlayRoot);
  modprobe.add("/sbin/modprobe");
  if (!in_overlay() || ::access(modprobe.c_str(), X_OK) != 0) return {};
  return layout::kOverlayRoot + 1;  // relative to the image's root
}

void remove_overlay(const UniqueFd& image) {
  if (in_overlay()) sys::remove_tree(image, layout::kOverlay + 1);
}

Result<UniqueFd> prepare_root() {
  if (const auto status = read_manifest(); !status) return status.error();
  if (::unshare(CLONE_NEWNS) != 0) return failed("making a mount namespace", "");
  // rootfs is private at first user space, but the root of an image in a squashfs may be shared.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 && errno != EINVAL)
    return failed("making mounts private", "/");

  auto root = sys::detached_mount("tmpfs");
  if (root) {
    if (const auto status = sys::attach_mount(*root, "/"); !status) return status.error();
  } else {
    root = mount_tmpfs_over_root();
    if (!root) return root.error();
  }

  if (const auto status = copy_file(*root, layout::kManifest); !status) return status.error();
  // What the overlay was built for is asked for when a line cannot be opened.
  if (in_overlay()) (void)copy_file(*root, layout::kConfiguration);
  // A file that is missing costs the session only if gdbserver needs it, and then gdbserver says so.
  visit_manifest([&](std::string_view path) {
    if (const auto status = copy_file(*root, path); !status) log::warning(status.error(), "going on without it");
  });
  return root;
}

Status enter_root(const UniqueFd& root) {
  if (::fchdir(root.get()) != 0) return failed("entering the agent's root", "");
  // pivot_root(2), NOTES: with both arguments "." the old root ends up on top of the new one, and is detached from
  // there.
  if (sys::pivot_root(".", ".")) {
    if (::umount2(".", MNT_DETACH) != 0) return failed("letting go of the image", "");
  } else if (::chroot(".") != 0) {
    return failed("entering the agent's root", "");
  }
  if (::chdir("/") != 0) return failed("entering the agent's root", "/");
  return Done{};
}

Status mount_kernel_file_systems() {
  if (const auto status = mount_inside("proc", "/proc"); !status) return status;
  if (const auto status = mount_inside("devtmpfs", "/dev"); !status) return status;
  (void)mount_inside("sysfs", "/sys");  // only some lines look there, and they say what they miss
  return Done{};
}

Path find_in_manifest(std::string_view name) {
  Path found;
  if (manifest.empty() && !read_manifest()) return found;
  visit_manifest([&](std::string_view path) {
    if (found.empty() && path.substr(path.rfind('/') + 1) == name) found.add(path);
  });
  return found;
}

}  // namespace gdbdebug
