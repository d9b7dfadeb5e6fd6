// SPDX-License-Identifier: GPL-2.0-or-later
// answerer: the process that answers the kernel's questions whether a program may be executed (fanotify(7),
// FAN_OPEN_EXEC_PERM). The answer is always yes; a process that `hold=` names gets a SIGSTOP before, so that it stands
// at the first instruction of the new program when execve(2) returns.
//
// While a question is open the process that executes waits, so this one does nothing else: it opens no path of the
// image's, mounts nothing and loads nothing. A second one, its child, opens what is mounted later. What takes longer
// than kAnswerSeconds ends it, and then the kernel allows everything at once (fanotify_release()). When the agent has
// gone it lets every process go that it has stopped, and ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/fd.hpp"
#include "core/base/result.hpp"

namespace gdbdebug::hold {

/// Processes that are held at one time. Others run, and that is told.
inline constexpr std::size_t kMaxWaiting = 16;
/// What an answer may take: microseconds, unless the process that executes has made its memory a trap.
inline constexpr unsigned kAnswerSeconds = 3;

/// What the answerer tells the agent; each is a record of its own on a SOCK_SEQPACKET socket. The agent answers with
/// the number of a process that it has let go of.
struct Report {
  enum class Kind : std::uint8_t { kReady, kFailed, kHeld, kFull };
  Kind kind = Kind::kReady;
  std::int32_t process = 0;
  std::int32_t error = 0;
  char name[256]{};  ///< of the program as it was executed, with a zero; or the step that has failed
};

struct Answerer {
  pid_t pid = -1;
  UniqueFd socket;
};

/// Starts it. It has told nothing yet.
Result<Answerer> start_answerer(std::span<const std::string_view> programs);

}  // namespace gdbdebug::hold
