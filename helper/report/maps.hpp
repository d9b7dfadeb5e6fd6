// SPDX-License-Identifier: GPL-2.0-or-later
// maps: where PID 1 stands, and the files that are mapped into it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "tracee/place.hpp"

namespace gdbdebug::report {

/// One line of /proc/1/maps (proc(5)).
struct Map {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t offset = 0;
  bool readable = false;
  bool executable = false;
  std::string_view file;
};

/// The name that proc(5) has for the stack of the first thread.
inline constexpr std::string_view kFirstStack = "[stack]";

/// There is one at a time: what it has read lies in buffers that do not belong on a stack.
class Maps {
 public:
  Maps();

  std::span<const Map> executable() const { return executable_; }
  const Map* find_executable(std::uint64_t address) const;
  /// The mapping of `address`, or the next one above it.
  Map at_or_above(std::uint64_t address) const;
  /// The stack that `sp` is in. One that has overflowed can point below it, or into its guard pages.
  Map stack(std::uint64_t sp) const;
  /// Whether a fault at `address` means that the stack of `place` has no more room.
  bool is_stack_overflow(const Place& place, std::uint64_t address) const;
  /// The dynamic linker's file, as the maps have it; empty if there is none.
  std::string_view linker() const { return linker_; }

 private:
  std::string_view text_;
  std::span<const Map> executable_;
  std::string_view linker_;
};

/// Returns how many lines there are.
unsigned say_maps(const Maps& maps);

}  // namespace gdbdebug::report
