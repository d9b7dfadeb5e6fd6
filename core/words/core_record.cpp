// SPDX-License-Identifier: GPL-2.0-or-later
// core_record: see core_record.hpp.
#include "core/words/core_record.hpp"

#include "core/pack/text64.hpp"

namespace gdbdebug::core_record {
namespace {

constexpr std::size_t kDigits = 8;  // of the identity and of the check

constexpr unsigned kBits = 7;  // of each byte of LEB128

bool put_number(std::uint64_t value, std::span<unsigned char> bytes, std::size_t& at) {
  do {
    if (at == bytes.size()) return false;
    const auto low = static_cast<unsigned char>(value & 0x7f);
    value >>= kBits;
    bytes[at++] = value != 0 ? low | 0x80 : low;
  } while (value != 0);
  return true;
}

std::optional<std::uint64_t> take_number(std::span<const unsigned char>& bytes) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += kBits) {
    const std::uint64_t byte = bytes.front();
    bytes = bytes.subspan(1);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

void add_fixed(TextBuffer& text, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) text.add_hex(static_cast<std::uint8_t>(value >> shift));
}

std::optional<std::uint32_t> read_fixed(std::string_view text) {
  return text.size() == kDigits ? parse_number<std::uint32_t>(text, 16) : std::nullopt;
}

/// The text before its check, where the check is right: it is the first one that is.
std::string_view checked(std::string_view text) {
  std::uint32_t sum = 0;
  std::size_t begin = 0;
  for (auto space = text.find(' '); space != std::string_view::npos; space = text.find(' ', space + 1)) {
    sum = crc32(text.substr(begin, space - begin), sum);
    begin = space;
    const auto check = read_fixed(text.substr(space + 1, kDigits));
    if (check && *check == sum) return text.substr(0, space);
  }
  return {};
}

}  // namespace

std::size_t put_head(const Piece& piece, std::uint64_t end, std::span<unsigned char> bytes) {
  if (bytes.empty()) return 0;
  std::size_t size = 0;
  bytes[size++] = static_cast<unsigned char>(piece.kind);
  const auto distance = piece.at - end;
  const auto sign = 0 - (distance >> 63);
  if (!put_number(distance << 1 ^ sign, bytes, size) || !put_number(piece.length, bytes, size)) return 0;
  return size;
}

std::optional<Piece> take_head(std::span<const unsigned char>& block, std::uint64_t end) {
  if (block.empty()) return std::nullopt;
  Piece piece{.kind = static_cast<Kind>(block.front())};
  block = block.subspan(1);
  const auto folded = take_number(block);
  const auto length = folded ? take_number(block) : std::nullopt;
  if (!length) return std::nullopt;
  piece.at = end + (*folded >> 1 ^ (0 - (*folded & 1)));
  piece.length = *length;
  return piece;
}

void start(Record& record, std::uint32_t id, std::string_view keyword) {
  record.clear();
  add_fixed(record, id);
  record.add(' ').add(keyword);
}

void put_block(Record& record, std::uint32_t id, std::uint32_t number, std::size_t length,
               std::span<const unsigned char> packed) {
  record.clear();
  add_fixed(record, id);
  record.add(' ').add_number(number).add(' ').add_number(length).add(' ');
  add_text64(record, packed);
}

void finish(Record& record) {
  const auto check = crc32(record);
  record.add(' ');
  add_fixed(record, check);
}

bool begins(std::string_view text) {
  return text.size() > kDigits && text[kDigits] == ' ' && read_fixed(text.substr(0, kDigits)).has_value();
}

std::optional<Parsed> parse(std::string_view text) {
  if (!begins(text)) return std::nullopt;
  auto rest = checked(text.substr(0, kMaxRecord));
  Parsed parsed;
  const auto id = read_fixed(take_word(rest, ' '));
  if (!id) return std::nullopt;
  parsed.id = *id;
  const auto word = take_word(rest, ' ');
  if (word.empty()) return std::nullopt;
  if (!is_digit(word.front())) {
    parsed.keyword = word;
    parsed.pairs = rest;
    return parsed;
  }
  const auto number = parse_number<std::uint32_t>(word);
  const auto length = parse_number<std::uint32_t>(take_word(rest, ' '));
  if (!number || !length || rest.empty()) return std::nullopt;
  parsed.number = *number;
  parsed.length = *length;
  parsed.data = rest;
  return parsed;
}

}  // namespace gdbdebug::core_record
