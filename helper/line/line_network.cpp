// SPDX-License-Identifier: GPL-2.0-or-later
// line_network: see line_network.hpp.
#include "line/line_network.hpp"

#include "core/request/ip.hpp"
#include "line/listener.hpp"
#include "line/network.hpp"
#include "line/ssh.hpp"

namespace gdbdebug {
namespace {

/// What the user types to connect.
void describe(const Request& request, const NetworkUp& network, TextBuffer& text) {
  Text<80> host;
  if (!request.line.address.empty())
    host.add(request.line.address);
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

}  // namespace

Status open_network_line(const Request& request, Modules& modules, std::string_view ip, NetworkLine& line) {
  if (request.line.kind == Line::Kind::kSsh) {
    if (const auto status = prepare_ssh(); !status) return status;
    auto join = listen_unix(kJoinSocket);
    if (!join) return join.error();
    line.join = std::move(*join);
  }
  const auto config = parse_ip(ip);
  if (!config) return config.error();
  const auto network = bring_up_network(*config, modules);
  if (!network) return network.error();
  auto listener = listen_tcp(request.line);
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
