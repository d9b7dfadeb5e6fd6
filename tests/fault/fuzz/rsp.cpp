// SPDX-License-Identifier: GPL-2.0-or-later
// The framing: the same tokens however the bytes are split, and packets whose checksum is right.
#include <array>
#include <string>
#include <vector>

#include "core/rsp/packet.hpp"
#include "fuzz.hpp"

using namespace gdbdebug;

namespace {

using Tokens = std::vector<std::pair<rsp::Token, std::string>>;

void read(rsp::Reader& reader, std::string_view bytes, Tokens& tokens) {
  while (!bytes.empty()) {
    const auto before = bytes.size();
    const auto token = reader.take(bytes);
    CHECK(bytes.size() < before);
    if (token == rsp::Token::kNone) continue;
    tokens.emplace_back(token, token == rsp::Token::kPacket ? std::string(reader.payload()) : std::string());
  }
}

}  // namespace

FUZZ(rsp) {
  if (input.empty()) return;
  const auto cut = static_cast<unsigned char>(input.front()) % input.size();
  const auto bytes = input.substr(1);
  std::array<char, 256> one_buffer;
  std::array<char, 256> two_buffer;
  rsp::Reader one(one_buffer);
  rsp::Reader two(two_buffer);
  Tokens whole;
  Tokens parts;
  read(one, bytes, whole);
  read(two, bytes.substr(0, cut), parts);
  if (cut < bytes.size()) read(two, bytes.substr(cut), parts);
  CHECK(whole == parts);
  CHECK(one.in_packet() == two.in_packet());

  std::array<char, 300> frame_buffer;
  std::array<char, 1024> expanded;
  for (const auto& [token, payload] : whole) {
    if (token != rsp::Token::kPacket) continue;
    const auto frame = rsp::frame(payload, frame_buffer);
    CHECK(frame.size() == payload.size() + 4);
    Tokens again;
    rsp::Reader reader(two_buffer);
    read(reader, frame, again);
    CHECK(again.size() == 1 && again[0].second == payload);
    (void)rsp::expand(payload, expanded);
  }
}
