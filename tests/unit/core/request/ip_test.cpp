// SPDX-License-Identifier: GPL-2.0-or-later
// rd.gdbdebug.ip= and ip=: core/request/ip.hpp.
#include "core/request/ip.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gdbdebug {
namespace {

std::string dotted(const Ipv4& address) {
  std::string text;
  for (const auto byte : address) text += (text.empty() ? "" : ".") + std::to_string(byte);
  return text;
}

TEST(Ip, IsReadAsTheKernelAndDracutWriteIt) {
  struct Case {
    std::string_view text;
    std::string_view device;
    bool dhcp;
    std::string_view address, netmask, gateway;  ///< empty: not static, or none
  };
  const Case cases[] = {
      {"", "", false, "", "", ""},
      {"dhcp", "", true, "", "", ""},
      {"on", "", true, "", "", ""},
      {"any", "", true, "", "", ""},
      {"off", "", false, "", "", ""},
      {"none", "", false, "", "", ""},
      {"eth0:dhcp", "eth0", true, "", "", ""},
      {"eth0:none", "eth0", false, "", "", ""},
      {"52:54:00:12:34:56:dhcp", "52:54:00:12:34:56", true, "", "", ""},
      {"52-54-00-12-34-56:dhcp", "52-54-00-12-34-56", true, "", "", ""},
      {":::::eth1:dhcp", "eth1", true, "", "", ""},
      // dracut.cmdline(7), systemd-network-generator(8), nm-initrd-generator(8), initramfs-tools(7)
      {"single-dhcp", "", true, "", "", ""},
      {"auto", "", true, "", "", ""},
      {"dhcp6", "", false, "", "", ""},
      {"link6", "", false, "", "", ""},
      {"enp1s0:dhcp", "enp1s0", true, "", "", ""},
      {"enp1s0:auto6:1500:52:54:00:12:34:56", "enp1s0", false, "", "", ""},
      {"enp1s0:dhcp:1500", "enp1s0", true, "", "", ""},
      {":dhcp", "", true, "", "", ""},
      {"eth0", "eth0", true, "", "", ""},
      {"52:54:00:12:34:56", "52:54:00:12:34:56", true, "", "", ""},
      {":::::eth0", "eth0", true, "", "", ""},
      {"::::host:eth0:on", "eth0", true, "", "", ""},
      {"192.0.2.2:[2001:db8::9]:192.0.2.1:24:host:enp1s0:none:9000", "enp1s0", false, "192.0.2.2", "255.255.255.0",
       "192.0.2.1"},
      {"192.0.2.2/25::192.0.2.1::host:enp1s0:none", "enp1s0", false, "192.0.2.2", "255.255.255.128", "192.0.2.1"},
      {"192.0.2.2::192.0.2.1:255.255.255.0:host:eth0:none", "eth0", false, "192.0.2.2", "255.255.255.0", "192.0.2.1"},
      {"192.0.2.2:192.0.2.9:192.0.2.1:255.255.255.128:host:eth0:off:192.0.2.53:192.0.2.54:192.0.2.55", "eth0", false,
       "192.0.2.2", "255.255.255.128", "192.0.2.1"},
      {"192.0.2.2::192.0.2.1:24::eth0:none", "eth0", false, "192.0.2.2", "255.255.255.0", "192.0.2.1"},
      {"192.0.2.2::::::none", "", false, "192.0.2.2", "255.255.255.0", ""},
      {"10.1.2.3::::::none", "", false, "10.1.2.3", "255.0.0.0", ""},
      {"172.16.0.9::::::none", "", false, "172.16.0.9", "255.255.0.0", ""},
      {"192.0.2.2:::0:::none", "", false, "192.0.2.2", "0.0.0.0", ""},
      {"192.0.2.2:::32:::none", "", false, "192.0.2.2", "255.255.255.255", ""},
      {"192.0.2.2:::25:::none", "", false, "192.0.2.2", "255.255.255.128", ""},
      {"192.0.2.2:::255.255.255.0::52-54-00-12-34-56:none", "52-54-00-12-34-56", false, "192.0.2.2", "255.255.255.0",
       ""},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.text);
    const auto config = parse_ip(one.text);
    ASSERT_TRUE(config) << config.error().subject << ": " << config.error().reason;
    EXPECT_EQ(config->device, one.device);
    EXPECT_EQ(config->dhcp, one.dhcp);
    EXPECT_EQ(config->is_static, !one.address.empty());
    EXPECT_EQ(config->has_gateway, !one.gateway.empty());
    if (!one.address.empty()) {
      EXPECT_EQ(dotted(config->address), one.address);
      EXPECT_EQ(dotted(config->netmask), one.netmask);
    }
    if (!one.gateway.empty()) {
      EXPECT_EQ(dotted(config->gateway), one.gateway);
    }
  }
}

