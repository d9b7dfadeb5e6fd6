// SPDX-License-Identifier: GPL-2.0-or-later
// network: see network.hpp.
#include "line/network.hpp"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/layout.hpp"
#include "sys/child.hpp"
#include "sys/log.hpp"
#include "sys/sys.hpp"

namespace gdbdebug {
namespace {

constexpr const char* kStep = "bringing the network up";
/// udhcpc runs the agent's program as its script, and this tells it so.
constexpr const char* kScriptMark = "GDBDEBUG_DHCP";
/// The kernel looks for duplicates of a link-local address for about a second (RFC 4862, 5.4).
constexpr std::uint64_t kLinkLocalTimeoutMs = 4'000;
/// How long an interface that ip= names may be missing while there are others: a USB adapter's driver takes a second.
constexpr std::uint64_t kForeignTimeoutMs = 3'000;
/// udhcpc asks four times, three seconds apart.
constexpr int kDhcpTimeoutMs = 20'000;

/// An ifreq for one interface, and the calls that take it.
class Interface {
 public:
  explicit Interface(std::string_view name) : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    Text<IFNAMSIZ - 1> text(name);
    ::memcpy(request_.ifr_name, text.c_str(), text.view().size() + 1);
  }

  const char* name() const { return request_.ifr_name; }
  short flags() {
    return ::ioctl(socket_.get(), SIOCGIFFLAGS, &request_) == 0 ? request_.ifr_flags : static_cast<short>(0);
  }
  bool up() {
    const auto before = flags();
    request_.ifr_flags = static_cast<short>(before | IFF_UP);
    return (before & IFF_UP) != 0 || ::ioctl(socket_.get(), SIOCSIFFLAGS, &request_) == 0;
  }
  bool is_up() { return (flags() & IFF_UP) != 0; }
  bool down() {
    request_.ifr_flags = static_cast<short>(flags() & ~IFF_UP);
    return ::ioctl(socket_.get(), SIOCSIFFLAGS, &request_) == 0;
  }
  /// The kernel's number, which stays when the name changes; 0: it has gone.
  int index() { return ::ioctl(socket_.get(), SIOCGIFINDEX, &request_) == 0 ? request_.ifr_ifindex : 0; }
  bool running() { return (flags() & IFF_RUNNING) != 0; }
  bool is_ethernet() {
    return ::ioctl(socket_.get(), SIOCGIFHWADDR, &request_) == 0 && request_.ifr_hwaddr.sa_family == ARPHRD_ETHER;
  }
  bool has_mac(const std::array<std::uint8_t, 6>& mac) {
    return is_ethernet() && ::memcmp(request_.ifr_hwaddr.sa_data, mac.data(), mac.size()) == 0;
  }
  bool set_address(const Ipv4& address) {
    fill(&request_.ifr_addr, address);
    return ::ioctl(socket_.get(), SIOCSIFADDR, &request_) == 0;
  }
  bool set_netmask(const Ipv4& mask) {
    fill(&request_.ifr_netmask, mask);
    return ::ioctl(socket_.get(), SIOCSIFNETMASK, &request_) == 0;
  }
  bool add_gateway(const Ipv4& gateway) {
    rtentry route{};
    fill(&route.rt_dst, {});
    fill(&route.rt_genmask, {});
    fill(&route.rt_gateway, gateway);
    route.rt_flags = RTF_UP | RTF_GATEWAY;
    route.rt_dev = request_.ifr_name;
    return ::ioctl(socket_.get(), SIOCADDRT, &route) == 0 || errno == EEXIST;
  }
  bool get_address(Ipv4& address) {
    if (::ioctl(socket_.get(), SIOCGIFADDR, &request_) != 0) return false;
    sockaddr_in in{};
    ::memcpy(&in, &request_.ifr_addr, sizeof in);
    ::memcpy(address.data(), &in.sin_addr, address.size());
    return true;
  }

 private:
  static void fill(sockaddr* target, const Ipv4& address) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    ::memcpy(&in.sin_addr, address.data(), address.size());
    ::memcpy(target, &in, sizeof in);
  }

  UniqueFd socket_;
  ifreq request_{};
};

void add_ipv4(TextBuffer& text, const Ipv4& address) {
  for (std::size_t i = 0; i < address.size(); ++i) {
    if (i > 0) text.add('.');
    text.add_number(address[i]);
  }
}

/// The interfaces that were brought up to see whether they have a carrier. All but the one that is kept go down again.
class Tried {
 public:
  Tried() = default;
  Tried(const Tried&) = delete;
  Tried& operator=(const Tried&) = delete;
  ~Tried() {
    for (std::size_t i = 0; i < count_; ++i) lower(indexes_[i]);
  }

  void bring_up(Interface& interface) {
    if (interface.is_up() || count_ == indexes_.size()) return;  // what cannot be remembered stays as it is
    if (interface.up()) indexes_[count_++] = interface.index();
  }
  void keep(std::string_view name) {
    const int kept = Interface(name).index();
    for (auto& index : indexes_) {
      if (index == kept) index = 0;
    }
  }

