// SPDX-License-Identifier: GPL-2.0-or-later
// watchdog: see watchdog.hpp.
#include "tracee/watchdog.hpp"

#include <fcntl.h>

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

void warn_of_watchdog() {
  const auto seconds = running_watchdog();
  if (!seconds) return;
  log::Message message("a watchdog runs that nobody feeds while PID 1 is held: it resets the machine after ");
  log::say(log::Level::kAlert,
           message.add_number(*seconds).add(" seconds; systemd leaves it alone with systemd.watchdog_sec=off"));
}

}  // namespace gdbdebug