TEST(Ip, AnErrorNamesTheWrongWord) {
  struct Case {
    std::string_view text, subject;
  };
  const Case cases[] = {
      {"192.0.2.256::::::none", "192.0.2.256"},
      {"host::::::none", "host"},
      {"192.0.2.2::gateway::::none", "gateway"},
      {"192.0.2.2::::::sometimes", "sometimes"},
      {"192.0.2.2:::33:::none", "33"},
      {"192.0.2.2:::255.255.255:::none", "255.255.255"},
      {"[fe80::1]::::::none", "[fe80::1]"},
      {"[2001:db8::2]/64::[2001:db8::1]::host:eth0:none", "[2001:db8::2]/64"},
      {"192.0.2.2/33::::::none", "33"},
      {"nonsense", "nonsense"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.text);
    const auto config = parse_ip(one.text);
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().subject, one.subject);
    EXPECT_FALSE(config.error().reason.empty());
  }
}

TEST(Ip, OfAForeignOneWhatCannotBeUsedIsLeftOut) {
  struct Case {
    std::string_view text, device, trouble;
    bool dhcp;
  };
  const Case cases[] = {
      {"dhcp", "", "", true},
      {"enp1s0:dhcp", "enp1s0", "", true},
      {"[2001:db8::2]::[2001:db8::1]:64:host:eth0:none", "eth0", "[2001:db8::2]", false},
      {"192.0.2.2::192.0.2.1:33::eth0:none", "eth0", "33", false},
      {"192.0.2.2::::::sometimes", "", "sometimes", false},
      {"nonsense", "", "nonsense", false},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.text);
    std::optional<Error> trouble;
    const auto config = parse_foreign_ip(one.text, trouble);
    EXPECT_EQ(config.device, one.device);
    EXPECT_EQ(config.dhcp, one.dhcp);
    EXPECT_FALSE(config.is_static || config.has_gateway);
    EXPECT_EQ(trouble ? trouble->subject : "", one.trouble);
  }
}

TEST(Ip, MacAddressesHaveSixBytesWithOneKindOfSeparator) {
  struct Case {
    std::string_view text;
    bool good;
  };
  const Case cases[] = {
      {"52:54:00:12:34:56", true},  {"52-54-00-ab-CD-ef", true},
      {"52:54:00:12:34:5", false},  {"52:54:00:12:34:567", false},
      {"52:54-00:12:34:56", false}, {"52.54.00.12.34.56", false},
      {"5g:54:00:12:34:56", false}, {"", false},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.text);
    std::array<std::uint8_t, 6> mac{};
    EXPECT_EQ(parse_mac(one.text, mac), one.good);
  }
  std::array<std::uint8_t, 6> mac{};
  ASSERT_TRUE(parse_mac("52:54:00:ab:CD:ef", mac));
  EXPECT_EQ(mac, (std::array<std::uint8_t, 6>{0x52, 0x54, 0, 0xab, 0xcd, 0xef}));
}

}  // namespace
}  // namespace gdbdebug
