// SPDX-License-Identifier: GPL-2.0-or-later
// interrupt: see interrupt.hpp.
#include "interrupt.hpp"

#include <csignal>

namespace gdbdebug::client {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;

}  // namespace

void catch_interrupts_again() {
  g_interrupted = 0;
  (void)::signal(SIGINT, SIG_DFL);  // or it would count as ignored by the caller
  catch_interrupts();
}

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = [](int) { g_interrupted = 1; };
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    // A signal that the caller had ignored (nohup) stays ignored.
    if (::sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    (void)::sigaction(number, &action, nullptr);  // fails for a wrong number only
  }
}

bool interrupted() {
  return g_interrupted != 0;
}

Error interrupted_error(std::string step, std::string subject) {
  return Error{std::move(step), std::move(subject), "interrupted", "nothing is left behind"};
}

}  // namespace gdbdebug::client
