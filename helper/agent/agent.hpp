// SPDX-License-Identifier: GPL-2.0-or-later
// agent: owns the line and gdbserver, and outlives the hand-off.
#pragma once

#include <string_view>

#include "core/base/fd.hpp"
#include "core/request/request.hpp"
#include "line/modules.hpp"
#include "wire/parts.hpp"

namespace gdbdebug {

/// The agent in its own root. Returns when there is nothing left to do: PID 1 goes on then, if it has not yet.
/// `handoff` is where PID 1 waits, `modules` where its kernel modules come from, `ip` the value of ip=; `parts` are
/// open where the line is a console too.
void run_agent(const Request& request, std::string_view ip, UniqueFd handoff, ModulesPlace modules, wire::Parts& parts);

}  // namespace gdbdebug
