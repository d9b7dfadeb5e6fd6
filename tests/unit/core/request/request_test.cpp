// SPDX-License-Identifier: GPL-2.0-or-later
// The value of rd.gdbdebug=: every line, every option, and every text that says what is wrong with one.
#include "core/request/request.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gdbdebug {
namespace {

using Kind = Line::Kind;

/// What a note says in the kernel log: `'WORD': REASON; expected HINT`.
std::vector<std::string> texts(const Notes& notes) {
  std::vector<std::string> texts;
  for (const auto& note : notes.all()) {
    auto text = "'" + std::string(note.word) + "': " + std::string(note.reason);
    if (!note.hint.empty()) text += "; expected " + std::string(note.hint);
    texts.push_back(text);
  }
  return texts;
}

TEST(Request, EveryKindOfLineIsRead) {
  struct Case {
    std::string_view value;
    Kind kind;
    std::string_view name, address;
    bool ipv6;
    std::uint32_t port;
  };
  const Case cases[] = {
      {"ttyS1", Kind::kTerminal, "ttyS1", "", false, 0},
      {"ttyAMA0", Kind::kTerminal, "ttyAMA0", "", false, 0},
      {"ttyUSB0", Kind::kTerminal, "ttyUSB0", "", false, 0},
      {"ttyACM0", Kind::kTerminal, "ttyACM0", "", false, 0},
      {"hvc0", Kind::kTerminal, "hvc0", "", false, 0},
      {"ttyLF0.1-a_b", Kind::kTerminal, "ttyLF0.1-a_b", "", false, 0},
      {"virtio:gdbdebug", Kind::kVirtio, "gdbdebug", "", false, 0},
      {"virtio:org.example.0", Kind::kVirtio, "org.example.0", "", false, 0},
      {"vsock:2345", Kind::kVsock, "", "", false, 2345},
      {"vsock:1", Kind::kVsock, "", "", false, 1},
      {"vsock:4294967294", Kind::kVsock, "", "", false, 4294967294U},
      {"tcp:2345,insecure", Kind::kTcp, "", "", false, 2345},
      {"tcp:65535,insecure", Kind::kTcp, "", "", false, 65535},
      {"tcp:192.0.2.1:2345,insecure", Kind::kTcp, "", "192.0.2.1", false, 2345},
      {"tcp:[fe80::1]:2345,insecure", Kind::kTcp, "", "fe80::1", true, 2345},
      {"tcp:[::]:2345,insecure", Kind::kTcp, "", "::", true, 2345},
      {"tcp:[fe80::1%eth0]:2345,insecure", Kind::kTcp, "", "fe80::1%eth0", true, 2345},
      {"ssh", Kind::kSsh, "", "", false, 22},
      {"ssh:2222", Kind::kSsh, "", "", false, 2222},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.value);
    Notes notes;
    const auto request = parse_request(one.value, notes);
    ASSERT_TRUE(request) << request.error().reason;
    EXPECT_EQ(texts(notes), std::vector<std::string>{});
    EXPECT_EQ(request->line.kind, one.kind);
    EXPECT_EQ(request->line.name, one.name);
    EXPECT_EQ(request->line.address, one.address);
    EXPECT_EQ(request->line.ipv6, one.ipv6);
    EXPECT_EQ(request->line.port, one.port);
    EXPECT_EQ(request->line.text, one.value.substr(0, one.value.find(',')));
  }
}

