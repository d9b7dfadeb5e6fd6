// SPDX-License-Identifier: GPL-2.0-or-later
// text64: bytes as text that a log and the debug line can carry, and a check of it. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/base/text.hpp"

namespace gdbdebug {

/// CRC-32 as in zlib, gzip and Ethernet. `before`: that of what is before `text`.
std::uint32_t crc32(std::string_view text, std::uint32_t before = 0);

/// Adds base64 (RFC 4648) without padding, and with `.` in the place of `+`: that is an acknowledgement to a debugger
/// (kProtocol in core/words/hello.hpp).
void add_text64(TextBuffer& text, std::span<const unsigned char> bytes);

/// The bytes of such a text in `bytes`, and how many there are; nothing if it is none, or they do not fit.
std::optional<std::size_t> read_text64(std::string_view text, std::span<unsigned char> bytes);

}  // namespace gdbdebug
