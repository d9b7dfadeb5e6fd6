// SPDX-License-Identifier: GPL-2.0-or-later
// dump: a core of PID 1 as records in a log, when nobody is there to ask for one. Their form is in gdbdebug(7).
// Assumes that PID 1 stands still, or says so. Needs no memory but static buffers; what cannot be read is left out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/words/core_record.hpp"
#include "dump/writer.hpp"

namespace gdbdebug::dump {

/// Who knows the registers of a thread that stands still: its tracer.
class Registers {
 public:
  Registers() = default;
  Registers(const Registers&) = delete;
  Registers& operator=(const Registers&) = delete;
  /// The register set NT_PRSTATUS of `thread` (PTRACE_GETREGSET in ptrace(2)), and how long it is; 0: it is not known.
  virtual std::size_t read(unsigned thread, std::span<unsigned char> set) = 0;

 protected:
  ~Registers() = default;
};

struct Subject {
  unsigned thread = 1;                      ///< the one that is in trouble
  std::span<const unsigned char> signal{};  ///< its siginfo_t; empty: it stands at no signal
  Registers* registers = nullptr;
  bool runs = false;  ///< it does not stand still: of its registers only its place is known
};

/// As much of memory as there is.
inline constexpr std::uint64_t kWhole = UINT64_MAX;

class Dump {
 public:
  /// Says all of it, at most `memory` bytes of memory, and the most important part once more.
  void say(const Subject& subject, std::uint64_t memory, Sink& sink);
  /// Says the most important part of the same core again, so that it is at the end of the log too.
  void say_again(const Subject& subject, Sink& sink);
  /// Whether there is one that say_again() could repeat.
  [[nodiscard]] bool said() const { return id_ != 0; }

 private:
  std::uint32_t id_ = 0;
  std::uint32_t blocks_ = 0;
  std::uint32_t fixed_ = 0;
  std::uint64_t budget_ = 0;
  std::uint64_t memory_ = 0;
};

}  // namespace gdbdebug::dump
