// SPDX-License-Identifier: GPL-2.0-or-later
// crash: see crash.hpp.
#include "tracee/crash.hpp"

#include <signal.h>
#include <sys/syscall.h>

#include "tracee/pid1.hpp"

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

/// A signal. An int3 of PID 1's own is told as a breakpoint once a debugger has said that it knows of these.
bool is_signal(const Stop& stop) {
  return stop.event.empty() || stop.event == "swbreak";
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

bool CrashSettings::is_end(const Stop& stop, const Cause& cause) const {
  if (stop.event == "syscall_entry") {
    // The exit of one thread among others ends nothing.
    const bool one_thread = parse_number<std::uint32_t>(stop.value, 16) == std::uint32_t{SYS_exit};
    return request_.exit && (!one_thread || pid1::status("Threads").view() == "1");
  }
  if (!request_.crash || !is_signal(stop) || !is_fatal(stop.signal)) return false;
  // The kernel shields PID 1 from what others send it and it has no handler for (sig_task_ignored() in
  // kernel/signal.c), Ctrl-\ on the console too. Its own abort() and every fault are its end all the same.
  const bool sent = cause.known && (cause.code <= 0 || cause.signal == SIGQUIT) && cause.sender != 1;
  return !sent || pid1::catches(cause.signal);
}

bool dies_untraced(const Stop& stop, const Cause& cause) {
  return is_signal(stop) && is_fatal(stop.signal) && cause.known && cause.code > 0 && !pid1::catches(cause.signal);
}

bool survives_its_end(Server& server) {
  const auto reply = server.ask("?");
  const auto stop = reply ? parse_stop(*reply) : std::nullopt;
  if (!stop || !is_signal(*stop)) return false;
  if (stop->signal == kGdbSigsys) return !pid1::catches(SIGSYS);
  if (stop->signal != kGdbSigtrap || pid1::catches(SIGTRAP)) return false;
#if defined(__x86_64__) || defined(__i386__)
  return true;  // it stands behind its breakpoint instruction (Intel 64 manual, volume 3, 6.15: INT3 is a trap)
#else
  return find_cause(*stop, server).code != TRAP_BRKPT;  // it stands before it, and executes it again
#endif
}

}  // namespace gdbdebug
