// SPDX-License-Identifier: GPL-2.0-or-later
// file: descriptors and mappings that somebody owns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "core/base/fd.hpp"

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

using gdbdebug::UniqueFd;

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
