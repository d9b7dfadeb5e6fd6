// SPDX-License-Identifier: GPL-2.0-or-later
// arriving: see arriving.hpp.
#include "report/arriving.hpp"

#include "core/base/text.hpp"

namespace gdbdebug::client {
namespace {

constexpr std::string_view kMark = "gdbdebug: ";
// A record has 992 bytes at most (gdbdebug(7), THE CORE).
constexpr std::size_t kMaxLine = 4096;

}  // namespace

bool Arriving::take(std::string_view bytes) {
  bool found = false;
  while (!bytes.empty()) {
    const auto end = bytes.find_first_of("\r\n");
    line_ += bytes.substr(0, end);
    if (line_.size() > kMaxLine) line_.erase(0, line_.size() - kMaxLine);
    if (end == std::string_view::npos) break;
    found = take_line(line_) || found;
    line_.clear();
    bytes.remove_prefix(end + 1);
  }
  return found;
}

// Whether it is a record, or a part of one.
bool Arriving::take_line(std::string_view line) {
  const auto mark = line.rfind(kMark);
  if (mark == std::string_view::npos) return false;
  line.remove_prefix(mark + kMark.size());
  const auto kind = take_word(line, ' ');
  const auto first = take_word(line, ' ');
  if (kind == "report:") {
    state_ = first == "end" ? State::kReportEnded : State::kReport;
  } else if (kind == "hang:") {
    state_ = first == "end" ? State::kHangEnded : State::kHang;
  } else if (kind == "core:") {  // behind its name
    state_ = take_word(line, ' ') == "end" ? State::kCoreEnded : State::kCore;
  } else {
    return false;
  }
  return true;
}

std::optional<std::chrono::milliseconds> Arriving::patience() const {
  using std::chrono::milliseconds;
  switch (state_) {
    case State::kNothing:
      return std::nullopt;
    case State::kCoreEnded:
      return milliseconds(300);  // what is on its way already
    case State::kReportEnded:
    case State::kHangEnded:
      return milliseconds(3000);  // a core begins at once
    default:
      return milliseconds(10'000);  // the line at 1200 baud needs eight seconds for the longest
  }
}

}  // namespace gdbdebug::client
