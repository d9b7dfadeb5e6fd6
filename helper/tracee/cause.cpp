// SPDX-License-Identifier: GPL-2.0-or-later
// cause: see cause.hpp.
#include "tracee/cause.hpp"

#include <signal.h>

#include <cstddef>
#include <cstring>

namespace gdbdebug {

Cause cause_of(const siginfo_t& info) {
  Cause cause;
  cause.info = info;
  cause.known = true;
  cause.signal = info.si_signo;
  cause.code = info.si_code;
  // Other codes have something else where the sender would be: a timer its number (siginfo_t, sigaction(2)).
  if (info.si_code == SI_USER || info.si_code == SI_QUEUE || info.si_code == SI_TKILL || info.si_code == SI_MESGQ)
    cause.sender = info.si_pid;
  else if (info.si_signo == SIGILL || info.si_signo == SIGFPE || info.si_signo == SIGBUS || info.si_signo == SIGSEGV)
    cause.address = reinterpret_cast<std::uintptr_t>(info.si_addr);
  return cause;
}

Cause find_cause(const Stop& stop, Server& server) {
  if (stop.is_call()) return {};
  const auto reply = server.ask_expanded("qXfer:siginfo:read::0,200");
  siginfo_t info{};
  if (!reply || reply->size() < 1 + offsetof(siginfo_t, si_addr) + sizeof info.si_addr || reply->front() != 'l')
    return {};
  const auto bytes = reply->substr(1);
  std::memcpy(&info, bytes.data(), bytes.size() < sizeof info ? bytes.size() : sizeof info);
  return cause_of(info);
}

}  // namespace gdbdebug
