// SPDX-License-Identifier: GPL-2.0-or-later
// Crash reports as a console shows them, and as it spoils them.
#include "report/crash_report.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace gdbdebug::client {
namespace {

const std::string kLines[] = {
    "begin version=1 pid=1 comm=systemd signal=SIGSEGV address=0x10 machine=x86_64 kernel=6.1.0\\x2d49",
    "command /usr/lib/systemd/systemd \\x2d\\x2dswitched\\x2droot a\\x20b",
    "register pc=0x7f01 sp=0x7ffe",
    "register rax=0xffffffffffffffff rbx=0x0",
    "frame 0 file=/usr/lib/libc.so.6 offset=0x26001 address=0x7f01",
    "frame 1 address=0x7f02 by=scan",
    "map 0x7f00-0x7fff offset=0x26000 file=/usr/lib/libc.so.6 build_id=0123456789abcdef",
    "end frames=2 maps=1",
};

// The report with each line between `before` and `after`.
std::string log_of(const std::string& before, const std::string& after) {
  std::string log;
  for (const auto& line : kLines) log += before + "gdbdebug: report: " + line + after;
  return log;
}

CrashReport whole() {
  return read_reports(log_of("", "\n")).at(0);
}

TEST(ClientReport, AllOfItIsRead) {
  const auto report = whole();
  EXPECT_EQ(report.comm, "systemd");
  EXPECT_EQ(report.signal, "SIGSEGV");
  EXPECT_EQ(report.address, "0x10");
  EXPECT_EQ(report.exit, "");
  EXPECT_EQ(report.kernel, "6.1.0-49");
  EXPECT_EQ(report.command, (std::vector<std::string>{"/usr/lib/systemd/systemd", "--switched-root", "a b"}));
  ASSERT_EQ(report.registers.size(), 4U);
  EXPECT_EQ(report.registers[2], (std::pair<std::string, std::uint64_t>{"rax", ~std::uint64_t{0}}));
  ASSERT_EQ(report.frames.size(), 2U);
  EXPECT_EQ(report.frames[0], (CrashReport::Frame{0, "/usr/lib/libc.so.6", 0x26001, 0x7f01, "", 1}));
  EXPECT_EQ(report.frames[1], (CrashReport::Frame{1, "", std::nullopt, 0x7f02, "scan", 1}));
  ASSERT_EQ(report.maps.size(), 1U);
  EXPECT_EQ(report.maps[0], (CrashReport::Map{0x7f00, 0x7fff, 0x26000, "/usr/lib/libc.so.6", "0123456789abcdef"}));
  EXPECT_TRUE(report.complete());
}

TEST(ClientReport, WhatAConsoleAddsDoesNotMatter) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "\r\n"},
      {"", "\r"},
      {"[   12.345678] ", "\n"},
      {"<1>[   12.345678] ", "\r\r\n"},
      {"Nov 23 13:00:00 host kernel: ", "\n"},
      {"\x1b[0;1;31m[   12.3] ", "\x1b[0m\n"},
      {"[  OK  ] Started something[    1.0] ", "\n"},
      {"[    1.0] ", "\n[    1.1] random: crng init done\r\n\x1b[K systemd[1]: Hello.\n"},
      {"[    1.0] ", ""},  // every newline is lost
  };
  for (const auto& [before, after] : rows) {
    SCOPED_TRACE(testing::Message() << testing::PrintToString(before) << ' ' << testing::PrintToString(after));
    const auto reports = read_reports("noise\n" + log_of(before, after));
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(reports[0], whole());
  }
}

TEST(ClientReport, ARestartAndASignalWithAHandlerAreReadToo) {
  const auto restart = read_reports("gdbdebug: report: begin version=1 pid=1 comm=sh reboot=RESTART machine=x86_64\n");
  ASSERT_EQ(restart.size(), 1U);
  EXPECT_EQ(restart[0].reboot, "RESTART");
  EXPECT_EQ(restart[0].damaged(), 0U);
  const auto handled =
      read_reports("gdbdebug: report: begin version=1 pid=1 comm=sh signal=SIGSEGV handled=1 machine=x86_64\n");
  ASSERT_EQ(handled.size(), 1U);
  EXPECT_TRUE(handled[0].handled);
}

TEST(ClientReport, AnExitHasAStatusAndNoSignal) {
  const auto reports = read_reports("gdbdebug: report: begin version=1 pid=1 comm=sh exit=7 machine=x86_64\n");
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].exit, "7");
  EXPECT_EQ(reports[0].signal, "");
}

