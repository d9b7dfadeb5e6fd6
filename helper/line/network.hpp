// SPDX-License-Identifier: GPL-2.0-or-later
// network: brings one interface up for the debug line, long before anything else would.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/result.hpp"
#include "core/base/text.hpp"
#include "core/request/ip.hpp"
#include "line/modules.hpp"

namespace gdbdebug {

/// How long an interface may take to appear and to find a carrier: auto-negotiation takes some seconds.
inline constexpr std::uint64_t kNetworkTimeoutMs = 30'000;

/// What came of it, for the message with the line to paste into gdb.
struct NetworkUp {
  Text<16> interface;
  Text<48> ipv4;  ///< empty: none
  Text<48> ipv6;  ///< link-local; empty: none
};

/// Brings `lo` up, then the interface that `config` names, else the first with a carrier, and gives it its address.
/// Loads drivers as devices appear. Errors name the interface, what is missing in the image, or the missing carrier.
Result<NetworkUp> bring_up_network(const IpConfig& config, Modules& modules);

/// As the program that udhcpc calls (its environment has the lease): puts the lease into force. Returns an exit status.
bool is_dhcp_script();
int dhcp_script(const char* event);

}  // namespace gdbdebug
