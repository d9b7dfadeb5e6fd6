// SPDX-License-Identifier: GPL-2.0-or-later
// recent_replies: see recent_replies.hpp.
#include "session/recent_replies.hpp"

#include "session/payload.hpp"

namespace gdbdebug::client {
namespace {

// Of memory and of tables.
bool is_read(std::string_view request) {
  return parse_read(request) || (request.starts_with("qXfer:") && effect_of(request) == Forget::nothing);
}

}  // namespace

Step RecentReplies::on_request(std::string_view request) {
  const auto known = replies_.find(request);
  return known == replies_.end() ? Step::pass() : Step::answer(known->second);
}

void RecentReplies::saw(std::string_view request, std::string_view reply) {
  if (is_read(request)) replies_.insert_or_assign(std::string(request), std::string(reply));
}

void RecentReplies::forget(Forget what) {
  if (what >= Forget::replies) replies_.clear();
}

}  // namespace gdbdebug::client
