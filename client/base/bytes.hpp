// SPDX-License-Identifier: GPL-2.0-or-later
// bytes: numbers out of foreign bytes, never past their end.
#pragma once

#include <optional>

#include "base/file.hpp"

namespace gdbdebug::client {

/// The little-endian number of `size` bytes (at most 8) at `offset`, or nothing where the bytes end before it does.
inline std::optional<std::uint64_t> little_endian(Bytes bytes, std::size_t offset, std::size_t size) {
  if (offset > bytes.size() || size > bytes.size() - offset) return std::nullopt;
  std::uint64_t number = 0;
  for (std::size_t i = size; i-- > 0;) number = number << 8 | std::to_integer<std::uint64_t>(bytes[offset + i]);
  return number;
}

/// The big-endian number of `size` bytes (at most 8) at `offset`, or nothing where the bytes end before it does.
inline std::optional<std::uint64_t> big_endian(Bytes bytes, std::size_t offset, std::size_t size) {
  if (offset > bytes.size() || size > bytes.size() - offset) return std::nullopt;
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < size; ++i) number = number << 8 | std::to_integer<std::uint64_t>(bytes[offset + i]);
  return number;
}

/// Whether `bytes` has `text` at `offset`.
inline bool has_at(Bytes bytes, std::size_t offset, std::string_view text) {
  return offset <= bytes.size() && text.size() <= bytes.size() - offset &&
         as_text(bytes.subspan(offset, text.size())) == text;
}

}  // namespace gdbdebug::client
