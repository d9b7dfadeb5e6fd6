// SPDX-License-Identifier: GPL-2.0-or-later
// lz4: see lz4.hpp.
#include "core/pack/lz4.hpp"

#include <cstdint>
#include <cstring>

namespace gdbdebug::lz4 {
namespace {

constexpr std::size_t kMinMatch = 4;
/// The last bytes are literals, and no match begins so near the end ("End of block conditions").
constexpr std::size_t kLastLiterals = 5;
constexpr std::size_t kNoMatch = 12;
constexpr unsigned kShort = 15;  ///< From here on a length goes on in further bytes.
constexpr unsigned kHashBits = 12;

class Packer {
 public:
  explicit Packer(std::span<unsigned char> packed) : packed_(packed) {}

  /// Literals, and then a match; `length` 0: there is none, these are the last.
  bool add(std::span<const unsigned char> literals, std::size_t offset, std::size_t length) {
    const std::size_t more = length == 0 ? 0 : length - kMinMatch;
    const auto high = literals.size() < kShort ? literals.size() : kShort;
    const auto low = more < kShort ? more : kShort;
    if (!byte(high << 4 | low) || !rest_of(literals.size())) return false;
    if (packed_.size() - size_ < literals.size()) return false;
    if (!literals.empty()) std::memcpy(packed_.data() + size_, literals.data(), literals.size());
    size_ += literals.size();
    return length == 0 || (byte(offset & 0xff) && byte(offset >> 8) && rest_of(more));
  }
  std::size_t size() const { return size_; }

 private:
  bool byte(std::size_t value) {
    if (size_ == packed_.size()) return false;
    packed_[size_++] = static_cast<unsigned char>(value);
    return true;
  }
  bool rest_of(std::size_t length) {
    if (length < kShort) return true;
    for (length -= kShort; length >= 255; length -= 255) {
      if (!byte(255)) return false;
    }
    return byte(length);
  }

  std::span<unsigned char> packed_;
  std::size_t size_ = 0;
};

/// Reads what follows a length of 15; whether it ended before `packed` did.
bool take_rest(std::span<const unsigned char> packed, std::size_t& at, std::size_t& length) {
  if (length < kShort) return true;
  for (;;) {
    if (at == packed.size() || length > kMaxBlock) return false;
    const unsigned char more = packed[at++];
    length += more;
    if (more != 255) return true;
  }
}

}  // namespace

std::optional<std::size_t> pack(std::span<const unsigned char> block, std::span<unsigned char> packed) {
  constexpr unsigned kSteps = 64;
  if (block.size() > kMaxBlock) return std::nullopt;
  static std::uint16_t last[1U << kHashBits];  // where four bytes with this hash were last, and one more; 0: nowhere
  static std::uint16_t before[kMaxBlock + 1];  // the place of the same hash before that at this place
  std::memset(last, 0, sizeof last);
  const auto enter = [&](std::size_t at) {
    std::uint32_t four = 0;
    std::memcpy(&four, block.data() + at, sizeof four);
    auto& place = last[four * 2654435761U >> (32 - kHashBits)];
    before[at] = place;
    place = static_cast<std::uint16_t>(at + 1);
  };
  Packer packer(packed);
  std::size_t begin = 0;  // of the literals that are still to be written
  for (std::size_t at = 0; at + kNoMatch < block.size();) {
    enter(at);
    std::size_t longest = 0;
    std::size_t offset = 0;
    unsigned steps = kSteps;
    for (std::size_t place = before[at]; place != 0 && steps > 0; place = before[place - 1], --steps) {
      const auto earlier = place - 1;
      std::size_t length = 0;
      while (at + length + kLastLiterals < block.size() && block[earlier + length] == block[at + length]) ++length;
      if (length <= longest) continue;
      longest = length;
      offset = at - earlier;
    }
    if (longest < kMinMatch) {
      ++at;
      continue;
    }
    if (!packer.add(block.subspan(begin, at - begin), offset, longest)) return std::nullopt;
    for (const auto end = at + longest; ++at < end;) {
      if (at + kNoMatch < block.size()) enter(at);
    }
    begin = at;
  }
  if (!packer.add(block.subspan(begin), 0, 0)) return std::nullopt;
  return packer.size();
}

bool unpack(std::span<const unsigned char> packed, std::span<unsigned char> block) {
  std::size_t filled = 0;
  for (std::size_t at = 0; at < packed.size();) {
    const unsigned token = packed[at++];
    std::size_t literals = token >> 4;
    if (!take_rest(packed, at, literals) || literals > packed.size() - at || literals > block.size() - filled)
      return false;
    if (literals != 0) std::memcpy(block.data() + filled, packed.data() + at, literals);
    filled += literals;
    at += literals;
    if (at == packed.size()) break;  // the last literals have no match behind them
    if (packed.size() - at < 2) return false;
    const std::size_t offset = std::size_t{packed[at]} | std::size_t{packed[at + 1]} << 8;
    at += 2;
    std::size_t length = token & kShort;
    if (!take_rest(packed, at, length)) return false;
    length += kMinMatch;
    if (offset == 0 || offset > filled || length > block.size() - filled) return false;
    for (; length > 0; --length, ++filled) block[filled] = block[filled - offset];
  }
  return filled == block.size();
}

}  // namespace gdbdebug::lz4
