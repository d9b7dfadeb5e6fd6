// SPDX-License-Identifier: GPL-2.0-or-later
// line_network: the lines that need a network, tcp: and ssh. Two helpers are built: gdbdebug-init-net, for images with
// lines=net or ssh, has line_network.cpp; gdbdebug-init has line_network_none.cpp, which says what is missing. So most
// images carry, and most PID 1s are, nothing that can listen on a network.
#pragma once

#include <optional>
#include <string_view>

#include "core/base/fd.hpp"
#include "core/base/result.hpp"
#include "core/base/text.hpp"
#include "core/request/request.hpp"
#include "line/modules.hpp"

namespace gdbdebug {

struct NetworkLine {
  UniqueFd listener;  ///< where peers come in
  UniqueFd join;      ///< ssh: where they come in a second time, through dropbear
  Text<300> where;    ///< ` of eth0 (in gdb: target remote 10.0.2.15:2345)`
};

/// Brings the network up as `ip` says (see ip.hpp), and listens. A final error if that cannot be.
Status open_network_line(const Request& request, Modules& modules, std::string_view ip, NetworkLine& line);
/// Lets dropbear ask a peer for its key. It comes in again at NetworkLine::join.
Status pass_to_ssh(UniqueFd peer);
/// Collects those that have ended.
void reap_ssh();

/// What the agent's own helpers execute: udhcpc its script, dropbear its forced command. nullopt: it is neither.
std::optional<int> run_network_tool(int argc, char** argv);

}  // namespace gdbdebug
