// SPDX-License-Identifier: GPL-2.0-or-later
// known_program: what a debugger reads of a program's own bytes in memory, from its file: its program headers, and the
// table of what the dynamic linker does with it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "image/files.hpp"

namespace gdbdebug::client {

struct KnownProgram {
  struct Part {
    std::uint64_t address = 0;  ///< As linked: the program is moved as a whole.
    std::string bytes;
  };
  Part headers;
  Part dynamic;  ///< Empty in a static program.
  /// Where the dynamic linker's `_r_debug` is in it, which it notes in the program's DT_DEBUG.
  std::optional<std::uint64_t> debug_in_linker;

  /// `dynamic` as glibc's dynamic linker at `linker` leaves it in a program that was moved by `offset`.
  [[nodiscard]] std::string dynamic_when_linked(std::uint64_t offset, std::uint64_t linker) const;
};

/// Reads the program at `path`; nothing if it is not a 64-bit little-endian one with its headers in memory.
std::optional<KnownProgram> read_known_program(const Files& files, const std::string& path);

}  // namespace gdbdebug::client
