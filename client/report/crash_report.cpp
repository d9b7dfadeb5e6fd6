// SPDX-License-Identifier: GPL-2.0-or-later
// crash_report: see crash_report.hpp.
#include "report/crash_report.hpp"

#include <algorithm>
#include <charconv>

#include "base/words.hpp"
#include "core/base/text.hpp"

namespace gdbdebug::client {
namespace {

constexpr std::string_view kMark = "gdbdebug: report: ";
// A log can come from anywhere: beyond these counts it is no report of the helper's, which stops at 32 and 96.
constexpr std::size_t kMaxItems = 4096;
// The shortest build ID that a linker makes by itself is 64 bits long (lld's --build-id=fast).
constexpr std::size_t kMinBuildId = 16;
// The helper of 0.1 stopped at so many frames and did not say so.
constexpr std::size_t kOldMaxFrames = 32;

// Takes out what draws on a terminal: control characters, and CSI sequences (ECMA-48, 5.4).
std::string plain(std::string_view line) {
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\x1b' && i + 1 < line.size() && line[i + 1] == '[') {
      i += 2;
      while (i < line.size() && (line[i] < '@' || line[i] > '~')) ++i;
    } else if (static_cast<unsigned char>(line[i]) >= 0x20) {
      text += line[i];
    }
  }
  return text;
}

// What is before the next record on the same line: without that record's time, "[   12.345678] ".
std::string_view without_time(std::string_view text) {
  const auto bracket = text.rfind('[');
  if (bracket == std::string_view::npos || !text.ends_with("] ")) return text;
  const auto inside = text.substr(bracket + 1, text.size() - bracket - 3);
  return inside.find_first_not_of(" 0123456789.") == std::string_view::npos ? text.substr(0, bracket) : text;
}

// The number at the beginning of `text`, hexadecimal behind 0x, else decimal. What follows it is another writer's.
std::optional<std::uint64_t> number(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x");
  if (hexadecimal) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value, hexadecimal ? 16 : 10);
  if (result.ec != std::errc()) return std::nullopt;
  return value;
}

// Calls `take` with the key and the value of each `key=value` in `words`.
template <typename Take>
void for_each_pair(std::string_view words, Take take) {
  while (!words.empty()) {
    auto value = take_word(words, ' ');
    if (value.find('=') == std::string_view::npos) continue;
    const auto key = take_word(value, '=');
    take(key, unescaped(value));
  }
}

void take_begin(std::string_view words, CrashReport& report) {
  for_each_pair(words, [&](std::string_view key, const std::string& value) {
    if (key == "comm") report.comm = value;
    if (key == "signal") report.signal = value;
    if (key == "exit") report.exit = value;
    if (key == "reboot") report.reboot = value;
    if (key == "handled") report.handled = value == "1";
    if (key == "address") report.address = value;
    if (key == "stack") report.stack = value;
    if (key == "sender") report.sender = value;
    if (key == "sender_comm") report.sender_comm = value;
    if (key == "machine") report.machine = value;
    if (key == "kernel") report.kernel = value;
  });
}

void take_frame(std::string_view words, CrashReport& report) {
  CrashReport::Frame frame;
  const auto position = number(take_word(words, ' '));
  if (!position || *position >= kMaxItems) return;
  frame.number = static_cast<unsigned>(*position);
  for_each_pair(words, [&](std::string_view key, const std::string& value) {
    if (key == "file") frame.file = value;
    if (key == "offset") frame.offset = number(value);
    if (key == "address") frame.address = number(value);
    if (key == "by") frame.by = value;
    if (key == "times") frame.times = std::clamp<std::uint64_t>(number(value).value_or(1), 1, UINT32_MAX);
  });
  report.frames.push_back(std::move(frame));
}

void take_map(std::string_view words, CrashReport& report) {
  CrashReport::Map map;
  auto range = take_word(words, ' ');
  const auto begin = number(take_word(range, '-'));
  const auto end = number(range);
  if (!begin || !end) return;
  map.begin = *begin;
  map.end = *end;
  for_each_pair(words, [&](std::string_view key, const std::string& value) {
    if (key == "offset") map.offset = number(value).value_or(0);
    if (key == "file") map.file = value;
    if (key == "build_id") map.build_id = value;
  });
  report.maps.push_back(std::move(map));
}

