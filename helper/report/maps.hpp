// SPDX-License-Identifier: GPL-2.0-or-later
// maps: where PID 1 stands, and the files that are mapped into it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "dump/space.hpp"
#include "tracee/place.hpp"

namespace gdbdebug::report {

using Map = dump::Area;

/// The name that proc(5) has for the stack of the first thread.
inline constexpr std::string_view kFirstStack = "[stack]";

/// There is one at a time, and none beside a dump::Space: what it has read lies in buffers that do not belong on a
/// stack.
class Maps {
 public:
  Maps();

  std::span<const Map> executable() const { return executable_; }
  const Map* find_executable(std::uint64_t address) const;
  /// The stack that `sp` is in (dump::Space); an empty mapping where there is none.
  Map stack(std::uint64_t sp) const;
  /// Whether a fault at `address` means that the stack of `place` has no more room.
  bool is_stack_overflow(const Place& place, std::uint64_t address) const;
  /// The dynamic linker's file, as the maps have it; empty if there is none.
  std::string_view linker() const { return linker_; }

 private:
  dump::Space space_;
  std::span<const Map> executable_;
  std::string_view linker_;
};

/// Returns how many lines there are.
unsigned say_maps(const Maps& maps);

}  // namespace gdbdebug::report
