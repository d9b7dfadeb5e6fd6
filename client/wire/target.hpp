// SPDX-License-Identifier: GPL-2.0-or-later
// target: TARGET on the command line: where the debug line comes out on this side.
#pragma once

#include <string>

#include "base/result.hpp"
#include "core/request/request.hpp"

namespace gdbdebug::client {

struct Target {
  enum class Kind { unix_socket, serial, tcp, vsock, ssh };
  Kind kind = Kind::unix_socket;
  std::string text;        ///< As it was written, for messages.
  std::string path;        ///< Of a socket or a device.
  Speed speed;             ///< Of a device.
  std::string host;        ///< TCP and SSH; without the brackets of an IPv6 address. vsock: the context ID in digits.
  std::string user;        ///< SSH; empty for ssh's own choice.
  std::uint32_t port = 0;  ///< TCP, vsock and SSH; 0 with SSH for ssh's own choice.
};

/// Reads a TARGET:
///   PATH, unix:PATH                    a Unix socket, as of QEMU's `-chardev socket,path=...`
///   /dev/NAME[,SPEED]                  a terminal device; SPEED as `115200n8r`, 115200n8 unless told
///   HOST:PORT, [ADDRESS6]:PORT, tcp:... a TCP port
///   vsock:CID:PORT                     a vsock port of the guest CID
///   ssh://[USER@]HOST[:PORT]           through ssh
/// A path needs a slash or the end `.sock` or `.socket`, or to be there already. Errors (Exit::usage) name the wrong
/// word and what would have been right. Looks at the file system only to tell a device from a socket.
Result<Target> parse_target(std::string_view text);

}  // namespace gdbdebug::client
