// SPDX-License-Identifier: GPL-2.0-or-later
// symbolize: the functions, files and lines at places in programs. libdwfl (elfutils) finds the debug information: in
// the file itself, by build ID in debug directories, and from debuginfod where the user has set DEBUGINFOD_URLS.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gdbdebug::client {

/// A function that is at a place, and the line in it.
struct Code {
  std::string function;      ///< Demangled; empty if it is not known.
  std::uint64_t offset = 0;  ///< From its beginning, where the line is not known.
  std::string file;          ///< Of its source; empty if it is not known.
  int line = 0;

  bool operator==(const Code&) const = default;
};

class Symbolizer {
 public:
  /// Looks for debug files in `debug_dirs` besides the usual places.
  explicit Symbolizer(const std::vector<std::string>& debug_dirs);
  Symbolizer(const Symbolizer&) = delete;
  Symbolizer& operator=(const Symbolizer&) = delete;
  ~Symbolizer();

  /// What is at the byte `offset` of the ELF file `path`: the innermost function first, then those that it is inlined
  /// into. `returns`: it is an address that a call returns to, so the call before it is what is asked for. Empty if the
  /// file cannot be read or has nothing there.
  std::vector<Code> at(const std::string& path, std::uint64_t offset, bool returns);

  /// Why there are no line numbers for the file; empty if there are. Call it after at().
  [[nodiscard]] std::string why_no_lines(const std::string& path) const;

 private:
  struct Module;
  Module& open(const std::string& path);

  struct Modules;
  std::unique_ptr<Modules> modules_;
};

}  // namespace gdbdebug::client
