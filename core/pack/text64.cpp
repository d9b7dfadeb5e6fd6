// SPDX-License-Identifier: GPL-2.0-or-later
// text64: see text64.hpp.
#include "core/pack/text64.hpp"

#include <array>

namespace gdbdebug {
namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./";

int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (is_digit(c)) return c - '0' + 52;
  if (c == '.') return 62;
  return c == '/' ? 63 : -1;
}

}  // namespace

std::uint32_t crc32(std::string_view text, std::uint32_t before) {
  static constexpr auto kTable = [] {  // of four bits
    std::array<std::uint32_t, 16> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
      auto value = i;
      for (int bit = 0; bit < 4; ++bit) value = value >> 1 ^ (0xedb88320U & (0 - (value & 1)));
      table[i] = value;
    }
    return table;
  }();
  std::uint32_t value = ~before;
  for (const char c : text) {
    value ^= static_cast<unsigned char>(c);
    value = value >> 4 ^ kTable[value & 15];
    value = value >> 4 ^ kTable[value & 15];
  }
  return ~value;
}

void add_text64(TextBuffer& text, std::span<const unsigned char> bytes) {
  unsigned held = 0;  // bits that are not written yet
  unsigned count = 0;
  for (const unsigned char byte : bytes) {
    held = held << 8 | byte;
    for (count += 8; count >= 6; count -= 6) text.add(kDigits[held >> (count - 6) & 63]);
  }
  if (count > 0) text.add(kDigits[held << (6 - count) & 63]);
}

std::optional<std::size_t> read_text64(std::string_view text, std::span<unsigned char> bytes) {
  if (text.size() % 4 == 1) return std::nullopt;
  unsigned held = 0;
  unsigned count = 0;
  std::size_t size = 0;
  for (const char c : text) {
    const int value = value_of(c);
    if (value < 0) return std::nullopt;
    held = held << 6 | static_cast<unsigned>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    if (size == bytes.size()) return std::nullopt;
    bytes[size++] = static_cast<unsigned char>(held >> count);
  }
  return size;
}

}  // namespace gdbdebug
