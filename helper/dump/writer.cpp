// SPDX-License-Identifier: GPL-2.0-or-later
// writer: see writer.hpp.
#include "dump/writer.hpp"

#include <cstring>

#include "core/pack/lz4.hpp"

namespace gdbdebug::dump {
namespace {

using core_record::Kind;

/// A part of a piece has whole words.
constexpr std::size_t kWord = 8;

/// What the pieces of a block are held in: there is one writer, and no room for it on a stack.
constexpr std::size_t kBuffer = 8192;
unsigned char buffer[kBuffer];

bool can_be_cut(Kind kind) {
  return kind == Kind::kMemory || kind == Kind::kMaps;
}

}  // namespace

Writer::Held Writer::held(std::size_t at) {
  Held held;
  std::memcpy(&held, buffer + at, sizeof held);
  return held;
}

void Writer::hold(std::size_t at, const Held& held) {
  std::memcpy(buffer + at, &held, sizeof held);
}

void Writer::restart(std::uint32_t number) {
  size_ = 0;
  next_ = number;
}

bool Writer::add(Kind kind, std::uint64_t at, std::span<const unsigned char> bytes) {
  while (!bytes.empty() && !stopped_) {
    const auto least = sizeof(Held) + (can_be_cut(kind) && bytes.size() > kWord ? kWord : bytes.size());
    if (kBuffer - size_ < least) {
      if (size_ == 0) return true;  // a piece that no block can hold
      if (!say_block()) return false;
      continue;
    }
    const auto room = kBuffer - size_ - sizeof(Held);
    const auto length = bytes.size() <= room ? bytes.size() : room - room % kWord;
    hold(size_, {.at = at, .length = static_cast<std::uint32_t>(length), .kind = kind});
    std::memcpy(buffer + size_ + sizeof(Held), bytes.data(), length);
    size_ += sizeof(Held) + length;
    at += length;
    bytes = bytes.subspan(length);
  }
  return !stopped_;
}

bool Writer::flush() {
  while (size_ > 0 && say_block()) {
  }
  return !stopped_;
}

bool Writer::say(core_record::Record& record) {
  core_record::finish(record);
  if (!stopped_) stopped_ = !sink_.say(record);
  return !stopped_;
}

/// How many of the first `wanted` bytes can be a block: whole pieces, and the beginning of one that can be cut.
std::size_t Writer::cut(std::size_t wanted) {
  std::size_t at = 0;
  while (at + sizeof(Held) < wanted) {
    const auto piece = held(at);
    const auto end = at + sizeof(Held) + piece.length;
    if (end > wanted) {
      const auto part = wanted - at - sizeof(Held);
      return can_be_cut(piece.kind) && part >= kWord ? wanted - part % kWord : at;
    }
    at = end;
  }
  return at;
}

/// The block of the first `size` bytes; its length.
std::size_t Writer::encode(std::size_t size, std::span<unsigned char> block) {
  std::size_t filled = 0;
  std::uint64_t end = 0;
  for (std::size_t at = 0; at < size;) {
    const auto piece = held(at);
    at += sizeof(Held);
    const std::size_t length = piece.length < size - at ? piece.length : size - at;
    filled += core_record::put_head({.kind = piece.kind, .at = piece.at, .length = length}, end, block.subspan(filled));
    std::memcpy(block.data() + filled, buffer + at, length);
    filled += length;
    at += length;
    end = piece.at + length;
  }
  return filled;
}

/// Takes the first `size` bytes away. What is left of a piece that was cut becomes one.
void Writer::drop(std::size_t size) {
  for (std::size_t at = 0; at < size;) {
    auto piece = held(at);
    const auto end = at + sizeof(Held) + piece.length;
    if (end > size) {  // there is room where its first bytes were
      const auto taken = size - at - sizeof(Held);
      piece.at += taken;
      piece.length -= static_cast<std::uint32_t>(taken);
      size -= sizeof(Held);
      hold(size, piece);
      break;
    }
    at = end;
  }
  size_ -= size;
  std::memmove(buffer, buffer + size, size_);
}

bool Writer::say_block() {
  static unsigned char block[kBuffer + kBuffer / 4];  // a head can be longer than what is held for it
  static unsigned char packed[core_record::kMaxPacked];
  for (auto wanted = size_;;) {
    const auto size = cut(wanted);
    const auto length = encode(size, block);
    if (const auto count = lz4::pack({block, length}, packed)) {
      core_record::Record record;
      core_record::put_block(record, id_, next_++, length, {packed, *count});
      drop(size);
      return say(record);
    }
    wanted = size - size / 16;
  }
}

}  // namespace gdbdebug::dump
