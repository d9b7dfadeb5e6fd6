// SPDX-License-Identifier: GPL-2.0-or-later
// What the agent writes into a log, read back from it, after what logs do to lines.
#include "report/core_log.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "core/words/core_record.hpp"
#include "dump/writer.hpp"
#include "report/core_file.hpp"

namespace gdbdebug::client {
namespace {

using core_record::Kind;

class Lines final : public dump::Sink {
 public:
  bool say(std::string_view record) override {
    lines.push_back("[   12.345678] gdbdebug: core: " + std::string(record) + "\r\n");
    return true;
  }
  std::vector<std::string> lines;
};

std::string bytes_of(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (auto& byte : bytes) {
    if (random() % 3 == 0) byte = static_cast<char>(random());
  }
  return bytes;
}

constexpr std::uint64_t kStack = 0x7ffe00001000;

/// A core with a stack, an object and the usual notes; the first blocks of it twice.
std::vector<std::string> make_lines(std::uint32_t id = 7) {
  Lines sink;
  dump::Writer writer(sink, id);
  const auto add = [&](Kind kind, std::uint64_t at, const std::string& bytes) {
    writer.add(kind, at, {reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
  };
  const auto fixed = [&] {
    core_record::Record record;
    core_record::start(record, writer.id(), "begin");
    record.add(" version=1 word=8 machine=x86_64 comm=a\\x20b page=4096");
    writer.say(record);
    std::string registers(216, '\0');
    registers[16 * 8] = 0x10;
    registers[19 * 8] = 0x20;
    add(Kind::kRegisters, 1, registers);
    add(Kind::kSignal, 0, std::string(1, 11) + std::string(127, '\0'));
    add(Kind::kMemory, kStack, bytes_of(6000, 1));
    add(Kind::kMaps, 0, "400 2 r-xp 0 /init\n+0 1 rw-p\n7ffe00001 2 rw-p 0 [stack]\n");
    add(Kind::kBuildId, 0x400000, "\x12\xab");
    writer.flush();
  };
  fixed();
  const auto count = writer.next();
  add(Kind::kMemory, 0x500000, bytes_of(1000, 2));
  writer.flush();
  const auto blocks = writer.next();
  writer.restart(0);
  fixed();
  core_record::Record record;
  core_record::start(record, id, "end");
  record.add(" blocks=").add_number(blocks).add(" fixed=").add_number(count).add(" memory=7000");
  writer.say(record);
  return sink.lines;
}

std::string join(const std::vector<std::string>& lines) {
  std::string log = "[    1.0] Run /init as init process\n";
  for (const auto& line : lines) log += line;
  return log;
}

void expect_whole(const CoreLog& log) {
  ASSERT_EQ(log.cores.size(), 1U);
  const auto& core = log.cores[0];
  EXPECT_EQ(core.missing(), std::vector<std::uint32_t>());
  EXPECT_TRUE(core.ended);
  EXPECT_EQ(core.value("comm"), "a b");
  EXPECT_EQ(core.read(kStack, 6000), bytes_of(6000, 1));
  EXPECT_EQ(core.read(0x500000, 1000), bytes_of(1000, 2));
  EXPECT_EQ(core.bytes(), 7000U);
  ASSERT_EQ(core.threads.size(), 1U);
  EXPECT_EQ(core.threads[0].registers.size(), 216U);
  EXPECT_EQ(core.build_ids.at(0x400000), "12ab");
  const auto maps = core.maps();
  ASSERT_EQ(maps.size(), 3U);
  EXPECT_EQ(maps[1].file, "/init");
  EXPECT_EQ(maps[1].begin, 0x402000U);
  EXPECT_EQ(maps[1].offset, 0x2000U);
  EXPECT_EQ(maps[2].file, "[stack]");
}

TEST(CoreLogs, ALogComesBackWhole) {
  const auto log = read_cores(join(make_lines()));
  expect_whole(log);
  EXPECT_EQ(log.damaged, 0U);
}

TEST(CoreLogs, LinesCanComeInAnyOrderAndTwice) {
  auto lines = make_lines();
  auto more = lines;
  std::ranges::reverse(more);
  lines.insert(lines.end(), more.begin(), more.end());
  expect_whole(read_cores(join(lines)));
}

TEST(CoreLogs, LinesThatATerminalHasWrappedAreMended) {
  std::string wrapped;
  std::size_t column = 0;
  for (const char c : join(make_lines())) {
    wrapped += c;
    column = c == '\n' ? 0 : column + 1;
    if (column == 100) {
      wrapped += "\r\n";
      column = 0;
    }
  }
  const auto log = read_cores(wrapped);
  expect_whole(log);
  EXPECT_EQ(log.damaged, 0U);
}

TEST(CoreLogs, ALineThatOthersTextHasCutIsMended) {
  auto lines = make_lines();
  for (auto& line : lines) line.insert(line.size() / 2, "\r\n[   12.5] usb 1-1: new device\r\n");
  const auto log = read_cores(join(lines));
  expect_whole(log);
  EXPECT_EQ(log.damaged, 0U);
}

TEST(CoreLogs, ADamagedLineCostsThatLineAndIsCounted) {
  auto lines = make_lines();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto damaged = lines;
    damaged[i][damaged[i].size() / 2] ^= 1;
    const auto log = read_cores(join(damaged));
    EXPECT_EQ(log.damaged, 1U) << i;
    ASSERT_EQ(log.cores.size(), 1U);
    EXPECT_LE(log.cores[0].missing().size(), 1U) << i;
  }
}

TEST(CoreLogs, WhatIsLostIsNamed) {
  auto lines = make_lines();
  std::erase_if(lines, [](const std::string& line) {
    return line.find(" 1 ") != std::string::npos && line.find("core: 00000007 1 ") != std::string::npos;
  });
  const auto log = read_cores(join(lines));
  ASSERT_EQ(log.cores.size(), 1U);
  EXPECT_EQ(log.cores[0].missing(), std::vector<std::uint32_t>{1});
  EXPECT_LT(log.cores[0].bytes(), 7000U);
  EXPECT_FALSE(log.cores[0].read(kStack, 8).empty());
}

TEST(CoreLogs, TwoCoresInALogStayApart) {
  auto lines = make_lines(7);
  const auto others = make_lines(8);
  for (std::size_t i = 0; i < others.size(); ++i) lines.insert(lines.begin() + static_cast<long>(2 * i), others[i]);
  const auto log = read_cores(join(lines));
  ASSERT_EQ(log.cores.size(), 2U);
  for (const auto& core : log.cores) EXPECT_TRUE(core.missing().empty() && core.bytes() == 7000);
}

TEST(CoreLogs, TheFileIsACoreFile) {
  const auto log = read_cores(join(make_lines()));
  ASSERT_EQ(log.cores.size(), 1U);
  const auto place = place_of(log.cores[0], log.cores[0].threads[0]);
  ASSERT_TRUE(place);
  EXPECT_EQ(place->pc, 0x10U);
  EXPECT_EQ(place->sp, 0x20U);
  EXPECT_EQ(signal_of(log.cores[0]), "SIGSEGV");
  const auto file = elf_core(log.cores[0], [](const std::string&) { return true; });
  ASSERT_TRUE(file);
  EXPECT_EQ(file->substr(0, 7), std::string("\x7f"
                                            "ELF\2\1\1",
                                            7));
  EXPECT_NE(file->find(bytes_of(6000, 1)), std::string::npos);
  EXPECT_NE(file->find("/init"), std::string::npos);
}

TEST(CoreLogs, AMachineThatIsNotKnownGivesNoFile) {
  auto log = read_cores(join(make_lines()));
  log.cores[0].begin["machine"] = "s390x";
  EXPECT_FALSE(elf_core(log.cores[0], [](const std::string&) { return true; }));
}

}  // namespace
}  // namespace gdbdebug::client
