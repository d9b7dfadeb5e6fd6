// SPDX-License-Identifier: GPL-2.0-or-later
// selection: see selection.hpp.
#include "dump/selection.hpp"

#include "dump/ordered.hpp"

namespace gdbdebug::dump {

Range Selection::ranges_[kCapacity];

std::size_t Selection::position(std::uint64_t address) const {
  return first_behind(ranges(), address);
}

bool Selection::has(std::uint64_t address) const {
  const auto at = position(address);
  return at < count_ && ranges_[at].begin <= address;
}

bool Selection::add(std::uint64_t begin, std::uint64_t end, unsigned round) {
  constexpr std::uint64_t kWord = 7;
  begin &= ~kWord;
  end = end > ~kWord ? ~kWord : (end + kWord) & ~kWord;
  while (begin < end && !full()) {
    const auto at = position(begin);
    if (at < count_ && ranges_[at].begin <= begin) {
      begin = ranges_[at].end;
      continue;
    }
    auto stop = at < count_ && ranges_[at].begin < end ? ranges_[at].begin : end;
    if (stop - begin > budget_ - bytes_) stop = begin + ((budget_ - bytes_ + kWord) & ~kWord);
    bytes_ += stop - begin;
    if (at > 0 && ranges_[at - 1].end == begin && ranges_[at - 1].round == round) {
      ranges_[at - 1].end = stop;
    } else {
      for (auto i = count_; i > at; --i) ranges_[i] = ranges_[i - 1];
      ranges_[at] = {begin, stop, round};
      ++count_;
    }
    begin = stop;
  }
  return !full();
}

}  // namespace gdbdebug::dump
