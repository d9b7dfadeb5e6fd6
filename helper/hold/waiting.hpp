// SPDX-License-Identifier: GPL-2.0-or-later
// waiting: the processes that `hold=` has stopped, in the order in which they came, and how each goes on.
//
//                stands at its first instruction       a debugger comes
//   kStopping ---------------------------------> kWaits ---------------> kTaken
//       | 5 s, or it stands elsewhere              | holdtime=              | detach, lost
//       +------------------------------------------+------------------------+--> let go: SIGCONT, forgotten
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/base/fd.hpp"
#include "core/base/result.hpp"
#include "core/base/text.hpp"
#include "core/request/request.hpp"
#include "hold/answerer.hpp"

namespace gdbdebug::hold {

class Waiting {
 public:
  static constexpr std::size_t kWatches = kMaxWaiting + 1;

  struct Process {
    enum class State : std::uint8_t { kStopping, kWaits, kTaken };
    pid_t pid = 0;
    UniqueFd handle{};
    Text<255> name{};
    State state = State::kStopping;
    std::uint64_t number = 0;  ///< in the order in which they came
    std::optional<std::uint64_t> deadline{};
  };

  Waiting() = default;
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { end(); }

  /// From now on processes are held. An error costs that, and nothing else.
  Status start(const Request& request);
  bool active() const { return static_cast<bool>(answerer_.socket); }
  /// Lets everything go.
  void end();

  pollfd watch(std::size_t which) const;
  void handle(std::size_t which, short revents);
  std::optional<std::uint64_t> deadline() const;
  /// `line`: where a debugger is waited for.
  void tick(std::uint64_t now_ms, std::string_view line);

  /// Somebody wants to debug this one, a number or a name as it was executed; it comes first then. 1: PID 1.
  void choose(std::string_view who);
  /// Which one is taken next: the first that waits, or the one that was chosen. Null: there is none, or it is PID 1.
  const Process* next() const;
  bool has_chosen() const { return chosen_ > 1 && next() != nullptr; }
  /// Takes it, for a debugger: it is not let go in time any more.
  const Process* take();
  std::span<const Process> all() const { return processes_; }
  /// The one that was taken goes on, or has gone.
  void let_go(pid_t pid);
  /// Whether the process that was taken has ended.
  bool ended(pid_t pid) const;

 private:
  void read_report();
  void add(pid_t pid, std::string_view name);
  void forget(Process& process, bool continues);
  void lost_answerer(std::string_view why);
  std::optional<std::size_t> find_next() const;

  Answerer answerer_;
  std::optional<std::uint32_t> seconds_;
  std::uint64_t count_ = 0;
  pid_t chosen_ = 0;
  std::array<Process, kMaxWaiting> processes_;
};

}  // namespace gdbdebug::hold
