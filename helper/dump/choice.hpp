// SPDX-License-Identifier: GPL-2.0-or-later
// choice: which memory of a process is worth carrying, the most useful first. Pure: it reads memory through Memory
// alone, and believes nothing that it reads there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dump/memory.hpp"
#include "dump/selection.hpp"
#include "dump/space.hpp"

namespace gdbdebug::dump {

class Choice {
 public:
  /// `word`: the size of a pointer, 4 or 8.
  Choice(const Memory& memory, const Space& space, std::size_t word, std::uint64_t budget)
      : memory_(memory), space_(space), word_(word), budget_(budget), selection_(budget) {}

  /// The rounds, in the order of their use. In each is what those before it do not have.
  static constexpr unsigned kFixed = 0;         ///< the stack, and what says which libraries are where
  static constexpr unsigned kObjects = 1;       ///< what the registers and the stack point to
  static constexpr unsigned kChanged = 2;       ///< words of variables that differ from their values in the file
  static constexpr unsigned kFirstReached = 3;  ///< from here on: what the rounds before point to, round by round
  static constexpr unsigned kRelocated = 16;    ///< changed words that the dynamic linker has written, most likely
  static constexpr unsigned kRounds = 17;

  /// The stack of the thread that is in trouble, at most half of the budget.
  void add_stack(std::uint64_t sp);
  /// The innermost end of another thread's stack.
  void add_other_stack(std::uint64_t sp);
  /// The code at `pc` where no file has it.
  void add_code(std::uint64_t pc);
  /// The list of libraries, by the auxiliary vector. Nothing for a program that has none.
  void add_libraries(std::span<const unsigned char> auxiliary);
  /// What a word of `bytes` points to, in kObjects.
  void add_objects(std::span<const unsigned char> bytes);
  /// One of the later rounds.
  void add_round(unsigned round);
  /// Everything that is writable, for core=all.
  void add_writable();

  [[nodiscard]] const Selection& selection() const { return selection_; }

 private:
  [[nodiscard]] std::uint64_t word_at(const unsigned char* bytes) const;
  [[nodiscard]] bool read_word(std::uint64_t address, std::uint64_t& value) const;
  bool add_object(std::uint64_t pointer, unsigned round);
  bool add_changed(const Area& area, unsigned round);
  [[nodiscard]] bool is_relocation(const unsigned char* now, const unsigned char* before) const;
  void follow(unsigned from, unsigned round);
  bool follow(Range range, unsigned round);
  void add_stack(std::uint64_t begin, std::uint64_t end);
  void add_link_maps(std::uint64_t debug);

  const Memory& memory_;
  const Space& space_;
  std::size_t word_;
  std::uint64_t budget_;
  Selection selection_;
  static constexpr std::size_t kMaxStacks = 17;
  Range stacks_[kMaxStacks]{};
  std::size_t stack_count_ = 0;
};

}  // namespace gdbdebug::dump