TEST(Request, ALineThatCannotBeUsedIsAnErrorThatNamesItAndSaysWhatWouldHaveBeenRight) {
  constexpr std::string_view kNoLine = "no line was given; try rd.gdbdebug=ttyS1,wait";
  constexpr std::string_view kNoDevice = "this is not a device name; try ttyS1";
  constexpr std::string_view kOptionFirst = "the line comes first, then the options; try rd.gdbdebug=ttyS1,wait";
  constexpr std::string_view kMore = "a name or a port must follow: virtio:NAME, vsock:PORT, tcp:PORT";
  constexpr std::string_view kUnknown =
      "this kind of line is not known; try ttyS1, hvc0, virtio:NAME, vsock:PORT, tcp:PORT or ssh";
  constexpr std::string_view kVsock = "the port must be a number, as in vsock:2345";
  constexpr std::string_view kTcp = "the port must be a number from 1 to 65535, as in tcp:2345";
  constexpr std::string_view kSsh = "the port must be a number from 1 to 65535, as in ssh:2222";
  constexpr std::string_view kAddress =
      "the address cannot be read; try tcp:PORT, tcp:192.0.2.1:PORT or tcp:[fe80::1]:PORT";
  constexpr std::string_view kBrackets = "write an IPv6 address as tcp:[ADDR]:PORT";
  constexpr std::string_view kOpen =
      "tcp is in the clear: say who may connect with from=ADDR/PREFIX, or insecure for anyone";
  struct Case {
    std::string_view value, subject, reason;
  };
  const Case cases[] = {
      {"", "", kNoLine},
      {",wait", "", kNoLine},
      {"/dev/ttyS1", "/dev/ttyS1", "give the device without /dev/, as in ttyS1"},
      {"tty/S1", "tty/S1", kNoDevice},
      {"../ttyS1", "../ttyS1", kNoDevice},
      {"..", "..", kNoDevice},
      {".hidden", ".hidden", kNoDevice},
      {"tty S1", "tty S1", kNoDevice},
      {"tty\nS1", "tty\nS1", kNoDevice},
      {"ttyS1;wait", "ttyS1;wait", kNoDevice},
      {"t\xc3\xa4y", "t\xc3\xa4y", kNoDevice},
      {"wait", "wait", kOptionFirst},
      {"crash,exit", "crash", kOptionFirst},
      {"exit", "exit", kOptionFirst},
      {"insecure", "insecure", kOptionFirst},
      {"virtio", "virtio", kMore},
      {"vsock,wait", "vsock", kMore},
      {"tcp", "tcp", kMore},
      {"virtio:", "virtio:", "the port's name is missing; try virtio:gdbdebug"},
      {"vsock:", "vsock:", kVsock},
      {"vsock:0", "vsock:0", kVsock},
      {"vsock:x", "vsock:x", kVsock},
      {"vsock:4294967295", "vsock:4294967295", kVsock},
      {"vsock:4294967296", "vsock:4294967296", kVsock},
      {"tcp:,insecure", "tcp:", kTcp},
      {"tcp:0,insecure", "tcp:0", kTcp},
      {"tcp:65536,insecure", "tcp:65536", kTcp},
      {"tcp:-1,insecure", "tcp:-1", kTcp},
      {"tcp:http,insecure", "tcp:http", kTcp},
      {"tcp:192.0.2.1:,insecure", "tcp:192.0.2.1:", kTcp},
      {"tcp:192.0.2.1:99999,insecure", "tcp:192.0.2.1:99999", kTcp},
      {"tcp:[::1]:0,insecure", "tcp:[::1]:0", kTcp},
      {"tcp:192.0.2:2345,insecure", "tcp:192.0.2:2345", kAddress},
      {"tcp:host:2345,insecure", "tcp:host:2345", kAddress},
      {"tcp:[192.0.2.1]:2345,insecure", "tcp:[192.0.2.1]:2345", kAddress},
      {"tcp:[]:2345,insecure", "tcp:[]:2345", kAddress},
      {"tcp:[g::]:2345,insecure", "tcp:[g::]:2345", kAddress},
      {"tcp:[::1]2345,insecure", "tcp:[::1]2345", kBrackets},
      {"tcp:[::1,insecure", "tcp:[::1", kBrackets},
      {"tcp:2345", "tcp:2345", kOpen},
      {"tcp:2345,wait", "tcp:2345", kOpen},
      {"tcp:2345,from=nonsense", "tcp:2345", kOpen},
      {"ssh:", "ssh:", kSsh},
      {"ssh:0", "ssh:0", kSsh},
      {"ssh:65536", "ssh:65536", kSsh},
      {"udp:2345", "udp:2345", kUnknown},
      {":2345", ":2345", kUnknown},
      {"ttyS1:115200", "ttyS1:115200", kUnknown},
      {"TCP:2345", "TCP:2345", kUnknown},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.value);
    Notes notes;
    const auto request = parse_request(one.value, notes);
    ASSERT_FALSE(request);
    EXPECT_EQ(request.error().step, "reading the line");
    EXPECT_EQ(request.error().subject, one.subject);
    EXPECT_EQ(request.error().reason, one.reason);
  }
}

