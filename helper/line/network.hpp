// SPDX-License-Identifier: GPL-2.0-or-later
// network: brings one interface up for the debug line, long before anything else would.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/fd.hpp"
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

/// Brings up the interface that `config` names, else the first with a carrier, and gives it its address. Those that
/// were tried for it are down again afterwards: before Linux 6.2 an interface that is up cannot be renamed, and udev
/// may still have to. `foreign`: the configuration is that of `ip=`. It may mean an interface that udev has yet to
/// rename, or nothing of ours; then it is left out, with a warning. Loads drivers as devices appear. Errors name the
/// interface, what is missing in the image, or the missing carrier.
Result<NetworkUp> bring_up_network(const IpConfig& config, bool foreign, Modules& modules);
/// `lo` alone, for a line with a loopback address.
NetworkUp bring_up_loopback();

/// Links and their addresses, as they change (rtnetlink(7)); empty if they cannot be watched.
UniqueFd watch_links();
/// Waits for such a change; false when the time is over.
bool wait_for_change(const UniqueFd& events, std::uint64_t deadline_ms);

/// As the program that udhcpc calls (its environment has the lease): puts the lease into force. Returns an exit status.
bool is_dhcp_script();
int dhcp_script(const char* event);

}  // namespace gdbdebug
