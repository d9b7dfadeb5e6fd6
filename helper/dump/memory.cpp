// SPDX-License-Identifier: GPL-2.0-or-later
// memory: see memory.hpp.
#include "dump/memory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "sys/sys.hpp"
#include "tracee/pid1.hpp"

namespace gdbdebug::dump {
ProcessMemory::ProcessMemory(pid_t thread) : thread_(thread) {
  if (auto file = sys::open(AT_FDCWD, sys::process_file(thread, "mem").c_str(), O_RDONLY)) memory_ = std::move(*file);
}

std::size_t ProcessMemory::read(std::uint64_t address, std::span<unsigned char> bytes) const {
  const auto count = ::pread(memory_.get(), bytes.data(), bytes.size(), static_cast<off_t>(address));
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

bool ProcessMemory::read_file(std::uint64_t begin, std::uint64_t end, std::uint64_t offset,
                              std::span<unsigned char> bytes) const {
  if (begin != file_begin_ || file_.get() < 0) {
    auto file = pid1::open_mapped(thread_, begin, end);
    file_.reset();
    if (!file) return false;
    file_ = std::move(*file);
    file_begin_ = begin;
  }
  const auto count = ::pread(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
  if (count < 0) return false;
  const auto filled = static_cast<std::size_t>(count);
  std::memset(bytes.data() + filled, 0, bytes.size() - filled);
  return true;
}

std::string_view read_maps(pid_t process) {
  static Text<65536> text;
  text.clear();
  const auto file = sys::open(AT_FDCWD, sys::process_file(process, "maps").c_str(), O_RDONLY);
  if (file) (void)sys::read_all(*file, text);  // what there is of it
  return text;
}

}  // namespace gdbdebug::dump
