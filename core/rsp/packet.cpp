// SPDX-License-Identifier: GPL-2.0-or-later
// rsp: see rsp.hpp.
#include "core/rsp/packet.hpp"

#include <cstring>

#include "core/base/text.hpp"

namespace gdbdebug::rsp {

std::uint8_t checksum(std::string_view payload) {
  // Eight bytes at a time in four lanes of 16 bits, which hold 128 additions of two bytes: the helper is compiled for
  // size, and a core file is nothing but payload.
  constexpr std::uint64_t kLanes = 0x00ff00ff00ff00ff;
  constexpr std::size_t kAdditions = 128;
  unsigned sum = 0;
  while (payload.size() >= 8) {
    std::uint64_t lanes = 0;
    for (std::size_t n = 0; n < kAdditions && payload.size() >= 8; ++n, payload.remove_prefix(8)) {
      std::uint64_t word = 0;
      std::memcpy(&word, payload.data(), sizeof word);
      lanes += (word & kLanes) + ((word >> 8) & kLanes);
    }
    for (; lanes != 0; lanes >>= 16) sum += static_cast<unsigned>(lanes & 0xffff);
  }
  for (const char c : payload) sum += static_cast<unsigned char>(c);
  return static_cast<std::uint8_t>(sum);
}

Token Reader::between(char byte) {
  if (byte != '\r' && byte != '\n') {
    echo_breaks_ = 0;
  } else if (echo_breaks_ > 0) {
    --echo_breaks_;
    return Token::kNone;
  }
  switch (byte) {
    case '+':
      return Token::kAck;
    case '-':
      return Token::kNak;
    case '\003':
      return Token::kInterrupt;
    case '\r':
    case '\n':
      return Token::kNewline;
    default:
      state_ = State::kJunk;
      echoed_ = 0;
      word_size_ = 0;
      take_junk(byte);
      return Token::kNone;
  }
}

/// A hello that comes back is not a question: the answer would come back too, and so on for ever. A terminal that is
/// not raw makes up to four newlines of its CR and LF.
void Reader::take_junk(char byte) {
  if (word_size_ < word_.size()) word_[word_size_] = byte;
  if (word_size_ <= word_.size()) ++word_size_;
  if (echoed_ < kOurText.size()) echoed_ = byte == kOurText[echoed_] ? echoed_ + 1 : byte == kOurText[0] ? 1 : 0;
}

/// The long run of a packet at the speed of memcpy: memory dumps are nothing else.
void Reader::take_payload(std::string_view& bytes) {
  const auto room = buffer_.size() - size_;
  auto run = bytes.substr(0, room);
  run = run.substr(0, run.find('#'));
  run = run.substr(0, run.find('$'));
  if (run.empty()) return;
  std::memcpy(buffer_.data() + size_, run.data(), run.size());
  size_ += run.size();
  sum_ = static_cast<std::uint8_t>(sum_ + checksum(run));
  bytes.remove_prefix(run.size());
}

Token Reader::take(std::string_view& bytes) {
  while (!bytes.empty()) {
    if (state_ == State::kPayload) {
      take_payload(bytes);
      if (bytes.empty()) break;
    }
    const char byte = bytes.front();
    bytes.remove_prefix(1);
    if (const Token token = feed(byte); token != Token::kNone) return token;
  }
  return Token::kNone;
}

Token Reader::feed(char byte) {
  // A `$` always starts a packet: in a payload it is escaped, so an unescaped one means that the end of the packet
  // before was lost.
  if (byte == '$') {
    echo_breaks_ = 0;
    const bool cut_short = state_ == State::kPayload || state_ == State::kSum1 || state_ == State::kSum2;
    state_ = State::kPayload;
    size_ = 0;
    sum_ = 0;
    overflow_ = false;
    return cut_short ? Token::kBadPacket : Token::kNone;
  }
  switch (state_) {
    case State::kIdle:
      word_size_ = 0;
      return between(byte);
    case State::kPayload:
      if (byte == '#') {
        state_ = State::kSum1;
        return Token::kNone;
      }
      overflow_ = true;  // take_payload() has taken what there was room for
      return Token::kNone;
    case State::kSum1:
      received_ = hex_value(byte);
      state_ = State::kSum2;
      return Token::kNone;
    case State::kSum2: {
      state_ = State::kIdle;
      const int low = hex_value(byte);
      const bool good = received_ >= 0 && low >= 0 && received_ * 16 + low == sum_ && !overflow_;
      return good ? Token::kPacket : Token::kBadPacket;
    }
    // A UART clears its FIFO when it is opened, and a packet's head is gone. What is left of it ends in #xx, like any
    // packet; it may well contain + and -, which are no acknowledgements there.
    case State::kJunk:
      if (byte == '#') state_ = State::kJunkSum1;
      if (byte == '\r' || byte == '\n' || byte == '\003') {
        state_ = State::kIdle;
        if (echoed_ == kOurText.size()) echo_breaks_ = 4;
        return between(byte);
      }
      take_junk(byte);
      return Token::kNone;
    case State::kJunkSum1:
      state_ = hex_value(byte) >= 0 ? State::kJunkSum2 : State::kJunk;
      return Token::kNone;
    case State::kJunkSum2:
      state_ = hex_value(byte) >= 0 ? State::kIdle : State::kJunk;
      return state_ == State::kIdle ? Token::kBadPacket : Token::kNone;
  }
  return Token::kNone;
}

std::string_view frame(std::string_view payload, std::span<char> out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (payload.size() + 4 > out.size()) return {};
  std::size_t n = 0;
  out[n++] = '$';
  if (!payload.empty()) std::memmove(out.data() + n, payload.data(), payload.size());
  n += payload.size();
  const auto sum = checksum(payload);
  out[n++] = '#';
  out[n++] = kDigits[sum >> 4];
  out[n++] = kDigits[sum & 15];
  return {out.data(), n};
}

std::string_view expand(std::string_view payload, std::span<char> out) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    std::size_t times = 1;
    char c = payload[i];
    if (c == '*') {
      // The count is a printable character: its code less 29 (gdb's manual, "Overview").
      if (n == 0 || ++i == payload.size() || payload[i] < ' ') return {};
      times = static_cast<std::size_t>(payload[i] - 29);
      c = out[n - 1];
    }
    if (n + times > out.size()) return {};
    for (; times > 0; --times) out[n++] = c;
  }
  return {out.data(), n};
}

}  // namespace gdbdebug::rsp
