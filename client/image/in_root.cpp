// SPDX-License-Identifier: GPL-2.0-or-later
// in_root: see in_root.hpp.
#include "image/in_root.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <climits>
#include <string_view>
#include <vector>

#include "core/base/text.hpp"

namespace gdbdebug::client {
namespace {

constexpr int kMaxLinks = 40;  // as the kernel's MAXSYMLINKS

UniqueFd failed(int number) {
  errno = number;
  return UniqueFd();
}

// The content of the link that `fd` is; empty, with errno, if it cannot be read.
std::string read_link(int fd) {
  std::array<char, 4096> target;
  const ssize_t size = ::readlinkat(fd, "", target.data(), target.size());
  if (size == 0) errno = ENOENT;
  return size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : std::string();
}

// The names that `path` still has to go through, the next one last. A slash at the end is as a "." behind it: what is
// before it has to be a directory.
void push_names(std::string_view path, std::vector<std::string>& names) {
  std::vector<std::string> found;
  if (path.ends_with('/')) names.emplace_back(".");
  while (!path.empty()) {
    if (const auto name = take_word(path, '/'); !name.empty()) found.emplace_back(name);
  }
  names.insert(names.end(), found.rbegin(), found.rend());
}

}  // namespace

UniqueFd walk_in_root(int root, const std::string& path, int flags) {
  if (path.empty()) return failed(ENOENT);
  if (path.size() >= PATH_MAX) return failed(ENAMETOOLONG);
  constexpr int kWalk = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  std::vector<UniqueFd> way;  // the directories from the root down to where we stand; empty: the root
  std::vector<std::string> names;
  push_names(path, names);
  int links = 0;
  while (!names.empty()) {
    const auto name = std::move(names.back());
    names.pop_back();
    if (name == ".") continue;
    if (name == "..") {
      if (!way.empty()) way.pop_back();
      continue;
    }
    UniqueFd next(::openat(way.empty() ? root : way.back().get(), name.c_str(), kWalk));
    struct stat status {};
    if (!next || ::fstat(next.get(), &status) != 0) return UniqueFd();
    if (S_ISLNK(status.st_mode)) {
      if (++links > kMaxLinks) return failed(ELOOP);
      const auto target = read_link(next.get());
      if (target.empty()) return UniqueFd();
      if (target.starts_with('/')) way.clear();
      push_names(target, names);
      continue;
    }
    if (!names.empty() && !S_ISDIR(status.st_mode)) return failed(ENOTDIR);
    way.push_back(std::move(next));
  }
  // Opened anew for what is wanted, by its own name in the last directory: it is no link, and if it has become one
  // since it is not followed.
  const int fd = way.empty() ? root : way.back().get();
  if ((flags & O_PATH) != 0) return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  return UniqueFd(::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), flags | O_CLOEXEC));
}

UniqueFd open_in_root(int root, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(static_cast<unsigned>(flags | O_CLOEXEC));
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
  // EPERM: sandboxes whose filter is older than the call. EAGAIN: a rename elsewhere, while ".." was taken.
  if (fd || (errno != ENOSYS && errno != EPERM && errno != EAGAIN)) return fd;
  return walk_in_root(root, path, flags);
}

}  // namespace gdbdebug::client
