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

constexpr std::size_t kCommand = 2;  // reboot(2): two magic numbers, the command

bool is_last_thread(unsigned thread) {
  const auto directory = sys::open(AT_FDCWD, "/proc/1/task", O_RDONLY | O_DIRECTORY);
  if (!directory) return true;
  sys::Names names(*directory);
  for (auto name = names.next(); !name.empty(); name = names.next()) {
    const auto other = parse_number<unsigned>(name);
    if (other && *other != thread && pid1::lives(*other)) return false;
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
    const auto call = pid1::call_of(stop.thread);
    facts.call = call.number;
    if (call.number == std::uint64_t{SYS_reboot}) facts.command = static_cast<std::uint32_t>(call.arguments[kCommand]);
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
