// SPDX-License-Identifier: GPL-2.0-or-later
// devices: see devices.hpp.
#include "line/devices.hpp"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>

#include "sys/sys.hpp"

namespace gdbdebug {

// The kernel's own events (NETLINK_KOBJECT_UEVENT, group 1), sent after devtmpfs has the node: see device_add() in
// drivers/base/core.c. They also tell of ports that are found by their name in sysfs.
Status DeviceWatch::start() {
  file_.reset(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = 1;
  if (!file_ || ::bind(file_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    const auto error = failed("watching for devices", "");
    file_.reset();
    return error;
  }
  return Done{};
}

void DeviceWatch::clear() {
  std::array<char, 4096> event;
  while (sys::read(file_.get(), event) >= 0) {
  }
}

}  // namespace gdbdebug
