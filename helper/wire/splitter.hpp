// SPDX-License-Identifier: GPL-2.0-or-later
// splitter: tells on a line that is a console too which bytes are a debugger's and which are typed for what reads the
// console. Pure: bytes and the time go in, two streams of bytes come out.
//
//              `+`           `$`                whole, and its checksum is right
//    kText ----------> kSign ----> kPacket -------------------------------------------> kGuest
//    ^  ^                |            |                                                    |
//    |  +----------------+------------+                                                    | set_guest(false)
//    |    another byte, 100 ms without one, a wrong checksum, too long: it was text        v
//    +--------------------------------------------------------------------------------- kFarewell
//                        one acknowledgement, any other byte, or 2 s
//
// kText      nobody debugs: what comes is the console's. Nothing is kept back.
// kSign      a `+` was kept back: gdb sends one in front of its first packet.
// kPacket    the bytes since a `$` are kept back: it may be a debugger's first packet, or the client's question.
// kGuest     a debugger is there: all is its.
// kFarewell  it has just gone, and may still acknowledge what it was sent last.
//
// Only a whole packet with the right checksum begins a session. Whatever else a person types, a passphrase with a `$`
// in it, half a packet, arrives at the console, at most 100 ms late.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/text.hpp"

namespace gdbdebug::wire {

class Splitter {
 public:
  enum class State : std::uint8_t { kText, kSign, kPacket, kGuest, kFarewell };
  /// How long bytes that may become a packet are kept back: between the bytes of one there is no such pause.
  static constexpr std::uint64_t kPatienceMs = 100;
  /// How long a debugger that has gone may take to acknowledge the answer to its detach.
  static constexpr std::uint64_t kFarewellMs = 2000;
  /// The longest first packet. gdb's are below 1 KiB.
  static constexpr std::size_t kMaxFirst = 4096;
  /// The most that take() may be given at once.
  static constexpr std::size_t kMaxBytes = 16384;

  /// Sorts `bytes`. Afterwards console() and debugger() have what has become certain, until the next take() or tick().
  void take(std::string_view bytes, std::uint64_t now_ms);
  /// The time goes on.
  void tick(std::uint64_t now_ms);
  /// Whether a debugger is there. A first packet makes it so by itself, until the next call.
  void set_guest(bool there, std::uint64_t now_ms);

  std::string_view console() const { return console_; }
  std::string_view debugger() const { return debugger_; }
  /// When to call tick(); nullopt: no need.
  std::optional<std::uint64_t> deadline() const { return deadline_; }
  State state() const { return state_; }
  bool consistent() const;

 private:
  void feed(char byte);
  void give_up();
  bool is_whole() const;

  State state_ = State::kText;
  bool welcome_ = false;  ///< the debugger in kGuest was announced by set_guest()
  std::optional<std::uint64_t> deadline_;
  std::size_t hash_ = 0;  ///< in kPacket: where the `#` is in kept_, 0 before it has come
  Text<kMaxFirst> kept_;
  Text<kMaxBytes + kMaxFirst> console_;
  Text<kMaxBytes + kMaxFirst> debugger_;
};

}  // namespace gdbdebug::wire
