// SPDX-License-Identifier: GPL-2.0-or-later
// describe: see describe.hpp.
#include "image/describe.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace gdbdebug::client {

std::string human_size(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
  constexpr std::array kUnits{"KiB", "MiB", "GiB", "TiB"};
  double size = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (size >= 1024 && unit + 1 < kUnits.size()) {
    size /= 1024;
    ++unit;
  }
  std::array<char, 32> text{};
  (void)std::snprintf(text.data(), text.size(), "%.1f %s", size, kUnits[unit]);  // fits: the number is below 1024 or so
  return text.data();
}

std::string describe(const Image& image) {
  std::string text = image.generator.empty() ? "" : image.generator + ", ";
  if (image.uki) text += "in a UKI, ";
  if (image.squash) text += "squashfs, ";
  // The last archive is the root; what goes before it is microcode and the like.
  const auto main = std::ranges::max_element(image.segments, {}, &Segment::unpacked);
  text += main->compression == Compression::none ? "not compressed" : std::string(name_of(main->compression));
  text += ", " + human_size(image.size);
  if (image.segments.size() > 1) text += ", " + std::to_string(image.segments.size()) + " archives";
  return text;
}

}  // namespace gdbdebug::client
