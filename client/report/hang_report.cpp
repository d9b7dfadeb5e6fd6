// SPDX-License-Identifier: GPL-2.0-or-later
// hang_report: see hang_report.hpp.
#include "report/hang_report.hpp"

#include <algorithm>

#include "base/words.hpp"
#include "core/base/text.hpp"
#include "report/log_lines.hpp"

namespace gdbdebug::client {
namespace {

// A log can come from anywhere; the agent stops at 96 processes.
constexpr std::size_t kMaxProcesses = 4096;
constexpr std::size_t kMaxReports = 256;

using Process = HangReport::Process;

// The process with that number, where there is room for it.
Process* process_in(HangReport& report, std::uint64_t pid) {
  const auto known = std::ranges::find(report.processes, pid, &Process::pid);
  if (known != report.processes.end()) return &*known;
  if (report.processes.size() == kMaxProcesses) return nullptr;
  auto& process = report.processes.emplace_back();
  process.pid = pid;
  return &process;
}

std::optional<std::uint64_t> pid_in(std::string_view words) {
  std::optional<std::uint64_t> pid;
  for_each_pair(words.substr(0, words.find(' ')), [&](std::string_view key, const std::string& value) {
    if (key == "pid") pid = leading_number(value);
  });
  return pid;
}

void take_process(std::string_view words, Process& process) {
  constexpr std::string_view kCommand = " command";
  const auto end = words.find(kCommand);
  for_each_pair(words.substr(0, end), [&](std::string_view key, const std::string& value) {
    if (key == "parent") process.parent = leading_number(value);
    if (key == "comm") process.comm = value;
    if (key == "state") process.state = value.substr(0, 1);
    if (key == "call") process.call = value;
    if (key == "on" || key == "path" || key == "child") process.on = value;
    if (key == "wchan") process.wchan = value;
    if (key == "cpu") process.cpu = value;
    if (key == "input") process.input = value == "1";
  });
  if (end == std::string_view::npos || !process.command.empty()) return;
  auto rest = words.substr(end + kCommand.size());
  while (!rest.empty()) {
    if (const auto word = take_word(rest, ' '); !word.empty()) process.command.push_back(unescaped(word));
  }
}

void take_stack(std::string_view words, Process& process) {
  constexpr std::string_view kIn = " in=";
  const auto begin = words.find(kIn);
  if (begin == std::string_view::npos || !process.stack.empty()) return;
  auto rest = words.substr(begin + kIn.size());
  rest = rest.substr(0, rest.find(' '));
  while (!rest.empty()) process.stack.emplace_back(take_word(rest, ','));
}

void take_end(std::string_view words, HangReport& report) {
  for_each_pair(words.substr(0, words.find(';')), [&](std::string_view key, const std::string& value) {
    if (key == "processes") report.said = leading_number(value);
    if (key == "omitted") report.omitted = leading_number(value).value_or(0);
  });
}

}  // namespace

std::vector<HangReport> read_hang_reports(std::string_view log) {
  std::vector<HangReport> reports;
  for_each_record(log, "gdbdebug: hang: ", [&](std::string_view record) {
    auto words = record;
    const auto keyword = take_word(words, ' ');
    const bool is_process = keyword == "process" && words.starts_with("pid=");
    const bool is_stack = keyword == "stack" && words.starts_with("pid=");
    const bool is_end = keyword == "end" && words.starts_with("processes=");
    const bool is_head = !is_process && !is_stack && !is_end;
    if (is_head && record.find("; PID 1 ") == std::string_view::npos) return;  // cut off, or of a later version
    if (is_head && !reports.empty() && reports.back().head == record && !reports.back().said) return;  // once more
    const bool other = reports.empty() || (is_head && !reports.back().head.empty()) || (is_head && reports.back().said);
    if (other && reports.size() == kMaxReports) return;
    if (other) reports.emplace_back();
    auto& report = reports.back();
    if (is_head) report.head = record;
    if (is_end) take_end(words, report);
    const auto pid = is_process || is_stack ? pid_in(words) : std::nullopt;
    auto* const process = pid ? process_in(report, *pid) : nullptr;
    if (process == nullptr) return;
    if (is_process) take_process(words, *process);
    if (is_stack) take_stack(words, *process);
  });
  return reports;
}

}  // namespace gdbdebug::client
