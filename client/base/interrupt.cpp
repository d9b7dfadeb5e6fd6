// SPDX-License-Identifier: GPL-2.0-or-later
// interrupt: see interrupt.hpp.
#include "base/interrupt.hpp"

#include <array>
#include <ctime>

namespace gdbdebug::client {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};

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
  for (const int number : kSignals) {
    struct sigaction before {};
    // A signal that the caller had ignored (nohup) stays ignored.
    if (::sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    (void)::sigaction(number, &action, nullptr);  // fails for a wrong number only
  }
}

bool interrupted() {
  return g_interrupted != 0;
}

InterruptGate::InterruptGate() {
  sigset_t ours;
  sigemptyset(&ours);
  for (const int number : kSignals) sigaddset(&ours, number);
  (void)::sigprocmask(SIG_BLOCK, &ours, &outside_);  // cannot fail with these arguments, nor below
}

InterruptGate::~InterruptGate() {
  (void)::sigprocmask(SIG_SETMASK, &outside_, nullptr);
}

int InterruptGate::wait(std::span<pollfd> polled, int milliseconds) const {
  const timespec limit{milliseconds / 1000, milliseconds % 1000 * 1'000'000L};
  return ::ppoll(polled.data(), polled.size(), milliseconds < 0 ? nullptr : &limit, &outside_);
}

Error interrupted_error(std::string step, std::string subject) {
  return Error{std::move(step), std::move(subject), "interrupted", "nothing is left behind"};
}

}  // namespace gdbdebug::client
