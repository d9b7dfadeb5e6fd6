// SPDX-License-Identifier: GPL-2.0-or-later
#include "report/hang_report.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace gdbdebug::client {
namespace {

const std::vector<std::string> kLines = {
    "the real root's init has not been executed 120 seconds after the hand-off; PID 1 (systemd) is in state S "
    "(sleeping); "
    "nothing is stopped",
    "process pid=1 parent=0 comm=systemd state=S call=epoll_wait on=anon_inode:[eventpoll] wchan=ep_poll command /init "
    "a=b",
    "stack pid=1 in=ep_poll,do_epoll_wait",
    "process pid=231 parent=1 comm=mount\\x20it state=D cpu=1,0 call=mount path=/sysroot command mount \\x2dt",
    "process pid=106 parent=1 comm=ask state=S call=read on=/dev/console input=1",
    "end processes=3 omitted=2; process 106 waits for somebody to type, which is not a hang",
};

std::string log_of(const std::vector<std::string>& lines) {
  std::string log = "[    1.0] Run /init as init process\r\n";
  for (const auto& line : lines) log += "[  120.5] gdbdebug: hang: " + line + "\r\nothers\r\n";
  return log;
}

TEST(HangReports, AllOfItIsRead) {
  const auto reports = read_hang_reports(log_of(kLines));
  ASSERT_EQ(reports.size(), 1U);
  const auto& report = reports[0];
  EXPECT_EQ(report.head, kLines[0]);
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(report.omitted, 2U);
  using Process = HangReport::Process;
  using Texts = std::vector<std::string>;
  ASSERT_EQ(report.processes.size(), 3U);
  EXPECT_EQ(report.processes[0], (Process{1, 0, "systemd", "S", "epoll_wait", "anon_inode:[eventpoll]", "ep_poll", "",
                                          false, Texts{"/init", "a=b"}, Texts{"ep_poll", "do_epoll_wait"}}));
  EXPECT_EQ(report.processes[1],
            (Process{231, 1, "mount it", "D", "mount", "/sysroot", "", "1,0", false, Texts{"mount", "-t"}, {}}));
  EXPECT_EQ(report.processes[2], (Process{106, 1, "ask", "S", "read", "/dev/console", "", "", true, {}, {}}));
}

TEST(HangReports, LinesCanBeDoubledAndChangePlaces) {
  const auto whole = read_hang_reports(log_of(kLines)).at(0);
  for (std::size_t i = 0; i < kLines.size(); ++i) {
    auto doubled = kLines;
    doubled.insert(doubled.begin() + static_cast<std::ptrdiff_t>(i), kLines[i]);
    ASSERT_EQ(read_hang_reports(log_of(doubled)).size(), 1U) << i;
    EXPECT_EQ(read_hang_reports(log_of(doubled))[0].processes, whole.processes) << i;
    if (i == 0) continue;
    auto late = kLines;
    std::swap(late[i], late[i - 1]);
    const auto reports = read_hang_reports(log_of(late));
    ASSERT_EQ(reports.size(), 1U) << i;
    EXPECT_TRUE(reports[0].complete()) << i;
  }
}

TEST(HangReports, LinesThatAreLostAreMissed) {
  for (std::size_t i = 0; i < kLines.size(); ++i) {
    if (i == 2) continue;  // a stack is not counted
    auto lines = kLines;
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(i));
    const auto reports = read_hang_reports(log_of(lines));
    ASSERT_EQ(reports.size(), 1U) << i;
    EXPECT_EQ(reports[0].complete(), i == 1) << i;  // its stack has named it
  }
}

TEST(HangReports, TheNextOneIsAnother) {
  auto lines = kLines;
  lines.insert(lines.end(), kLines.begin(), kLines.end());
  const auto reports = read_hang_reports(log_of(lines));
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].processes, reports[1].processes);
  lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(kLines.size()) - 1);  // the end of the first
  lines.at(kLines.size() - 1).replace(0, 1, "T");
  EXPECT_EQ(read_hang_reports(log_of(lines)).size(), 2U);
  EXPECT_TRUE(read_hang_reports("gdbdebug: hang: cut o\n").empty());
}

}  // namespace
}  // namespace gdbdebug::client
