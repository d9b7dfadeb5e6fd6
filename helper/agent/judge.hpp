// SPDX-License-Identifier: GPL-2.0-or-later
// judge: what becomes of PID 1 at a stop, and what the command line wants to be done there.
// Pure: the stop, and what the kernel says about it, go in; a verdict comes out.
#pragma once

#include <cstdint>
#include <optional>

#include "core/request/request.hpp"
#include "core/rsp/stop.hpp"

namespace gdbdebug {

/// What the kernel says about a stop. gdbserver's word is not enough: in a thread that was born while it catches system
/// calls it takes the entry of a call for its return, and at times it tells of a call in another thread that was not
/// asked for.
struct Facts {
  // Of a signal.
  bool known = false;       ///< whether `code` and `sender` are known
  int code = 0;             ///< si_code: 0 or less if a process has sent it, more if the kernel has
  std::int32_t sender = 0;  ///< the process that has sent it
  bool caught = false;      ///< PID 1 has a handler for it
  bool only_dumps = false;  ///< PID 1 is a program whose handler dumps a core and never returns: systemd
  // Of a system call.
  std::optional<std::uint64_t> call{};  ///< its number; nullopt: it is not known
  std::uint32_t command = 0;            ///< of reboot(2)
  bool last_thread = true;              ///< no other thread of PID 1 lives
  bool in_real_root = false;            ///< the real root's init has been executed
  // Of an end that comes without a signal's stop.
  bool killed = false;        ///< the kernel kills it, past every handler, as for a seccomp filter
  bool just_handled = false;  ///< PID 1 has had a fatal signal that it handles, a moment ago
};

enum class Fate : std::uint8_t {
  kGoesOn,    ///< nothing ends
  kShielded,  ///< nothing ends as long as it is traced: the kernel keeps the signal from it, and nothing raises it
              ///< again
  kHandles,   ///< its handler for the signal runs
  kDies,      ///< of the signal
  kExits,
  kRestarts,  ///< reboot(2) ends the machine
};

constexpr bool is_end(Fate fate) {
  return fate == Fate::kDies || fate == Fate::kExits || fate == Fate::kRestarts;
}

/// What becomes of PID 1 where nobody traces it.
Fate fate_of(const Stop& stop, const Facts& facts);
/// What becomes of it when its tracer lets go of it here. `behind`: a breakpoint instruction has been executed when the
/// signal comes (on x86), and is not executed again.
Fate fate_when_let_go(const Stop& stop, const Facts& facts, bool behind);

enum class Verdict : std::uint8_t {
  kResume,  ///< with its signal, if it has one
  kPass,    ///< the same, but it is told: a fatal signal for which PID 1 has a handler
  kHold,
  kLetDie,  ///< it must not be traced any more, for a traced PID 1 would fault for ever
};

/// What is done at a stop when nobody is connected and `crash` or `exit` is on the command line.
Verdict judge(const Request& request, const Stop& stop, const Facts& facts);

}  // namespace gdbdebug
