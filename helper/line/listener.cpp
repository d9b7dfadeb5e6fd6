// SPDX-License-Identifier: GPL-2.0-or-later
// listener: see listener.hpp.
#include "line/listener.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/words/hello.hpp"
#include "sys/sys.hpp"

// After <sys/socket.h>, whose sockaddr it needs.
#include <linux/vm_sockets.h>

namespace gdbdebug {
namespace {

constexpr const char* kStep = "listening on the line";
/// Nobody waits in line for a debug session: one that is there, one that is to be refused.
constexpr int kBacklog = 4;

template <typename Address>
Result<UniqueFd> listen_at(const Address& address, socklen_t size, int family, std::string_view subject) {
  UniqueFd file(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!file) return failed(kStep, subject);
  constexpr int kOne = 1;
  (void)::setsockopt(file.get(), SOL_SOCKET, SO_REUSEADDR, &kOne, sizeof kOne);
  if (::bind(file.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return failed(kStep, subject);
  if (::listen(file.get(), kBacklog) != 0) return failed(kStep, subject);
  return file;
}

}  // namespace

Result<UniqueFd> listen_tcp(const Line& line) {
  Network network;
  const auto address = line.address;
  const auto number = htons(static_cast<std::uint16_t>(line.port));
  const auto scope = address.find('%');
  if (!address.empty()) (void)parse_address(address.substr(0, scope), network);  // parse_request() has checked it
  if (address.empty() || line.ipv6) {
    sockaddr_in6 any{};  // takes IPv4 too, as mapped addresses (ipv6(7), IPV6_V6ONLY)
    any.sin6_family = AF_INET6;
    any.sin6_port = number;
    ::memcpy(&any.sin6_addr, network.address.data(), sizeof any.sin6_addr);
    if (scope != std::string_view::npos)
      any.sin6_scope_id = ::if_nametoindex(Text<16>(address.substr(scope + 1)).c_str());
    auto file = listen_at(any, sizeof any, AF_INET6, line.text);
    if (file || line.ipv6) return file;  // the kernel may be without IPv6
  }
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = number;
  ::memcpy(&any.sin_addr, network.address.data(), sizeof any.sin_addr);
  return listen_at(any, sizeof any, AF_INET, line.text);
}

Result<UniqueFd> listen_vsock(const Line& line) {
  sockaddr_vm any{};
  any.svm_family = AF_VSOCK;
  any.svm_port = line.port;
  any.svm_cid = VMADDR_CID_ANY;
  return listen_at(any, sizeof any, AF_VSOCK, line.text);
}

Result<UniqueFd> listen_unix(const char* path) {
  sockaddr_un here{};
  here.sun_family = AF_UNIX;
  const std::string_view name(path);
  ::memcpy(here.sun_path, name.data(), name.size() < sizeof here.sun_path ? name.size() : sizeof here.sun_path - 1);
  (void)::unlink(path);
  return listen_at(here, sizeof here, AF_UNIX, path);
}

UniqueFd accept_peer(const UniqueFd& listener, const Request& request) {
  union {
    sockaddr any;
    sockaddr_in in;
    sockaddr_in6 in6;
    sockaddr_storage room;
  } from{};
  socklen_t size = sizeof from;
  UniqueFd peer(::accept4(listener.get(), &from.any, &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!peer) return peer;
  const bool ipv4 = from.any.sa_family == AF_INET;
  if (!ipv4 && from.any.sa_family != AF_INET6) return peer;

  bool welcome = request.networks().empty();  // insecure, or SSH, which asks for a key
  for (const auto& network : request.networks()) {
    const auto* bytes = ipv4 ? reinterpret_cast<const std::uint8_t*>(&from.in.sin_addr) : from.in6.sin6_addr.s6_addr;
    welcome = welcome || contains(network, {bytes, ipv4 ? 4U : 16U});
  }
  if (!welcome) return {};

  constexpr int kOne = 1;
  constexpr int kIdleSeconds = 10;
  constexpr int kIntervalSeconds = 5;
  constexpr int kProbes = 3;
  constexpr unsigned kUnansweredMs = 25'000;  // of data that was sent, where keepalive does not ask
  (void)::setsockopt(peer.get(), IPPROTO_TCP, TCP_NODELAY, &kOne, sizeof kOne);
  (void)::setsockopt(peer.get(), SOL_SOCKET, SO_KEEPALIVE, &kOne, sizeof kOne);
  (void)::setsockopt(peer.get(), IPPROTO_TCP, TCP_KEEPIDLE, &kIdleSeconds, sizeof kIdleSeconds);
  (void)::setsockopt(peer.get(), IPPROTO_TCP, TCP_KEEPINTVL, &kIntervalSeconds, sizeof kIntervalSeconds);
  (void)::setsockopt(peer.get(), IPPROTO_TCP, TCP_KEEPCNT, &kProbes, sizeof kProbes);
  (void)::setsockopt(peer.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &kUnansweredMs, sizeof kUnansweredMs);
  return peer;
}

void refuse_peer(UniqueFd peer) {
  Text<100> text(kRefusal);
  (void)sys::write(peer.get(), text.add("; try again when it has gone\r\n"));
}

}  // namespace gdbdebug
