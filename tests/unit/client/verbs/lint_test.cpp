// SPDX-License-Identifier: GPL-2.0-or-later
// What check --cmdline says: the helper's own judgement, and where it points.
#include "verbs/lint.hpp"

#include <gtest/gtest.h>

namespace gdbdebug::client {
namespace {

constexpr const char* kDefault = "ttyS1,wait";

// The words that remarks point at, each with a `!` if the machine would boot without us.
std::vector<std::string> pointed_at(const Lint& lint) {
  std::vector<std::string> words;
  for (const auto& remark : lint.remarks) {
    EXPECT_LE(remark.column + remark.length, lint.text.size());
    words.push_back((remark.fault ? "!" : "") + lint.text.substr(remark.column, remark.length));
  }
  return words;
}

TEST(ClientLint, EachWrongWordIsPointedAt) {
  const std::pair<const char*, std::vector<std::string>> rows[] = {
      {"ttyS1,wait", {}},
      {"rd.gdbdebug=ttyS1,115200n8,wait=30,crash,exit", {}},
      {"quiet rd.gdbdebug=virtio:gdbdebug,wait rw", {}},
      {"rd.gdbdebug=ttyS1,wat", {"wat"}},
      {"wait rd.gdbdebug=ttyS1,wait,wat", {"wat"}},
      {"rd.gdbdebug=ttyS1,wait=never", {"wait=never"}},
      {"rd.gdbdebug=tcp:1234,wait", {"!tcp:1234"}},
      {"rd.gdbdebug=virtio:", {"!virtio:"}},
      {"rd.gdbdebug=wait", {"!wait"}},
      {"rd.gdbdebug=ttys1,wait", {"ttys1"}},
      {"rd.gdbdebug=tty1,wait", {"tty1"}},
      {"rd.gdbdebug=ttymxc0,wait", {}},
      {"rd.gdbdebug=tcp:2345,insecure rd.gdbdebug.ip=garbage", {"!garbage"}},
      {"rd.gdbdebug=tcp:2345,insecure rd.gdbdebug.ip=192.0.2.1:::255.255.255.300::eth0:none", {"!255.255.255.300"}},
      {"rd.gdbdebug=tcp:2345,insecure rd.gdbdebug.ip=dhcp", {}},
      {"rd.gdbdebug=ttyS1 rd.gdbdebug.ip=garbage", {}},
      {"rd.gdbdebug=tcp:2345,insecure ip=enp1s0:dhcp", {}},
      {"rd.gdbdebug=tcp:2345,insecure ip=garbage", {"garbage"}},
      {"rd.gdbdebug=tcp:2345,insecure ip=garbage rd.gdbdebug.ip=dhcp", {}},
      {"rd.gdbdebug=ttyS1 ip=garbage", {}},
      {"rd.gdbdebug=ttyS1,crash,handled", {}},
      {"rd.gdbdebug=ttyS1,wait,handled", {"handled"}},
      {"rd.gdbdebug=ttyS1,exit,reboot", {}},
      {"rd.gdbdebug=ttyS1,crash,reboot", {"reboot"}},
      {"rd.gdbdebug=ttyS1,crash,handled=1", {"handled=1"}},
      {"rd.gdbdebug=handled", {"!handled"}},
      {"rd.gdbdebug=ttyS1,crash,core", {}},
      {"rd.gdbdebug=ttyS1,exit,core=all", {}},
      {"rd.gdbdebug=ttyS1,wait,core", {"core"}},
      {"rd.gdbdebug=ttyS1,crash,core=x", {"core=x"}},
      {"rd.gdbdebug=core", {"!core"}},
      {"rd.gdbdebug=ttyS1,at=init:root:shutdown", {}},
      {"rd.gdbdebug=ttyS1,at=rooot", {"at=rooot"}},
      {"rd.gdbdebug=ttyS1,hold=systemd-udevd,holdtime=30", {}},
      {"rd.gdbdebug=ttyS1,hold=a/b", {"hold=a/b"}},
      {"rd.gdbdebug=ttyS1,holdtime=30", {"holdtime"}},
      {"rd.gdbdebug=ttyS1,hold=/bin/sh", {"/bin/sh"}},
      {"rd.gdbdebug=hold=udevd", {"!hold=udevd"}},
      {"rd.gdbdebug=ttyS1,hang=60,core", {}},
      {"rd.gdbdebug=ttyS1,hang", {"hang"}},
      {"rd.gdbdebug=hang=60", {"!hang=60"}},
      {"rd.gdbdebug=ttyS1,wait rd.gdbdebug.kdump=1", {}},
      {"rd.gdbdebug=ttyS1,wait rd.gdbdebug.kdump", {}},
      {"rd.gdbdebug=ttyS1,wait rd.gdbdebug.kdump=0", {}},
      {"rd.gdbdebug=ttyS1,wait rd.gdbdebug.kdump=2", {"2"}},
      {"rd.gdbdebug=ttyS1,wait elfcorehdr=0x7f000000", {}},
      {"console=ttyS1,115200 console=ttyS0 rd.gdbdebug=ttyS1,wait", {}},  // one wire for both
      {"rd.gdbdebug=console,wait", {}},
      {"rd.gdbdebug=hvc0,wait", {"hvc0"}},
      {"rd.gdbdebug=hvc0,wait systemd.mask=serial-getty@hvc0.service", {}},
      {"systemd.getty_auto=0 rd.gdbdebug=ttysclp0,wait", {}},
      {"rd.gdbdebug=hvc1,wait systemd.mask=serial-getty@hvc0.service", {}},
      {"quiet splash", {"!quiet splash"}},
      {"rdinit=/bin/sh rd.gdbdebug=ttyS1,wait", {"!/bin/sh"}},
      {"rdinit=/bin/sh rd.gdbdebug", {"!/bin/sh"}},
      {"rdinit=/bin/sh rdinit=/init rd.gdbdebug=ttyS1,wait", {}},
      {"rdinit=/gdbdebug/init rd.gdbdebug=ttyS1,wait", {}},
      {"rdinit=/bin/sh rd.gdbdebug=off", {}},
      {"rd.gdbdebug=bad rd.gdbdebug=ttyS1,wait", {}},
      {"rd.gdbdebug=off", {}},
      {"rd.gdbdebug", {}},
      {"console=ttyS1,115200 rd.gdbdebug", {}},
  };
  for (const auto& [text, words] : rows) {
    SCOPED_TRACE(text);
    EXPECT_EQ(pointed_at(lint(text, kDefault)), words);
  }
}

TEST(ClientLint, TheCaretStandsUnderTheWord) {
  EXPECT_EQ(in_words(lint("rd.gdbdebug=ttyS1,wat", kDefault)).substr(0, 44),
            "rd.gdbdebug=ttyS1,wat\n"
            "                  ^~~\n");
}

TEST(ClientLint, InAKdumpKernelDebuggingIsOffUnlessItIsAllowed) {
  const auto is_off = [](const char* text) {
    return lint(text, kDefault).meaning.starts_with("debugging is off, for elfcorehdr=");
  };
  EXPECT_TRUE(is_off("rd.gdbdebug=ttyS1,wait elfcorehdr=0x7f000000"));
  EXPECT_TRUE(is_off("rd.gdbdebug elfcorehdr=1024K@0x7f000000"));
  EXPECT_TRUE(is_off("rd.gdbdebug=ttyS1,wait elfcorehdr=0x7f000000 rd.gdbdebug.kdump=0"));
  EXPECT_FALSE(is_off("rd.gdbdebug=ttyS1,wait elfcorehdr=0x7f000000 rd.gdbdebug.kdump=1"));
  EXPECT_FALSE(is_off("rd.gdbdebug=ttyS1,wait rd.gdbdebug.kdump=0"));
}

TEST(ClientLint, TheMeaningIsSaid) {
  const std::pair<const char*, const char*> rows[] = {
      {"ttyS1,9600e7r,wait=9", "the line is ttyS1 at 9600e7r; PID 1 is held at its first instruction, for 9 seconds"},
      {"ttyS1", "the line is ttyS1 at 115200n8; the boot goes straight on"},
      {"rd.gdbdebug=ttyS1 rd.gdbdebug=ttyS2,wait", "the last of 2 counts: the line is ttyS2"},
      {"rd.gdbdebug=no", "debugging is off"},
      {"tcp:1,insecure", "the line is tcp:1; whoever reaches the machine can debug it"},
      {"tcp:1,from=192.0.2.0/24", "the line is tcp:1; only from the network of from="},
      {"rd.gdbdebug", "as hvc0,wait, the image's default: the line is hvc0"},
      {"1", "as hvc0,wait, the image's default: the line is hvc0"},
      {"rd.gdbdebug=1", "as hvc0,wait, the image's default: the line is hvc0"},
  };
  for (const auto& [text, meaning] : rows) {
    SCOPED_TRACE(text);
    const auto linted = lint(text, "hvc0,wait");
    EXPECT_EQ(linted.meaning.find(meaning), 0U) << linted.meaning;
  }
}

TEST(ClientLint, AWrongDefaultIsSaidToBeTheDefault) {
  for (const char* value : {"rd.gdbdebug", "rd.gdbdebug=1", "tcp:1", "no such", ""}) {
    SCOPED_TRACE(value);
    const auto linted = lint("rd.gdbdebug", value);
    ASSERT_FALSE(linted.remarks.empty());
    EXPECT_NE(linted.remarks.front().reason.find("in the image's default"), std::string::npos);
  }
}

TEST(ClientLint, ADefaultTakesTheOtherParametersFromTheCommandLine) {
  const auto linted = lint("rd.gdbdebug rd.gdbdebug.ip=garbage", "tcp:1,insecure");
  ASSERT_EQ(pointed_at(linted), std::vector<std::string>{"!garbage"});
  EXPECT_EQ(linted.meaning, "");
}

TEST(ClientLint, TheModulesAreListed) {
  EXPECT_EQ(lint("ttyS1,modules=8250_pci:i2c-dev", kDefault).modules,
            (std::vector<std::string>{"8250_pci", "i2c-dev"}));
  EXPECT_EQ(lint("rd.gdbdebug", "ttyS1,modules=dwc3").modules, std::vector<std::string>{"dwc3"});
}

TEST(ClientLint, WhatTheParserHasNoRoomForIsCounted) {
  const std::string text = "rd.gdbdebug=ttyS1,a,b,c,d,e,f,g,h quiet";  // as many wrong words as Notes keeps
  EXPECT_EQ(lint(text, kDefault).remarks.size(), 8U);
  const auto linted = lint("rd.gdbdebug=ttyS1,a,b,c,d,e,f,g,h,i,j quiet", kDefault);
  ASSERT_EQ(linted.remarks.size(), 9U);
  const auto& last = linted.remarks.back();
  EXPECT_EQ(last.reason, "and 2 more");
  EXPECT_FALSE(last.fault);
  EXPECT_EQ(linted.text.substr(last.column), " quiet");  // the end of the value

  const auto of_default = lint("rd.gdbdebug", "ttyS1,a,b,c,d,e,f,g,h,i");
  ASSERT_EQ(of_default.remarks.size(), 9U);
  EXPECT_EQ(of_default.remarks.back().reason, "in the image's default 'ttyS1,a,b,c,d,e,f,g,h,i': and 1 more");
}

TEST(ClientLint, TheLineHasItsWordOfTheConfiguration) {
  const std::pair<const char*, const char*> rows[] = {
      {"ttyS1", "serial"},     {"ttyAMA0", "serial"},     {"hvc0", "virtio"},
      {"virtio:x", "virtio"},  {"ttyUSB0", "usb"},        {"ttyACM0", "usb"},
      {"vsock:1234", "vsock"}, {"tcp:1,insecure", "net"}, {"ssh", "ssh"},
  };
  for (const auto& [text, word] : rows) EXPECT_EQ(lint(text, kDefault).line_word, word) << text;
}

}  // namespace
}  // namespace gdbdebug::client
