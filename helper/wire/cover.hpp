// SPDX-License-Identifier: GPL-2.0-or-later
// cover: puts the agent's terminal in the place of the port's nodes, where PID 1 sees them: /dev/ttyS0, and
// /dev/console where that leads to the port. Who opens one of them opens the terminal, and never gets a byte of the
// debugger's. A node that lies on the root file system itself, as in an image without devtmpfs, is left alone: nothing
// is ever mounted there (agent/root.hpp).
#pragma once

#include "core/base/fd.hpp"
#include "wire/parts.hpp"

namespace gdbdebug::wire {

class Cover {
 public:
  explicit Cover(const Parts& parts);
  /// POLLPRI: PID 1's mounts have changed, so that there may be nodes that are not covered yet.
  int fd() const { return mounts_.get(); }
  /// Covers what is not covered yet.
  void place();

 private:
  bool place_on(const UniqueFd& root, const char* node);

  const Parts& parts_;
  UniqueFd mounts_;
  bool told_ = false;
};

}  // namespace gdbdebug::wire
