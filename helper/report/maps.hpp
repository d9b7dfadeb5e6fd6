// SPDX-License-Identifier: GPL-2.0-or-later
// maps: where PID 1 stands, and the files that are mapped into it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/text.hpp"

namespace gdbdebug::report {

/// /proc/PID/task/TID/syscall: `running`, `-1 SP PC`, or `NUMBER ARGUMENTS... SP PC` (fs/proc/base.c).
struct Place {
  std::uint64_t pc = 0;
  std::uint64_t sp = 0;
  std::uint64_t first_argument = 0;
};

Place find_place(unsigned thread);

/// One line of /proc/1/maps (proc(5)).
struct Map {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t offset = 0;
  bool executable = false;
  std::string_view file;
};

/// There is one at a time: it has buffers that do not belong on a stack.
class Maps {
 public:
  Maps();

  std::span<const Map> executable() const { return {maps_.data(), count_}; }
  const Map* find_executable(std::uint64_t address) const;
  /// The mapping of `address`, or the next one above it: a stack that has overflowed points below its own.
  Map at_or_above(std::uint64_t address) const;

 private:
  static constexpr std::size_t kMaxMaps = 96;  // systemd and its libraries are some 30

  static inline Text<65536> text_;  // some 200 lines; what is cut off are the mappings above the libraries
  static inline std::array<Map, kMaxMaps> maps_;
  std::size_t count_ = 0;
};

/// Returns how many lines there are.
unsigned say_maps(const Maps& maps);

}  // namespace gdbdebug::report
