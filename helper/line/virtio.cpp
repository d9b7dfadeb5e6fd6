// SPDX-License-Identifier: GPL-2.0-or-later
// line_virtio: see line_virtio.hpp.
#include "line/virtio.hpp"

#include <fcntl.h>

#include "core/base/text.hpp"
#include "sys/sys.hpp"

namespace gdbdebug {

Result<UniqueFd> open_virtio_port(std::string_view name) {
  constexpr const char* kStep = "opening the line";
  const auto ports = sys::open(AT_FDCWD, "/sys/class/virtio-ports", O_RDONLY | O_DIRECTORY);
  if (!ports) return Error{kStep, name, ENOENT, "no virtio-serial port has that name"};
  sys::Names names(*ports);
  for (auto port = names.next(); !port.empty(); port = names.next()) {
    Text<64> file(port);
    Text<128> its_name;
    const auto attribute = sys::open(ports->get(), file.add("/name").c_str(), O_RDONLY);
    if (!attribute || !sys::read_all(*attribute, its_name) || trim(its_name) != name) continue;
    Text<64> path("/dev/");
    auto device = sys::open(AT_FDCWD, path.add(port).c_str(), O_RDWR | O_NONBLOCK);
    if (!device) return Error{kStep, name, device.error().err};
    return device;
  }
  return Error{kStep, name, ENOENT, "no virtio-serial port has that name"};
}

}  // namespace gdbdebug
