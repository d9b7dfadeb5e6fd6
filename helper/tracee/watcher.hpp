// SPDX-License-Identifier: GPL-2.0-or-later
// watcher: PID 1 while no gdbserver is there. The agent itself traces it (PTRACE_SEIZE), which costs nothing while
// nothing happens: only signals, ends of threads, new threads and execs stop it.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/base/fd.hpp"
#include "core/base/result.hpp"
#include "tracee/trap.hpp"

namespace gdbdebug {

///            take()                 hold()
///    Away ----------> Watching ----------------> Held
///     ^                |  ^                       |
///     |  give()        |  +------- go_on() -------+
///     |  let_go()      |                          |  give()
///     +----------------+<-------------------------+  let_go()
///
/// Away      the agent traces nothing. PID 1 runs free, or has a gdbserver.
/// Watching  every thread of PID 1 is traced, and runs. What stops it by itself comes out of next(), and is answered by
///           pass() or hold().
/// Held      one thread stands at held(), the others where they were interrupted.
///
/// Should the agent be killed, PID 1 goes on in each of them as if nobody had traced it: the kernel sees to that.
class Watcher {
 public:
  enum class State : std::uint8_t { kAway, kWatching, kHeld };

  /// What is to be judged.
  struct Event {
    enum class Kind : std::uint8_t { kExec, kSignal, kCall, kExit };
    Kind kind = Kind::kSignal;
    pid_t thread = 1;
    int signal = 0;    ///< the kernel's number; of kExit: by which it was killed, or 0
    siginfo_t info{};  ///< of kSignal
    ThreadEnd end{};   ///< of kExit
  };

  Watcher() = default;
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  /// Begins to trace PID 1. `stopped`: it stands where a SIGSTOP stopped it, and is made to go on when it is traced.
  Status take(bool stopped);
  /// The next thing that is to be judged; what needs no judgement goes on.
  std::optional<Event> next();
  /// The thread goes on, with its signal.
  void pass(const Event& event);
  /// It stays where it is, and the others are stopped.
  void hold(const Event& event);
  /// Ends a hold: everybody goes on, the held thread with its signal.
  void go_on();
  /// Lets go of PID 1 so that it stands in a group stop, for gdbserver to attach: where it was held at an exec, before
  /// the first instruction. The signal at which it was held is not handed on. An error: it does not stop, and is
  /// watched as before.
  Status give();
  /// Lets go of PID 1, which goes on by itself and without its signal: a fault comes again.
  void let_go();

  State state() const { return state_; }
  bool active() const { return state_ != State::kAway; }
  bool is_held() const { return state_ == State::kHeld; }
  /// Whether it is held where no gdbserver can come: that attaches only to what still runs its program.
  bool at_exit() const { return is_held() && (held_.kind == Event::Kind::kExit || held_.kind == Event::Kind::kCall); }
  /// Whether it is held at an exec, with its first instruction still to come.
  bool at_exec() const { return is_held() && held_.kind == Event::Kind::kExec; }
  /// From now on PID 1 stops at each system call, and at reboot(2) it is to be judged. Each call becomes slower.
  void watch_calls(bool wanted) { calls_ = wanted; }
  const Event& held() const { return held_; }
  /// Readable when next() may have something.
  int fd() const { return active() ? wake_.get() : -1; }

 private:
  Status open();
  static bool seize_all();
  void drain();
  void look_after_held();
  std::optional<Event> judge_or_run(pid_t thread, int status);
  std::optional<Event> on_exit(pid_t thread);
  void note_end(pid_t thread);
  bool ends(pid_t thread) const;
  void forget_end(pid_t thread);
  void restart(pid_t thread, int signal);
  static bool detach(pid_t thread, int signal);
  void go_on_from(pid_t first);
  static bool detach_others(pid_t but);
  Status stop_one(pid_t thread);
  Status stop_after_exec();
  Status await_stop(pid_t thread, bool passes_signals);

  State state_ = State::kAway;
  bool calls_ = false;
  Event held_;
  std::optional<Event> saved_;      ///< what came in the place of a stop of ours
  std::array<pid_t, 32> ending_{};  ///< threads that were let go at their ends, the last ones
  std::size_t ending_next_ = 0;
  std::size_t ending_count_ = 0;
  UniqueFd wake_;
};

}  // namespace gdbdebug
