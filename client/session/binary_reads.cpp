// SPDX-License-Identifier: GPL-2.0-or-later
// binary_reads: see binary_reads.hpp.
#include "session/binary_reads.hpp"

#include "core/base/text.hpp"

namespace gdbdebug::client {
namespace {

constexpr std::uint64_t kWorthIt = 8;  // of less the digits are as short

}  // namespace

Step BinaryReads::on_request(std::string_view request) {
  const auto read = parse_read(request);
  if (!offered_ || !read || read->is_binary || read->length < kWorthIt) return Step::pass();
  read_ = *read;
  return Step::ask("x" + std::string(request.substr(1)));
}

// An error is left to `m`, whose own it then is.
Step BinaryReads::on_answer(std::string_view reply) {
  const auto bytes = bytes_in({read_.address, read_.length, true}, reply);
  return bytes && !bytes->empty() && bytes->size() <= read_.length ? Step::answer(hex_bytes(*bytes)) : Step::pass();
}

void BinaryReads::saw(std::string_view request, std::string_view reply) {
  if (!request.starts_with("qSupported")) return;
  offered_ = false;
  for (auto rest = reply; !rest.empty();) {
    if (take_word(rest, ';') == "binary-upload+") offered_ = true;
  }
}

}  // namespace gdbdebug::client