TEST(Request, AWatchdogIsFedOnlyWhenAskedFor) {
  Notes notes;
  EXPECT_TRUE(parse_request("ttyS1,crash,feed", notes)->feed);
  EXPECT_FALSE(parse_request("ttyS1,crash", notes)->feed);
  EXPECT_EQ(texts(notes), std::vector<std::string>{});
  EXPECT_FALSE(parse_request("ttyS1,feed=1", notes)->feed);
  EXPECT_EQ(texts(notes).size(), 1U);
}

TEST(Request, ModesAreReadInAnyMixture) {
  using Seconds = std::optional<std::uint32_t>;
  struct Case {
    std::string_view value;
    bool wait;
    Seconds wait_seconds;
    bool crash;
    Seconds crash_seconds;
    bool exit;
  };
  const Case cases[] = {
      {"ttyS1", false, {}, false, {}, false},
      {"ttyS1,wait", true, {}, false, {}, false},
      {"ttyS1,wait=1", true, 1, false, {}, false},
      {"ttyS1,wait=8640000", true, 8640000, false, {}, false},
      {"ttyS1,wait=030", true, 30, false, {}, false},
      {"ttyS1,crash", false, {}, true, {}, false},
      {"ttyS1,crash=5", false, {}, true, 5, false},
      {"ttyS1,exit", false, {}, false, {}, true},
      {"ttyS1,wait,crash,exit", true, {}, true, {}, true},
      {"ttyS1,exit,crash=3,wait=2", true, 2, true, 3, true},
      // Repeated: the last one wins.
      {"ttyS1,wait=5,wait", true, {}, false, {}, false},
      {"ttyS1,wait,wait=5", true, 5, false, {}, false},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.value);
    Notes notes;
    const auto request = parse_request(one.value, notes);
    ASSERT_TRUE(request);
    EXPECT_EQ(texts(notes), std::vector<std::string>{});
    EXPECT_EQ(request->wait, one.wait);
    EXPECT_EQ(request->wait_seconds, one.wait_seconds);
    EXPECT_EQ(request->crash, one.crash);
    EXPECT_EQ(request->crash_seconds, one.crash_seconds);
    EXPECT_EQ(request->exit, one.exit);
    EXPECT_EQ(request->armed(), one.crash || one.exit);
    EXPECT_EQ(request->holds(), one.wait || one.crash || one.exit);
  }
}

TEST(Request, WaitHoldsAtTheFirstInstructionUnlessOtherPlacesAreNamed) {
  struct Case {
    std::string_view value;
    bool wait, init, root, shutdown;
    std::size_t notes = 0;
  };
  const Case cases[] = {
      {"ttyS1", false, false, false, false},
      {"ttyS1,wait", true, true, false, false},
      {"ttyS1,at=init", true, true, false, false},
      {"ttyS1,at=root", true, false, true, false},
      {"ttyS1,wait=30,at=root:shutdown", true, false, true, true},
      {"ttyS1,at=init:root:shutdown", true, true, true, true},
      {"ttyS1,at=root,at=shutdown", true, false, true, true},
      {"ttyS1,at=foo", false, false, false, false, 1},
      {"ttyS1,at=root:foo", false, false, false, false, 1},
      {"ttyS1,at=", false, false, false, false, 1},
      {"ttyS1,at", false, false, false, false, 1},
      {"ttyS1,at=root:", false, false, false, false, 1},
      {"ttyS1,wait,at=foo", true, true, false, false, 1},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.value);
    Notes notes;
    const auto request = parse_request(one.value, notes);
    ASSERT_TRUE(request);
    EXPECT_EQ(texts(notes).size(), one.notes);
    EXPECT_EQ(request->wait, one.wait);
    EXPECT_EQ(request->at_init, one.init);
    EXPECT_EQ(request->at_root, one.root);
    EXPECT_EQ(request->at_shutdown, one.shutdown);
    EXPECT_EQ(request->holds(), one.wait);
  }
}

