// SPDX-License-Identifier: GPL-2.0-or-later
// processes: see processes.hpp.
#include "report/processes.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <span>

#include "core/words/hello.hpp"
#include "report/lines.hpp"
#include "sys/log.hpp"
#include "sys/sys.hpp"
#include "tracee/pid1.hpp"

namespace gdbdebug {
namespace {

/// So many processes are in the report; an initramfs has some ten.
constexpr std::size_t kMaxProcesses = 96;
constexpr std::size_t kSamples = 3;
constexpr int kSampleMs = 100;
constexpr unsigned kKernelThreads = 2;  ///< kthreadd, the parent of them all

struct Process {
  unsigned id = 0;
  unsigned parent = 0;
  char state = '?';
  std::array<std::uint64_t, kSamples> ticks{};  ///< of processor time, at each sample
};

/// What the first argument of a system call that can wait is.
enum class Argument : std::uint8_t { kNone, kDescriptor, kPath, kSecondPath, kProcess, kPolled };
struct Call {
  long number;
  std::string_view name;
  Argument argument = Argument::kNone;
};

/// The calls in which processes wait. Others are told by their numbers.
constexpr Call kCalls[] = {
    {SYS_read, "read", Argument::kDescriptor},
    {SYS_write, "write", Argument::kDescriptor},
    {SYS_ioctl, "ioctl", Argument::kDescriptor},
    {SYS_fsync, "fsync", Argument::kDescriptor},
    {SYS_recvmsg, "recvmsg", Argument::kDescriptor},
    {SYS_recvfrom, "recvfrom", Argument::kDescriptor},
    {SYS_sendmsg, "sendmsg", Argument::kDescriptor},
    {SYS_connect, "connect", Argument::kDescriptor},
    {SYS_flock, "flock", Argument::kDescriptor},
    {SYS_fcntl, "fcntl", Argument::kDescriptor},
    {SYS_openat, "openat", Argument::kSecondPath},
    {SYS_mount, "mount", Argument::kSecondPath},
    {SYS_umount2, "umount2", Argument::kPath},
    {SYS_execve, "execve", Argument::kPath},
    {SYS_wait4, "wait4", Argument::kProcess},
    {SYS_waitid, "waitid"},
    {SYS_ppoll, "ppoll", Argument::kPolled},
    {SYS_pselect6, "pselect6"},
    {SYS_epoll_pwait, "epoll_pwait", Argument::kDescriptor},
    {SYS_futex, "futex"},
    {SYS_clock_nanosleep, "clock_nanosleep"},
    {SYS_nanosleep, "nanosleep"},
    {SYS_rt_sigtimedwait, "rt_sigtimedwait"},
    {SYS_rt_sigsuspend, "rt_sigsuspend"},
    {SYS_finit_module, "finit_module", Argument::kDescriptor},
    {SYS_sync, "sync"},
#ifdef SYS_poll
    {SYS_poll, "poll", Argument::kPolled},
    {SYS_select, "select"},
    {SYS_open, "open", Argument::kPath},
    {SYS_pause, "pause"},
    {SYS_epoll_wait, "epoll_wait", Argument::kDescriptor},
    {SYS_vfork, "vfork"},
#endif
};

Text<96> file_of(unsigned process, std::string_view name) {
  return sys::process_file(static_cast<pid_t>(process), name);
}

bool read_file(unsigned process, std::string_view name, TextBuffer& text) {
  text.clear();
  const auto file = sys::open(AT_FDCWD, file_of(process, name).c_str(), O_RDONLY);
  return file && sys::read_all(*file, text);
}

/// Whether the process is there. `sample`: which of the times is taken.
bool look_at(Process& process, std::size_t sample) {
  Text<1024> text;
  if (!read_file(process.id, "stat", text)) return false;
  auto rest = text.view();
  const auto name_end = rest.rfind(") ");  // the name before it can have any character
  if (name_end == std::string_view::npos) return false;
  rest.remove_prefix(name_end + 2);
  std::uint64_t ticks = 0;
  constexpr unsigned kParent = 1, kUserTime = 11, kSystemTime = 12;  // behind the name (proc(5), /proc/PID/stat)
  for (unsigned field = 0; field <= kSystemTime; ++field) {
    const auto word = take_word(rest, ' ');
    if (field == 0 && !word.empty()) process.state = word.front();
    const auto value = parse_number<std::uint64_t>(word).value_or(0);
    if (field == kParent) process.parent = static_cast<unsigned>(value);
    if (field == kUserTime || field == kSystemTime) ticks += value;
  }
  process.ticks[sample] = ticks;
  return true;
}

/// Those of user space, and kernel threads that cannot be woken. Returns how many more there are than fit.
std::size_t list(std::span<Process, kMaxProcesses> processes, std::size_t& count) {
  std::size_t more = 0;
  const auto directory = sys::open(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
  if (!directory) return 0;
  sys::Names names(*directory);
  for (auto name = names.next(); !name.empty(); name = names.next()) {
    const auto id = parse_number<unsigned>(name);
    Process process{.id = id.value_or(0)};
    if (!id || !look_at(process, 0)) continue;
    const bool kernel = *id == kKernelThreads || process.parent == kKernelThreads;
    if (kernel && process.state != 'D') continue;
    if (count < processes.size())
      processes[count++] = process;
    else
      ++more;
  }
  return more;
}

/// What a descriptor of the process leads to.
Text<256> target_of(unsigned process, std::uint64_t descriptor) {
  Text<32> name("fd/");
  name.add_number(descriptor);
  Text<256> target;
  const auto size = ::readlink(file_of(process, name).c_str(), target.tail(), target.room());
  if (size > 0) target.grow(static_cast<std::size_t>(size));
  return target;
}

Text<256> text_at(unsigned process, std::uint64_t address) {
  std::array<char, 256> bytes{};
  Text<256> text;
  const auto memory = sys::open(AT_FDCWD, file_of(process, "mem").c_str(), O_RDONLY);
  const auto count = memory ? ::pread(memory->get(), bytes.data(), bytes.size() - 1, static_cast<off_t>(address)) : -1;
  if (count > 0) text.add(bytes.data());
  return text;
}

/// Whether the process's descriptor, which leads to `path`, is a terminal.
bool is_terminal(unsigned process, std::uint64_t descriptor, std::string_view path) {
  if (path.starts_with("/dev/tty") || path == "/dev/console" || path.starts_with("/dev/hvc") ||
      path.starts_with("/dev/pts/"))
    return true;
  // A pseudo terminal of another devpts: that of one wire is /pts/0, or /0 where its mount is not seen. Nothing else is
  // asked about: a file on a server that does not answer would hold the agent too.
  path.remove_prefix(path.starts_with("/pts/") ? 5 : path.starts_with('/') ? 1 : 0);
  if (!parse_number<std::uint32_t>(path)) return false;
  constexpr unsigned kFirstMajor = 136, kLastMajor = 143;  // Documentation/admin-guide/devices.txt
  Text<32> name("fd/");
  struct stat status {};
  return ::stat(file_of(process, name.add_number(descriptor)).c_str(), &status) == 0 && S_ISCHR(status.st_mode) &&
         major(status.st_rdev) >= kFirstMajor && major(status.st_rdev) <= kLastMajor;
}

/// The terminal among the first of the `count` descriptors at `address` (struct pollfd) that are polled for input;
/// empty if there is none.
Text<256> polled_terminal(unsigned process, std::uint64_t address, std::uint64_t count) {
  std::array<pollfd, 8> polled{};
  const auto memory = sys::open(AT_FDCWD, file_of(process, "mem").c_str(), O_RDONLY);
  const auto size = count < polled.size() ? static_cast<std::size_t>(count) * sizeof(pollfd) : sizeof polled;
  const auto got = memory ? ::pread(memory->get(), polled.data(), size, static_cast<off_t>(address)) : -1;
  for (std::size_t i = 0; got > 0 && i < static_cast<std::size_t>(got) / sizeof(pollfd); ++i) {
    if (polled[i].fd < 0 || (polled[i].events & POLLIN) == 0) continue;
    const auto descriptor = static_cast<std::uint64_t>(polled[i].fd);
    const auto target = target_of(process, descriptor);
    if (is_terminal(process, descriptor, target)) return target;
  }
  return {};
}

/// Adds the system call in which the process is. Returns whether it waits for somebody to type.
bool add_call(log::Message& line, unsigned process) {
  Text<256> text;
  if (!read_file(process, "syscall", text)) return false;
  auto rest = trim(text);
  const auto number = parse_number<std::uint32_t>(take_word(rest, ' '));
  if (!number) return false;  // `running`, or in no call
  std::array<std::uint64_t, 2> arguments{};
  for (auto& argument : arguments) {
    auto word = take_word(rest, ' ');
    if (word.starts_with("0x")) word.remove_prefix(2);
    argument = parse_number<std::uint64_t>(word, 16).value_or(0);
  }
  const Call* call = nullptr;
  for (const auto& each : kCalls) {
    if (each.number == static_cast<long>(*number)) call = &each;
  }
  if (call == nullptr) {
    line.add(" call=").add_number(*number);
    return false;
  }
  add_pair(line, "call", call->name);
  switch (call->argument) {
    case Argument::kDescriptor: {
      const auto descriptor = arguments[0] & 0xffff'ffff;
      const auto target = target_of(process, descriptor);
      add_pair(line, "on", target);
      return call->name == "read" && is_terminal(process, descriptor, target);
    }
    case Argument::kPolled: {
      const auto target = polled_terminal(process, arguments[0], arguments[1]);
      add_pair(line, "on", target);
      return !target.empty();
    }
    case Argument::kPath:
      add_pair(line, "path", text_at(process, arguments[0]));
      break;
    case Argument::kSecondPath:
      add_pair(line, "path", text_at(process, arguments[1]));
      break;
    case Argument::kProcess:
      if (const auto child = static_cast<std::int32_t>(arguments[0]); child > 0)
        line.add(" child=").add_number(static_cast<std::uint32_t>(child));
      break;
    case Argument::kNone:
      break;
  }
  return false;
}

/// `[<0>] do_wait+0x5f/0x110`, a line a frame: `do_wait`.
std::string_view function_of(std::string_view line) {
  if (const auto bracket = line.find("] "); bracket != std::string_view::npos) line.remove_prefix(bracket + 2);
  return line.substr(0, line.find('+'));
}

void say_kernel_stack(unsigned process) {
  Text<4096> stack;
  if (!read_file(process, "stack", stack) || stack.empty()) return;
  log::Message line("hang: stack pid=");
  line.add_number(process).add(" in=");
  bool first = true;
  for (auto rest = stack.view(); !rest.empty(); first = false) {
    if (!first) line.add(',');
    line.add(function_of(take_word(rest, '\n')));
  }
  log::say(report::kLevel, line);
}

void add_command(log::Message& line, unsigned process) {
  Text<256> arguments;
  if (!read_file(process, "cmdline", arguments)) return;
  auto rest = arguments.view();
  if (rest.empty()) return;
  line.add(" command");
  while (!rest.empty()) {
    line.add(' ');
    add_escaped(line, take_word(rest, '\0'));
  }
}

/// Says one process, and whether it waits for input.
bool say(const Process& process) {
  log::Message line("hang: process pid=");
  line.add_number(process.id).add(" parent=").add_number(process.parent);
  add_pair(line, "comm", pid1::status_of(static_cast<pid_t>(process.id), "Name"));
  line.add(" state=").add(process.state);
  if (process.ticks.back() != process.ticks.front()) {
    line.add(" cpu=");
    for (std::size_t i = 1; i < kSamples; ++i)
      line.add(i == 1 ? "" : ",").add_number(process.ticks[i] - process.ticks[i - 1]);
  }
  Text<128> place;
  const bool waits = add_call(line, process.id);
  if (read_file(process.id, "wchan", place) && place.view() != "0") add_pair(line, "wchan", place);
  if (waits) line.add(" input=1");
  add_command(line, process.id);
  log::say(report::kLevel, line);
  if (process.id == 1 || process.state == 'D') say_kernel_stack(process.id);
  return waits;
}

}  // namespace

void report_hang(std::optional<std::uint32_t> seconds) {
  static std::array<Process, kMaxProcesses> processes;
  std::size_t count = 0;
  const auto more = list(processes, count);
  const std::span found(processes.data(), count);
  for (std::size_t sample = 1; sample < kSamples; ++sample) {
    (void)::poll(nullptr, 0, kSampleMs);
    for (auto& process : found) {
      if (!look_at(process, sample)) process.state = 'X';
    }
  }
  log::Message head("hang: ");
  if (seconds)
    head.add("the real root's init has not been executed ").add_number(*seconds).add(" seconds after the hand-off");
  else
    head.add("a report was requested on the line");
  head.add("; PID 1 (")
      .add(pid1::status("Name"))
      .add(") is in state ")
      .add(pid1::status("State"))
      .add("; nothing is stopped");
  log::say(report::kLevel, head);
  unsigned waiting = 0;
  for (const auto& process : found) {
    if (process.state != 'X' && say(process)) waiting = process.id;
  }
  log::Message end("hang: end processes=");
  end.add_number(count).add(" omitted=").add_number(more);
  if (waiting != 0) end.add("; process ").add_number(waiting).add(" waits for somebody to type, which is not a hang");
  log::say(report::kLevel, end);
}

}  // namespace gdbdebug
