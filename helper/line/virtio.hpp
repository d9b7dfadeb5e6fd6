// SPDX-License-Identifier: GPL-2.0-or-later
// line_virtio: a virtio-serial port by its name, without udev.
#pragma once

#include <string_view>

#include "core/base/fd.hpp"
#include "core/base/result.hpp"

namespace gdbdebug {

/// Finds the port whose name in sysfs is `name` and opens it. ENOENT: there is none (yet).
Result<UniqueFd> open_virtio_port(std::string_view name);

}  // namespace gdbdebug
