// SPDX-License-Identifier: GPL-2.0-or-later
// ordered: looking up an address in ranges that do not overlap, in ascending order. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gdbdebug::dump {

/// The index of the first range that ends behind `address`; how many there are, if none does.
template <typename Range>
std::size_t first_behind(std::span<const Range> ranges, std::uint64_t address) {
  std::size_t first = 0;
  for (std::size_t count = ranges.size(); count > 0;) {
    const auto half = count / 2;
    if (ranges[first + half].end > address) {
      count = half;
    } else {
      first += half + 1;
      count -= half + 1;
    }
  }
  return first;
}

}  // namespace gdbdebug::dump