TEST(Request, SpeedsHaveTheSyntaxOfConsole) {
  struct Case {
    std::string_view text;
    std::optional<Speed> speed;
  };
  const Case cases[] = {
      {"115200", Speed{}},
      {"115200n8", Speed{}},
      {"115200n", Speed{}},
      {"9600", Speed{9600, 'n', 8, false}},
      {"9600o7", Speed{9600, 'o', 7, false}},
      {"9600e8", Speed{9600, 'e', 8, false}},
      {"115200n8r", Speed{115200, 'n', 8, true}},
      {"1200", Speed{1200, 'n', 8, false}},
      {"4000000n8", Speed{4000000, 'n', 8, false}},
      {"921600", Speed{921600, 'n', 8, false}},
      {"", {}},
      {"n8", {}},
      {"115200x8", {}},
      {"115200N8", {}},
      {"115200n9", {}},
      {"115200n6", {}},
      {"115200n8x", {}},
      {"115200n8rr", {}},
      {"115200 n8", {}},
      {"115201", {}},
      {"0", {}},
      {"300", {}},
      {"4294967296", {}},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.text);
    EXPECT_EQ(parse_speed(one.text), one.speed);
  }
  Notes notes;
  const auto request = parse_request("ttyUSB0,9600o7r,wait,57600", notes);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->speed, (Speed{57600, 'n', 8, false})) << "the last speed wins";
}

