// SPDX-License-Identifier: GPL-2.0-or-later
#include "hold/names.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace gdbdebug::hold {
namespace {

TEST(Names, AProgramIsMatchedByThePathTheNameOrTheFirstArgument) {
  constexpr std::array<std::string_view, 3> kPrograms{"systemd-udevd", "/sbin/modprobe", "cat"};
  struct Case {
    Executed executed;
    std::string_view name;
  };
  const Case cases[] = {
      {{"/usr/bin/udevadm", "/usr/lib/systemd/systemd-udevd", "udevd"}, "systemd-udevd"},
      {{"/usr/lib/systemd/systemd-udevd", "", ""}, "systemd-udevd"},
      {{"/usr/bin/busybox", "/proc/self/exe", "cat"}, "cat"},
      {{"/usr/bin/busybox", "/proc/self/exe", "-cat"}, "cat"},
      {{"/usr/bin/kmod", "/sbin/modprobe", "modprobe"}, "modprobe"},
      {{"/usr/bin/kmod", "/usr/sbin/modprobe", "modprobe"}, ""},
      {{"/usr/bin/udevadm", "udevadm", "udevadm"}, ""},
      {{"/usr/bin/systemd-udevd2", "", ""}, ""},
      {{"/usr/bin/xcat", "", ""}, ""},
      {{"", "", ""}, ""},
      {{"/", "/", "/"}, ""},
  };
  for (const auto& one : cases) EXPECT_EQ(match(kPrograms, one.executed), one.name) << one.executed.path;
  EXPECT_EQ(match({}, {"/bin/sh", "sh", "sh"}), "");
}

TEST(Names, ASystemCallIsRead) {
  const auto call = parse_call("59 0x7f01 0x2 0x3 0x4 0x5 0x6 0x7ffe00 0x401000\n");
  ASSERT_TRUE(call);
  EXPECT_EQ(call->number, 59);
  EXPECT_EQ(call->arguments[0], 0x7f01U);
  EXPECT_EQ(call->arguments[2], 0x3U);
  EXPECT_EQ(call->pc, 0x401000U);
  const auto outside = parse_call("-1 0x7ffe00 0x401000\n");
  ASSERT_TRUE(outside);
  EXPECT_EQ(outside->number, -1);
  EXPECT_EQ(outside->pc, 0x401000U);
  for (const auto* text : {"running\n", "", "-1", "-1 0x1", "59 0x1 0x2", "59 1 2 3 4 5 6 7 8", "-2 0x1 0x2",
                           "59 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8 0x9", "99999999999 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8"})
    EXPECT_FALSE(parse_call(text)) << text;
}

TEST(Names, AMountPointIsReadWhereProgramsCanBe) {
  EXPECT_EQ(mount_point("36 35 98:0 /mnt1 /sysroot rw,noatime master:1 - ext3 /dev/root rw,errors=continue").view(),
            "/sysroot");
  EXPECT_EQ(mount_point("36 35 98:0 / /a\\040b\\134 rw - tmpfs t rw").view(), "/a b\\");
  EXPECT_EQ(mount_point("36 35 98:0 / /a\\04 rw - tmpfs t rw").view(), "/a\\04");
  for (const auto* line : {"", "1 2 3 4", "22 1 0:5 / /proc rw - proc proc rw", "22 1 0:5 / /sys rw - sysfs s rw",
                           "22 1 0:5 / relative rw - tmpfs t rw", "22 1 0:5 / /a rw",
                           "22 1 0:5 / /a\\000b rw - tmpfs t rw", "22 1 0:5 / /x rw shared:1 - cgroup2 c rw"})
    EXPECT_TRUE(mount_point(line).empty()) << line;
  EXPECT_TRUE(mount_point("1 2 0:1 / /" + std::string(5000, 'x') + " rw - tmpfs t rw").empty()) << "cut off";
}

}  // namespace
}  // namespace gdbdebug::hold
