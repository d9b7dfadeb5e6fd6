// SPDX-License-Identifier: GPL-2.0-or-later
// judge: see judge.hpp.
#include "agent/judge.hpp"

#include <linux/reboot.h>
#include <signal.h>
#include <sys/syscall.h>

#include "core/base/text.hpp"

namespace gdbdebug {
namespace {

/// Whether a process has sent the signal, or a terminal for somebody who has typed Ctrl-\.
bool was_sent(const Stop& stop, const Facts& facts) {
  return facts.known && (facts.code <= 0 || stop.signal == kGdbSigquit);
}

bool ends_machine(std::uint32_t command) {
  switch (command) {
    case LINUX_REBOOT_CMD_RESTART:
    case LINUX_REBOOT_CMD_RESTART2:
    case LINUX_REBOOT_CMD_HALT:
    case LINUX_REBOOT_CMD_POWER_OFF:
    case LINUX_REBOOT_CMD_KEXEC:
      return true;
    default:
      return false;
  }
}

Fate fate_of_call(const Stop& stop, const Facts& facts) {
  const auto number = facts.call ? facts.call : parse_number<std::uint64_t>(stop.value, 16);
  if (number == std::uint64_t{SYS_exit_group}) return Fate::kExits;
  // The end of one thread among others ends nothing.
  if (number == std::uint64_t{SYS_exit} && facts.last_thread) return Fate::kExits;
  // systemd-shutdown, and the /shutdown of an initramfs that it goes back to, end the machine on purpose.
  if (number == std::uint64_t{SYS_reboot} && ends_machine(facts.command) && !facts.in_real_root) return Fate::kRestarts;
  return Fate::kGoesOn;
}

}  // namespace

Fate fate_of(const Stop& stop, const Facts& facts) {
  if (stop.is_call()) return fate_of_call(stop, facts);
  if (!stop.is_signal() || !is_fatal(stop.signal)) return Fate::kGoesOn;
  if (facts.killed) return Fate::kDies;
  if (facts.caught) return Fate::kHandles;
  // The kernel shields PID 1 from signals that are sent to it and that it has no handler for (sig_task_ignored() in
  // kernel/signal.c). But abort(3) goes on to an instruction that faults.
  const bool aborts = stop.signal == kGdbSigabrt && facts.sender == 1;
  return was_sent(stop, facts) && !aborts ? Fate::kGoesOn : Fate::kDies;
}

Fate fate_when_let_go(const Stop& stop, const Facts& facts, bool behind) {
  const auto fate = fate_of(stop, facts);
  const bool executed =
      stop.signal == kGdbSigsys || (stop.signal == kGdbSigtrap && (behind || facts.code != TRAP_BRKPT));
  return fate == Fate::kDies && executed ? Fate::kShielded : fate;
}

Verdict judge(const Request& request, const Stop& stop, const Facts& facts) {
  switch (fate_of(stop, facts)) {
    case Fate::kHandles:
      if (!request.crash) return Verdict::kResume;
      return request.handled || facts.only_dumps ? Verdict::kHold : Verdict::kPass;
    case Fate::kDies:
      if (request.crash) return Verdict::kHold;
      return facts.known && facts.code > 0 ? Verdict::kLetDie : Verdict::kResume;
    case Fate::kExits:
      // Many a handler prints a backtrace and exits: for a while that counts as PID 1's crash.
      return request.exit || (request.crash && facts.just_handled) ? Verdict::kHold : Verdict::kResume;
    case Fate::kRestarts:
      return Verdict::kHold;  // this call is told only where it was asked for
    case Fate::kGoesOn:
    case Fate::kShielded:
      break;
  }
  return Verdict::kResume;
}

}  // namespace gdbdebug
