// SPDX-License-Identifier: GPL-2.0-or-later
// ssh: dropbear for one connection at a time, which can do nothing but join the debug line.
// The agent accepts the connection (so that from= and keepalive are the same for TCP and SSH) and gives it to
// `dropbear -i`; its forced command is the helper again, which carries bytes between SSH and the agent's socket.
#pragma once

#include <sys/types.h>

#include "core/base/fd.hpp"
#include "core/base/result.hpp"
#include "core/base/text.hpp"

namespace gdbdebug {

/// Where the agent listens for what has come in through SSH, in its own root.
inline constexpr const char* kJoinSocket = "/run/gdbdebug.sock";

/// Writes what dropbear looks for in the agent's own root (passwd, shells, keys with their restrictions). Errors: the
/// image was built without lines=ssh, or has no key.
Status prepare_ssh();
/// The host key's fingerprint as an SSH client shows it; empty if the image has none.
Text<128> ssh_fingerprint();
/// Starts dropbear on an accepted connection; it ends with it. Nobody waits for it: call reap_ssh() now and then.
Status serve_ssh(UniqueFd peer);
void reap_ssh();

/// As dropbear's forced command: carries bytes both ways until either side ends. Returns an exit status.
bool is_join(int argc, char** argv);
int join_line();

}  // namespace gdbdebug
