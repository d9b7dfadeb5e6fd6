// SPDX-License-Identifier: GPL-2.0-or-later
// ip: see ip.hpp.
#include "core/request/ip.hpp"

#include "core/base/text.hpp"
#include "core/request/request.hpp"

namespace gdbdebug {
namespace {

constexpr const char* kStep = "reading ip=";

enum class Method : std::uint8_t { kUnset, kNone, kDhcp };

/// The words of <autoconf>: the kernel's (net/ipv4/ipconfig.c), and those of dracut.cmdline(7) and
/// systemd-network-generator(8). The link-local address of IPv6 is always there.
std::optional<Method> parse_method(std::string_view word) {
  if (word.empty()) return Method::kUnset;
  for (const std::string_view none :
       {"off", "none", "static", "link-local", "link6", "auto6", "dhcp6", "either6", "shared", "disabled"}) {
    if (word == none) return Method::kNone;
  }
  for (const std::string_view any :
       {"on", "any", "dhcp", "bootp", "rarp", "both", "ibft", "auto", "dhcp4", "single-dhcp"}) {
    if (word == any) return Method::kDhcp;
  }
  return std::nullopt;
}

bool parse_ipv4(std::string_view word, Ipv4& address) {
  Network network;
  if (!parse_address(word, network) || network.ipv6) return false;
  for (std::size_t i = 0; i < address.size(); ++i) address[i] = network.address[i];
  return true;
}

/// A netmask in dots, or the length of a prefix as dracut allows it.
bool parse_netmask(std::string_view word, Ipv4& mask) {
  if (const auto length = parse_number<unsigned>(word)) {
    if (*length > 32) return false;
    for (unsigned i = 0; i < 32; ++i) {
      if (i < *length) mask[i / 8] = static_cast<std::uint8_t>(mask[i / 8] | (0x80U >> (i % 8)));
    }
    return true;
  }
  return parse_ipv4(word, mask);
}

/// The next field. In one that begins with a bracket (dracut's IPv6 addresses) colons do not separate.
std::string_view take_field(std::string_view& rest) {
  if (!rest.starts_with('[')) return take_word(rest, ':');
  const auto bracket = rest.find(']');
  const auto end = bracket == std::string_view::npos ? bracket : rest.find(':', bracket);  // there may be a `/64`
  const auto field = rest.substr(0, end);
  rest.remove_prefix(field.size());
  if (rest.starts_with(':')) rest.remove_prefix(1);
  return field;
}

/// A MAC address as the device, with colons: the field that began it, and the five behind it.
std::string_view take_device(std::string_view& rest) {
  std::array<std::uint8_t, 6> mac{};
  constexpr std::size_t kMacLength = 17;
  if (rest.size() >= kMacLength && parse_mac(rest.substr(0, kMacLength), mac)) {
    const auto device = rest.substr(0, kMacLength);
    rest.remove_prefix(kMacLength);
    if (rest.starts_with(':')) rest.remove_prefix(1);
    return device;
  }
  return take_word(rest, ':');
}

/// A name as the kernel or udev gives them to interfaces, and no address.
bool is_device(std::string_view word) {
  return word.find_first_of("0123456789") != std::string_view::npos &&
         word.find_first_of("./[") == std::string_view::npos;
}

Status parse_into(std::string_view text, IpConfig& config) {
  if (text.empty()) return Done{};
  if (const auto method = parse_method(text)) {
    config.dhcp = *method == Method::kDhcp;
    return Done{};
  }

  std::array<std::uint8_t, 6> mac{};
  if (parse_mac(text, mac) || (is_device(text) && text.find(':') == std::string_view::npos)) {
    config.device = text;
    config.dhcp = true;
    return Done{};
  }

  auto rest = text;
  {  // dracut's short form
    auto after = text;
    const auto device = take_device(after);
    const auto method = parse_method(after.substr(0, after.find(':')));
    Ipv4 unused{};
    if (!device.empty() && device.front() != '[' && !parse_ipv4(device, unused) && method &&
        *method != Method::kUnset) {
      config.device = device;
      config.dhcp = *method == Method::kDhcp;
      return Done{};
    }
  }

  auto client = take_field(rest);
  (void)take_field(rest);  // the server of a root on NFS
  const auto gateway = take_field(rest);
  auto netmask = take_field(rest);
  (void)take_field(rest);  // the host's name
  config.device = take_device(rest);
  const auto word = take_field(rest);

  const auto method = parse_method(word);
  if (!method) return Error{kStep, word, 0, "no such way to configure a network; expected off, none, on, any or dhcp"};
  if (client.starts_with('['))
    return Error{kStep, client, 0, "an IPv6 address cannot be set here; the link-local address is there by itself"};
  if (client.empty()) {
    // With nothing but a device the kernel tries everything that it was built for.
    config.dhcp = *method != Method::kNone;
    return Done{};
  }
  if (*method == Method::kDhcp) {
    config.dhcp = true;
    return Done{};
  }
  if (const auto slash = client.find('/'); slash != std::string_view::npos) {
    netmask = client.substr(slash + 1);
    client = client.substr(0, slash);
  }
  config.is_static = true;
  if (!parse_ipv4(client, config.address)) return Error{kStep, client, 0, "no IPv4 address; expected four numbers"};
  if (!gateway.empty()) {
    config.has_gateway = true;
    if (!parse_ipv4(gateway, config.gateway)) return Error{kStep, gateway, 0, "no IPv4 address of a gateway"};
  }
  if (!netmask.empty()) {
    if (!parse_netmask(netmask, config.netmask))
      return Error{kStep, netmask, 0, "no netmask; expected one like 255.255.255.0, or 24"};
  } else {
    // By the address's class, as the kernel does (net/ipv4/ipconfig.c).
    const unsigned bytes = config.address[0] < 128 ? 1 : config.address[0] < 192 ? 2 : 3;
    for (unsigned i = 0; i < bytes; ++i) config.netmask[i] = 255;
  }
  return Done{};
}

}  // namespace

bool parse_mac(std::string_view text, std::array<std::uint8_t, 6>& mac) {
  if (text.size() != 17) return false;
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const int high = hex_value(text[3 * i]);
    const int low = hex_value(text[3 * i + 1]);
    if (high < 0 || low < 0) return false;
    if (i + 1 < mac.size() && (text[3 * i + 2] != text[2] || (text[2] != ':' && text[2] != '-'))) return false;
    mac[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

Result<IpConfig> parse_ip(std::string_view text) {
  IpConfig config;
  if (const auto status = parse_into(text, config); !status) return status.error();
  return config;
}

IpConfig parse_foreign_ip(std::string_view text, std::optional<Error>& trouble) {
  IpConfig config;
  if (const auto status = parse_into(text, config); !status) {
    trouble = status.error();
    config = {.device = config.device};
  }
  return config;
}

}  // namespace gdbdebug
