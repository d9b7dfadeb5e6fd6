// SPDX-License-Identifier: GPL-2.0-or-later
// cover: see cover.hpp.
#include "wire/cover.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/log.hpp"
#include "sys/sys.hpp"
#include "wire/readers.hpp"

namespace gdbdebug::wire {
namespace {

// From the kernel's <linux/mount.h>, which cannot be included beside every libc's <sys/mount.h>.
constexpr unsigned kOpenTreeClone = 1;
constexpr unsigned kMoveMountFromEmptyPath = 4;
constexpr const char* kStep = "taking the place of the console";
constexpr int kNewMounts = 0x20000;  // CLONE_NEWNS

/// Whether the node is there, is the port's, and lies on a file system of its own.
bool is_bare(const UniqueFd& root, const char* node, dev_t device) {
  struct stat top {};
  struct stat directory {};
  struct stat info {};
  if (::fstatat(root.get(), node, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISCHR(info.st_mode)) return false;
  if (info.st_rdev != device && info.st_rdev != makedev(5, 1)) return false;
  return ::fstat(root.get(), &top) == 0 && ::fstatat(root.get(), "dev", &directory, 0) == 0 &&
         top.st_dev != directory.st_dev;
}

}  // namespace

Cover::Cover(const Parts& parts) : parts_(parts) {
  auto file = sys::open(AT_FDCWD, "/proc/1/mountinfo", O_RDONLY);
  if (file) mounts_ = std::move(*file);
}

/// In a child, since it has to enter PID 1's mount namespace. True: the node is covered now.
bool Cover::place_on(const UniqueFd& root, const char* node) {
  if (!is_bare(root, node, parts_.device)) return false;
  const UniqueFd tree(
      static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, parts_.node.c_str(), kOpenTreeClone | O_CLOEXEC)));
  const auto mounts = sys::open(AT_FDCWD, "/proc/1/ns/mnt", O_RDONLY);
  int error = !tree ? errno : mounts ? 0 : mounts.error().err;
  const pid_t child = error == 0 ? ::fork() : -1;
  if (child == 0) {
    if (::syscall(SYS_setns, mounts->get(), kNewMounts) != 0) ::_exit(errno);
    if (::syscall(SYS_move_mount, tree.get(), "", root.get(), node, kMoveMountFromEmptyPath) != 0) ::_exit(errno);
    ::_exit(0);
  }
  if (error == 0 && child < 0) error = errno;
  if (child > 0) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    error = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
  }
  if (error == 0) return true;
  if (!told_) log::warning({kStep, node, error}, "a program that reads there takes bytes from the debugger");
  told_ = true;
  return false;
}

void Cover::place() {
  const auto root = sys::open(AT_FDCWD, "/proc/1/root", O_PATH | O_DIRECTORY);
  if (!root) return;
  Text<80> node("dev/");
  node.add(parts_.name);
  const bool port = place_on(*root, node.c_str());
  const bool console = parts_.preferred && place_on(*root, "dev/console");
  // Who was faster still has the port itself.
  if (port || console) name_readers(parts_);
}

}  // namespace gdbdebug::wire
