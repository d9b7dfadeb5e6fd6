// SPDX-License-Identifier: GPL-2.0-or-later
// text: words, numbers and short texts, without memory from the heap.
// Everything here is pure; what is returned points into what was given.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gdbdebug {

/// Takes the part of `rest` before the first `separator` and drops it, with the separator, from `rest`.
/// Without a separator the whole of `rest` is taken.
constexpr std::string_view take_word(std::string_view& rest, char separator) {
  const auto end = rest.find(separator);
  const auto word = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return word;
}

/// What the kernel's isspace() takes for white space between parameters (lib/ctype.c; 0xa0 is left out on purpose).
constexpr bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// FNV-1a: tells one text from another where a collision does no harm worth speaking of.
constexpr std::uint64_t hash(std::string_view text) {
  std::uint64_t value = 0xcbf29ce484222325;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return value;
}

/// Reads all of `text` as a number without a sign; nullopt if it is anything else, or does not fit.
template <std::unsigned_integral T>
std::optional<T> parse_number(std::string_view text, int base = 10) {
  T value{};
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value, base);
  if (text.empty() || error != std::errc{} || rest != end) return std::nullopt;
  return value;
}

/// A text in a fixed buffer that is built piece by piece. What does not fit is cut off, and truncated() says so.
/// The part that does not depend on the size, so that every size shares one copy of the code.
class TextBuffer {
 public:
  TextBuffer(const TextBuffer&) = delete;
  TextBuffer& operator=(const TextBuffer&) = delete;

  TextBuffer& add(std::string_view text);
  TextBuffer& add(char c) { return add(std::string_view(&c, 1)); }
  TextBuffer& add_number(std::uint64_t number, unsigned base = 10);
  /// Two hexadecimal digits a byte.
  TextBuffer& add_hex(std::string_view bytes);
  TextBuffer& add_hex(std::uint8_t byte);

  void clear() {
    size_ = 0;
    truncated_ = false;
    chars_[0] = '\0';
  }
  void set(std::string_view text) {
    clear();
    add(text);
  }
  /// For a read(2) into the text: the room that is left, and how much of it was filled.
  char* tail() { return chars_ + size_; }
  std::size_t room() const { return capacity_ - size_; }
  void grow(std::size_t count) {
    size_ += count;
    chars_[size_] = '\0';
  }

  std::string_view view() const { return {chars_, size_}; }
  operator std::string_view() const { return view(); }
  const char* c_str() const { return chars_; }
  bool empty() const { return size_ == 0; }
  bool truncated() const { return truncated_; }

 protected:
  TextBuffer(char* chars, std::size_t capacity) : chars_(chars), capacity_(capacity) { chars_[0] = '\0'; }
  ~TextBuffer() = default;

 private:
  char* const chars_;
  const std::size_t capacity_;
  std::size_t size_ = 0;
  bool truncated_ = false;
};

/// At most N bytes of text, and the zero behind them.
template <std::size_t N>
class Text : public TextBuffer {
 public:
  Text() : TextBuffer(storage_, N) {}
  explicit Text(std::string_view text) : Text() { add(text); }
  Text(const Text& other) : Text(other.view()) {}
  Text& operator=(const Text& other) {
    if (this != &other) set(other);
    return *this;
  }
  ~Text() = default;

 private:
  char storage_[N + 1];  // uninitialized on purpose: only what size() covers is read
};

}  // namespace gdbdebug
