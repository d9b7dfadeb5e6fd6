// SPDX-License-Identifier: GPL-2.0-or-later
// ip: the kernel's `ip=` (Documentation/admin-guide/nfs/nfsroot.rst), which rd.gdbdebug.ip= has too. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/result.hpp"

namespace gdbdebug {

using Ipv4 = std::array<std::uint8_t, 4>;

/// What the agent is handed begins with it if it is the value of `ip=`, which others are to read, and not of
/// `rd.gdbdebug.ip=`.
inline constexpr std::string_view kForeignIp = "ip=";

/// How the debug line's network interface is to be set up. The views point into the text that was given.
struct IpConfig {
  std::string_view device{};  ///< a name, or a MAC address with `-` or `:`; empty: the first with a carrier
  bool is_static = false;     ///< address, netmask and gateway are given
  Ipv4 address{};
  Ipv4 netmask{};
  bool has_gateway = false;
  Ipv4 gateway{};
  bool dhcp = false;
  // Neither static nor dhcp: the IPv6 link-local address alone.
};

/// `<client>:<server>:<gateway>:<netmask>:<hostname>:<device>:<autoconf>:<dns0>:<dns1>:<ntp0>`, or the autoconf word
/// alone, or the shorter forms of dracut (`<device>:<autoconf>`) and of initramfs-tools (`<device>`). An empty text is
/// link-local alone. The error's subject is the wrong word.
Result<IpConfig> parse_ip(std::string_view text);
/// The same for an `ip=` that others are to read. What cannot be used here is left out, and `trouble` says why.
IpConfig parse_foreign_ip(std::string_view text, std::optional<Error>& trouble);

/// A MAC address of six bytes with `:` or `-` between them; false if `text` is none.
bool parse_mac(std::string_view text, std::array<std::uint8_t, 6>& mac);

}  // namespace gdbdebug
