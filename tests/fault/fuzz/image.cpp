// SPDX-License-Identifier: GPL-2.0-or-later
// An initramfs image, as the host command reads it: refused with a message, or read within the limits.
#include "image/image.hpp"

#include "fuzz.hpp"

using namespace gdbdebug;

FUZZ(image) {
  client::Limits limits;
  limits.unpacked = 1 << 20;
  limits.entries = 1000;
  const client::Bytes bytes(reinterpret_cast<const std::byte*>(input.data()), input.size());
  const auto image = client::read_image(bytes, nullptr, "image", limits, "/tmp");
  if (!image.ok()) return;
  CHECK(image.value().unpacked <= limits.unpacked);
}
