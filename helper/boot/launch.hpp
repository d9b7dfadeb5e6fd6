// SPDX-License-Identifier: GPL-2.0-or-later
// launch: PID 1's half of what starts the agent.
#pragma once

#include "boot/settings.hpp"

namespace gdbdebug {

/// Forks a child that executes the agent, and returns when PID 1 may execute the real init: the agent says so, has
/// ended, or has taken too long. An agent that ended is waited for, so the real init finds no child. What fails is
/// logged.
void launch_agent(const Settings& settings);

}  // namespace gdbdebug