 private:
  static void lower(int index) {
    std::array<char, IFNAMSIZ> name{};
    if (index == 0 || ::if_indextoname(static_cast<unsigned>(index), name.data()) == nullptr) return;
    Interface interface(name.data());
    Ipv4 address{};
    if (!interface.get_address(address)) (void)interface.down();  // with one the boot has begun to use it
  }

  std::array<int, 32> indexes_{};
  std::size_t count_ = 0;
};

struct Found {
  Text<16> running;       ///< the interface to use; empty: none yet
  Text<128> names;        ///< of all that there are, for messages
  std::size_t count = 0;  ///< of those with Ethernet
  bool meant = false;     ///< there is one that is meant, with a carrier or without
};

/// Looks at every interface, and brings up those that are meant.
Found find_interface(std::string_view device, Tried& tried) {
  Found found;
  std::array<std::uint8_t, 6> mac{};
  const bool by_mac = parse_mac(device, mac);
  const auto all = sys::open(AT_FDCWD, "/sys/class/net", O_RDONLY | O_DIRECTORY);
  if (!all) return found;
  sys::Names names(*all);
  for (auto name = names.next(); !name.empty(); name = names.next()) {
    if (name == "lo") continue;
    Interface interface(name);
    if (interface.is_ethernet()) ++found.count;
    const bool meant = by_mac ? interface.has_mac(mac) : device.empty() ? interface.is_ethernet() : name == device;
    if (!found.names.empty()) found.names.add(' ');
    found.names.add(name);
    if (!meant) continue;
    found.meant = true;
    tried.bring_up(interface);
    if (interface.running() && found.running.empty()) found.running.add(name);
  }
  return found;
}

/// Finds the interface, and changes `config` where it is foreign and does not fit.
Result<Text<16>> wait_for_interface(IpConfig& config, bool foreign, const UniqueFd& events, Modules& modules,
                                    Tried& tried) {
  (void)modules.load_for_line();  // may take its time, which is not counted
  auto deadline = sys::now_ms() + kNetworkTimeoutMs;
  std::optional<std::uint64_t> fits_until;  // until when an interface that is not there may still come
  static Text<400> reason;                  // an error's texts must outlive it
  for (bool told = false;;) {
    (void)modules.load_for_line();
    const auto found = find_interface(config.device, tried);
    if (!found.running.empty()) return found.running;
    const bool may_not_fit = foreign && !config.device.empty();
    const auto now = sys::now_ms();
    if (may_not_fit && !found.meant && found.count > 0) {
      if (!fits_until) fits_until = now + kForeignTimeoutMs;
    } else {
      fits_until.reset();
    }
    if (may_not_fit && ((fits_until && now >= *fits_until) || now >= deadline)) {
      // dracut's ip=enp1s0:dhcp while udev has not renamed eth0 yet: where there is one only, it is that one.
      const bool only_one = !found.meant && found.count == 1;
      reason.set("ip= names an interface that ");
      reason.add(found.meant ? "has no carrier" : "is not there").add("; there are: ").add(found.names);
      log::warning({kStep, config.device, 0, reason.c_str()},
                   only_one ? "using the only one there is" : "ignoring ip=, and using any with a carrier");
      if (only_one)
        config.device = {};
      else
        config = {};
      deadline = now + kForeignTimeoutMs > deadline ? now + kForeignTimeoutMs : deadline;
      continue;
    }
    reason.clear();
    const auto lines = modules.lines();
    const bool built_for_it =
        lines.view().find("net") != std::string_view::npos || lines.view().find("ssh") != std::string_view::npos;
    if (found.names.empty()) {
      reason.add("no network interface exists");
      if (!built_for_it) {
        reason.add("; the image was built with lines=\"").add(lines).add("\", without net and its drivers");
        return Error{kStep, config.device, 0, reason.c_str()};
      }
    } else {
      reason.add("no carrier, or another interface is meant; found: ").add(found.names);
    }
    if (!told && !fits_until) {
      log::warning({kStep, config.device, 0, reason.c_str()}, "waiting, 30 seconds at most");
      told = true;
    }
    if (!wait_for_change(events, fits_until ? *fits_until : deadline) && (!may_not_fit || !events))
      return Error{kStep, config.device, 0, reason.c_str()};
  }
}

/// The link-local address of an interface, from /proc/net/if_inet6 (its form: net/ipv6/addrconf.c). Flag 0x40: still
/// being looked for elsewhere.
bool link_local(std::string_view interface, TextBuffer& text) {
  Text<4096> table;
  const auto file = sys::open(AT_FDCWD, "/proc/net/if_inet6", O_RDONLY);
  if (!file || !sys::read_all(*file, table)) return false;
  for (auto rest = table.view(); !rest.empty();) {
    auto line = take_word(rest, '\n');
    const auto digits = take_word(line, ' ');
    (void)take_word(line, ' ');  // index
    (void)take_word(line, ' ');  // prefix
    const auto scope = take_word(line, ' ');
    const auto flags = parse_number<unsigned>(take_word(line, ' '), 16).value_or(0);
    if (trim(line) != interface || scope != "20" || digits.size() != 32 || (flags & 0x40) != 0) continue;
    // Of fe80::/64 only the second half is ever set (RFC 4291, 2.5.6).
    text.set("fe80:");
    for (std::size_t i = 16; i < 32; i += 4) {
      text.add(':').add_number(parse_number<unsigned>(digits.substr(i, 4), 16).value_or(0), 16);
    }
    return true;
  }
  return false;
}

