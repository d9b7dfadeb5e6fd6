// SPDX-License-Identifier: GPL-2.0-or-later
// launch: what gdbdebug-init and gdbdebug-agent say to each other: the agent's arguments, and one byte on a
// socket pair.
#pragma once

#include <cstddef>

namespace gdbdebug::launch {

/// The agent's argv[0]. The `@` is the sign by which systemd spares a process at the switch to the real root and at
/// shutdown (https://systemd.io/ROOT_STORAGE_DAEMONS).
inline constexpr const char* kAgentName = "@gdbdebug-agent";

/// The agent's arguments: the hand-off's socket, the value of rd.gdbdebug=, and that of ip=. Executing
/// itself in its own root, it adds the descriptor of the image's root (empty: it has none), and where in it the overlay
/// has the kernel modules that it brings (empty: it brings none, and is gone already).
enum Argument : std::size_t { kName, kHandoff, kValue, kIp, kImageRoot, kModules };
inline constexpr int kFirstCount = kImageRoot;     ///< of arguments, as gdbdebug-init starts it
inline constexpr int kSecondCount = kModules + 1;  ///< in its own root

/// The agent sends it when PID 1 may execute the real init; with a descriptor where PID 1's console is to be another
/// (SCM_RIGHTS). The end without it: the agent has ended.
inline constexpr char kGo = 'g';

}  // namespace gdbdebug::launch
