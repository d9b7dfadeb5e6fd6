// SPDX-License-Identifier: GPL-2.0-or-later
// host_relay: stands between the debugger and the line, and makes the line nearly silent.
// Pure: bytes and the time go in, bytes come out. The debugger's side loses nothing; the target's side may be a UART,
// so there the relay acknowledges, asks again and repeats by itself. Requests go one at a time, as gdb sends them in
// all-stop mode (gdb's manual, "Remote Protocol").
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/rsp/packet.hpp"
#include "session/answerer.hpp"
#include "session/binary_reads.hpp"
#include "session/fixed_answers.hpp"
#include "session/knowledge.hpp"
#include "session/late_settings.hpp"
#include "session/late_symbols.hpp"
#include "session/program_memory.hpp"
#include "session/recent_replies.hpp"
#include "session/target_description.hpp"
#include "session/text_filter.hpp"
#include "session/vdso.hpp"

namespace gdbdebug::client {

class HostRelay {
 public:
  explicit HostRelay(const Knowledge& knowledge);

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
  void consult(std::size_t first, std::uint64_t now_ms);
  bool act(Step step, std::size_t answerer, std::uint64_t now_ms);
  void forward(std::uint64_t now_ms);
  void forget(Forget what);
  void note_process(std::string_view packet);
  void finish(std::string_view payload, std::uint64_t now_ms);
  void send(std::string_view payload, std::uint64_t now_ms);
  void reply(std::string_view payload);
  void on_damage(std::uint64_t now_ms);

  bool take_text(std::string_view payload);

  FixedAnswers fixed_;
  Vdso vdso_;
  LateSettings settings_;
  LateSymbols symbols_;
  TargetDescription description_;
  RecentReplies recent_;
  ProgramMemory program_;
  BinaryReads binary_;
  /// In the order in which they are asked: what costs nothing first.
  [[nodiscard]] std::array<Answerer*, 8> answerers() {
    return {&fixed_, &vdso_, &settings_, &symbols_, &description_, &recent_, &program_, &binary_};
  }

  enum class Ask : std::uint8_t { nothing, debugger, features, answerer };
  Ask ask_ = Ask::nothing;
  std::size_t asking_ = 0;       ///< Which answerer, of Ask::answerer.
  bool asked_target_ = false;    ///< For the debugger's request.
  unsigned process_ = 0;         ///< The selected one; 0: not known.
  std::uint64_t breath_ms_ = 0;  ///< When the last reply went out.
  bool noack_ = false;           ///< Towards the debugger.
  bool detached_ = false;
  bool detaching_ = false;
  bool given_up_ = false;

  std::string request_;   ///< The debugger's last one.
  std::string accepted_;  ///< The last packet from the target.
  std::string sent_;      ///< The packet under way to the target, to be repeated.
  bool acked_ = true;
  bool damaged_ = false;  ///< The line has damaged a reply: what is read is read until it is the same twice.
  std::string read_;      ///< The first time.
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
