// SPDX-License-Identifier: GPL-2.0-or-later
// backlog: the console's text that could not be sent yet. Bounded: the oldest goes first, and is counted.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace gdbdebug::wire {

template <std::size_t N>
class Backlog {
 public:
  void add(std::string_view text) {
    if (text.size() > N) {
      lost_ += text.size() - N;
      text.remove_prefix(text.size() - N);
    }
    if (text.size() > room()) {
      const auto over = text.size() - room();
      lost_ += over;
      consume(over);
    }
    while (!text.empty()) {
      const auto at = (begin_ + size_) % N;
      const auto part = text.substr(0, std::min(N - at, N - size_));
      std::memcpy(bytes_.data() + at, part.data(), part.size());
      size_ += part.size();
      text.remove_prefix(part.size());
    }
  }
  /// In front of the oldest; there must be room.
  void add_front(std::string_view text) {
    for (auto at = text.size(); at > 0; --at) {
      begin_ = (begin_ + N - 1) % N;
      bytes_[begin_] = text[at - 1];
      ++size_;
    }
  }
  /// The oldest bytes, as many as lie together, but not more than `most`.
  std::string_view front(std::size_t most = N) const {
    return {bytes_.data() + begin_, std::min({most, size_, N - begin_})};
  }
  void consume(std::size_t count) {
    begin_ = (begin_ + count) % N;
    size_ -= count;
  }
  std::size_t size() const { return size_; }
  std::size_t room() const { return N - size_; }
  bool empty() const { return size_ == 0; }
  /// How many bytes were dropped since the last call.
  std::uint64_t take_lost() { return std::exchange(lost_, 0); }
  bool has_lost() const { return lost_ != 0; }

 private:
  std::array<char, N> bytes_;
  std::size_t begin_ = 0;
  std::size_t size_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace gdbdebug::wire
