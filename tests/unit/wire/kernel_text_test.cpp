// SPDX-License-Identifier: GPL-2.0-or-later
// /proc/consoles, /proc/sys/kernel/printk and /dev/kmsg, as kernels write them.
#include "wire/kernel_text.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gdbdebug::wire {
namespace {

constexpr std::string_view kConsoles =
    "tty0                 -WU (EC  p  )    4:1\n"
    "ttyS1                -W- (E   p a)    4:65\n"
    "ttyS0                -W- (E   p a)    4:64\n"
    "netcon0              -W- (E     )\n"
    "pstore-1             -W- (E     )\n"
    "ttynull0             --- (       )    5:3\n";

TEST(Consoles, TheLastOneWithASerialTerminal) {
  EXPECT_EQ(last_serial_console(kConsoles)->name, "ttyS0");
  EXPECT_FALSE(last_serial_console("tty0                 -WU (EC  p  )    4:1\nnetcon0              -W- (E     )\n"));
  EXPECT_FALSE(last_serial_console(""));
  EXPECT_FALSE(last_serial_console("garbage\n\n()\n(:"));
  EXPECT_EQ(last_serial_console("hvc0                 -W- (EC p  )  229:0")->name, "hvc0");
  EXPECT_EQ(last_serial_console("ttyAMA0              -W- (EC   a)  204:64\n")->name, "ttyAMA0");
}

TEST(Consoles, ByName) {
  const auto port = find_console(kConsoles, "ttyS1");
  ASSERT_TRUE(port);
  EXPECT_TRUE(port->serial);
  EXPECT_FALSE(port->preferred);
  const auto screen = find_console(kConsoles, "tty0");
  ASSERT_TRUE(screen);
  EXPECT_FALSE(screen->serial);
  EXPECT_TRUE(screen->preferred);
  EXPECT_FALSE(find_console(kConsoles, "ttyS"));
  EXPECT_FALSE(find_console(kConsoles, ""));
}

TEST(Printk, ItsFirstNumberIsTheConsoleLevel) {
  EXPECT_EQ(console_level("7\t4\t1\t7\n"), 7);
  EXPECT_EQ(console_level("15\t4\t1\t7\n"), 15);
  EXPECT_FALSE(console_level(""));
  EXPECT_FALSE(console_level("x\t4"));
  EXPECT_FALSE(console_level("99999999999\t4"));
}

std::string printed(std::string_view record, int level) {
  Text<400> text;
  EXPECT_TRUE(add_record(record, level, text));
  return std::string(text.view());
}

TEST(KernelLog, ARecordIsPrintedAsTheKernelDoes) {
  EXPECT_EQ(printed("6,339,5140900,-;random: crng init done\n", 7), "[    5.140900] random: crng init done\r\n");
  EXPECT_EQ(printed("30,1,12345678000012,-;systemd[1]: a; b, c\n SUBSYSTEM=x\n", 7),
            "[12345678.000012] systemd[1]: a; b, c\r\n");
  EXPECT_EQ(printed("4,1,0,-;one\\x0atwo \\xc3\\xa4 \\x5cx\n", 7), "[    0.000000] one\r\ntwo \xc3\xa4 \\x\r\n");
  EXPECT_EQ(printed("4,1,0,c;ends \\x4\n", 7), "[    0.000000] ends \\x4\r\n");
}

TEST(KernelLog, WhatTheLevelHidesIsHidden) {
  EXPECT_EQ(printed("6,339,5140900,-;random\n", 6), "");
  EXPECT_EQ(printed("14,339,5140900,-;a facility of its own\n", 6), "");
  EXPECT_NE(printed("5,339,5140900,-;seen\n", 6), "");
}

TEST(KernelLog, WhatIsNoRecordIsNone) {
  Text<400> text;
  for (const std::string_view record : {"", "x", ";", "6,1;", "6,1,x,-;text", ",,,;text\n"})
    EXPECT_FALSE(add_record(record, 7, text)) << record;
}

}  // namespace
}  // namespace gdbdebug::wire
