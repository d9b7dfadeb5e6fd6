// SPDX-License-Identifier: GPL-2.0-or-later
// facts: see facts.hpp.
#include "agent/facts.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/text.hpp"
#include "sys/sys.hpp"
#include "tracee/pid1.hpp"

namespace gdbdebug {
namespace {

Text<64> task_file(std::string_view thread, std::string_view name) {
  Text<64> path("/proc/1/task/");
  path.add(thread).add('/').add(name);
  return path;
}

/// The call in which a thread stands: `running`, `-1 SP PC`, or `NUMBER ARGUMENT...` (proc(5), /proc/PID/syscall).
void find_call(unsigned thread, Facts& facts) {
  Text<12> number;
  number.add_number(thread);
  Text<256> text;
  const auto file = sys::open(AT_FDCWD, task_file(number, "syscall").c_str(), O_RDONLY);
  if (!file || !sys::read_all(*file, text)) return;
  auto rest = trim(text);
  facts.call = parse_number<std::uint64_t>(take_word(rest, ' '));
  if (facts.call != std::uint64_t{SYS_reboot}) return;
  constexpr unsigned kCommand = 2;  // reboot(2): two magic numbers, the command
  for (unsigned i = 0; i <= kCommand; ++i) {
    auto argument = take_word(rest, ' ');
    if (argument.starts_with("0x")) argument.remove_prefix(2);
    if (i == kCommand)
      facts.command = static_cast<std::uint32_t>(parse_number<std::uint64_t>(argument, 16).value_or(0));
  }
}

/// Whether a thread runs, or could. The first thread stays as a zombie when it ends before the others.
bool lives(std::string_view thread) {
  Text<512> text;
  const auto file = sys::open(AT_FDCWD, task_file(thread, "stat").c_str(), O_RDONLY);
  if (!file || !sys::read_all(*file, text)) return false;
  const auto name_end = text.view().rfind(") ");  // `1 (name) S ...`: a name can have anything in it
  return name_end != std::string_view::npos &&
         std::string_view("ZX").find(text.view()[name_end + 2]) == std::string_view::npos;
}

bool is_last_thread(unsigned thread) {
  const auto directory = sys::open(AT_FDCWD, "/proc/1/task", O_RDONLY | O_DIRECTORY);
  if (!directory) return true;
  sys::Names names(*directory);
  for (auto name = names.next(); !name.empty(); name = names.next()) {
    if (parse_number<unsigned>(name) != thread && lives(name)) return false;
  }
  return true;
}

/// systemd's own handler forks a child for a core file and then sleeps for ever (crash_handler() in
/// src/core/crash-handler.c). Its program has this name on every distribution; what it was called by does not matter.
bool is_systemd() {
  const auto program = pid1::executable();
  return program.view().substr(program.view().rfind('/') + 1) == "systemd";
}

}  // namespace

Facts find_facts(const Stop& stop, const Cause& cause) {
  Facts facts;
  if (stop.is_call()) {
    find_call(stop.thread, facts);
    facts.last_thread = is_last_thread(stop.thread);
    return facts;
  }
  if (!is_fatal(stop.signal)) return facts;
  facts.known = cause.known;
  facts.code = cause.code;
  facts.sender = cause.sender;
  facts.caught = cause.known && pid1::catches(cause.signal);
  facts.only_dumps = facts.caught && is_systemd();
  return facts;
}

RealRoot::RealRoot() {
  struct stat root {};
  image_ = ::stat("/proc/1/root/", &root) == 0 ? root.st_dev : 0;
}

void RealRoot::look() {
  struct stat root {};
  struct stat release {};
  if (image_ == 0 || entered_ || ::stat("/proc/1/root/", &root) != 0 || root.st_dev == image_) return;
  // dracut's squash module puts a root of its own before the real one; what is an initramfs says so by this file
  // (https://systemd.io/INITRD_INTERFACE).
  entered_ = ::lstat("/proc/1/root/etc/initrd-release", &release) != 0;
}

}  // namespace gdbdebug
