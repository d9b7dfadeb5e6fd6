// SPDX-License-Identifier: GPL-2.0-or-later
// crash_report: the helper's report about a PID 1 that was about to die, found in a console log. Its form is in
// gdbdebug(7). Pure: text in, values out. A console is no careful writer: lines come late, cut off, or with others
// between them, and none of that is an error here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gdbdebug::client {

struct CrashReport {
  struct Frame {
    unsigned number = 0;
    std::string file;                     ///< As the machine named it; empty where no file is mapped.
    std::optional<std::uint64_t> offset;  ///< In that file.
    std::optional<std::uint64_t> address;
    std::string by;           ///< How it was found, "scan", "chain" or "link"; empty: it is where PID 1 stands.
    std::uint64_t times = 1;  ///< How often it was found.

    bool operator==(const Frame&) const = default;
  };
  struct Map {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint64_t offset = 0;
    std::string file;
    std::string build_id;  ///< Hexadecimal; empty if the machine could not tell.

    bool operator==(const Map&) const = default;
  };

  bool begun = false;  ///< Its first line is here, which has what is before the registers but for the command.
  std::string comm;
  std::string signal;    ///< "SIGSEGV"; empty when PID 1 was at a system call.
  std::string exit;      ///< The exit status in digits; empty when it was about to do something else.
  std::string reboot;    ///< The command of reboot(2), "RESTART"; empty when it was about to do something else.
  bool handled = false;  ///< It has a handler for the signal.
  std::string address;   ///< Of a fault, as it was written; may be empty.
  std::string stack;     ///< "overflow", or empty.
  std::string sender;    ///< The process that has sent the signal, in digits; may be empty.
  std::string sender_comm;
  std::string machine;
  std::string kernel;
  std::vector<std::string> command;
  std::vector<std::pair<std::string, std::uint64_t>> registers;
  std::vector<Frame> frames;
  std::vector<Map> maps;
  std::optional<std::size_t> frames_said;  ///< How many there were on the machine; nothing: the end did not come.
  std::optional<std::size_t> maps_said;
  std::optional<std::uint64_t> omitted;  ///< How many return addresses are not in the list; nothing: not said.
  std::uint64_t unread = 0;              ///< How many bytes of the stack were not looked at.

  std::size_t registers_damaged = 0;  ///< Words of register lines that are no NAME=NUMBER.

  [[nodiscard]] bool complete() const { return begun && frames_said == frames.size() && maps_said == maps.size(); }

  /// Whether the place of `frame` can be believed: it has an address behind its offset, so the offset was not cut off,
  /// and the offset is what the mapping at that address makes of it. Such a mapping may be missing.
  [[nodiscard]] bool believable(const Frame& frame) const;

  /// How many lines there are that the helper did not write like this: cut off at the edge of a terminal, or with
  /// bytes lost or changed. Not each such line can be told.
  [[nodiscard]] std::size_t damaged() const;

  /// The frames without repeats: one that stands in a row several times, as 0.1 wrote a recursion, is one that was
  /// found as often.
  [[nodiscard]] std::vector<Frame> folded() const;

  /// Whether the list of frames is that of a helper that did not say what it left out, and as long as it made any.
  [[nodiscard]] bool may_be_cut() const;

  bool operator==(const CrashReport&) const = default;
};

/// All reports in `log`, each once, in order. Lines of other programs, timestamps, colours and carriage returns do not
/// matter, nor do keywords and keys that are not known here. Lines can be doubled and in another order; what two copies
/// of a report have is one report.
std::vector<CrashReport> read_reports(std::string_view log);

}  // namespace gdbdebug::client
