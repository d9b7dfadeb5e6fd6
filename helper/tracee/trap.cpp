// SPDX-License-Identifier: GPL-2.0-or-later
// trap: see trap.hpp.
#include "tracee/trap.hpp"

#include <signal.h>
#include <sys/syscall.h>

namespace gdbdebug {
namespace {

// From the kernel's <linux/ptrace.h>, which cannot be included beside every libc's <sys/ptrace.h>.
constexpr int kEventClone = 3;
constexpr int kEventExec = 4;
constexpr int kEventExit = 6;
constexpr int kEventStop = 128;
constexpr int kCallBit = 0x80;  // PTRACE_O_TRACESYSGOOD

}  // namespace

Trap parse_trap(int status) {
  const int event = status >> 8;
  const int signal = status & 0xff;
  switch (event) {
    case 0:
      if (signal == (SIGTRAP | kCallBit)) return {.kind = Trap::Kind::kCall};
      return {.kind = Trap::Kind::kSignal, .signal = signal};
    case kEventStop:
      if (signal == SIGTRAP) return {.kind = Trap::Kind::kPause};
      return {.kind = Trap::Kind::kGroup, .signal = signal};
    case kEventExec:
      return {.kind = Trap::Kind::kExec};
    case kEventClone:
      return {.kind = Trap::Kind::kClone};
    case kEventExit:
      return {.kind = Trap::Kind::kExit};
    default:
      return {};
  }
}

unsigned exit_status(const ThreadEnd& end) {
  return static_cast<unsigned>(end.status >> 8) & 0xff;
}

int killed_by(const ThreadEnd& end) {
  return static_cast<int>(end.status & 0x7f);
}

EndKind kind_of(const ThreadEnd& end) {
  // One that ends because another one has called exit_group(2) or execve(2) is in some other call, or in none.
  if (killed_by(end) != 0) return EndKind::kKilled;
  if (end.call == std::uint64_t{SYS_exit_group}) return EndKind::kExits;
  return end.call == std::uint64_t{SYS_exit} && end.last ? EndKind::kExits : EndKind::kThread;
}

}  // namespace gdbdebug
