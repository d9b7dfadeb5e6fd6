// SPDX-License-Identifier: GPL-2.0-or-later
// agent: the child that owns the line and gdbserver, and outlives the hand-off.
#pragma once

#include <string_view>

#include "boot/settings.hpp"
#include "core/base/fd.hpp"

namespace gdbdebug {

/// The agent's argv[0]. The `@` is the sign by which systemd spares a process at the switch to the real root and at
/// shutdown (https://systemd.io/ROOT_STORAGE_DAEMONS).
inline constexpr const char* kAgentName = "@gdbdebug-agent";

/// Forks the agent. The descriptor becomes readable when PID 1 may go on: the agent says so, or is gone.
Result<UniqueFd> start_agent(const Settings& settings, char** argv);
/// Waits for that, in PID 1; at most two minutes, and says so if it was that long.
void wait_for_agent(const UniqueFd& handoff);

/// The agent itself, executed anew from the copy in its own root: nothing of it lies in the image any more.
/// argv: name, descriptors of the hand-off and of the image's root, value of rd.gdbdebug=, value of ip=. Returns its
/// exit status.
bool is_agent(int argc, char** argv);
int agent_main(char** argv);

}  // namespace gdbdebug
