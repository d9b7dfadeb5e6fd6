// SPDX-License-Identifier: GPL-2.0-or-later
// keeper: the guard of one wire, the agent's parent. It has every descriptor that the agent has, so that the console
// lives on when the agent ends, however that happens.
//
//              fork             PID 1 has our console, and the agent ends
//    opening -------> watching ----------------------------------------> carrying
//                        |
//                        +--> the agent ends before that: all is put back, and the guard ends
//
// watching   takes the place of the port's nodes whenever PID 1's mounts change, and waits for the agent's end.
// carrying   puts the console's settings back and carries bytes between the port and the terminals; nobody is debugged.
#pragma once

#include "wire/parts.hpp"

namespace gdbdebug::wire {

/// Returns in the child, which is the agent. The parent becomes the guard and never returns; it closes `handoff`, so
/// that PID 1 sees the agent's end. An error: nobody was forked.
Status fork_agent(Parts& parts, UniqueFd& handoff);

}  // namespace gdbdebug::wire
