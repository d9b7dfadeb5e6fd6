// SPDX-License-Identifier: GPL-2.0-or-later
// sys: see sys.hpp.
#include "sys/sys.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstring>

namespace gdbdebug::sys {
namespace {

// From the kernel's <linux/mount.h>, which cannot be included beside every libc's <sys/mount.h>.
constexpr unsigned kFsopenCloexec = 1;
constexpr unsigned kFsconfigCmdCreate = 6;
constexpr unsigned kFsmountCloexec = 1;
constexpr unsigned kMoveMountFromEmptyPath = 4;

/// The records of getdents64(2), the kernel's own layout.
struct DirectoryEntry {
  std::uint64_t inode;  // cppcheck-suppress unusedStructMember ; the kernel writes it
  std::int64_t offset;  // cppcheck-suppress unusedStructMember
  unsigned short length;
  unsigned char type;  // cppcheck-suppress unusedStructMember
  char name[1];        // as long as the record
};

}  // namespace

Result<UniqueFd> detached_mount(const char* type) {
  const UniqueFd context(static_cast<int>(::syscall(SYS_fsopen, type, kFsopenCloexec)));
  if (!context) return failed("opening a file system", type);
  if (::syscall(SYS_fsconfig, context.get(), kFsconfigCmdCreate, nullptr, nullptr, 0) != 0)
    return failed("making a file system", type);
  UniqueFd mount(static_cast<int>(::syscall(SYS_fsmount, context.get(), kFsmountCloexec, 0)));
  if (!mount) return failed("mounting a file system", type);
  return mount;
}

Status attach_mount(const UniqueFd& mount, const char* path) {
  if (::syscall(SYS_move_mount, mount.get(), "", AT_FDCWD, path, kMoveMountFromEmptyPath) != 0)
    return failed("attaching a mount", path);
  return Done{};
}

Status pivot_root(const char* new_root, const char* put_old) {
  if (::syscall(SYS_pivot_root, new_root, put_old) != 0) return failed("pivoting to the new root", new_root);
  return Done{};
}

Result<UniqueFd> open(int directory, const char* path, int flags, mode_t mode) {
  int fd = -1;
  do {
    fd = ::openat(directory, path, flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return failed("opening", path);
  return UniqueFd(fd);
}

ssize_t read(int fd, std::span<char> buffer) {
  ssize_t count = 0;
  do {
    count = ::read(fd, buffer.data(), buffer.size());
  } while (count < 0 && errno == EINTR);
  return count;
}

ssize_t write(int fd, std::string_view bytes) {
  ssize_t count = 0;
  do {
    count = ::write(fd, bytes.data(), bytes.size());
  } while (count < 0 && errno == EINTR);
  return count;
}

Names::Names(const UniqueFd& directory) : directory_(directory.get()) {
  (void)::lseek(directory_, 0, SEEK_SET);
}

std::string_view Names::next() {
  for (;;) {
    if (at_ >= size_) {
      size_ = ::syscall(SYS_getdents64, directory_, buffer_, sizeof buffer_);
      at_ = 0;
      if (size_ <= 0) return {};
    }
    const auto* entry = reinterpret_cast<const DirectoryEntry*>(buffer_ + at_);
    at_ += entry->length;
    const std::string_view name(entry->name);
    if (name != "." && name != "..") return name;
  }
}

namespace {

void remove_tree(int directory, const char* name, unsigned depth) {
  constexpr unsigned kDeepest = 32;  // the names of each level are on the stack
  if (depth == kDeepest || ::unlinkat(directory, name, 0) == 0) return;
  const auto inside = open(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!inside) return;
  Names names(*inside);
  for (auto each = names.next(); !each.empty(); each = names.next()) remove_tree(inside->get(), each.data(), depth + 1);
  (void)::unlinkat(directory, name, AT_REMOVEDIR);
}

}  // namespace

void remove_tree(const UniqueFd& directory, const char* name) {
  remove_tree(directory.get(), name, 0);
}

bool read_all(const UniqueFd& file, TextBuffer& text) {
  while (text.room() > 0) {
    const auto count = read(file.get(), {text.tail(), text.room()});
    if (count < 0) return false;
    if (count == 0) break;
    text.grow(static_cast<std::size_t>(count));
  }
  return true;
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = write(fd, bytes);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

namespace {
Meanwhile::Wait meanwhile = nullptr;
void* meanwhile_context = nullptr;
}  // namespace

Meanwhile::Meanwhile(Wait wait, void* context) {
  meanwhile = wait;
  meanwhile_context = context;
}

Meanwhile::~Meanwhile() {
  meanwhile = nullptr;
}

bool wait_readable(int fd, std::uint64_t deadline_ms) {
  if (meanwhile != nullptr) return meanwhile(meanwhile_context, fd, deadline_ms);
  for (;;) {
    const auto now = now_ms();
    pollfd poll{.fd = fd, .events = POLLIN, .revents = 0};
    const int count = ::poll(&poll, 1, deadline_ms > now ? static_cast<int>(deadline_ms - now) : 0);
    if (count > 0) return true;
    if (count == 0 || errno != EINTR) return false;
  }
}

bool send_descriptor(int socket, char byte, int fd) {
  iovec data{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)]{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  auto* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) == 1;
}

Text<96> process_file(pid_t process, std::string_view name) {
  Text<96> path("/proc/");
  path.add_number(static_cast<std::uint64_t>(process)).add('/').add(name);
  return path;
}

const char* executed_as() {
  const auto* const name = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
  return name != nullptr ? name : "";
}

std::uint64_t now_us() {
  timespec now{};
  if (::clock_gettime(CLOCK_BOOTTIME, &now) != 0) ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

std::uint64_t now_ms() {
  return now_us() / 1000;
}

}  // namespace gdbdebug::sys
