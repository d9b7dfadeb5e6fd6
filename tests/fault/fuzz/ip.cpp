// SPDX-License-Identifier: GPL-2.0-or-later
// ip= and rd.gdbdebug.ip=, and the addresses of from= and tcp:.
#include "core/request/ip.hpp"

#include "core/request/request.hpp"
#include "fuzz.hpp"

using namespace gdbdebug;

FUZZ(ip) {
  const auto config = parse_ip(input);
  if (config) {
    CHECK(fuzz::lies_in(config->device, input));
    CHECK(!config->is_static || !config->dhcp);
    CHECK(!config->has_gateway || config->is_static);
  } else {
    CHECK(!config.error().reason.empty());
  }
  std::optional<Error> trouble;
  const auto foreign = parse_foreign_ip(input, trouble);
  CHECK(trouble.has_value() != static_cast<bool>(config));
  CHECK(fuzz::lies_in(foreign.device, input));
  CHECK(!trouble || !(foreign.is_static || foreign.dhcp || foreign.has_gateway));
  Network network;
  if (parse_address(input, network)) {
    const std::span<const std::uint8_t> own(network.address.data(), network.ipv6 ? 16 : 4);
    network.prefix = network.ipv6 ? 128 : 32;
    CHECK(contains(network, own));  // an address belongs to itself, and with no prefix to everything
    network.prefix = 0;
    CHECK(contains(network, own));
  }
}
