// SPDX-License-Identifier: GPL-2.0-or-later
// crash: see crash.hpp.
#include "tracee/crash.hpp"

#include <sys/syscall.h>

namespace gdbdebug {
namespace {

/// The last number that stands for a signal, SIGINFO (include/gdb/signals.def). The next, "unknown", must not be in a
/// list for QPassSignals: gdbserver takes the stop at a system call for it, and passes on what is no signal.
constexpr unsigned kLastSignal = 142;

/// A list of gdb's signal numbers in hexadecimal, in ascending order, as gdbserver wants it.
template <typename Wanted>
void list_signals(TextBuffer& text, std::string_view packet, Wanted wanted) {
  text.add(packet).add(':');
  bool first = true;
  for (unsigned signal = 1; signal <= kLastSignal; ++signal) {
    if (!wanted(signal)) continue;
    if (!first) text.add(';');
    first = false;
    text.add_number(signal, 16);
  }
}

}  // namespace

CrashSettings::CrashSettings(const Request& request) {
  // On detach PID 1 gets the signal it stands at, except the two with which it is stopped.
  list_signals(program_signals_, "QProgramSignals", [](unsigned s) { return s != kGdbSigint && s != kGdbSigstop; });
  packets_[count_++] = program_signals_;
  if (!request.armed()) return;
  list_signals(pass_signals_, "QPassSignals", [](unsigned s) { return !is_fatal(s) && s != kGdbSigstop; });
  packets_[count_++] = pass_signals_;
  catch_calls_.add("QCatchSyscalls:1");
  for (const int call : {SYS_exit_group, SYS_exit, SYS_reboot})
    catch_calls_.add(';').add_number(static_cast<unsigned>(call), 16);
  if (request.exit) packets_[count_++] = catch_calls_;
}

Status CrashSettings::tell(Server& server) const {
  for (const auto packet : packets()) {
    const auto reply = server.ask(packet);
    if (!reply) return reply.error();
  }
  return Done{};
}

}  // namespace gdbdebug
