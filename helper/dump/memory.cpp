// SPDX-License-Identifier: GPL-2.0-or-later
// memory: see memory.hpp.
#include "dump/memory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "core/base/text.hpp"
#include "sys/sys.hpp"

namespace gdbdebug::dump {
namespace {

Text<96> file_of(pid_t thread, std::string_view name) {
  Text<96> path("/proc/");
  path.add_number(static_cast<std::uint64_t>(thread)).add('/').add(name);
  return path;
}

}  // namespace

ProcessMemory::ProcessMemory(pid_t thread) : thread_(thread) {
  if (auto file = sys::open(AT_FDCWD, file_of(thread, "mem").c_str(), O_RDONLY)) memory_ = std::move(*file);
}

std::size_t ProcessMemory::read(std::uint64_t address, std::span<unsigned char> bytes) const {
  const auto count = ::pread(memory_.get(), bytes.data(), bytes.size(), static_cast<off_t>(address));
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

bool ProcessMemory::read_file(std::uint64_t begin, std::uint64_t end, std::uint64_t offset,
                              std::span<unsigned char> bytes) const {
  if (begin != file_begin_ || file_.get() < 0) {
    auto path = file_of(thread_, "map_files/");
    path.add_number(begin, 16).add('-').add_number(end, 16);
    auto file = sys::open(AT_FDCWD, path.c_str(), O_RDONLY);
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

}  // namespace gdbdebug::dump