TEST(ClientReport, WhatHasBeenAddedSince01IsRead) {
  auto log = log_of("", "\n");
  log.insert(log.find(" machine="), " stack=overflow sender=106 sender_comm=kill\\x20it");
  log.insert(log.find("by=scan") + 7, " times=2000");
  log.insert(log.find("maps=1\n") + 6, " omitted=57 unread=4096");
  const auto report = read_reports(log).at(0);
  EXPECT_EQ(report.stack, "overflow");
  EXPECT_EQ(report.sender, "106");
  EXPECT_EQ(report.sender_comm, "kill it");
  EXPECT_EQ(report.frames.at(0).times, 1U);
  EXPECT_EQ(report.frames.at(1).times, 2000U);
  EXPECT_EQ(report.omitted, 57U);
  EXPECT_EQ(report.unread, 4096U);
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(report.damaged(), 0U);
  EXPECT_FALSE(report.may_be_cut());
}

TEST(ClientReport, WhatAHelperOf01RepeatsIsOneFrameAndItsListMayBeCut) {
  std::string log = "gdbdebug: report: begin version=1 comm=a signal=SIGSEGV machine=x86_64\n";
  const std::string place = " file=/a offset=0x10 address=0x2";
  for (int i = 0; i < 32; ++i) {
    log += "gdbdebug: report: frame " + std::to_string(i) + place + (i > 0 ? " by=scan\n" : "\n");
  }
  const auto end = "gdbdebug: report: end frames=32 maps=0";
  const auto report = read_reports(log + end + "\n").at(0);
  const auto folded = report.folded();
  ASSERT_EQ(folded.size(), 2U);
  EXPECT_EQ(folded[0].times, 1U) << "where PID 1 stands is not one of them";
  EXPECT_EQ(folded[1].times, 31U);
  EXPECT_TRUE(report.may_be_cut());
  EXPECT_FALSE(read_reports(log + end + " omitted=0\n").at(0).may_be_cut());
}

TEST(ClientReport, WhatIsNotKnownIsPassedOver) {
  auto log = log_of("", "\n");
  log.insert(log.find("gdbdebug: report: frame 0"), "gdbdebug: report: weather sun=yes\ngdbdebug: report: \n");
  log.insert(log.find(" machine="), " later=1 bare");
  const auto reports = read_reports(log);
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0], whole());
}

TEST(ClientReport, LostLinesAreMissed) {
  for (const char* lost : {"frame 1", "map ", "end "}) {
    SCOPED_TRACE(lost);
    auto log = log_of("", "\n");
    const auto begin = log.find(std::string("gdbdebug: report: ") + lost);
    log.erase(begin, log.find('\n', begin) + 1 - begin);
    const auto reports = read_reports(log);
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_FALSE(reports[0].complete());
  }
}

TEST(ClientReport, AWholeReportHasNoDamage) {
  EXPECT_EQ(whole().damaged(), 0U);
  EXPECT_TRUE(whole().believable(whole().frames[0]));
}

// As a terminal wraps them, or an 80-column log cuts them: the rest of the line is another line, or gone.
TEST(ClientReport, LinesThatAreCutOffAreCounted) {
  const std::pair<const char*, bool> rows[] = {
      {"signal=SIG", true},
      {"address=0x10 mach", true},
      {"sp=0x", true},
      {"rax=0xffffffffffffffff rb", true},
      {"offset=0x26", false},
      {"file=/usr/lib/li", false},
      {"address=0x7f02", true},
      {"offset=0x26000", true},
      {"build_id=0123456", true},
      {"build_id=0123456789abcde", true},
  };
  for (const auto& [end, believable] : rows) {
    for (const char* rest : {"\n", ""}) {
      SCOPED_TRACE(testing::Message() << end << (*rest != 0 ? ", wrapped" : ", gone"));
      auto log = log_of("", "\n");
      const auto place = log.find(end) + std::strlen(end);
      if (*rest != 0) {
        log.insert(place, rest);
      } else {
        log.erase(place, log.find('\n', place) - place);
      }
      const auto reports = read_reports(log);
      ASSERT_EQ(reports.size(), 1U);
      EXPECT_TRUE(reports[0].complete());
      EXPECT_EQ(reports[0].damaged(), 1U);
      EXPECT_EQ(reports[0].believable(reports[0].frames.at(0)), believable);
    }
  }
}

TEST(ClientReport, APlaceThatItsMappingDoesNotHaveIsNotBelieved) {
  for (const auto& [from, to] : {std::pair{"offset=0x26001", "offset=0x2600"},
                                 std::pair{"file=/usr/lib/libc.so.6 offset=0x26001", "file=/usr/lib offset=0x26001"},
                                 std::pair{"0x7f00-0x7fff offset=0x26000", "0x7f00-0x7fff offset=0x2600"}}) {
    SCOPED_TRACE(to);
    auto log = log_of("", "\n");
    log.replace(log.find(from), std::strlen(from), to);
    const auto report = read_reports(log).at(0);
    EXPECT_FALSE(report.believable(report.frames.at(0)));
    EXPECT_EQ(report.damaged(), 1U);
  }
}