/// One lease by busybox's udhcpc, which ends when it has one.
Status run_dhcp(std::string_view interface) {
  constexpr const char* kAsking = "asking for an address by DHCP";
  const Text<16> name(interface);
  Text<32> mark(kScriptMark);
  mark.add("=1");
  Child child;
  const auto started = child.start("udhcpc", [&] {
    const char* const argv[] = {"busybox", "udhcpc", "-f", "-q",         "-n", "-t",           "4",
                                "-T",      "3",      "-i", name.c_str(), "-s", layout::kAgent, nullptr};
    char* const envp[] = {const_cast<char*>(mark.c_str()), const_cast<char*>("PATH=/usr/sbin:/usr/bin:/sbin:/bin"),
                          nullptr};
    ::execve(layout::kBusybox, const_cast<char* const*>(argv), envp);
  });
  if (!started) return started;
  const auto status = child.wait(kDhcpTimeoutMs);
  if (status && *status == kNotExecuted)
    return Error{kAsking, interface, 0, "the image has no busybox with udhcpc (lines=net)"};
  if (!status || *status != 0) return Error{kAsking, interface, 0, "no server has answered"};
  return Done{};
}

Status configure(const IpConfig& config, Interface& interface) {
  if (config.dhcp) return run_dhcp(interface.name());
  if (!config.is_static) return Done{};
  if (!interface.set_address(config.address) || !interface.set_netmask(config.netmask))
    return failed("setting the address of the network interface", interface.name());
  if (config.has_gateway && !interface.add_gateway(config.gateway))
    return failed("setting the gateway of the network interface", interface.name());
  return Done{};
}

}  // namespace

UniqueFd watch_links() {
  UniqueFd file(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK | RTMGRP_IPV6_IFADDR;
  if (!file || ::bind(file.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return {};
  return file;
}

bool wait_for_change(const UniqueFd& events, std::uint64_t deadline_ms) {
  if (!events || !sys::wait_readable(events.get(), deadline_ms)) return false;
  std::array<char, 4096> event;
  while (sys::read(events.get(), event) > 0) {
  }
  return true;
}

NetworkUp bring_up_loopback() {
  (void)Interface("lo").up();  // where it cannot be, listening fails, and says so
  NetworkUp result;
  result.interface.add("lo");
  return result;
}

Result<NetworkUp> bring_up_network(const IpConfig& wanted, bool foreign, Modules& modules) {
  IpConfig config = wanted;
  const auto events = watch_links();
  Tried tried;
  const auto name = wait_for_interface(config, foreign, events, modules, tried);
  if (!name) return name.error();

  static NetworkUp result;
  result.interface = *name;
  Interface interface(*name);
  // Without an address of the wanted kind the link-local one still leads here.
  static Text<16> subject;
  subject = *name;
  if (auto status = configure(config, interface); !status) {
    auto error = status.error();
    error.subject = subject;
    log::error(error, "only the IPv6 link-local address can be used");
  }
  Ipv4 address{};
  result.ipv4.clear();
  result.ipv6.clear();
  if (interface.get_address(address)) add_ipv4(result.ipv4, address);
  const auto deadline = sys::now_ms() + kLinkLocalTimeoutMs;
  const bool needed = result.ipv4.empty();  // with an IPv4 address it is taken if it is there, and not waited for
  while (!link_local(*name, result.ipv6) && needed && wait_for_change(events, deadline)) {
  }
  if (result.ipv4.empty() && result.ipv6.empty())
    return Error{kStep, subject, 0, "the interface has no address; set one with rd.gdbdebug.ip="};
  tried.keep(*name);
  return result;
}

bool is_dhcp_script() {
  return ::getenv(kScriptMark) != nullptr;
}

int dhcp_script(const char* event) {
  const std::string_view what(event);
  const char* const name = ::getenv("interface");
  if (name == nullptr || (what != "bound" && what != "renew")) return 0;
  // udhcpc's variables have the names of the options in its manual: ip, subnet, router (several, with blanks).
  const auto variable = [](const char* key) {
    const char* const value = ::getenv(key);
    std::string_view text(value != nullptr ? value : "");
    return take_word(text, ' ');
  };
  Text<200> ip;
  ip.add(variable("ip"))
      .add("::")
      .add(variable("router"))
      .add(':')
      .add(variable("subnet"))
      .add("::")
      .add(name)
      .add(":none");
  const auto config = parse_ip(ip);
  if (!config || !config->is_static) return 1;
  Interface interface(name);
  return configure(*config, interface) ? 0 : 1;
}

}  // namespace gdbdebug
