// SPDX-License-Identifier: GPL-2.0-or-later
// devices: tells when a device has appeared, without asking over and over.
#pragma once

#include "core/base/fd.hpp"
#include "core/base/result.hpp"

namespace gdbdebug {

/// Watches /dev. Start before looking for the device, so that none is missed in between.
class DeviceWatch {
 public:
  Status start();
  void stop() { file_.reset(); }
  /// Readable when something has changed; clear() before looking again.
  int fd() const { return file_.get(); }
  void clear();

 private:
  UniqueFd file_;
};

}  // namespace gdbdebug
