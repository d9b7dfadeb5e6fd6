// SPDX-License-Identifier: GPL-2.0-or-later
// selection: which memory is in a core: ranges that do not overlap, each with the round in which it was chosen. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gdbdebug::dump {

struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  unsigned round = 0;
};

/// There is one at a time: its ranges lie in a buffer that does not belong on a stack.
class Selection {
 public:
  static constexpr std::size_t kCapacity = 4096;

  /// `budget`: the bytes that may be chosen.
  explicit Selection(std::uint64_t budget) : budget_(budget) {}

  /// Chooses what is not chosen yet of [begin, end), down and up to whole words of eight bytes: as much of its
  /// beginning as is left of the budget. Whether the budget and the room allow more after that.
  bool add(std::uint64_t begin, std::uint64_t end, unsigned round);
  [[nodiscard]] bool has(std::uint64_t address) const;
  /// In ascending order.
  [[nodiscard]] std::span<const Range> ranges() const { return {ranges_, count_}; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] bool full() const { return bytes_ >= budget_ || count_ == kCapacity; }

 private:
  /// The first range that ends behind `address`.
  [[nodiscard]] std::size_t position(std::uint64_t address) const;

  // NOLINTNEXTLINE(bugprone-dynamic-static-initializers): zeroed when the program is loaded, selection.cpp
  static Range ranges_[kCapacity];
  std::size_t count_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t budget_;
};

}  // namespace gdbdebug::dump
