// SPDX-License-Identifier: GPL-2.0-or-later
// crash_report: see crash_report.hpp.
#include "report/crash_report.hpp"

#include <algorithm>

#include "base/words.hpp"
#include "core/base/text.hpp"
#include "report/log_lines.hpp"

namespace gdbdebug::client {
namespace {

constexpr std::string_view kMark = "gdbdebug: report: ";
// A log can come from anywhere: beyond these counts it is no report of the helper's, which stops at 32 and 96.
constexpr std::size_t kMaxItems = 4096;
constexpr std::size_t kMaxReports = 1024;
// The shortest build ID that a linker makes by itself is 64 bits long (lld's --build-id=fast).
constexpr std::size_t kMinBuildId = 16;
// The helper of 0.1 stopped at so many frames and did not say so.
constexpr std::size_t kOldMaxFrames = 32;

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

// Whether a line of it is lost or cut off can be seen without its mapping.
bool is_cut(const CrashReport::Frame& frame) {
  return !frame.address || (!frame.file.empty() && !frame.offset) || (frame.number > 0 && frame.by.empty());
}

bool is_cut(const CrashReport::Map& map) {
  return map.file.empty();
}

bool is_same(const CrashReport::Frame& one, const CrashReport::Frame& other) {
  return one.number == other.number;
}

bool is_same(const CrashReport::Map& one, const CrashReport::Map& other) {
  return one.begin == other.begin;
}

// Adds what is not there, and puts what is whole in the place of what is cut off. What was there first counts.
template <typename Item>
void add_item(std::vector<Item>& items, Item item) {
  const auto known = std::ranges::find_if(items, [&](const Item& each) { return is_same(each, item); });
  if (known != items.end()) {
    if (is_cut(*known)) *known = std::move(item);
  } else if (items.size() < kMaxItems) {
    items.push_back(std::move(item));
  }
}

// Whether the item is there, or could be: there are `said` in all.
template <typename Item>
bool agrees(const std::vector<Item>& items, const Item& item, std::optional<std::size_t> said) {
  const auto known = std::ranges::find_if(items, [&](const Item& each) { return is_same(each, item); });
  if (known == items.end()) return !said || items.size() < *said;
  return *known == item || is_cut(*known) || is_cut(item);
}

std::optional<CrashReport::Frame> frame_in(std::string_view words) {
  CrashReport::Frame frame;
  const auto position = leading_number(take_word(words, ' '));
  if (!position || *position >= kMaxItems) return std::nullopt;
  frame.number = static_cast<unsigned>(*position);
  for_each_pair(words, [&](std::string_view key, const std::string& value) {
    if (key == "file") frame.file = value;
    if (key == "offset") frame.offset = leading_number(value);
    if (key == "address") frame.address = leading_number(value);
    if (key == "by") frame.by = value;
    if (key == "times") frame.times = std::clamp<std::uint64_t>(leading_number(value).value_or(1), 1, UINT32_MAX);
  });
  return frame;
}

std::optional<CrashReport::Map> map_in(std::string_view words) {
  CrashReport::Map map;
  auto range = take_word(words, ' ');
  const auto begin = leading_number(take_word(range, '-'));
  const auto end = leading_number(range);
  if (!begin || !end) return std::nullopt;
  map.begin = *begin;
  map.end = *end;
  for_each_pair(words, [&](std::string_view key, const std::string& value) {
    if (key == "offset") map.offset = leading_number(value).value_or(0);
    if (key == "file") map.file = value;
    if (key == "build_id") map.build_id = value;
  });
  return map;
}

using Register = std::pair<std::string, std::uint64_t>;

const std::uint64_t* register_of(const CrashReport& report, std::string_view name) {
  const auto found = std::ranges::find(report.registers, name, &Register::first);
  return found == report.registers.end() ? nullptr : &found->second;
}

void take_end(std::string_view words, CrashReport& report) {
  for_each_pair(words, [&](std::string_view key, const std::string& value) {
    if (key == "frames") report.frames_said = leading_number(value);
    if (key == "maps") report.maps_said = leading_number(value);
    if (key == "omitted") report.omitted = leading_number(value);
    if (key == "unread") report.unread = leading_number(value).value_or(0);
  });
}

// Calls `take` with each register of a line. How many words are none.
template <typename Take>
std::size_t for_each_register(std::string_view words, Take take) {
  std::size_t damaged = 0;
  while (!words.empty()) {
    auto value = take_word(words, ' ');
    if (value.empty()) continue;
    const auto name = take_word(value, '=');
    const auto content = leading_number(value);
    if (content)
      take(name, *content);
    else
      ++damaged;
  }
  return damaged;
}

std::vector<std::string> command_in(std::string_view words) {
  std::vector<std::string> command;
  while (!words.empty()) command.push_back(unescaped(take_word(words, ' ')));
  return command;
}

// A line of any kind but the first.
void take_line(std::string_view keyword, std::string_view words, CrashReport& report) {
  if (keyword == "command" && report.command.empty()) report.command = command_in(words);
  if (keyword == "register") {
    report.registers_damaged += for_each_register(words, [&](std::string_view name, std::uint64_t value) {
      if (register_of(report, name) == nullptr && report.registers.size() < kMaxItems)
        report.registers.emplace_back(name, value);
    });
  }
  if (const auto frame = keyword == "frame" ? frame_in(words) : std::nullopt) add_item(report.frames, *frame);
  if (const auto map = keyword == "map" ? map_in(words) : std::nullopt) add_item(report.maps, *map);
  if (keyword == "end") take_end(words, report);
}

// Whether a line can be one of `report`, which has come to its end.
bool belongs(std::string_view keyword, std::string_view words, const CrashReport& report) {
  if (keyword == "command") return report.command.empty() || report.command == command_in(words);
  if (keyword == "register") {
    bool same = true;
    (void)for_each_register(words, [&](std::string_view name, std::uint64_t value) {
      const auto* const known = register_of(report, name);
      same = same && (known == nullptr || *known == value);
    });  // damaged words tell nothing
    return same;
  }
  if (const auto frame = keyword == "frame" ? frame_in(words) : std::nullopt)
    return agrees(report.frames, *frame, report.frames_said);
  if (const auto map = keyword == "map" ? map_in(words) : std::nullopt)
    return agrees(report.maps, *map, report.maps_said);
  return true;
}

bool is_known(std::string_view keyword) {
  constexpr std::string_view kKnown[] = {"command", "register", "frame", "map", "end"};
  return std::ranges::find(kKnown, keyword) != std::end(kKnown);
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
  if (begun && (machine.empty() || (signal.empty() && exit.empty() && reboot.empty()))) ++count;
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

namespace {

// What has been read of one report. What follows its end belongs to it if it agrees with it: lines come late, and
// twice.
struct Reading {
  CrashReport report{};
  std::string first{};  // what follows `begin`
  bool ended = false;
};

class Reader {
 public:
  void take(std::string_view keyword, std::string_view words);
  std::vector<CrashReport> finish();

 private:
  void begin(std::string_view words);
  bool add();

  std::vector<Reading> all_;
  bool full_ = false;
};

// Whether there is room.
bool Reader::add() {
  full_ = full_ || all_.size() == kMaxReports;
  if (!full_) all_.emplace_back();
  return !full_;
}

void Reader::begin(std::string_view words) {
  // The first line of the report that is being read, once more or late.
  const bool open = !all_.empty() && !all_.back().ended;
  if (open && all_.back().report.begun && all_.back().first == words) return;
  if ((!open || all_.back().report.begun) && !add()) return;
  all_.back().first = words;
  all_.back().report.begun = true;
  take_begin(words, all_.back().report);
}

void Reader::take(std::string_view keyword, std::string_view words) {
  if (keyword == "begin") return begin(words);
  if (!is_known(keyword)) return;
  // One that has ended, and whose line it cannot be, is followed by another, whose first line is lost.
  const bool other = all_.empty() || (all_.back().ended && !belongs(keyword, words, all_.back().report));
  if (full_ || (other && !add())) return;
  if (!all_.back().ended || keyword != "end") take_line(keyword, words, all_.back().report);
  if (keyword == "end") all_.back().ended = true;
}

// Whether both are about the same: a log often has a report twice, from the console, and from dmesg or the journal.
bool are_same(const Reading& one, const Reading& other) {
  if (one.report == other.report) return true;
  if (one.report.begun && other.report.begun && one.first != other.first) return false;
  for (const char* name : {"pc", "sp"}) {
    const auto* const here = register_of(one.report, name);
    const auto* const there = register_of(other.report, name);
    if (here == nullptr || there == nullptr || *here != *there) return false;
  }
  return true;
}

void merge(Reading& reading, const Reading& more) {
  auto& to = reading.report;
  const auto& from = more.report;
  if (!to.begun && from.begun) {
    reading.first = more.first;
    to.begun = true;
    take_begin(more.first, to);
  }
  if (to.command.empty()) to.command = from.command;
  for (const auto& [name, value] : from.registers) {
    if (register_of(to, name) == nullptr) to.registers.emplace_back(name, value);
  }
  to.registers_damaged = std::min(to.registers_damaged, from.registers_damaged);
  for (const auto& frame : from.frames) add_item(to.frames, frame);
  for (const auto& map : from.maps) add_item(to.maps, map);
  if (to.frames_said) return;
  to.frames_said = from.frames_said;
  to.maps_said = from.maps_said;
  to.omitted = from.omitted;
  to.unread = from.unread;
}

std::vector<CrashReport> Reader::finish() {
  std::vector<Reading> kept;
  for (auto& reading : all_) {
    const auto known = std::ranges::find_if(kept, [&](const Reading& each) { return are_same(each, reading); });
    if (known == kept.end())
      kept.push_back(std::move(reading));
    else
      merge(*known, reading);
  }
  std::vector<CrashReport> reports;
  for (auto& reading : kept) {
    std::ranges::stable_sort(reading.report.frames, {}, &CrashReport::Frame::number);
    reports.push_back(std::move(reading.report));
  }
  return reports;
}

}  // namespace

std::vector<CrashReport> read_reports(std::string_view log) {
  Reader reader;
  for_each_record(log, kMark, [&](std::string_view words) {
    const auto keyword = take_word(words, ' ');
    reader.take(keyword, words);
  });
  return reader.finish();
}

}  // namespace gdbdebug::client