void take_end(std::string_view words, CrashReport& report) {
  for_each_pair(words, [&](std::string_view key, const std::string& value) {
    if (key == "frames") report.frames_said = number(value);
    if (key == "maps") report.maps_said = number(value);
    if (key == "omitted") report.omitted = number(value);
    if (key == "unread") report.unread = number(value).value_or(0);
  });
}

void take_line(std::string_view keyword, std::string_view words, CrashReport& report) {
  if (keyword == "command" && report.command.empty()) {
    while (!words.empty()) report.command.push_back(unescaped(take_word(words, ' ')));
  }
  if (keyword == "register" && report.registers.size() < kMaxItems) {
    while (!words.empty()) {
      auto value = take_word(words, ' ');
      if (value.empty()) continue;
      const auto name = take_word(value, '=');
      const auto content = number(value);
      if (content) report.registers.emplace_back(name, *content);
      if (!content) ++report.registers_damaged;
    }
  }
  if (keyword == "frame" && report.frames.size() < kMaxItems) take_frame(words, report);
  if (keyword == "map" && report.maps.size() < kMaxItems) take_map(words, report);
  if (keyword == "end") take_end(words, report);
}

// Hexadecimal bytes, as many as a build ID has.
bool is_build_id(std::string_view text) {
  return text.size() >= kMinBuildId && text.size() % 2 == 0 &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

bool CrashReport::believable(const Frame& frame) const {
  if (!frame.address) return false;
  if (frame.file.empty()) return !frame.offset;
  if (!frame.offset) return false;
  const auto map = std::ranges::find_if(maps, [&](const Map& each) {
    return !each.file.empty() && *frame.address >= each.begin && *frame.address < each.end;
  });
  return map == maps.end() || (map->file == frame.file && *frame.address - map->begin + map->offset == *frame.offset);
}

std::size_t CrashReport::damaged() const {
  const auto frame_is = [&](const Frame& frame) {
    return !believable(frame) || (frame.number > 0 && frame.by.empty());
  };
  const auto map_is = [](const Map& map) {
    return map.file.empty() || (!map.build_id.empty() && !is_build_id(map.build_id));
  };
  auto count = std::ranges::count_if(frames, frame_is) + std::ranges::count_if(maps, map_is);
  if (machine.empty() || (signal.empty() && exit.empty() && reboot.empty())) ++count;
  return static_cast<std::size_t>(count) + registers_damaged;
}

std::vector<CrashReport::Frame> CrashReport::folded() const {
  std::vector<Frame> result;
  for (const auto& frame : frames) {
    const auto same = [&](const Frame& last) {
      return last.number > 0 && last.file == frame.file && last.offset == frame.offset && last.address == frame.address;
    };
    if (!result.empty() && same(result.back())) {
      result.back().times += frame.times;
    } else {
      result.push_back(frame);
    }
  }
  return result;
}

bool CrashReport::may_be_cut() const {
  return frames_said && !omitted && *frames_said >= kOldMaxFrames;
}

std::vector<CrashReport> read_reports(std::string_view log) {
  std::vector<CrashReport> reports;
  std::optional<CrashReport> current;
  const auto finish = [&] {
    // A log often has a report twice: from the console, and from dmesg or the journal.
    if (current && std::ranges::find(reports, *current) == reports.end()) reports.push_back(std::move(*current));
    current.reset();
  };
  while (!log.empty()) {
    const auto end = log.find_first_of("\r\n");
    const auto text = plain(log.substr(0, end));
    log.remove_prefix(end == std::string_view::npos ? log.size() : end + 1);
    std::string_view line = text;
    // Two records on one line: a newline of the serial line got lost.
    for (auto mark = line.find(kMark); mark != std::string_view::npos; mark = line.find(kMark)) {
      line.remove_prefix(mark + kMark.size());
      const auto next = line.find(kMark);
      auto words = next == std::string_view::npos ? line : without_time(line.substr(0, next));
      const auto keyword = take_word(words, ' ');
      if (keyword == "begin") {
        finish();
        take_begin(words, current.emplace());
      } else if (current) {
        take_line(keyword, words, *current);
        if (keyword == "end") finish();
      }
    }
  }
  finish();
  return reports;
}

}  // namespace gdbdebug::client
