// SPDX-License-Identifier: GPL-2.0-or-later
// watchdog: see watchdog.hpp.
#include "tracee/watchdog.hpp"

#include <fcntl.h>
#include <linux/watchdog.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "sys/log.hpp"
#include "sys/sys.hpp"

namespace gdbdebug {
namespace {

Text<32> attribute(const UniqueFd& watchdogs, std::string_view name, std::string_view which) {
  Text<300> path(name);
  Text<32> value;
  const auto file = sys::open(watchdogs.get(), path.add('/').add(which).c_str(), O_RDONLY);
  if (file) (void)sys::read_all(*file, value);
  return value;
}

/// The first watchdog's second name, /dev/watchdog, is a misc device (kernel: include/linux/miscdevice.h).
bool is_watchdog(dev_t device) {
  if (device == makedev(10, 130)) return true;
  const auto watchdogs = sys::open(AT_FDCWD, "/sys/class/watchdog", O_RDONLY | O_DIRECTORY);
  if (!watchdogs) return false;
  Text<32> wanted;
  wanted.add_number(major(device)).add(':').add_number(minor(device));
  sys::Names names(*watchdogs);
  for (auto name = names.next(); !name.empty(); name = names.next()) {
    if (trim(attribute(*watchdogs, name, "dev")) == wanted.view()) return true;
  }
  return false;
}

/// Feeds each watchdog that PID 1 has open. 0, or the errno of what failed; ENODEV when PID 1 has none open.
int feed() {
  const auto descriptors = sys::open(AT_FDCWD, "/proc/1/fd", O_RDONLY | O_DIRECTORY);
  if (!descriptors) return errno;
  UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, 1, 0)));
  if (!process) return errno;
  int result = ENODEV;
  sys::Names names(*descriptors);
  for (auto name = names.next(); !name.empty(); name = names.next()) {
    const auto number = parse_number<unsigned>(name);
    struct stat status {};
    Text<32> link(name);
    if (!number || ::fstatat(descriptors->get(), link.c_str(), &status, 0) < 0) continue;
    if (!S_ISCHR(status.st_mode) || !is_watchdog(status.st_rdev)) continue;
    const UniqueFd copy(static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), *number, 0)));
    // By syscall(2): musl's ioctl(2) takes an int, which this number is too large for.
    if (!copy || ::syscall(SYS_ioctl, copy.get(), WDIOC_KEEPALIVE, 0) < 0) return errno;
    result = 0;
  }
  return result;
}

}  // namespace

std::optional<unsigned> running_watchdog() {
  std::optional<unsigned> shortest;
  const auto watchdogs = sys::open(AT_FDCWD, "/sys/class/watchdog", O_RDONLY | O_DIRECTORY);
  if (!watchdogs) return shortest;
  sys::Names names(*watchdogs);
  for (auto name = names.next(); !name.empty(); name = names.next()) {
    if (trim(attribute(*watchdogs, name, "state")) != "active") continue;
    const auto seconds = parse_number<unsigned>(trim(attribute(*watchdogs, name, "timeout")));
    if (seconds && (!shortest || *seconds < *shortest)) shortest = seconds;
  }
  return shortest;
}

void warn_of_watchdog(bool fed) {
  const auto seconds = running_watchdog();
  if (!seconds) return;
  if (fed) {
    log::Message message("a watchdog of ");
    return log::say(log::Level::kInfo,
                    message.add_number(*seconds).add(" seconds runs; it is fed while PID 1 is held"));
  }
  log::Message message("a watchdog runs that nobody feeds while PID 1 is held: it resets the machine after ");
  log::say(log::Level::kAlert,
           message.add_number(*seconds).add(" seconds; systemd leaves it alone with systemd.watchdog_sec=off"));
}

void Feeder::step(std::uint64_t now_ms, bool held) {
  if (!held) return next_.reset();
  if (next_ && now_ms < *next_) return;
  const auto seconds = running_watchdog();
  const int error = seconds ? feed() : 0;
  if (error != 0 && !told_) log::error({"feeding the watchdog", "PID 1", error}, "it resets the machine");
  told_ = told_ || error != 0;
  // Where none runs: PID 1 has stopped, and starts none before it runs again.
  const std::uint64_t pause_ms = seconds ? *seconds * 1000ULL / 4 : 60'000ULL;
  next_ = now_ms + pause_ms;
}

}  // namespace gdbdebug
