// SPDX-License-Identifier: GPL-2.0-or-later
// payload: what stands in packets, written and read. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gdbdebug::client {

std::string hexadecimal(std::uint64_t number);
/// Two digits a byte.
std::string hex_bytes(std::string_view bytes);
/// The bytes of such digits; nothing if it is something else. The run lengths have been expanded.
std::optional<std::string> bytes_of_hex(std::string_view digits);
/// `payload` with its run lengths expanded; nothing if it is malformed.
std::optional<std::string> expanded(std::string_view payload);
/// The binary data of a reply: run lengths expanded, then `}` escapes undone (in a reply they nest in that order).
std::optional<std::string> binary(std::string_view payload);
/// Binary data as it stands in a reply.
std::string escaped(std::string_view plain);

/// `m1000,8` or `x1000,8`.
struct MemoryRead {
  std::uint64_t address = 0;
  std::uint64_t length = 0;
  bool is_binary = false;
};
std::optional<MemoryRead> parse_read(std::string_view request);
/// The answer that the target would give to `read` with these bytes, in the simplest form.
std::string answer_of(const MemoryRead& read, std::string_view bytes);
/// The bytes in the target's reply to `read`, of which there may be fewer; nothing if it is an error.
std::optional<std::string> bytes_in(const MemoryRead& read, std::string_view reply);

}  // namespace gdbdebug::client
