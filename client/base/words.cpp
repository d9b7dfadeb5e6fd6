// SPDX-License-Identifier: GPL-2.0-or-later
// words: see words.hpp.
#include "base/words.hpp"

#include <algorithm>

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

}  // namespace

std::string printable(std::string_view text, bool lines) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    if (c == 0xc2 && next >= 0x80 && next < 0xa0) {  // U+0080 to U+009F
      result += '?';
      ++i;
    } else if (c >= 0x20 ? c != 0x7f : lines && (c == '\n' || c == '\t')) {
      result += text[i];
    } else {
      result += '?';
    }
  }
  return result;
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
