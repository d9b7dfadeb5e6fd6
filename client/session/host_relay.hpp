// SPDX-License-Identifier: GPL-2.0-or-later
// host_relay: stands between the debugger and the line, and makes the line nearly silent.
// Pure: bytes and the time go in, bytes come out. The debugger's side loses nothing; the target's side may be a UART,
// so there the relay acknowledges, asks again and repeats by itself. Requests go one at a time, as gdb sends them in
// all-stop mode (gdb's manual, "Remote Protocol").
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/known_descriptions.hpp"
#include "core/rsp/packet.hpp"
#include "session/text_filter.hpp"

namespace gdbdebug::client {

class HostRelay {
 public:
  /// `whole_vdso`: let the debugger read the kernel's vdso, 10 kB of code that PID 1 is seldom in.
  HostRelay(Descriptions descriptions, bool whole_vdso);

  /// How the text of the target's console is shown that comes in the session: by the debugger as it is; by the debugger
  /// without what would command the terminal (text_filter.hpp), and also in a colour of its own; or not by the
  /// debugger: then take_console() has it.
  enum class ConsoleText : std::uint8_t { raw, plain, coloured, kept };
  void show_console(ConsoleText how) { console_text_ = how; }

  // What happened.
  void debugger_bytes(std::string_view bytes, std::uint64_t now_ms);
  void target_bytes(std::string_view bytes, std::uint64_t now_ms);
  void tick(std::uint64_t now_ms);

  // What to do.
  std::string& to_debugger() { return to_debugger_; }
  std::string& to_target() { return to_target_; }
  /// When tick() must be called, in the clock of now_ms; nullopt: no need.
  [[nodiscard]] std::optional<std::uint64_t> deadline() const { return deadline_; }

  /// Text of the target's console, once.
  [[nodiscard]] std::string take_console() { return std::exchange(console_, {}); }
  /// Keys for what reads the target's console. False: PID 1 does not run in a session now, and nothing can be typed.
  bool type(std::string_view keys);

  /// Why the target refuses to kill PID 1, once; empty: it did not. gdb 13 to 18 print "Can't kill process" alone,
  /// whatever the reply says (remote_target::kill() in gdb/remote.c).
  [[nodiscard]] std::string take_refusal() { return std::exchange(refusal_, {}); }
  /// Whether the debugger has detached, so that it may go without leaving PID 1 held.
  [[nodiscard]] bool detached() const { return detached_; }
  /// The target did not take a packet, however often it was sent.
  [[nodiscard]] bool given_up() const { return given_up_; }

 private:
  void on_request(std::string_view payload, std::uint64_t now_ms);
  void on_reply(std::string_view payload, std::uint64_t now_ms);
  bool answer_here(std::string_view payload, std::uint64_t now_ms);
  void read_description(std::uint64_t offset, std::uint64_t length, std::uint64_t now_ms);
  void try_description(std::uint64_t now_ms);
  void judge_description(std::string_view payload, std::uint64_t now_ms);
  void learn_description(std::string_view payload);
  void forget_description();
  void send(std::string_view payload, std::uint64_t now_ms);
  void reply(std::string_view payload);

  bool answer_file(std::string_view payload);
  bool answer_again(std::string_view payload, std::uint64_t now_ms);
  bool answer_symbol(std::string_view payload, std::uint64_t now_ms);
  void note_symbol(std::string_view reply);
  bool take_text(std::string_view payload);

  Descriptions descriptions_;
  bool whole_vdso_;
  std::optional<std::string> description_;  ///< The one that is the target's.
  std::size_t candidate_ = 0;
  std::uint64_t wanted_offset_ = 0;  ///< What the debugger wants of it.
  std::uint64_t wanted_length_ = 0;
  std::string learning_;

  // What gdb asks twice in one breath, such as the program headers at each of five steps. PID 1 is held meanwhile.
  std::map<std::string, std::string, std::less<>> breath_;
  std::uint64_t breath_ms_ = 0;  ///< When the last reply went out.

  // gdb offers its symbols anew for every file that it has read, and the target asks each time for the one that nobody
  // has ("qSymbol", gdb's manual, "General Query Packets"). Its name is in hexadecimal digits.
  std::string asked_symbol_;   ///< What the target asked for first when gdb last offered its symbols.
  std::string wanted_symbol_;  ///< The only one that it wants, while PID 1 is held.
  bool offered_ = false;       ///< We asked the debugger for it, in the target's place.
  std::string found_symbol_;   ///< The debugger's answer, if it has it after all.

  enum class Ask : std::uint8_t { nothing, debugger, features, probe, learn, symbol };
  Ask ask_ = Ask::nothing;
  bool noack_ = false;  ///< Towards the debugger.
  bool detached_ = false;
  bool detaching_ = false;
  bool given_up_ = false;

  std::string request_;  ///< The debugger's last one that went to the target.
  std::string sent_;     ///< The packet under way to the target, to be repeated.
  bool acked_ = true;
  unsigned tries_ = 0;
  std::optional<std::uint64_t> deadline_;
  std::string replied_;  ///< The last packet to the debugger.
  std::string refusal_;

  ConsoleText console_text_ = ConsoleText::raw;
  TextFilter filter_;
  std::string console_;

  std::string to_debugger_;
  std::string to_target_;
  std::vector<char> debugger_buffer_;
  std::vector<char> target_buffer_;
  rsp::Reader debugger_;
  rsp::Reader target_;
};

}  // namespace gdbdebug::client
