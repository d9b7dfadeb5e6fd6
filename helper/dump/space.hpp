// SPDX-License-Identifier: GPL-2.0-or-later
// space: the mappings of a process, by the text of /proc/PID/maps (proc(5)). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/text.hpp"

namespace gdbdebug::dump {

struct Area {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t offset = 0;
  bool readable = false;
  bool writable = false;
  bool executable = false;
  bool is_private = false;
  bool is_file = false;   ///< a file is mapped
  std::string_view file;  ///< its path, or the kernel's name for the area, such as `[stack]`
};

/// There is one at a time: its areas lie in a buffer that does not belong on a stack. They point into the text.
class Space {
 public:
  static constexpr std::size_t kCapacity = 1600;  // the shortest line has 41 bytes, and read_maps() 64 KiB

  /// Areas that do not fit are left out.
  explicit Space(std::string_view maps);

  [[nodiscard]] std::span<const Area> areas() const { return areas_; }
  /// The area of `address`, or nullptr.
  [[nodiscard]] const Area* find(std::uint64_t address) const;
  /// The area of `address`, or the next one above it, or nullptr.
  [[nodiscard]] const Area* at_or_above(std::uint64_t address) const;
  /// The stack that `sp` is in. One that has overflowed can point below it, or into its guard pages.
  [[nodiscard]] const Area* stack(std::uint64_t sp) const;
  /// Whether `area` goes on where a file's data end: the variables without a value in the file.
  [[nodiscard]] bool follows_file(const Area& area) const;

 private:
  std::span<const Area> areas_;
};

/// The same mappings in fewer bytes, as gdbdebug(7) has them. A line is `BEGIN LENGTH RIGHTS OFFSET NAME` in
/// hexadecimal pages of 4 KiB; for more of the same file `+GAP LENGTH RIGHTS OFFSET`, with the distance from the line
/// before, and without OFFSET where the file goes on.
void put_maps(std::string_view maps, TextBuffer& text);

}  // namespace gdbdebug::dump