TEST(Request, WhatIsWrongWithAnOptionIsNotedAndTheRestIsUsed) {
  constexpr auto kKnown =
      "; expected wait, wait=SECONDS, at=PLACE, crash, crash=SECONDS, handled, exit, reboot, core, core=KIB, core=all, "
      "hang=SECONDS, feed, hold=PROGRAM, holdtime=SECONDS, modules=A:B, from=ADDR/PREFIX, insecure";
  constexpr auto kSeconds = ": SECONDS must be a whole number from 1 to 8640000; expected wait=30";
  constexpr auto kSpeed = ": the speed cannot be read; expected 115200n8, as in console=";
  constexpr auto kHang = ": SECONDS must be a whole number from 1 to 8640000; expected hang=60";
  constexpr auto kHold =
      ": PROGRAM must be an absolute path or a file name, without colon or comma; expected hold=systemd-udevd";
  constexpr auto kCore = ": KIB must be a whole number from 8 to 1048576, or all; expected core=64";
  constexpr auto kModules = ": this is not a list of module names; expected modules=virtio_console:xhci_pci";
  constexpr auto kFrom = ": the address cannot be read; expected from=192.0.2.0/24";
  constexpr auto kPrefix = ": the prefix length cannot be read; expected from=192.0.2.0/24";
  struct Case {
    std::string_view value;
    std::vector<std::string> notes;
  };
  const auto quoted = [](std::string_view word, const char* rest) { return "'" + std::string(word) + "'" + rest; };
  const auto unknown = [&](std::string_view word) { return quoted(word, ": unknown option") + kKnown; };
  const Case cases[] = {
      {"ttyS1,wiat", {unknown("wiat")}},
      {"ttyS1,Wait", {unknown("Wait")}},
      {"ttyS1,exit=1", {unknown("exit=1")}},
      {"ttyS1,insecure=1", {unknown("insecure=1")}},
      {"ttyS1, wait", {unknown(" wait")}},
      {"ttyS1,wait,nonsense,crash", {unknown("nonsense")}},
      {"ttyS1,a,b", {unknown("a"), unknown("b")}},
      {"ttyS1,", {"'': there is an empty option; one comma is too many"}},
      {"ttyS1,,wait", {"'': there is an empty option; one comma is too many"}},
      {"ttyS1,wait=", {quoted("wait=", kSeconds)}},
      {"ttyS1,wait=0", {quoted("wait=0", kSeconds)}},
      {"ttyS1,wait=-1", {quoted("wait=-1", kSeconds)}},
      {"ttyS1,wait=1s", {quoted("wait=1s", kSeconds)}},
      {"ttyS1,wait=1.5", {quoted("wait=1.5", kSeconds)}},
      {"ttyS1,wait=8640001", {quoted("wait=8640001", kSeconds)}},
      {"ttyS1,wait=99999999999", {quoted("wait=99999999999", kSeconds)}},
      {"ttyS1,115200x", {quoted("115200x", kSpeed)}},
      {"ttyS1,12345", {quoted("12345", kSpeed)}},
      {"vsock:1,115200", {"'115200': only a terminal has a speed"}},
      {"ttyS1,modules=", {"'modules=': no module is named; expected modules=virtio_console:xhci_pci"}},
      {"ttyS1,modules", {"'modules': no module is named; expected modules=virtio_console:xhci_pci"}},
      {"ttyS1,modules=a::b", {quoted("modules=a::b", kModules)}},
      {"ttyS1,modules=../a", {quoted("modules=../a", kModules)}},
      {"ttyS1,modules=a b", {quoted("modules=a b", kModules)}},
      {"ssh,from=", {quoted("from=", kFrom)}},
      {"ssh,from", {quoted("from", kFrom)}},
      {"ssh,from=host", {quoted("from=host", kFrom)}},
      {"ssh,from=192.0.2.1/33", {quoted("from=192.0.2.1/33", kPrefix)}},
      {"ssh,from=192.0.2.1/", {quoted("from=192.0.2.1/", kPrefix)}},
      {"ssh,from=192.0.2.1/255.255.255.0", {quoted("from=192.0.2.1/255.255.255.0", kPrefix)}},
      {"ssh,from=::/129", {quoted("from=::/129", kPrefix)}},
      {"ttyS1,from=192.0.2.1", {"'from': only tcp and ssh have peers to choose from"}},
      {"ttyS1,handled", {"'handled': it changes what crash holds at; expected crash,handled"}},
      {"ttyS1,crash,reboot", {"'reboot': it adds to what exit holds at; expected exit,reboot"}},
      {"ttyS1,exit,reboot=1", {unknown("reboot=1")}},
      {"ttyS1,handled=1", {unknown("handled=1")}},
      {"ttyS1,crash,core=", {quoted("core=", kCore)}},
      {"ttyS1,crash,core=x", {quoted("core=x", kCore)}},
      {"ttyS1,crash,core=7", {quoted("core=7", kCore)}},
      {"ttyS1,crash,core=1048577", {quoted("core=1048577", kCore)}},
      {"ttyS1,crash,core=ALL", {quoted("core=ALL", kCore)}},
      {"ttyS1,crash,core=64k", {quoted("core=64k", kCore)}},
      {"ttyS1,wait,core", {"'core': it needs crash, exit or hang=, which say when; expected crash,core"}},
      {"ttyS1,hang=30,core", {}},
      {"ttyS1,hang", {quoted("hang", kHang)}},
      {"ttyS1,hang=0", {quoted("hang=0", kHang)}},
      {"ttyS1,hang=x", {quoted("hang=x", kHang)}},
      {"ttyS1,hold=systemd-udevd,holdtime=30", {}},
      {"ttyS1,hold=/usr/lib/systemd/systemd-udevd", {}},
      {"ttyS1,hold=a,hold=b,hold=c,hold=d,hold=e,hold=f,hold=g,hold=h,hold=a", {}},
      {"ttyS1,hold=a,hold=b,hold=c,hold=d,hold=e,hold=f,hold=g,hold=h,hold=i",
       {"'hold=i': there is room for eight of these only"}},
      {"ttyS1,hold", {quoted("hold", kHold)}},
      {"ttyS1,hold=", {quoted("hold=", kHold)}},
      {"ttyS1,hold=a:b", {quoted("hold=a:b", kHold)}},
      {"ttyS1,hold=lib/udevd", {quoted("hold=lib/udevd", kHold)}},
      {"ttyS1,hold=/usr/bin/", {quoted("hold=/usr/bin/", kHold)}},
      {"ttyS1,hold=a\x1b", {quoted("hold=a\x1b", kHold)}},
      {"ttyS1,hold=..", {quoted("hold=..", kHold)}},
      {"ttyS1,holdtime=30",
       {"'holdtime': it needs hold=, which says what is held; expected hold=systemd-udevd,holdtime=30"}},
      {"ttyS1,hold=a,holdtime=0",
       {"'holdtime=0': SECONDS must be a whole number from 1 to 8640000; expected holdtime=30"}},
      {"ttyS1,crash,exit,hold=a", {}},
      {"ttyS1,insecure", {"'insecure': only tcp can be insecure"}},
      {"ssh,insecure", {"'insecure': only tcp can be insecure"}},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.value);
    Notes notes;
    const auto request = parse_request(one.value, notes);
    ASSERT_TRUE(request) << request.error().reason;
    EXPECT_EQ(texts(notes), one.notes);
  }
}

