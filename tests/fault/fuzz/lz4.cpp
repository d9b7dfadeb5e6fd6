// SPDX-License-Identifier: GPL-2.0-or-later
// LZ4 blocks: any bytes are unpacked or refused, and what is packed comes back.
#include "core/pack/lz4.hpp"

#include <vector>

#include "fuzz.hpp"

using namespace gdbdebug;

FUZZ(lz4) {
  const std::span bytes(reinterpret_cast<const unsigned char*>(input.data()), input.size());
  std::vector<unsigned char> block(input.empty() ? 0 : static_cast<std::size_t>(bytes[0]) * 16);
  (void)lz4::unpack(bytes, block);
  std::vector<unsigned char> packed(bytes.size() + bytes.size() / 255 + 16);
  const auto size = lz4::pack(bytes, packed);
  CHECK(size.has_value());
  std::vector<unsigned char> back(bytes.size());
  CHECK(lz4::unpack(std::span(packed).first(*size), back));
  CHECK(std::equal(back.begin(), back.end(), bytes.begin(), bytes.end()));
}
