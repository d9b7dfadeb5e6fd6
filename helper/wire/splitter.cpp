// SPDX-License-Identifier: GPL-2.0-or-later
// splitter: see splitter.hpp.
#include "wire/splitter.hpp"

#include "core/rsp/packet.hpp"

namespace gdbdebug::wire {

/// What was kept back is no packet: it is the console's.
void Splitter::give_up() {
  console_.add(kept_);
  kept_.clear();
  hash_ = 0;
  state_ = State::kText;
}

/// Whether kept_ ends in a packet with the right checksum, once its two digits have come.
bool Splitter::is_whole() const {
  const auto text = kept_.view();
  const auto begin = text.find('$') + 1;
  const int high = hex_value(text[hash_ + 1]);
  const int low = hex_value(text[hash_ + 2]);
  return high >= 0 && low >= 0 && high * 16 + low == rsp::checksum(text.substr(begin, hash_ - begin));
}

void Splitter::feed(char byte) {
  switch (state_) {
    case State::kGuest:
      debugger_.add(byte);
      return;
    case State::kFarewell:
      if (byte == '+' || byte == '-') {
        debugger_.add(byte);
        if (byte == '+') state_ = State::kText;
        return;
      }
      [[fallthrough]];
    case State::kText:
      state_ = byte == '$' ? State::kPacket : byte == '+' ? State::kSign : State::kText;
      if (state_ == State::kText)
        console_.add(byte);
      else
        kept_.add(byte);
      return;
    case State::kSign:
      if (byte != '$') {
        give_up();
        return feed(byte);
      }
      kept_.add(byte);
      state_ = State::kPacket;
      return;
    case State::kPacket:
      break;
  }
  // A `$` begins a packet, and in one it is escaped: what came before it is none.
  if (byte == '$' || kept_.room() == 0) {
    give_up();
    return feed(byte);
  }
  kept_.add(byte);
  if (byte == '#' && hash_ == 0) hash_ = kept_.view().size() - 1;
  if (hash_ == 0 || kept_.view().size() < hash_ + 3) return;
  if (!is_whole()) return give_up();
  debugger_.add(kept_);
  kept_.clear();
  hash_ = 0;
  state_ = State::kGuest;
  welcome_ = false;
}

void Splitter::take(std::string_view bytes, std::uint64_t now_ms) {
  tick(now_ms);
  for (const char byte : bytes.substr(0, kMaxBytes)) feed(byte);
  if (state_ == State::kSign || state_ == State::kPacket)
    deadline_ = now_ms + kPatienceMs;
  else if (state_ != State::kFarewell)
    deadline_.reset();
}

void Splitter::tick(std::uint64_t now_ms) {
  console_.clear();
  debugger_.clear();
  if (!deadline_ || now_ms < *deadline_) return;
  deadline_.reset();
  give_up();
}

void Splitter::set_guest(bool there, std::uint64_t now_ms) {
  if (there) {
    kept_.clear();  // nobody is there who types: what was kept back is noise
    hash_ = 0;
    deadline_.reset();
    state_ = State::kGuest;
    welcome_ = true;
    return;
  }
  if (state_ != State::kGuest) return;
  // What was only a question is answered without a session, and the answer is not acknowledged.
  state_ = welcome_ ? State::kFarewell : State::kText;
  if (welcome_) deadline_ = now_ms + kFarewellMs;
}

bool Splitter::consistent() const {
  const bool keeps = state_ == State::kSign || state_ == State::kPacket;
  if (keeps == kept_.empty() || (hash_ != 0 && state_ != State::kPacket)) return false;
  if (deadline_.has_value() != (keeps || state_ == State::kFarewell)) return false;
  return !console_.truncated() && !debugger_.truncated();
}

}  // namespace gdbdebug::wire
