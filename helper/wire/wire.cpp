// SPDX-License-Identifier: GPL-2.0-or-later
// wire: see wire.hpp.
#include "wire/wire.hpp"

#include <array>
#include <utility>

#include "sys/sys.hpp"

namespace gdbdebug::wire {
namespace {

constexpr std::size_t kConsole = 0, kText = 1, kConsoleSlave = 2, kTextSlave = 3, kLog = 4;
/// How often somebody else's setting of the console level, or of the redirection, is looked for.
constexpr std::uint64_t kLookMs = 1000;
/// With less room than that a writer waits, while somebody takes the text.
constexpr std::size_t kSpare = Wire::kRoom / 2;

}  // namespace

/// A terminal that is not read makes who writes there wait: for the port, or for a debugger that takes the text. Held,
/// nobody takes it, and who writes must not wait for that.
bool Wire::wants_text() const {
  if (state_ == State::kOpen || (state_ == State::kSession && taken_)) return text_.room() > kSpare;
  return true;
}

pollfd Wire::watch(std::size_t which) const {
  const short text = wants_text() ? POLLIN : 0;
  switch (which) {
    case kConsole: {
      const auto events = static_cast<short>(text | (keys_.empty() ? 0 : POLLOUT));
      return {.fd = events != 0 ? parts_.console.master.get() : -1, .events = events, .revents = 0};
    }
    case kText:
      return {.fd = text != 0 ? parts_.text.master.get() : -1, .events = text, .revents = 0};
    case kConsoleSlave:
      return {.fd = parts_.console.slave.get(), .events = 0, .revents = 0};
    case kTextSlave:
      return {.fd = parts_.text.slave.get(), .events = 0, .revents = 0};
    case kLog:
      return {.fd = quiet_.fd(), .events = POLLIN, .revents = 0};
    default:
      return {.fd = -1, .events = 0, .revents = 0};
  }
}

void Wire::handle(std::size_t which, short events) {
  if (events == 0) return;
  switch (which) {
    case kConsole:
      if ((events & POLLOUT) != 0) type({});
      if ((events & ~POLLOUT) != 0) read(parts_.console.master);
      return;
    case kText:
      return read(parts_.text.master);
    case kConsoleSlave:  // vhangup(2), as agetty does it: who had it open has lost it, as on the port
      parts_.console.slave = open_slave(parts_.console.master);
      return;
    case kTextSlave:
      parts_.text.slave = open_slave(parts_.text.master);
      (void)redirect_console(parts_);
      return;
    default:
      return read_log();
  }
}

void Wire::read(const UniqueFd& master) {
  std::array<char, 4096> buffer;
  const auto count = sys::read(master.get(), buffer);
  if (count > 0) text_.add({buffer.data(), static_cast<std::size_t>(count)});
}

void Wire::read_log() {
  while (const auto text = quiet_.next()) text_.add(*text);
}

void Wire::tell_lost() {
  if (!text_.has_lost()) return;
  const auto lost = text_.take_lost();
  // In front of what is left: that is where it was.
  Text<100> note("\r\n[gdbdebug: ");
  note.add_number(lost).add(" bytes of the console's text were dropped here]\r\n");
  if (text_.room() >= note.view().size()) text_.add_front(note);
}

void Wire::set(State state, bool takes, std::uint64_t now_ms) {
  taken_ = takes;
  if (state == state_) return;
  const auto before = std::exchange(state_, state);
  if (before == State::kOpen) {
    quiet_.begin();
    look_at_ = now_ms + kLookMs;
  }
  if (state == State::kOpen) {
    read_log();
    quiet_.end();
    look_at_.reset();
    due_ = 0;
  } else if (state == State::kQuiet) {
    // After a debugger, what had to wait for it is printed, and then the wire is quiet again.
    read_log();
    due_ = text_.size();
  }
}

void Wire::tick(std::uint64_t now_ms) {
  if (!look_at_ || now_ms < *look_at_) return;
  look_at_ = now_ms + kLookMs;
  quiet_.look();
  (void)redirect_console(parts_);  // EBUSY: it is ours, or somebody's who has taken it, such as plymouth
}

void Wire::type(std::string_view bytes) {
  keys_.add(bytes.substr(0, keys_.room()));  // as a terminal does it whose buffer is full
  while (!keys_.empty()) {
    const auto count = sys::write(parts_.console.master.get(), keys_.front());
    if (count <= 0) return;  // the terminal is full: POLLOUT tells when it is not
    keys_.consume(static_cast<std::size_t>(count));
  }
}

void Wire::announce(std::string_view line) {
  text_.add("\r\n");
  text_.add(line);
  text_.add("\r\n");
  if (state_ != State::kOpen) due_ = text_.size();
}

bool Wire::write_raw(int port) {
  tell_lost();
  while (has_raw()) {
    const auto part = text_.front(state_ == State::kOpen ? kRoom : due_);
    const auto count = sys::write(port, part);
    if (count < 0) return errno == EAGAIN;
    if (count == 0) return true;
    text_.consume(static_cast<std::size_t>(count));
    if (state_ != State::kOpen) due_ -= static_cast<std::size_t>(count);
  }
  return true;
}

std::string_view Wire::front(std::size_t most) {
  tell_lost();
  return text_.front(most);
}

}  // namespace gdbdebug::wire
