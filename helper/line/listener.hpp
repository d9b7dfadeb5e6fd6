// SPDX-License-Identifier: GPL-2.0-or-later
// listener: sockets that wait for a debugger, and who may come in.
#pragma once

#include <string_view>

#include "core/base/fd.hpp"
#include "core/base/result.hpp"
#include "core/request/request.hpp"

namespace gdbdebug {

/// Listens on the line's address (none: on every one, IPv6 too where the kernel has it) and port.
Result<UniqueFd> listen_tcp(const Line& line);
/// Listens for the host and for other processes of this machine (vsock(7)).
Result<UniqueFd> listen_vsock(const Line& line);
/// Listens at a path of the agent's own root, where nobody else can reach it.
Result<UniqueFd> listen_unix(const char* path);

/// Accepts one connection; an empty descriptor if there is none. Peers outside the request's from= are closed without
/// a byte. A TCP connection is watched (keepalive), so that a dead peer is noticed within half a minute.
UniqueFd accept_peer(const UniqueFd& listener, const Request& request);

/// Tells a second debugger that there is one already, and hangs up.
void refuse_peer(UniqueFd peer);

}  // namespace gdbdebug
