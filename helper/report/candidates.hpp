// SPDX-License-Identifier: GPL-2.0-or-later
// candidates: the words of a stack that may be return addresses, as a list short enough for a console.
// Pure: it is handed addresses, the innermost first, and keeps their order. A recursion becomes a few lines with a
// number. Where there are too many lines, those that help least go, and are counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gdbdebug {

struct Candidate {
  std::uint64_t address = 0;
  std::uint32_t times = 1;  ///< How many words the line stands for.
  bool linker = false;      ///< In the dynamic linker: most of what earlier calls have left on a stack is.
  bool chained = false;     ///< The chain of frame pointers leads to it.
};

class Candidates {
 public:
  /// So many lines the same address can have, where other addresses are between. From then on it is only counted: two
  /// functions that call each other show twice how they do it.
  static constexpr std::size_t kCopies = 2;
  /// More lines than a report has, so that the ones to leave out can be chosen.
  static constexpr std::size_t kCapacity = 192;

  [[nodiscard]] bool has(std::uint64_t address) const;
  void add(const Candidate& candidate);
  /// Leaves at most `limit` lines. First each address gets one line. Then lines of the dynamic linker go, the outermost
  /// first, but those at both ends stay. Then those in the middle go, and there the ones that no frame pointer leads
  /// to.
  void shorten(std::size_t limit);

  [[nodiscard]] std::span<const Candidate> lines() const { return {lines_, count_}; }
  /// How many of the words that were added are in no line.
  [[nodiscard]] std::uint64_t omitted() const { return omitted_; }

 private:
  static void absorb(Candidate& line, const Candidate& other);
  void merge();
  void drop_one(std::size_t limit);
  void erase(std::size_t index);

  Candidate lines_[kCapacity];
  std::size_t count_ = 0;
  std::uint64_t omitted_ = 0;
};

}  // namespace gdbdebug