TEST(ClientReport, EachReportIsReadOnce) {
  auto other = log_of("", "\n");
  other.replace(other.find("SIGSEGV"), 7, "SIGABRT");
  const auto reports = read_reports(log_of("", "\n") + other + log_of("[    9.9] ", "\r\n"));
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].signal, "SIGSEGV");
  EXPECT_EQ(reports[1].signal, "SIGABRT");
}

TEST(ClientReport, ABeginInTheMiddleEndsTheOneBefore) {
  const auto reports = read_reports("gdbdebug: report: begin version=1 comm=one\n" + log_of("", "\n"));
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_FALSE(reports[0].complete());
  EXPECT_EQ(reports[1], whole());
}

std::vector<std::string> lines_of_log() {
  std::vector<std::string> lines;
  for (const auto& line : kLines) lines.push_back("[    1.0] gdbdebug: report: " + line + "\r\n");
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string log;
  for (const auto& line : lines) log += line;
  return log;
}

TEST(ClientReport, LinesWithoutABeginAreAReportThatIsNotComplete) {
  auto lines = lines_of_log();
  lines.erase(lines.begin());
  const auto reports = read_reports(joined(lines));
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_FALSE(reports[0].begun);
  EXPECT_FALSE(reports[0].complete());
  EXPECT_EQ(reports[0].frames, whole().frames);
  for (const char* nothing : {"", "gdbdebug: report: ", "gdbdebug: report: weather sun=yes\n"})
    EXPECT_TRUE(read_reports(nothing).empty()) << nothing;
}

TEST(ClientReport, LinesCanBeDoubled) {
  for (std::size_t i = 0; i < std::size(kLines); ++i) {
    for (const std::size_t times : {2U, 3U}) {
      auto lines = lines_of_log();
      lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(i), times - 1, lines[i]);
      const auto reports = read_reports(joined(lines));
      ASSERT_EQ(reports.size(), 1U) << i;
      EXPECT_EQ(reports[0], whole()) << i;
    }
  }
}

TEST(ClientReport, LinesCanChangePlaces) {
  for (std::size_t i = 0; i < std::size(kLines); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (i - j == std::size(kLines) - 1) continue;  // what begins behind its end is the next one
      auto lines = lines_of_log();
      std::swap(lines[i], lines[j]);
      auto reports = read_reports(joined(lines));
      ASSERT_EQ(reports.size(), 1U) << i << j;
      auto wanted = whole();
      std::ranges::sort(reports[0].registers);
      std::ranges::sort(wanted.registers);
      EXPECT_EQ(reports[0], wanted) << i << ' ' << j;
    }
  }
}

TEST(ClientReport, TwoCopiesMendEachOther) {
  for (std::size_t i = 0; i < std::size(kLines); ++i) {
    if (i == 2) continue;  // without pc and sp nothing says that they are the same
    for (std::size_t j = 0; j < std::size(kLines); ++j) {
      if (j == i || j == 2) continue;
      auto first = lines_of_log();
      auto second = first;
      first.erase(first.begin() + static_cast<std::ptrdiff_t>(i));
      second.erase(second.begin() + static_cast<std::ptrdiff_t>(j));
      auto reports = read_reports(joined(first) + "other\n" + joined(second));
      ASSERT_EQ(reports.size(), 1U) << i << j;
      auto wanted = whole();
      std::ranges::sort(reports[0].registers);
      std::ranges::sort(wanted.registers);
      EXPECT_EQ(reports[0], wanted) << i << ' ' << j;
    }
  }
}

TEST(ClientReport, TheNextCrashIsAnotherReportThoughItsFirstLineIsLost) {
  auto next = lines_of_log();
  next.erase(next.begin());
  auto text = joined(next);
  text.replace(text.find("sp=0x7ffe"), 9, "sp=0x7fff");
  text.replace(text.find("rbx=0x0"), 7, "rbx=0x9");
  const auto reports = read_reports(joined(lines_of_log()) + text);
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0], whole());
  EXPECT_FALSE(reports[1].begun);
  EXPECT_EQ(reports[1].registers.at(1).second, 0x7fffU);
}

TEST(ClientReport, AHostileLogHasSoManyReportsAtMost) {
  std::string log;
  for (int i = 0; i < 20'000; ++i) log += "gdbdebug: report: begin comm=" + std::to_string(i) + "\n";
  EXPECT_EQ(read_reports(log).size(), 1024U);
}

TEST(ClientReport, EveryPrefixOfALogIsReadWithoutHarm) {
  const auto log = log_of("[    1.0] \x1b[1m", "\x1b[0m\r\n");
  for (std::size_t size = 0; size < log.size(); ++size) EXPECT_LE(read_reports(log.substr(0, size)).size(), 1U);
}

}  // namespace
}  // namespace gdbdebug::client
