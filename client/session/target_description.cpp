// SPDX-License-Identifier: GPL-2.0-or-later
// target_description: see target_description.hpp.
#include "session/target_description.hpp"

#include <algorithm>
#include <utility>

#include "core/base/text.hpp"
#include "session/payload.hpp"

namespace gdbdebug::client {
namespace {

// How much of a known description's end is compared. With the length, which is compared along with it, that tells each
// set of features from every other: a feature more makes it longer, and each ends in its own last register.
constexpr std::size_t kProbe = 48;
constexpr std::string_view kRead = "qXfer:features:read:target.xml:";

struct Range {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};
std::optional<Range> parse(std::string_view request) {
  if (!request.starts_with(kRead)) return std::nullopt;
  auto rest = request.substr(kRead.size());
  const auto offset = parse_number<std::uint64_t>(take_word(rest, ','), 16);
  const auto length = parse_number<std::uint64_t>(rest, 16);
  if (!offset || !length) return std::nullopt;
  return Range{*offset, *length};
}

}  // namespace

Step TargetDescription::on_request(std::string_view request) {
  const auto range = parse(request);
  if (!range) return Step::pass();
  offset_ = range->offset;
  length_ = range->length;
  if (description_) return piece();
  if (offset_ != 0) return Step::pass();
  learning_.clear();
  candidates_ = descriptions_.known;
  std::erase_if(candidates_, [](const auto& one) { return one.size() < kProbe; });
  return probe();
}

// The first candidate is the likeliest; when it was not that, the shortest: its end lies within all of the others, and
// so the answer tells them apart too.
Step TargetDescription::probe() {
  if (candidates_.empty() && descriptions_.more) {
    candidates_ = std::exchange(descriptions_.more, nullptr)();
    std::erase_if(candidates_, [](const auto& one) { return one.size() < kProbe; });
    std::ranges::stable_sort(candidates_, {}, [](const auto& one) { return one.size(); });
    descriptions_.known.insert(descriptions_.known.end(), candidates_.begin(), candidates_.end());
  }
  if (candidates_.empty()) return Step::pass();
  // One byte more than is there, if it is the same: a longer one shows by that.
  const auto offset = candidates_.front().size() - kProbe;
  return Step::ask(std::string(kRead) + hexadecimal(offset) + "," + hexadecimal(kProbe + 1));
}

Step TargetDescription::on_answer(std::string_view reply) {
  const auto offset = candidates_.front().size() - kProbe;
  const auto data = reply.empty() ? std::nullopt : binary(reply.substr(1));
  const bool ends = reply.starts_with('l');
  const bool known = data && (ends || reply.starts_with('m'));
  const auto fits = [&](const std::string& one) {
    if (!known || one.size() < offset) return !known && one.size() < offset;  // an error: it is shorter
    return std::string_view(one).substr(offset, kProbe + 1) == *data && ends == (one.size() <= offset + data->size());
  };
  if (known && ends && data->size() == kProbe && fits(candidates_.front())) {
    description_ = candidates_.front();
    descriptions_.learned(*description_);  // so that it is the likeliest next time
    return piece();
  }
  candidates_.erase(candidates_.begin());
  std::erase_if(candidates_, [&](const auto& one) { return !fits(one); });
  std::ranges::stable_sort(candidates_, {}, [](const auto& one) { return one.size(); });
  return probe();
}

Step TargetDescription::piece() const {
  const auto size = description_->size();
  const auto begin = std::min<std::uint64_t>(offset_, size);
  const auto text = std::string_view(*description_).substr(begin, length_);
  return Step::answer((begin + text.size() < size ? "m" : "l") + escaped(text));
}

void TargetDescription::saw(std::string_view request, std::string_view reply) {
  const auto range = parse(request);
  if (!range || description_) return;
  const auto data = reply.empty() ? std::nullopt : binary(reply.substr(1));
  const bool follows = data && learning_.size() == range->offset && (reply.front() == 'm' || reply.front() == 'l');
  if (follows) learning_ += *data;
  // One that includes others is not the whole of it.
  if (follows && reply.front() == 'l' && learning_.find("xi:include") == std::string::npos) {
    description_ = learning_;
    descriptions_.learned(learning_);
  }
}

void TargetDescription::forget(Forget what) {
  if (what < Forget::process) return;
  description_.reset();
  learning_.clear();
}

}  // namespace gdbdebug::client
