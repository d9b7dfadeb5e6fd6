// SPDX-License-Identifier: GPL-2.0-or-later
// memory: what is in a process, read without anybody's help: it works beside every tracer, and beside none.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/fd.hpp"

namespace gdbdebug::dump {

class Memory {
 public:
  Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  /// How many bytes from `address` on could be read.
  virtual std::size_t read(std::uint64_t address, std::span<unsigned char> bytes) const = 0;
  /// What the file has that is mapped in the area that begins at `begin` and ends at `end`, from `offset` on. What lies
  /// behind the file's end is zero. Whether it could be read.
  virtual bool read_file(std::uint64_t begin, std::uint64_t end, std::uint64_t offset,
                         std::span<unsigned char> bytes) const = 0;

 protected:
  ~Memory() = default;
};

/// By /proc/TID/mem and /proc/TID/map_files. A thread that lives has them even where the first one has ended.
class ProcessMemory final : public Memory {
 public:
  explicit ProcessMemory(pid_t thread);
  std::size_t read(std::uint64_t address, std::span<unsigned char> bytes) const override;
  bool read_file(std::uint64_t begin, std::uint64_t end, std::uint64_t offset,
                 std::span<unsigned char> bytes) const override;

 private:
  pid_t thread_;
  UniqueFd memory_;
  // The file that was asked for last.
  mutable UniqueFd file_;
  mutable std::uint64_t file_begin_ = 0;
};

/// The text of /proc/PID/maps, as much of it as a static buffer holds: some 200 lines in practice. What is cut off are
/// the mappings above the libraries. Valid until the next call.
std::string_view read_maps(pid_t process);

}  // namespace gdbdebug::dump
