// SPDX-License-Identifier: GPL-2.0-or-later
// text: see text.hpp.
#include "core/base/text.hpp"

#include <cstring>

namespace gdbdebug {

TextBuffer& TextBuffer::add(std::string_view text) {
  if (text.size() > room()) {
    truncated_ = true;
    text = text.substr(0, room());
  }
  if (!text.empty()) std::memmove(tail(), text.data(), text.size());
  grow(text.size());
  return *this;
}

TextBuffer& TextBuffer::add_number(std::uint64_t number, unsigned base) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  char digits[20];  // of 2^64 in base 10; the bases in use are 10 and 16
  std::size_t begin = sizeof digits;
  do {
    digits[--begin] = kDigits[static_cast<std::size_t>(number % base)];
    number /= base;
  } while (number != 0 && begin > 0);
  return add({digits + begin, sizeof digits - begin});
}

TextBuffer& TextBuffer::add_hex(std::string_view bytes) {
  for (const char c : bytes) add_hex(static_cast<std::uint8_t>(c));
  return *this;
}

TextBuffer& TextBuffer::add_hex(std::uint8_t byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  return add(kDigits[byte >> 4]).add(kDigits[byte & 15]);
}

}  // namespace gdbdebug
