// SPDX-License-Identifier: GPL-2.0-or-later
// late_settings: see late_settings.hpp.
#include "session/late_settings.hpp"

#include <algorithm>
#include <utility>

namespace gdbdebug::client {
namespace {

bool ends_a_session(std::string_view request) {
  return request.starts_with('D') || request.starts_with("vKill");
}
bool uses_files(std::string_view request) {
  return request.starts_with("vFile:");
}
bool resumes_without_vcont(std::string_view request) {
  return !request.empty() && std::string_view("csCS").find(request.front()) != std::string_view::npos;
}

struct Row {
  // cppcheck-suppress unusedStructMember ; of a table
  std::string_view request;  // how it begins, if it ends in a colon
  // cppcheck-suppress unusedStructMember ; of a table
  std::string_view answer;
  bool (*before)(std::string_view request);
};
constexpr std::array<Row, 3> kRows{{
    {"QProgramSignals:", "OK", ends_a_session},
    {"vFile:setfs:0", "F0", uses_files},
    {"Hc-1", "E01", resumes_without_vcont},
}};

}  // namespace

Step LateSettings::on_request(std::string_view request) {
  static_assert(kRows.size() == kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    const auto& row = kRows[i];
    if (matches(row.request, request)) {
      kept_[i] = request;
      return Step::answer(std::string(row.answer));
    }
  }
  // The target's own setting, of which the one that is kept would be the undoing.
  if (request.starts_with("vFile:setfs:")) kept_[1].reset();
  if (request.starts_with("Hc")) kept_[2].reset();
  for (std::size_t i = 0; i < kCount; ++i) due_[i] = kept_[i] && kRows[i].before(request);
  return next();
}

Step LateSettings::on_answer(std::string_view /*reply*/) {
  return next();
}

Step LateSettings::next() {
  const auto due = std::ranges::find(due_, true);
  if (due == due_.end()) return Step::pass();
  *due = false;
  return Step::ask(*std::exchange(kept_[static_cast<std::size_t>(due - due_.begin())], std::nullopt));
}

}  // namespace gdbdebug::client
