// SPDX-License-Identifier: GPL-2.0-or-later
// line: the way out of the machine, opened: a terminal, a port, or a listener and the one peer it has accepted.
#pragma once

#include <cstdint>
#include <string_view>

#include "cmdline.hpp"
#include "fd.hpp"
#include "result.hpp"
#include "text.hpp"

namespace gdbdebug {

/// How long a device may take to appear: a USB adapter behind a hub needs some seconds.
inline constexpr std::uint64_t kDeviceTimeoutMs = 30'000;

class OpenLine {
 public:
  explicit OpenLine(const Request& request) : request_(request) {}

  /// Opens the line, or starts to listen. ENOENT, ENXIO and ENODEV mean that the device is not there yet: call again
  /// when one has appeared. Any other error is final.
  Status open();
  /// What messages call it, with its speed: `ttyS1 at 115200n8`.
  Text<96> describe() const;
  /// Whether the line can lose bytes: a UART can, a socket cannot.
  bool lossy() const { return request_.line.kind == Line::Kind::kTerminal; }

  /// Waits until what was written has left, but not longer than until `deadline_ms`.
  void drain(std::uint64_t deadline_ms) const;

  bool is_open() const { return static_cast<bool>(fd_); }
  /// The descriptor that carries bytes, or -1: a listener without a peer.
  int fd() const { return fd_.get(); }
  void close() { fd_.reset(); }

 private:
  const Request& request_;
  UniqueFd fd_;
};

/// Whether an error of open() means that the device may still come.
bool may_come(const Error& error);

/// Whether the kernel's console is on this terminal (/proc/consoles).
bool is_console(std::string_view terminal);

}  // namespace gdbdebug
