// SPDX-License-Identifier: GPL-2.0-or-later
// payload: see payload.hpp.
#include "session/payload.hpp"

#include <array>
#include <charconv>
#include <vector>

#include "core/base/text.hpp"
#include "core/rsp/packet.hpp"

namespace gdbdebug::client {

std::string hexadecimal(std::uint64_t number) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  return {digits.data(), end};
}

std::string hex_bytes(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

std::optional<std::string> bytes_of_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = hex_value(digits[i]);
    const int low = hex_value(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::optional<std::string> expanded(std::string_view payload) {
  std::vector<char> room(payload.size() * 100 + 100);  // a run is 97 characters at most, written with three
  const auto text = rsp::expand(payload, room);
  if (text.empty() && !payload.empty()) return std::nullopt;
  return std::string(text);
}

std::optional<std::string> binary(std::string_view payload) {
  const auto text = expanded(payload);
  if (!text) return std::nullopt;
  std::string plain;
  for (std::size_t i = 0; i < text->size(); ++i) {
    if ((*text)[i] == '}' && i + 1 < text->size()) {
      plain += static_cast<char>((*text)[++i] ^ 0x20);
    } else {
      plain += (*text)[i];
    }
  }
  return plain;
}

std::string escaped(std::string_view plain) {
  std::string text;
  for (const char c : plain) {
    if (rsp::is_escaped(c)) {
      text += {'}', static_cast<char>(c ^ 0x20)};
    } else {
      text += c;
    }
  }
  return text;
}

std::optional<MemoryRead> parse_read(std::string_view request) {
  if (!request.starts_with('m') && !request.starts_with('x')) return std::nullopt;
  auto rest = request.substr(1);
  const auto address = parse_number<std::uint64_t>(take_word(rest, ','), 16);
  const auto length = parse_number<std::uint64_t>(rest, 16);
  if (!address || !length) return std::nullopt;
  return MemoryRead{*address, *length, request.front() == 'x'};
}

std::string answer_of(const MemoryRead& read, std::string_view bytes) {
  return read.is_binary ? "b" + escaped(bytes) : hex_bytes(bytes);
}

std::optional<std::string> bytes_in(const MemoryRead& read, std::string_view reply) {
  if (read.is_binary) return reply.starts_with('b') ? binary(reply.substr(1)) : std::nullopt;
  const auto digits = expanded(reply);
  return digits ? bytes_of_hex(*digits) : std::nullopt;  // an error, `E01`, has an odd number of them
}

}  // namespace gdbdebug::client
