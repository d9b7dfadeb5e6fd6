// SPDX-License-Identifier: GPL-2.0-or-later
// crash: see crash.hpp.
#include "crash.hpp"

#include <sys/syscall.h>

#include "log.hpp"
#include "pid1.hpp"

namespace gdbdebug {
namespace {

/// gdb's last signal number that Linux has (SIGRTMAX is 127 or so; include/gdb/signals.def ends at 153).
constexpr unsigned kLastSignal = 152;

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

CrashSettings::CrashSettings(const Request& request) : request_(request) {
  // On detach PID 1 gets the signal it stands at, except the two with which it is stopped.
  list_signals(program_signals_, "QProgramSignals", [](unsigned s) { return s != kGdbSigint && s != kGdbSigstop; });
  packets_[count_++] = program_signals_;
  if (!request.armed()) return;
  list_signals(pass_signals_, "QPassSignals", [](unsigned s) { return !is_fatal(s) && s != kGdbSigstop; });
  packets_[count_++] = pass_signals_;
  if (!request.exit) return;
  catch_syscalls_.add("QCatchSyscalls:1;").add_number(SYS_exit_group, 16).add(';').add_number(SYS_exit, 16);
  packets_[count_++] = catch_syscalls_;
}

Status CrashSettings::tell(Server& server) const {
  for (const auto packet : packets()) {
    const auto reply = server.ask(packet);
    if (!reply) return reply.error();
  }
  return Done{};
}

bool CrashSettings::is_end(const Stop& stop) const {
  if (stop.event == "syscall_entry") return request_.exit;
  return request_.crash && stop.event.empty() && is_fatal(stop.signal);
}

void say_crash(const Stop& stop, std::string_view line, std::optional<std::uint32_t> seconds) {
  log::Message message("PID 1 is held before it would die: ");
  if (stop.event.empty())
    message.add("signal ").add_number(stop.signal);
  else
    message.add("exit");
  message.add("; connect a debugger to ").add(line);
  if (seconds) message.add(" within ").add_number(*seconds).add(" seconds");
  log::say(log::Level::kError, message);
}

}  // namespace gdbdebug
