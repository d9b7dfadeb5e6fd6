// SPDX-License-Identifier: GPL-2.0-or-later
// debugger: the shortest session that a debugger can have: it connects, asks where PID 1 stands, and detaches. Or, by a
// plan, the shortest in which PID 1 runs and is stopped again; there it detaches, or it is gone at one of its packets.
// Pure but for the bytes that it wants written. Repeats what is not answered, as gdb does.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace fault {

/// How a session goes.
struct Plan {
  enum class Way : std::uint8_t {
    kAsk,     ///< no more than is needed, to the end
    kDetach,  ///< PID 1 runs, is stopped, and is detached from
    kKilled,  ///< packet number `at` is sent, and the debugger is gone
    kCut,     ///< half of packet number `at` is sent, and the debugger is gone
  };
  Way way = Way::kAsk;
  std::size_t at = 0;
};

class Debugger {
 public:
  enum class State : std::uint8_t { kIdle, kBusy, kDetached, kFailed, kGone };

  void start(std::uint64_t now_ms, Plan plan = {}) {
    state_ = State::kBusy;
    plan_ = plan;
    step_ = 0;
    begun_ = now_ms;
    child_.clear();
    ask(now_ms);
  }

  void take(std::string_view bytes, std::uint64_t now_ms) {
    input_ += bytes;
    for (;;) {
      const auto begin = input_.find('$');
      if (begin == std::string::npos) return input_.clear();
      const auto end = input_.find('#', begin);
      if (end == std::string::npos || end + 3 > input_.size()) return;
      const auto reply = expand(input_.substr(begin + 1, end - begin - 1));
      input_.erase(0, end + 3);
      if (state_ != State::kBusy) continue;
      output_ += '+';
      on_reply(reply, now_ms);
    }
  }

  void tick(std::uint64_t now_ms) {
    if (state_ != State::kBusy) return;
    if (now_ms - begun_ > kPatienceMs)
      fail("nobody answers '" + std::string(request()) + "'");
    else if (runs()) {
      // Again and again: where PID 1 forks all the time, one Ctrl-C can get lost.
      if (now_ms < interrupt_at_) return;
      output_ += '\x03';
      interrupt_at_ = now_ms + kRepeatMs;
    } else if (now_ms > asked_ + kRepeatMs) {
      ask(now_ms);
    }
  }

  void give_up(const std::string& why) { fail(why); }

  std::string take_output() { return std::exchange(output_, {}); }
  State state() const { return state_; }
  /// Whether PID 1 may end without another word: it dies as soon as it is let go at a fatal stop.
  bool detaching() const { return state_ == State::kBusy && request() == kDetach; }
  const std::string& why() const { return why_; }  ///< of a failure: the stub's own words
  std::uint64_t gone_ms() const { return asked_; }

  /// How many packets a planned session has.
  static std::size_t packets() { return kRunning.size(); }

 private:
  static constexpr std::string_view kDetach = "D;1";
  static constexpr std::string_view kContinue = "vCont;c";
  static constexpr std::array<std::string_view, 3> kAsking = {"qSupported:multiprocess+;exec-events+", "?", kDetach};
  static constexpr std::array<std::string_view, 8> kRunning = {
      "qSupported:multiprocess+;swbreak+;fork-events+;vfork-events+;exec-events+;vContSupported+",
      "QProgramSignals:0;1;3;4",
      "?",
      "Hgp0.0",
      "qfThreadInfo",
      "g",
      kContinue,
      kDetach};
  static constexpr std::uint64_t kRepeatMs = 2000;  // gdb's remotetimeout
  static constexpr std::uint64_t kRunMs = 60;
  static constexpr std::uint64_t kPatienceMs =
      45000;  // the helper may wait 20 s for a gdbserver that hangs, and try again

  std::string_view request() const {
    if (!child_.empty()) return child_;
    return plan_.way == Plan::Way::kAsk ? kAsking[step_] : kRunning[step_];
  }
  std::size_t steps() const { return plan_.way == Plan::Way::kAsk ? kAsking.size() : kRunning.size(); }
  bool runs() const { return request() == kContinue; }

  void ask(std::uint64_t now_ms) {
    unsigned sum = 0;
    for (const char c : request()) sum += static_cast<unsigned char>(c);
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string packet = "$" + std::string(request());
    packet += {'#', kDigits[(sum >> 4) & 15], kDigits[sum & 15]};
    asked_ = now_ms;
    const bool ends = child_.empty() && step_ == plan_.at;
    if (ends && plan_.way == Plan::Way::kCut) packet.resize(packet.size() / 2);
    output_ += packet;
    if (ends && (plan_.way == Plan::Way::kCut || plan_.way == Plan::Way::kKilled)) state_ = State::kGone;
  }

  void on_reply(const std::string& reply, std::uint64_t now_ms) {
    if (reply.starts_with("E.")) return fail(reply);
    const auto sent = request();
    if (sent == "?" && !reply.starts_with('T') && !reply.starts_with('S')) return fail("no stop, but '" + reply + "'");
    if (sent == kDetach && reply != "OK") return fail("cannot detach: '" + reply + "'");
    if (!child_.empty()) {
      child_.clear();
      return ask(now_ms);  // to go on
    }
    if (runs()) {
      if (reply.starts_with('O') && reply != "OK") return;
      // A child is let go, and PID 1 goes on, as gdb does it unless it is told otherwise.
      if (const auto fork = reply.find("fork:p"); fork != std::string::npos) {
        const auto number = fork + std::string_view("fork:p").size();
        child_ = "D;" + reply.substr(number, reply.find('.', number) - number);
        return ask(now_ms);
      }
      if (reply.find("vforkdone:") != std::string::npos) return ask(now_ms);
      if (!reply.starts_with('T') && !reply.starts_with('S')) return fail("no stop, but '" + reply + "'");
    }
    if (++step_ >= steps()) {
      state_ = State::kDetached;
      return;
    }
    // From here on, and not from the last fork: on a slow machine there is always one that is younger.
    if (runs()) interrupt_at_ = now_ms + kRunMs;
    ask(now_ms);
  }

  /// Without run-length encoding, which the number of a process can have: `p1* .1* ` is `p1111.1111`.
  static std::string expand(const std::string& text) {
    constexpr char kNone = 29;
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '*' && !out.empty() && i + 1 < text.size())
        out.append(static_cast<std::size_t>(text[++i] - kNone), out.back());
      else
        out += text[i];
    }
    return out;
  }

  void fail(const std::string& why) {
    state_ = State::kFailed;
    why_ = why;
  }

  State state_ = State::kIdle;
  Plan plan_;
  std::size_t step_ = 0;
  std::uint64_t begun_ = 0;
  std::uint64_t asked_ = 0;
  std::uint64_t interrupt_at_ = 0;
  std::string child_;  ///< the detach from a child that PID 1 has forked
  std::string input_;
  std::string output_;
  std::string why_;
};

}  // namespace fault
