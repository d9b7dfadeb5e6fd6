// SPDX-License-Identifier: GPL-2.0-or-later
// line_network: see line_network.hpp.
#include "line/line_network.hpp"

#include "core/request/ip.hpp"
#include "line/listener.hpp"
#include "line/network.hpp"
#include "line/ssh.hpp"
#include "sys/log.hpp"
#include "sys/sys.hpp"

namespace gdbdebug {
namespace {

constexpr std::uint64_t kAddressTimeoutMs = 5'000;

/// What the user types to connect.
void describe(const Request& request, const NetworkUp& network, TextBuffer& text) {
  Text<80> host;
  const auto scope = request.line.address.find('%');
  if (!request.line.address.empty())
    host.add(request.line.address.substr(0, scope)).add(scope == std::string_view::npos ? "" : "%IFACE");
  else if (!network.ipv4.empty())
    host.add(network.ipv4);
  else
    host.add(network.ipv6).add("%IFACE");
  const bool ipv6 = host.view().find(':') != std::string_view::npos;
  const bool ssh = request.line.kind == Line::Kind::kSsh;
  text.add(" of ").add(network.interface).add(" (in gdb: target remote ");
  if (ssh)
    text.add("| ssh -p ").add_number(request.line.port).add(" root@").add(host);
  else
    text.add(ipv6 ? "[" : "").add(host).add(ipv6 ? "]:" : ":").add_number(request.line.port);
  if (host.view().find('%') != std::string_view::npos) text.add(", where IFACE is your own interface");
  if (ssh) text.add("; host key ").add(ssh_fingerprint());
  text.add(')');
}

bool is_loopback(std::string_view address) {
  Network network;
  if (!parse_address(address, network)) return false;
  if (!network.ipv6) return network.address[0] == 127;
  Network loopback;
  return parse_address("::1", loopback) && network.address == loopback.address;
}

Result<NetworkUp> bring_up(const Line& line, std::string_view ip, Modules& modules) {
  if (is_loopback(line.address)) return bring_up_loopback();
  IpConfig config;
  const bool foreign = ip.starts_with(kForeignIp);
  if (foreign) {
    std::optional<Error> trouble;
    config = parse_foreign_ip(ip.substr(kForeignIp.size()), trouble);
    if (trouble) log::warning(*trouble, "ignoring it for the debug line; rd.gdbdebug.ip= sets another for it alone");
  } else {
    const auto own = parse_ip(ip);
    if (!own) return own.error();
    config = *own;
  }
  // `tcp:[fe80::1%eth0]:2345` names an interface too, and goes before ip=.
  const auto scope = line.address.find('%');
  if (scope != std::string_view::npos && (foreign || config.device.empty())) {
    const auto device = line.address.substr(scope + 1);
    if (!config.device.empty() && config.device != device) config = {};
    config.device = device;
    return bring_up_network(config, false, modules);
  }
  return bring_up_network(config, foreign, modules);
}

/// Listens on an address that may not be there yet: for about a second the kernel looks whether somebody else has an
/// IPv6 address (RFC 4862, 5.4), and one from a router takes longer.
Result<UniqueFd> listen_when_it_can(const Line& line) {
  const auto events = watch_links();
  const auto deadline = sys::now_ms() + kAddressTimeoutMs;
  for (;;) {
    auto listener = listen_tcp(line);
    if (listener || listener.error().err != EADDRNOTAVAIL || !wait_for_change(events, deadline)) return listener;
  }
}

}  // namespace

Status open_network_line(const Request& request, Modules& modules, std::string_view ip, NetworkLine& line) {
  if (request.line.kind == Line::Kind::kSsh) {
    if (const auto status = prepare_ssh(); !status) return status;
    auto join = listen_unix(kJoinSocket);
    if (!join) return join.error();
    line.join = std::move(*join);
  }
  const auto network = bring_up(request.line, ip, modules);
  if (!network) return network.error();
  auto listener = listen_when_it_can(request.line);
  if (!listener) return listener.error();
  line.listener = std::move(*listener);
  describe(request, *network, line.where);
  return Done{};
}

Status pass_to_ssh(UniqueFd peer) {
  return serve_ssh(std::move(peer));
}

std::optional<int> run_network_tool(int argc, char** argv) {
  if (argc == 2 && is_dhcp_script()) return dhcp_script(argv[1]);
  if (is_join(argc, argv)) return join_line();
  return std::nullopt;
}

}  // namespace gdbdebug
