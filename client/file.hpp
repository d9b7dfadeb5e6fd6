// SPDX-License-Identifier: GPL-2.0-or-later
// file: descriptors and mappings that somebody owns.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "result.hpp"

namespace gdbdebug::client {

using Bytes = std::span<const std::byte>;

/// The same bytes as text, without a copy.
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The same text as bytes, without a copy.
inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// Owns a descriptor. Becomes an int through get() alone; closing leaves errno as it was.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) {
      const int saved = errno;
      ::close(fd_);
      errno = saved;
    }
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

/// A file's content in memory, read-only, for as long as the object lives.
class Mapping {
 public:
  /// Maps the regular file `path`, followed through links. Errors: whatever open and mmap say; not a regular file.
  static Result<std::shared_ptr<const Mapping>> open(const std::string& path, std::string_view step);
  /// Maps what `fd` refers to, from its first to its last byte; `name` is for messages.
  static Result<std::shared_ptr<const Mapping>> of(int fd, const std::string& name, std::string_view step);

  Mapping(void* address, std::size_t size) : address_(address), size_(size) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();

  [[nodiscard]] Bytes bytes() const { return {static_cast<const std::byte*>(address_), size_}; }

 private:
  void* address_;
  std::size_t size_;
};

/// Writes all of `bytes`. Returns 0 or the errno that stopped it.
int write_all(int fd, Bytes bytes);

/// Reads a whole file of at most `limit` bytes as text; works for files without a size, as those of procfs.
Result<std::string> read_file(const std::string& path, std::string_view step, std::size_t limit = std::size_t{1} << 24);

/// An open, nameless, writable file in `directory`, which vanishes with its descriptor.
Result<UniqueFd> nameless_file(const std::string& directory);

/// The directory a path lies in: "." for a bare name, "/" for a name in the root. Trailing slashes do not count.
std::string parent_directory(std::string_view path);

}  // namespace gdbdebug::client
