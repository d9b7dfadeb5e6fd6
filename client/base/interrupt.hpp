// SPDX-License-Identifier: GPL-2.0-or-later
// interrupt: Ctrl-C while something is half done ends in an error, so that whoever began it can clear it away.
#pragma once

#include <poll.h>

#include <csignal>
#include <span>

#include "base/result.hpp"

namespace gdbdebug::client {

/// From now on SIGINT, SIGTERM and SIGHUP make interrupted() true instead of ending the process.
void catch_interrupts();

/// The same, after a part in which SIGINT was ignored for a child's sake. What came before is forgotten.
void catch_interrupts_again();

/// Whether one of those signals has come.
bool interrupted();

/// While it lives those signals come in wait() and nowhere else, so that none is missed between a look at interrupted()
/// and a wait that nothing else may end.
class InterruptGate {
 public:
  InterruptGate();
  InterruptGate(const InterruptGate&) = delete;
  InterruptGate& operator=(const InterruptGate&) = delete;
  ~InterruptGate();
  /// As poll(2); EINTR after a signal, one from before the call too.
  int wait(std::span<pollfd> polled, int milliseconds) const;

 private:
  sigset_t outside_{};
};

/// The error to return then.
Error interrupted_error(std::string step, std::string subject);

}  // namespace gdbdebug::client
