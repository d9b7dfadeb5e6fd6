// SPDX-License-Identifier: GPL-2.0-or-later
// words: see words.hpp.
#include "base/words.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/base/text.hpp"

namespace gdbdebug::client {
namespace {

// How many letters must be added, dropped or changed to make one of the other (Levenshtein's distance).
std::size_t letters_between(std::string_view one, std::string_view other) {
  std::vector<std::size_t> row(other.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < one.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < other.size(); ++j) {
      const auto changed = diagonal + (one[i] == other[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

bool is_control(std::uint32_t point) {
  return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

// Separators of lines, and the characters with the property Bidi_Control (Unicode Standard Annex 9).
bool reorders(std::uint32_t point) {
  return point == 0x61c || point == 0x200e || point == 0x200f || (point >= 0x2028 && point <= 0x202e) ||
         (point >= 0x2066 && point <= 0x2069);
}

}  // namespace

std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i) { return at(i) >= 0x80 && at(i) <= 0xbf; };
  const unsigned lead = at(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf && follows(1)) return 2;
  if (lead >= 0xe0 && lead <= 0xef && follows(1) && follows(2)) {
    const bool overlong = lead == 0xe0 && at(1) < 0xa0;
    const bool surrogate = lead == 0xed && at(1) > 0x9f;
    return overlong || surrogate ? 0 : 3;
  }
  if (lead >= 0xf0 && lead <= 0xf4 && follows(1) && follows(2) && follows(3)) {
    const bool outside = (lead == 0xf0 && at(1) < 0x90) || (lead == 0xf4 && at(1) > 0x8f);
    return outside ? 0 : 4;
  }
  return 0;
}

std::uint32_t code_point(std::string_view sequence) {
  constexpr std::array<std::uint32_t, 5> kFirst{0, 0x7f, 0x1f, 0x0f, 0x07};  // the bits of a first byte that count
  std::uint32_t point = 0;
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    const auto byte = static_cast<unsigned char>(sequence[i]);
    point = i == 0 ? byte & kFirst[sequence.size()] : point << 6 | (byte & 0x3fU);
  }
  return point;
}

std::string printable(std::string_view text, bool lines) {
  std::string result;
  while (!text.empty()) {
    const auto length = utf8_length(text);
    const auto point = code_point(text.substr(0, length));
    const bool stays = lines && (point == '\n' || point == '\t');
    if (length == 0 || (!stays && (is_control(point) || reorders(point)))) {
      result += '?';
    } else {
      result += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result;
}

bool has_control(std::string_view text) {
  while (!text.empty()) {
    const auto length = utf8_length(text);
    if (length != 0 && is_control(code_point(text.substr(0, length)))) return true;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return false;
}

std::string_view cut(std::string_view text, std::size_t size) {
  if (size >= text.size()) return text;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80) --size;
  return text.substr(0, size);
}

std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto escape = text.substr(i, 4);
    const bool whole = escape.size() == 4 && escape.starts_with("\\x");
    const int high = whole ? hex_value(escape[2]) : -1;
    const int low = whole ? hex_value(escape[3]) : -1;
    if (high < 0 || low < 0) {
      plain += text[i];
      continue;
    }
    plain += static_cast<char>(high * 16 + low);
    i += 3;
  }
  return plain;
}

std::string_view nearest_word(std::string_view wrong, const std::vector<std::string_view>& words) {
  constexpr std::size_t kTooFar = 3;
  std::size_t least = std::min(kTooFar, wrong.size());
  std::string_view nearest;
  if (wrong.size() > 64) return nearest;
  for (const auto word : words) {
    const auto letters = letters_between(wrong, word);
    if (letters >= least) continue;
    least = letters;
    nearest = word;
  }
  return nearest;
}

}  // namespace gdbdebug::client
