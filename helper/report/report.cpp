// SPDX-License-Identifier: GPL-2.0-or-later
// report: see report.hpp.
#include "report/report.hpp"

#include <fcntl.h>
#include <linux/reboot.h>
#include <sys/utsname.h>

#include "core/words/hello.hpp"
#include "report/frames.hpp"
#include "report/lines.hpp"
#include "report/maps.hpp"
#include "report/registers.hpp"
#include "sys/log.hpp"
#include "sys/sys.hpp"
#include "tracee/pid1.hpp"

namespace gdbdebug {
namespace {

using namespace report;

std::string_view signal_name(unsigned gdb_signal) {
  switch (gdb_signal) {
    case kGdbSigquit:
      return "SIGQUIT";
    case kGdbSigill:
      return "SIGILL";
    case kGdbSigtrap:
      return "SIGTRAP";
    case kGdbSigabrt:
      return "SIGABRT";
    case kGdbSigfpe:
      return "SIGFPE";
    case kGdbSigbus:
      return "SIGBUS";
    case kGdbSigsegv:
      return "SIGSEGV";
    case kGdbSigsys:
      return "SIGSYS";
    default:
      return "signal";
  }
}

/// The commands of reboot(2) that end the machine, by their names there.
std::string_view command_name(std::uint32_t command) {
  switch (command) {
    case LINUX_REBOOT_CMD_RESTART2:
      return "RESTART2";
    case LINUX_REBOOT_CMD_HALT:
      return "HALT";
    case LINUX_REBOOT_CMD_POWER_OFF:
      return "POWER_OFF";
    case LINUX_REBOOT_CMD_KEXEC:
      return "KEXEC";
    default:
      return "RESTART";
  }
}

/// The name of the process that has sent the signal; empty if it has gone, or no process has.
Text<64> sender_name(const Cause& cause) {
  Text<64> name;
  Text<64> path("/proc/");
  path.add_number(static_cast<unsigned>(cause.sender)).add("/comm");
  const auto file = sys::open(AT_FDCWD, path.c_str(), O_RDONLY);
  if (file) (void)sys::read_all(*file, name);  // what there is of it
  return Text<64>(trim(name));
}

void say_begin(const Stop& stop, const Cause& cause, const Ending& ending, const Place& place, bool overflow) {
  auto line = begin_line("begin version=1 pid=1");
  utsname system{};
  (void)::uname(&system);  // cannot fail with a valid buffer
  add_pair(line, "comm", pid1::status("Name"));
  if (!stop.is_call())
    add_pair(line, "signal", signal_name(stop.signal));
  else if (ending.command != 0)
    add_pair(line, "reboot", command_name(ending.command));
  else
    line.add(" exit=").add_number(place.first_argument & 0xff);
  if (cause.address) add_hex_pair(line, "address", *cause.address);
  if (overflow) add_pair(line, "stack", "overflow");
  if (cause.sender > 0) {
    line.add(" sender=").add_number(static_cast<unsigned>(cause.sender));
    add_pair(line, "sender_comm", sender_name(cause));
  }
  if (ending.handled) line.add(" handled=1");
  add_pair(line, "machine", system.machine);
  add_pair(line, "kernel", system.release);
  log::say(kLevel, line);
}

void say_command() {
  const auto file = sys::open(AT_FDCWD, "/proc/1/cmdline", O_RDONLY);
  Text<512> arguments;
  if (!file || !sys::read_all(*file, arguments)) return;
  auto line = begin_line("command");
  for (auto rest = arguments.view(); !rest.empty();) {
    line.add(' ');
    add_escaped(line, take_word(rest, '\0'));
  }
  log::say(kLevel, line);
}

/// Why PID 1 stands: the signal, the exit, the call.
void add_why(log::Message& message, const Stop& stop, const Cause& cause, const Ending& ending, const Place& place,
             bool overflow) {
  if (ending.command != 0) {
    message.add("reboot(2) with ").add(command_name(ending.command));
  } else if (stop.is_call()) {
    message.add("exit with status ").add_number(place.first_argument & 0xff);
  } else {
    message.add(signal_name(stop.signal));
    if (cause.address) message.add(" at address 0x").add_number(*cause.address, 16);
    if (overflow) message.add(" (stack overflow)");
    if (cause.sender > 1) {
      message.add(" sent by process ").add_number(static_cast<unsigned>(cause.sender));
      if (const auto name = sender_name(cause); !name.empty()) message.add(" (").add(name).add(')');
    }
  }
  if (ending.handled) message.add(", for which it has a handler");
}

void add_where(log::Message& message, const Maps& maps, const Place& place) {
  message.add(", in ");
  const auto* const map = maps.find_executable(place.pc);
  if (map != nullptr && !map->file.empty())
    message.add(map->file.substr(0, 200)).add("+0x").add_number(place.pc - map->begin + map->offset, 16);
  else
    message.add("no file, at 0x").add_number(place.pc, 16);
}

void say_message(const Stop& stop, const Cause& cause, const Ending& ending, const Maps& maps, const Place& place,
                 bool overflow, std::string_view line, std::optional<std::uint32_t> seconds) {
  log::Message message("PID 1 (");
  message.add(pid1::status("Name"))
      .add(ending.handled && !ending.freezes ? ") is held: " : ") is held before it would die: ");
  add_why(message, stop, cause, ending, place, overflow);
  add_where(message, maps, place);
  message.add(ending.connected ? "; a debugger is connected to " : "; connect a debugger to ").add(line);
  if (seconds)
    message.add(" within ").add_number(*seconds).add(" seconds");
  else if (!ending.connected)
    message.add(", the machine waits");
  log::say(kLevel, message);
}

}  // namespace

void report_handled(const Stop& stop, const Cause& cause) {
  const Maps maps;
  const auto place = find_place(stop.thread);
  log::Message message("PID 1 (");
  message.add(pid1::status("Name")).add(") gets ");
  add_why(message, stop, cause, {.handled = true}, place,
          cause.address && maps.is_stack_overflow(place, *cause.address));
  add_where(message, maps, place);
  log::say(log::Level::kWarning, message.add("; it goes on"));
}

void report_end(const Stop& stop, const Cause& cause, const Ending& ending, const RegisterTexts& registers,
                std::string_view line, std::optional<std::uint32_t> seconds) {
  const Maps maps;
  const auto place = find_place(stop.thread);
  const bool overflow = cause.address && maps.is_stack_overflow(place, *cause.address);
  say_message(stop, cause, ending, maps, place, overflow, line, seconds);
  say_begin(stop, cause, ending, place, overflow);
  say_command();
  const auto frames = say_frames(maps, place, say_registers(registers, place), overflow);
  const unsigned mapped = say_maps(maps);
  auto end = begin_line("end frames=");
  end.add_number(frames.lines).add(" maps=").add_number(mapped).add(" omitted=").add_number(frames.omitted);
  if (frames.unread != 0) end.add(" unread=").add_number(frames.unread);
  log::say(kLevel, end);
}

}  // namespace gdbdebug
