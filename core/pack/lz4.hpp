// SPDX-License-Identifier: GPL-2.0-or-later
// lz4: the LZ4 block format (lz4's doc/lz4_Block_format.md), small and slow enough to be read. Pure; no memory but what
// is handed in, and tables of 136 KiB in pack().
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace gdbdebug::lz4 {

/// The longest block: offsets have 16 bits.
inline constexpr std::size_t kMaxBlock = 65535;

/// Packs all of `block` into `packed`. Returns how many bytes that took; nothing if they do not fit, or the block is
/// longer than kMaxBlock.
std::optional<std::size_t> pack(std::span<const unsigned char> block, std::span<unsigned char> packed);

/// Unpacks `packed` into `block`, which must be filled exactly; whether that is so. Whatever the bytes are, nothing
/// outside of the two is touched.
bool unpack(std::span<const unsigned char> packed, std::span<unsigned char> block);

}  // namespace gdbdebug::lz4
