// SPDX-License-Identifier: GPL-2.0-or-later
// file: see file.hpp.
#include "base/file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <array>
#include <cstdlib>

namespace gdbdebug::client {

Mapping::~Mapping() {
  if (size_ != 0) ::munmap(address_, size_);
}

Result<std::shared_ptr<const Mapping>> Mapping::open(const std::string& path, std::string_view step) {
  // Non-blocking: a FIFO by this name must be refused, not waited for.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return system_error(std::string(step), path, errno);
  return of(fd.get(), path, step);
}

Result<std::shared_ptr<const Mapping>> Mapping::of(int fd, const std::string& name, std::string_view step) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return system_error(std::string(step), name, errno);
  if (!S_ISREG(status.st_mode)) return Error{std::string(step), name, "not a regular file"};
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return std::shared_ptr<const Mapping>(std::make_shared<Mapping>(nullptr, 0));
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (address == MAP_FAILED) return system_error(std::string(step), name, errno);
  return std::shared_ptr<const Mapping>(std::make_shared<Mapping>(address, size));
}

int write_all(int fd, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return 0;
}

Result<std::string> read_file(const std::string& path, std::string_view step, std::size_t limit) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return system_error(std::string(step), path, errno);
  std::string text;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return system_error(std::string(step), path, errno);
    }
    if (count == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(count));
    if (text.size() > limit) return Error{std::string(step), path, "larger than any such file can be"};
  }
}

Result<UniqueFd> nameless_file(const std::string& directory) {
  UniqueFd fd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (fd) return fd;
  // Some file systems (overlayfs before 6.1, NFS) know no O_TMPFILE: a name that is taken away at once does the same.
  std::string path = directory + "/.gdbdebug-XXXXXX";
  fd.reset(::mkostemp(path.data(), O_CLOEXEC));
  if (!fd) return system_error("making a temporary file in", directory, errno, "TMPDIR can name another place");
  ::unlink(path.c_str());
  return fd;
}

std::string parent_directory(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

}  // namespace gdbdebug::client
