// SPDX-License-Identifier: GPL-2.0-or-later
// core_log: the cores that the agent wrote into a log, record by record. Their form is in gdbdebug(7). Pure: text in,
// values out. Records come doubled, reordered, cut, and with others' text in them; each has a check, and one that fails
// it is as if it had not come. Nothing in a core is believed: it is bytes and numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace gdbdebug::client {

/// A mapping.
struct CoreMap {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t offset = 0;
  bool readable = false;
  bool writable = false;
  bool executable = false;
  std::string file;  ///< As the kernel wrote it, without " (deleted)"; also "[stack]"; may be empty.

  bool operator==(const CoreMap&) const = default;
};

struct CoreThread {
  std::uint64_t id = 0;
  std::string registers;  ///< The register set NT_PRSTATUS.
};

struct Core {
  std::uint32_t id = 0;
  std::map<std::string, std::string> begin;  ///< The pairs of its `begin`; empty if that was lost.
  std::uint32_t page = 4096;                 ///< The size of a page.
  bool ended = false;                        ///< Its `end` is there.
  std::string cut;                           ///< Why there is not more memory in it, as the machine said; may be empty.
  std::optional<std::uint32_t> blocks;       ///< How many there were; nothing: not known.
  std::optional<std::uint32_t> fixed;        ///< How many of them are the most important part.
  std::set<std::uint32_t> present;           ///< The numbers of the blocks that are here.

  std::vector<CoreThread> threads;  ///< The one in trouble first.
  std::string signal;               ///< siginfo_t; may be empty.
  std::string auxiliary;
  std::map<std::uint64_t, std::string> map_text;   ///< By its place in the whole.
  std::map<std::uint64_t, std::string> build_ids;  ///< In hexadecimal, by the address of the file's first mapping.
  std::map<std::uint64_t, std::string> memory;     ///< By address; parts do not overlap, and do not touch.

  /// How many bytes a pointer has.
  [[nodiscard]] std::size_t word() const;
  /// The value in `begin`, or nothing.
  [[nodiscard]] std::string value(const std::string& key) const;
  /// The mappings, as far as their text is here.
  [[nodiscard]] std::vector<CoreMap> maps() const;
  /// The numbers of the blocks that are not here, as far as that can be known.
  [[nodiscard]] std::vector<std::uint32_t> missing() const;
  /// How many bytes of memory there are.
  [[nodiscard]] std::uint64_t bytes() const;
  /// Bytes of memory; empty if not all of them are here.
  [[nodiscard]] std::string read(std::uint64_t address, std::size_t size) const;
  [[nodiscard]] std::optional<std::uint64_t> read_word(std::uint64_t address) const;
};

struct CoreLog {
  std::vector<Core> cores;  ///< In the order in which they begin.
  std::size_t damaged = 0;  ///< Lines that are marked as a record and are none.
};

CoreLog read_cores(std::string_view log);

}  // namespace gdbdebug::client
