// SPDX-License-Identifier: GPL-2.0-or-later
// candidates: see candidates.hpp.
#include "report/candidates.hpp"

namespace gdbdebug {
namespace {

/// So many of the innermost and outermost lines stay, even in the dynamic linker: where PID 1 stands in it, they say
/// why.
constexpr std::size_t kInnermost = 6;
constexpr std::size_t kOutermost = 3;

}  // namespace

bool Candidates::has(std::uint64_t address) const {
  for (const auto& line : lines()) {
    if (line.address == address) return true;
  }
  return false;
}

void Candidates::add(const Candidate& candidate) {
  Candidate* last = nullptr;
  std::size_t copies = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    if (lines_[i].address != candidate.address) continue;
    last = &lines_[i];
    ++copies;
  }
  if (last != nullptr && (copies == kCopies || last == &lines_[count_ - 1])) return absorb(*last, candidate);
  if (count_ == kCapacity) shorten(kCapacity - kCapacity / 4);  // not at every word: it looks at all pairs
  lines_[count_++] = candidate;
}

void Candidates::shorten(std::size_t limit) {
  if (count_ > limit) merge();
  while (count_ > limit) drop_one(limit);
}

void Candidates::merge() {
  for (std::size_t i = 0; i < count_; ++i) {
    for (std::size_t j = i + 1; j < count_;) {
      if (lines_[i].address != lines_[j].address) {
        ++j;
        continue;
      }
      absorb(lines_[i], lines_[j]);
      erase(j);
    }
  }
}

void Candidates::drop_one(std::size_t limit) {
  const std::size_t middle = limit - limit / 3;  // two thirds of what stays are inside of it
  std::size_t index = middle;
  std::size_t nearest = count_;
  for (std::size_t i = kInnermost; i + kOutermost < count_; ++i) {
    const std::size_t distance = i < middle ? middle - i : i - middle;
    if (lines_[i].chained || distance >= nearest) continue;
    index = i;
    nearest = distance;
  }
  for (std::size_t i = kInnermost; i + kOutermost < count_; ++i) {
    if (lines_[i].linker && !lines_[i].chained) index = i;
  }
  omitted_ += lines_[index].times;
  erase(index);
}

void Candidates::absorb(Candidate& line, const Candidate& other) {
  line.times += other.times;
  line.chained = line.chained || other.chained;
}

void Candidates::erase(std::size_t index) {
  --count_;
  for (std::size_t i = index; i < count_; ++i) lines_[i] = lines_[i + 1];
}

}  // namespace gdbdebug
