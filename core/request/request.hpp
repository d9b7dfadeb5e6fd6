// SPDX-License-Identifier: GPL-2.0-or-later
// request: what the value of rd.gdbdebug= asks for.
// Pure: text in, value out. Everything returned points into the text that was given.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/base/result.hpp"

namespace gdbdebug {

/// Serial parameters in the syntax of `console=` (kernel: Documentation/admin-guide/serial-console.rst).
struct Speed {
  std::uint32_t baud = 115200;
  char parity = 'n';  ///< n, o or e
  std::uint8_t bits = 8;
  bool rtscts = false;

  bool operator==(const Speed&) const = default;
};

/// Reads `115200`, `115200n8`, `115200n8r`; nullopt if it is none of that form.
std::optional<Speed> parse_speed(std::string_view text);

/// The name of a terminal that stands for the last console that has one.
inline constexpr std::string_view kConsoleLine = "console";

/// The way out of the machine.
struct Line {
  enum class Kind : std::uint8_t { kTerminal, kVirtio, kVsock, kTcp, kSsh };
  Kind kind = Kind::kTerminal;
  std::string_view text;     ///< as it was written, for messages
  std::string_view name;     ///< terminal: in /dev; virtio: the port's name
  std::string_view address;  ///< tcp: the address to listen on, without brackets; empty: every address
  bool ipv6 = false;         ///< tcp: the address was written in brackets
  std::uint32_t port = 0;    ///< vsock, tcp, ssh
};

/// A peer filter, `ADDR/PREFIX`.
struct Network {
  std::array<std::uint8_t, 16> address{};
  bool ipv6 = false;
  std::uint8_t prefix = 0;
};

/// Reads an IPv4 or IPv6 address into `bytes` (4 or 16 of them); false if it is none.
bool parse_address(std::string_view text, Network& network);

/// Whether `address` (4 or 16 bytes, network order) lies in `network`. An IPv4 address mapped into IPv6
/// (RFC 4291, 2.5.5.2) is compared as IPv4.
bool contains(const Network& network, std::span<const std::uint8_t> address);

inline constexpr std::size_t kMaxNetworks = 8;
/// Programs that `hold=` can name, and how long a name may be: the longest file name of Linux (NAME_MAX) and a folder.
inline constexpr std::size_t kMaxHeld = 8;
inline constexpr std::size_t kMaxHeldName = 255;

/// All that rd.gdbdebug= can ask for.
struct Request {
  Line line;
  Speed speed;
  bool has_speed = false;  ///< an option gives one
  bool wait = false;
  std::optional<std::uint32_t> wait_seconds;  ///< nullopt with `wait`: for ever
  bool at_init = false;                       ///< `wait` holds PID 1 at the real init's first instruction; the default
  bool at_root = false;                       ///< at that of the real root's init
  bool at_shutdown = false;                   ///< at that of each program that PID 1 executes to shut down
  bool crash = false;
  std::optional<std::uint32_t> crash_seconds;  ///< nullopt with `crash`: for ever
  bool handled = false;                        ///< with `crash`: holds also at signals for which PID 1 has a handler
  bool exit = false;
  bool reboot = false;                          ///< with `exit`: holds also where PID 1 ends the machine
  std::optional<std::uint32_t> hang_seconds{};  ///< a report if the real root is not reached so long after the hand-off
  bool core = false;  ///< with `crash`, `exit` or `hang`: a core in the kernel log behind the report
  std::optional<std::uint32_t> core_kib;          ///< of memory in it; nullopt: the default
  bool core_all = false;                          ///< everything that is writable
  bool feed = false;                              ///< feeds a watchdog that PID 1 has started, while PID 1 is held
  std::array<std::string_view, kMaxHeld> hold{};  ///< programs that are held at their first instruction
  std::size_t hold_count = 0;
  std::optional<std::uint32_t> hold_seconds{};  ///< with `hold`: lets each go after that; nullopt: never
  bool insecure = false;
  std::string_view modules;  ///< `A:B`, not yet taken apart
  std::array<Network, kMaxNetworks> from{};
  std::size_t from_count = 0;

  bool armed() const { return crash || exit; }
  bool holds_later() const { return at_root || at_shutdown; }
  /// Whether PID 1 must be traced before the hand-off.
  bool holds() const { return wait || armed(); }
  std::span<const std::string_view> held() const { return {hold.data(), hold_count}; }
  std::span<const Network> networks() const { return {from.data(), from_count}; }
};

/// What is wrong with a word of the value, though the rest of it can be used.
struct Note {
  std::string_view word;    ///< points into the value
  std::string_view reason;  ///< what is wrong
  std::string_view hint;    ///< what would have been right; may be empty
};

/// Collects notes; those that do not fit are counted.
class Notes {
 public:
  void add(std::string_view word, std::string_view reason, std::string_view hint = {}) {
    if (count_ < notes_.size())
      notes_[count_++] = {word, reason, hint};
    else
      ++dropped_;
  }
  std::span<const Note> all() const { return {notes_.data(), count_}; }
  std::size_t dropped() const { return dropped_; }

 private:
  std::array<Note, 8> notes_{};
  std::size_t count_ = 0;
  std::size_t dropped_ = 0;
};

/// Reads the value of `rd.gdbdebug=`: a line, then comma-separated options.
/// A line that cannot be used is an error (its subject is the word that is wrong): the boot goes on as if debugging
/// were off. An unknown or unreadable option is noted and passed over, so that a typing error does not cost the
/// session.
Result<Request> parse_request(std::string_view value, Notes& notes);

}  // namespace gdbdebug