TEST(Request, ACoreHasASize) {
  struct Case {
    std::string_view value;
    bool core;
    std::optional<std::uint32_t> kib;
    bool all;
  };
  const Case cases[] = {
      {"ttyS1,crash", false, {}, false},        {"ttyS1,crash,core", true, {}, false},
      {"ttyS1,exit,core=8", true, 8, false},    {"ttyS1,crash,core=1048576", true, 1048576, false},
      {"ttyS1,crash,core=all", true, {}, true}, {"ttyS1,crash,core=all,core=16", true, 16, false},
      {"ttyS1,crash,core=x", false, {}, false}, {"ttyS1,crash,core=16,core", true, {}, false},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.value);
    Notes notes;
    const auto request = parse_request(one.value, notes);
    ASSERT_TRUE(request);
    EXPECT_EQ(request->core, one.core);
    EXPECT_EQ(request->core_kib, one.kib);
    EXPECT_EQ(request->core_all, one.all);
  }
}

TEST(Request, ABadNumberOfSecondsDoesNotHoldTheMachineForEver) {
  for (const std::string_view value : {"ttyS1,wait=", "ttyS1,wait=x", "ttyS1,wait=0", "ttyS1,crash=x"}) {
    SCOPED_TRACE(value);
    Notes notes;
    const auto request = parse_request(value, notes);
    ASSERT_TRUE(request);
    EXPECT_FALSE(request->wait || request->crash);
    EXPECT_EQ(notes.all().size(), 1U);
  }
}

TEST(Request, AHintForCrashNamesCrash) {
  Notes notes;
  ASSERT_TRUE(parse_request("ttyS1,crash=x", notes));
  ASSERT_EQ(notes.all().size(), 1U);
  EXPECT_EQ(notes.all()[0].hint, "crash=30") << "what would have been right is not another option";
}

TEST(Request, MoreNotesThanThereIsRoomForAreCounted) {
  std::string value = "ttyS1";
  for (int i = 0; i < 20; ++i) value += ",bad";
  Notes notes;
  const auto request = parse_request(value + ",wait", notes);
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->wait);
  EXPECT_EQ(notes.all().size(), 8U);
  EXPECT_EQ(notes.dropped(), 12U);
}

TEST(Request, ModulesAreKeptAsTheyWereWritten) {
  Notes notes;
  const auto request = parse_request("hvc0,modules=virtio_console:virtio-pci,wait", notes);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->modules, "virtio_console:virtio-pci");
  EXPECT_TRUE(request->wait);
}

TEST(Request, PeersAreCollected) {
  Notes notes;
  const auto request = parse_request("tcp:1,from=192.0.2.0/24,from=fe80::/10,from=198.51.100.7", notes);
  ASSERT_TRUE(request) << request.error().reason;
  ASSERT_EQ(request->networks().size(), 3U);
  EXPECT_EQ(request->networks()[0].prefix, 24);
  EXPECT_FALSE(request->networks()[0].ipv6);
  EXPECT_EQ(request->networks()[1].prefix, 10);
  EXPECT_TRUE(request->networks()[1].ipv6);
  EXPECT_EQ(request->networks()[2].prefix, 32);
}

TEST(Request, ThereIsRoomForEightPeersAndANinthIsNoted) {
  std::string value = "ssh";
  for (int i = 0; i < 9; ++i) value += ",from=10.0.0." + std::to_string(i);
  Notes notes;
  const auto request = parse_request(value, notes);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->networks().size(), 8U);
  EXPECT_EQ(texts(notes), std::vector<std::string>{"'from=10.0.0.8': there is room for eight of these only"});
}

