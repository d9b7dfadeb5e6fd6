// SPDX-License-Identifier: GPL-2.0-or-later
// rsp: the framing of the GDB Remote Serial Protocol. Pure: bytes in, tokens out; payload in, packet out.
// Protocol rules: gdb's manual, "Remote Protocol" / "Overview": $payload#checksum, where the checksum is the sum of the
// payload's bytes modulo 256 in two hexadecimal digits; `}` escapes the next byte (xor 0x20); `*` repeats the byte
// before it, in what a stub sends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace gdbdebug::rsp {

/// gdbserver asks for at most 0x20000 bytes a packet (gdb 16; 0x47ff in gdb 13): room for that and its frame.
inline constexpr std::size_t kMaxPacket = 0x20000 + 64;

enum class Token : std::uint8_t {
  kNone,       ///< nothing complete yet
  kPacket,     ///< a packet with the right checksum: payload()
  kBadPacket,  ///< a packet with a wrong checksum, without its head, or too long
  kAck,        ///< `+`
  kNak,        ///< `-`
  kInterrupt,  ///< 0x03, gdb's Ctrl-C
  kNewline,    ///< a newline (or carriage return) between packets, and not at the end of an echo of kOurText
};

/// What every line of text begins with that is ours and not a packet. A terminal or a plug at the other end may echo
/// it.
inline constexpr std::string_view kOurText = "gdbdebug";

/// The packet that asks for the hello, where a newline may be meant for somebody else: on a line that is a console too.
inline constexpr std::string_view kHelloRequest = "qGdbdebug.hello";
/// The same, where a process is chosen first, which the next debugger gets if it is held: its name or number follows in
/// hexadecimal digits. The hello tells which one it is.
inline constexpr std::string_view kChooseRequest = "qGdbdebug.hello:";
/// How long a hello can be.
inline constexpr std::size_t kMaxHello = 2048;
/// How the packet begins that types on the target's console, where PID 1 runs in a session on one wire. Hexadecimal
/// digits follow. It has no reply.
inline constexpr std::string_view kTypeRequest = "QGdbdebug.type:";

/// Whether the byte stands escaped in a stub's binary data (gdb's manual, "Overview"): `}`, and the byte xor 0x20.
constexpr bool is_escaped(char c) {
  return c == '#' || c == '$' || c == '}' || c == '*';
}

/// Sum of the payload's bytes modulo 256.
std::uint8_t checksum(std::string_view payload);

/// Assembles packets from single bytes in a buffer of the caller's.
class Reader {
 public:
  explicit Reader(std::span<char> buffer) : buffer_(buffer) {}

  /// Takes bytes off the front of `bytes` up to the end of the first token, or all of them (kNone).
  /// After kPacket, payload() is valid until the next call.
  Token take(std::string_view& bytes);
  std::string_view payload() const { return {buffer_.data(), size_}; }
  /// Whether a packet, or what is left of one, is under way.
  bool in_packet() const { return state_ != State::kIdle; }
  void reset() {
    state_ = State::kIdle;
    echo_breaks_ = 0;
  }

 private:
  enum class State : std::uint8_t { kIdle, kPayload, kSum1, kSum2, kJunk, kJunkSum1, kJunkSum2 };
  Token feed(char byte);
  Token between(char byte);
  void take_junk(char byte);
  void take_payload(std::string_view& bytes);

  std::span<char> buffer_;
  std::size_t size_ = 0;
  State state_ = State::kIdle;
  bool overflow_ = false;
  std::size_t echoed_ = 0;    ///< how much of kOurText the junk ends in
  unsigned echo_breaks_ = 0;  ///< newlines that may still come and belong to an echo
  std::uint8_t sum_ = 0;
  int received_ = 0;
};

/// Writes `payload` with its frame into `out`; returns the packet, empty if it does not fit.
std::string_view frame(std::string_view payload, std::span<char> out);

/// Expands the run-length encoding of a stub's packet into `out`; returns the text, empty if it does not fit or is
/// malformed. What contains binary data is not to be expanded.
std::string_view expand(std::string_view payload, std::span<char> out);

}  // namespace gdbdebug::rsp
