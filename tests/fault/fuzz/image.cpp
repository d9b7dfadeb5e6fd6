// SPDX-License-Identifier: GPL-2.0-or-later
// An initramfs image, as the host command reads it: refused with a message, or read within the limits.
#include "image/image.hpp"

#include <algorithm>

#include "base/words.hpp"
#include "core/base/text.hpp"
#include "fuzz.hpp"

using namespace gdbdebug;

// No name has a control character, and no link leads out by its text.
static void look_at(const client::Tree& tree, const client::Node& directory) {
  for (const auto& [name, child] : directory.children) {
    CHECK(!client::has_control(name));
    if (child->kind == client::Node::Kind::directory) look_at(tree, *child);
    if (child->kind != client::Node::Kind::link) continue;
    const auto target = tree.relative_target(*child);
    const auto path = child->path();
    auto depth = std::ranges::count(path, '/') - 1;
    bool down = false;
    CHECK(!target.empty() && !target.starts_with('/'));
    for (std::string_view rest = target; !rest.empty();) {
      const auto part = take_word(rest, '/');
      CHECK(part != ".." || (!down && --depth >= 0));
      down = down || (part != ".." && part != "." && !part.empty());
    }
  }
}

FUZZ(image) {
  client::Limits limits;
  limits.unpacked = 1 << 20;
  limits.entries = 1000;
  const client::Bytes bytes(reinterpret_cast<const std::byte*>(input.data()), input.size());
  const auto image = client::read_image(bytes, nullptr, "image", limits, "/tmp");
  if (!image.ok()) return;
  CHECK(image.value().unpacked <= limits.unpacked);
  look_at(image.value().tree, image.value().tree.root());
}
