// SPDX-License-Identifier: GPL-2.0-or-later
// line: the way out of the machine, opened: a terminal, a port, or a listener and the peers that it has accepted.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/fd.hpp"
#include "core/base/result.hpp"
#include "core/base/text.hpp"
#include "core/request/request.hpp"
#include "line/line_network.hpp"
#include "line/modules.hpp"
#include "line/peers.hpp"
#include "sys/sys.hpp"

namespace gdbdebug {

/// How long a device may take to appear: a USB adapter behind a hub needs some seconds.
inline constexpr std::uint64_t kDeviceTimeoutMs = 30'000;

class OpenLine {
 public:
  /// `ip`: how the network is to be set up, for the lines that need it.
  OpenLine(const Request& request, Modules& modules, std::string_view ip)
      : request_(request), modules_(modules), ip_(ip) {}

  /// The line is a terminal that is a console too: from now on open() keeps what it needs as such.
  void share() { shared_ = true; }
  /// Opens the line, or starts to listen. ENOENT, ENXIO and ENODEV mean that the device is not there yet: call again
  /// when one has appeared. Any other error is final.
  Status open();
  /// What messages call it, with what the user needs to connect: `ttyS1 at 115200n8`.
  Text<400> describe() const;
  /// Whether the line can lose bytes: a UART can, a socket cannot.
  bool lossy() const { return request_.line.kind == Line::Kind::kTerminal; }
  /// Waits until what was written has left, but not longer than until `deadline_ms`.
  void drain(std::uint64_t deadline_ms) const;

  bool is_open() const { return device_ || network_.listener; }
  /// The descriptor that carries bytes, or -1: nobody is at the other end.
  int fd() const;
  /// What to poll for somebody who comes, or for a word from those who wait, or -1; one of kWatches.
  static constexpr std::size_t kWatches = 2 + Peers::kWaiting;
  int watch_fd(std::size_t which) const;
  /// watch_fd(which) is readable: somebody has come.
  void take_peer(std::size_t which);
  /// Bytes have come from the other end.
  void heard(std::string_view bytes) {
    peers_.heard(bytes, sys::now_ms());
    hangups_ = 0;
  }
  /// Lets one of those who wait have the line, if it is free or its owner gives way (peers.hpp). True: the other end is
  /// another than before, and has not been read from.
  bool settle_peers(bool in_session) { return peers_.settle(in_session, sys::now_ms()); }
  /// When to call settle_peers() without an event.
  std::optional<std::uint64_t> deadline() const { return peers_.deadline(sys::now_ms()); }
  /// Whether only this end was hung up (vhangup(2)), as agetty does with a terminal that it opens: then the port is
  /// open again, and the other end has noticed nothing.
  bool survives_hangup();
  /// The other end has gone. Whether the line is still there, so that another can come.
  bool drop_peer();

 private:
  Status open_device();
  Result<UniqueFd> open_port() const;
  Status listen();

  const Request& request_;
  Modules& modules_;
  std::string_view ip_;
  bool shared_ = false;
  UniqueFd device_;    ///< a terminal, or a port
  Peers peers_;        ///< of a listener
  UniqueFd presence_;  ///< virtio: tells when the host has opened its end
  bool present_ = false;
  unsigned hangups_ = 0;  ///< of a terminal, since something was heard on it
  NetworkLine network_;   ///< its listener is vsock's too
};

/// Whether an error of open() means that the device may still come.
bool may_come(const Error& error);

}  // namespace gdbdebug