TEST(Request, AddressesAreReadAsTheRfcsSay) {
  struct Case {
    std::string_view text;
    std::optional<std::string_view> bytes;  ///< nullopt: no address
  };
  const auto v4 = [](std::string_view bytes) { return std::optional(bytes); };
  const Case cases[] = {
      {"0.0.0.0", v4({"\0\0\0\0", 4})},
      {
          "192.0.2.255",
          v4("\xc0\x00\x02\xff"),
      },
      {"192.0.2", {}},
      {"192.0.2.1.1", {}},
      {"192.0.2.256", {}},
      {"192.0.2.", {}},
      {".192.0.2.1", {}},
      {"192..2.1", {}},
      {"192.0.2.-1", {}},
      {"192.0.2.1 ", {}},
      {"", {}},
      {"host", {}},
      {"::", v4({"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16})},
      {"::1", v4({"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16})},
      {"1::", v4({"\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16})},
      {"fe80::1:2", v4({"\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\1\0\2", 16})},
      {"1:2:3:4:5:6:7:8", v4({"\0\1\0\2\0\3\0\4\0\5\0\6\0\7\0\10", 16})},
      {"1:2:3:4:5:6:7::", v4({"\0\1\0\2\0\3\0\4\0\5\0\6\0\7\0\0", 16})},
      {"::2:3:4:5:6:7:8", v4({"\0\0\0\2\0\3\0\4\0\5\0\6\0\7\0\10", 16})},
      {"FFFF::ffff", v4({"\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff", 16})},
      {"::ffff:192.0.2.1", v4({"\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1", 16})},
      {"1:2:3:4:5:6:192.0.2.1", v4({"\0\1\0\2\0\3\0\4\0\5\0\6\xc0\0\2\1", 16})},
      {":", {}},
      {":::", {}},
      {"1:2:3:4:5:6:7", {}},
      {"1:2:3:4:5:6:7:8:9", {}},
      {"1:2:3:4:5:6:7:8:", {}},
      {":1:2:3:4:5:6:7:8", {}},
      {"1::2::3", {}},
      {"1:2:3:4::5:6:7:8", {}},
      {"12345::", {}},
      {"g::", {}},
      {"::1%eth0", {}},
      {"::192.0.2.1:1", {}},
      {"1:2:3:4:5:6:7:192.0.2.1", {}},
      {"1:", {}},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.text);
    Network network;
    ASSERT_EQ(parse_address(one.text, network), one.bytes.has_value());
    if (!one.bytes) continue;
    EXPECT_EQ(network.ipv6, one.bytes->size() == 16);
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(network.address.data()), one.bytes->size()), *one.bytes);
  }
}

TEST(Request, APeerBelongsToANetworkOrDoesNot) {
  struct Case {
    std::string_view network;
    std::uint8_t prefix;
    std::string_view peer;
    bool inside;
  };
  const Case cases[] = {
      {"192.0.2.0", 24, "192.0.2.1", true},
      {"192.0.2.0", 24, "192.0.3.1", false},
      {"192.0.2.1", 32, "192.0.2.1", true},
      {"192.0.2.1", 32, "192.0.2.0", false},
      {"0.0.0.0", 0, "203.0.113.9", true},
      {"0.0.0.0", 0, "fe80::1", false},
      {"128.0.0.0", 1, "255.0.0.1", true},
      {"128.0.0.0", 1, "127.0.0.1", false},
      {"192.0.2.128", 25, "192.0.2.129", true},
      {"192.0.2.128", 25, "192.0.2.127", false},
      {"192.0.2.77", 24, "192.0.2.1", true},  // bits behind the prefix do not matter
      {"192.0.2.0", 24, "::ffff:192.0.2.1", true},
      {"192.0.2.0", 24, "::ffff:192.0.3.1", false},
      {"192.0.2.0", 24, "::192.0.2.1", false},
      {"fe80::", 10, "fe80::1", true},
      {"fe80::", 10, "febf::1", true},
      {"fe80::", 10, "fec0::1", false},
      {"::", 0, "2001:db8::1", true},
      {"::", 0, "192.0.2.1", false},
      {"2001:db8::1", 128, "2001:db8::1", true},
      {"2001:db8::1", 128, "2001:db8::2", false},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(std::string(one.network) + "/" + std::to_string(one.prefix) + " " + std::string(one.peer));
    Network network;
    Network peer;
    ASSERT_TRUE(parse_address(one.network, network) && parse_address(one.peer, peer));
    network.prefix = one.prefix;
    EXPECT_EQ(contains(network, {peer.address.data(), peer.ipv6 ? 16U : 4U}), one.inside);
  }
  Network any;
  EXPECT_FALSE(contains(any, std::span<const std::uint8_t>{})) << "no address at all is no peer";
}

TEST(Request, EveryPrefixOfAValueIsTakenOrRefusedButNeverCrashes) {
  constexpr std::string_view kValue =
      "tcp:[fe80::1%eth0]:2345,wait=30,crash=5,exit,from=192.0.2.0/24,from=fe80::/10,modules=a:b,115200n8r,insecure";
  for (std::size_t size = 0; size <= kValue.size(); ++size) {
    SCOPED_TRACE(size);
    const std::string value(kValue.substr(0, size));  // a copy of its own, so that reading past its end shows
    Notes notes;
    const auto request = parse_request(value, notes);
    if (!request) {
      EXPECT_FALSE(request.error().reason.empty());
    }
  }
}

}  // namespace
}  // namespace gdbdebug
