// SPDX-License-Identifier: GPL-2.0-or-later
// TARGET on the command line: each form, and the word that is named when one is wrong.
#include "wire/target.hpp"

#include <gtest/gtest.h>

namespace gdbdebug::client {
namespace {

using Kind = Target::Kind;

TEST(ClientTarget, EachFormIsReadAsWhatItIs) {
  struct Row {
    const char* text;
    Kind kind;
    const char* path;
    const char* user;
    const char* host;
    std::uint32_t port;
  };
  const Row rows[] = {
      {"./debug.sock", Kind::unix_socket, "./debug.sock", "", "", 0},
      {"/run/vm/debug,line", Kind::unix_socket, "/run/vm/debug,line", "", "", 0},
      {"unix:debug.sock", Kind::unix_socket, "debug.sock", "", "", 0},
      {"/dev/null", Kind::serial, "/dev/null", "", "", 0},
      {"/dev/ttyUSB9", Kind::serial, "/dev/ttyUSB9", "", "", 0},
      {"host:1234", Kind::tcp, "", "", "host", 1234},
      {"tcp:host:65535", Kind::tcp, "", "", "host", 65535},
      {"[fe80::1%eth0]:7", Kind::tcp, "", "", "fe80::1%eth0", 7},
      {"vsock:3:4294967295", Kind::vsock, "", "", "3", 4294967295U},
      {"ssh://host", Kind::ssh, "", "", "host", 0},
      {"ssh://root@host:2222/", Kind::ssh, "", "root", "host", 2222},
      {"ssh://me@[::1]:22", Kind::ssh, "", "me", "::1", 22},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.text);
    const auto target = parse_target(row.text);
    ASSERT_TRUE(target.ok()) << target.error().text();
    EXPECT_EQ(target.value().text, row.text);
    EXPECT_EQ(target.value().kind, row.kind);
    EXPECT_EQ(target.value().path, row.path);
    EXPECT_EQ(target.value().user, row.user);
    EXPECT_EQ(target.value().host, row.host);
    EXPECT_EQ(target.value().port, row.port);
  }
}

TEST(ClientTarget, ASpeedFollowsTheDevice) {
  const auto target = parse_target("/dev/ttyS7,57600e7r");
  ASSERT_TRUE(target.ok()) << target.error().text();
  EXPECT_EQ(target.value().path, "/dev/ttyS7");
  EXPECT_EQ(target.value().speed, (Speed{57600, 'e', 7, true}));
}

TEST(ClientTarget, WhatIsWrongIsNamed) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "it is empty"},
      {"/dev/ttyS7,fast", "'fast' is not a speed"},
      {"host:", "'' is not a port"},
      {"host:0", "'0' is not a port"},
      {"host:65536", "'65536' is not a port"},
      {"host:12x", "'12x' is not a port"},
      {"fe80::1:1234", "an IPv6 address needs brackets"},
      {":1234", "there is no host in it"},
      {"ssh://-oProxyCommand=id", "there is no host in it"},
      {"ssh://@host", "there is no user before '@'"},
      {"ssh://-l@host", "there is no user before '@'"},
      {"ssh://", "there is no host in it"},
      {"vsock:3", "'3' is not CID:PORT"},
      {"vsock:3:4294967296", "'3:4294967296' is not CID:PORT"},
      {"unix:", "there is no path in it"},
      {"nothing-by-this-name", "there is no socket or device by that name here"},
  };
  for (const auto& [text, reason] : rows) {
    SCOPED_TRACE(text);
    const auto target = parse_target(text);
    ASSERT_FALSE(target.ok());
    EXPECT_EQ(target.error().code, Exit::usage);
    EXPECT_NE(target.error().reason.find(reason), std::string::npos) << target.error().text();
    EXPECT_FALSE(target.error().next.empty()) << "what would have been right is not said";
  }
}

}  // namespace
}  // namespace gdbdebug::client
