// SPDX-License-Identifier: GPL-2.0-or-later
// debugger: the shortest session that a debugger can have: it connects, asks where PID 1 stands, and detaches.
// Pure but for the bytes that it wants written. Repeats what is not answered, as gdb does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace fault {

class Debugger {
 public:
  enum class State : std::uint8_t { kIdle, kBusy, kDetached, kFailed };

  void start(std::uint64_t now_ms) {
    state_ = State::kBusy;
    step_ = 0;
    begun_ = now_ms;
    ask(now_ms);
  }

  void take(std::string_view bytes, std::uint64_t now_ms) {
    input_ += bytes;
    for (;;) {
      const auto begin = input_.find('$');
      if (begin == std::string::npos) return input_.clear();
      const auto end = input_.find('#', begin);
      if (end == std::string::npos || end + 3 > input_.size()) return;
      const auto reply = input_.substr(begin + 1, end - begin - 1);
      input_.erase(0, end + 3);
      if (state_ != State::kBusy) continue;
      output_ += '+';
      on_reply(reply, now_ms);
    }
  }

  void tick(std::uint64_t now_ms) {
    if (state_ != State::kBusy) return;
    if (now_ms - begun_ > kPatienceMs)
      fail("nobody answers '" + std::string(kRequests[step_]) + "'");
    else if (now_ms - asked_ > kRepeatMs)
      ask(now_ms);
  }

  void give_up(const std::string& why) { fail(why); }

  std::string take_output() { return std::exchange(output_, {}); }
  State state() const { return state_; }
  /// Whether PID 1 may end without another word: it dies as soon as it is let go at a fatal stop.
  bool detaching() const { return state_ == State::kBusy && step_ == 2; }
  const std::string& why() const { return why_; }  ///< of a failure: the stub's own words

 private:
  static constexpr std::string_view kRequests[] = {"qSupported:multiprocess+;exec-events+", "?", "D;1"};
  static constexpr std::uint64_t kRepeatMs = 2000;  // gdb's remotetimeout
  static constexpr std::uint64_t kPatienceMs =
      45000;  // the helper may wait 20 s for a gdbserver that hangs, and try again

  void ask(std::uint64_t now_ms) {
    unsigned sum = 0;
    for (const char c : kRequests[step_]) sum += static_cast<unsigned char>(c);
    constexpr std::string_view kDigits = "0123456789abcdef";
    output_ += '$';
    output_ += kRequests[step_];
    output_ += {'#', kDigits[(sum >> 4) & 15], kDigits[sum & 15]};
    asked_ = now_ms;
  }

  void on_reply(const std::string& reply, std::uint64_t now_ms) {
    if (reply.starts_with("E.")) return fail(reply);
    if (step_ == 1 && !reply.starts_with('T') && !reply.starts_with('S')) return fail("no stop, but '" + reply + "'");
    if (step_ == 2 && reply != "OK") return fail("cannot detach: '" + reply + "'");
    if (++step_ < std::size(kRequests)) return ask(now_ms);
    state_ = State::kDetached;
  }

  void fail(const std::string& why) {
    state_ = State::kFailed;
    why_ = why;
  }

  State state_ = State::kIdle;
  std::size_t step_ = 0;
  std::uint64_t begun_ = 0;
  std::uint64_t asked_ = 0;
  std::string input_;
  std::string output_;
  std::string why_;
};

}  // namespace fault
