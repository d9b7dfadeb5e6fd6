// SPDX-License-Identifier: GPL-2.0-or-later
// choice: see choice.hpp.
#include "dump/choice.hpp"

#include <elf.h>

#include <cstring>

namespace gdbdebug::dump {
namespace {

constexpr std::size_t kPage = 4096;
/// Where the stack pointer's function may keep something without moving it (System V ABI for x86-64, 3.2.2).
constexpr std::uint64_t kRedZone = 128;
/// One that is longer has overflown, or nearly so; its innermost frames tell.
constexpr std::uint64_t kMaxStack = 65536;
constexpr std::uint64_t kOtherStack = 2048;
constexpr std::uint64_t kCode = 64;
/// So much of an object whose size is not known, from a little before what points into it.
constexpr std::uint64_t kBefore = 64;
constexpr std::uint64_t kAfter = 192;
/// Of a larger one the rest is most likely a buffer.
constexpr std::uint64_t kMaxObject = 4096;

}  // namespace

std::uint64_t Choice::word_at(const unsigned char* bytes) const {
  if (word_ == 4) {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

bool Choice::read_word(std::uint64_t address, std::uint64_t& value) const {
  unsigned char bytes[8]{};
  if (memory_.read(address, {bytes, word_}) != word_) return false;
  value = word_at(bytes);
  return true;
}

void Choice::add_stack(std::uint64_t sp) {
  const auto* const area = space_.stack(sp);
  if (area == nullptr) return;
  const auto begin = sp > area->begin + kRedZone ? sp - kRedZone : area->begin;
  const auto limit = budget_ / 2 < kMaxStack ? budget_ / 2 : kMaxStack;
  add_stack(begin, area->end - begin > limit ? begin + limit : area->end);
}

void Choice::add_stack(std::uint64_t begin, std::uint64_t end) {
  if (stack_count_ == kMaxStacks) return;
  stacks_[stack_count_++] = {begin & ~std::uint64_t{7}, end, kFixed};
  selection_.add(begin, end, kFixed);
}

void Choice::add_other_stack(std::uint64_t sp) {
  const auto* const area = space_.find(sp);
  if (area == nullptr || !area->writable) return;
  add_stack(sp, area->end - sp > kOtherStack ? sp + kOtherStack : area->end);
}

void Choice::add_code(std::uint64_t pc) {
  const auto* const area = space_.find(pc);
  if (area == nullptr || area->is_file) return;
  selection_.add(pc - area->begin > kCode ? pc - kCode : area->begin, area->end - pc > kCode ? pc + kCode : area->end,
                 kFixed);
}

void Choice::add_libraries(std::span<const unsigned char> auxiliary) {
  std::uint64_t headers = 0;
  std::uint64_t count = 0;
  for (; auxiliary.size() >= 2 * word_; auxiliary = auxiliary.subspan(2 * word_)) {
    const auto value = word_at(auxiliary.data() + word_);
    if (word_at(auxiliary.data()) == AT_PHDR) headers = value;
    if (word_at(auxiliary.data()) == AT_PHNUM) count = value;
  }
  constexpr std::uint64_t kMaxHeaders = 64;
  const std::size_t size = word_ == 4 ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr);
  std::uint64_t base = 0;
  std::uint64_t dynamic = 0;
  std::uint64_t length = 0;
  for (std::uint64_t i = 0; i < count && i < kMaxHeaders; ++i) {
    unsigned char bytes[sizeof(Elf64_Phdr)]{};
    if (memory_.read(headers + i * size, {bytes, size}) != size) return;
    std::uint32_t type = 0;
    std::memcpy(&type, bytes, sizeof type);
    // 32 bits: type, offset, address; 64: type and flags, offset, address (elf(5)). Then the physical address, and the
    // sizes in the file and in memory.
    const auto address = word_at(bytes + 2 * word_);
    if (type == PT_PHDR) base = headers - address;
    if (type != PT_DYNAMIC) continue;
    dynamic = address;
    length = word_at(bytes + 5 * word_);
  }
  constexpr std::uint64_t kMaxDynamic = 4096;
  if (dynamic == 0) return;
  if (length > kMaxDynamic) length = kMaxDynamic;
  dynamic += base;
  if (word_ == 4) dynamic &= 0xffff'ffff;
  selection_.add(dynamic, dynamic + length, kFixed);
  for (std::uint64_t at = 0; at + 2 * word_ <= length; at += 2 * word_) {
    std::uint64_t tag = 0;
    std::uint64_t value = 0;
    if (!read_word(dynamic + at, tag) || !read_word(dynamic + at + word_, value) || tag == DT_NULL) return;
    if (tag == DT_DEBUG) return add_link_maps(value);
  }
}

/// r_debug is a version and the first link map; a link map is l_addr, l_name, l_ld, l_next, l_prev (link.h).
void Choice::add_link_maps(std::uint64_t debug) {
  constexpr unsigned kMaxMaps = 256;
  constexpr std::size_t kMaxName = 256;
  std::uint64_t map = 0;
  if (debug == 0 || !read_word(debug + word_, map)) return;
  selection_.add(debug, debug + 5 * word_, kFixed);
  for (unsigned i = 0; map != 0 && i < kMaxMaps; ++i) {
    std::uint64_t name = 0;
    std::uint64_t next = 0;
    if (!read_word(map + word_, name) || !read_word(map + 3 * word_, next)) return;
    selection_.add(map, map + 5 * word_, kFixed);
    unsigned char text[kMaxName] = {};
    const auto count = memory_.read(name, text);
    const auto* const end = static_cast<const unsigned char*>(std::memchr(text, 0, count));
    if (end != nullptr) selection_.add(name, name + static_cast<std::uint64_t>(end - text) + 1, kFixed);
    map = next;
  }
}

void Choice::add_objects(std::span<const unsigned char> bytes) {
  for (; bytes.size() >= word_; bytes = bytes.subspan(word_)) {
    if (!add_object(word_at(bytes.data()), kObjects)) return;
  }
}

/// Whether there is room for more.
bool Choice::add_object(std::uint64_t pointer, unsigned round) {
  if (selection_.has(pointer)) return true;
  const auto* const area = space_.find(pointer);
  if (area == nullptr || !area->writable || !area->readable || (area->is_file && area->is_private)) return true;
  // What malloc() has handed out has its size in the word before it, with three bits that are flags (glibc).
  std::uint64_t size = 0;
  if (pointer % (2 * word_) == 0 && read_word(pointer - word_, size)) size &= ~std::uint64_t{7};
  std::uint64_t begin = pointer - word_;
  std::uint64_t end = begin + (size < kMaxObject ? size : kMaxObject);
  const bool is_chunk = size >= 4 * word_ && size % (2 * word_) == 0 && size <= area->end - begin;
  if (!is_chunk) {
    begin = pointer - area->begin > kBefore ? pointer - kBefore : area->begin;
    end = area->end - pointer > kAfter ? pointer + kAfter : area->end;
  }
  return selection_.add(begin, end, round);
}

/// Whether the eight bytes are addresses in files where the file has none: the same in each process, and a debugger
/// rarely asks for them.
bool Choice::is_relocation(const unsigned char* now, const unsigned char* before) const {
  for (std::size_t at = 0; at < 8; at += word_) {
    const auto value = word_at(now + at);
    if (value == word_at(before + at)) continue;
    const auto* const area = space_.find(value);
    if (area == nullptr || !area->is_file) return false;
  }
  return true;
}

/// The words of `area` that the file does not have; where no file is mapped, those that are not zero.
bool Choice::add_changed(const Area& area, unsigned round) {
  constexpr std::size_t kGap = 32;  // a piece of its own costs as much
  for (auto page = area.begin; page < area.end; page += kPage) {
    unsigned char now[kPage];
    unsigned char before[kPage]{};
    const auto count = memory_.read(page, now);
    if (area.is_file && !memory_.read_file(area.begin, area.end, area.offset + (page - area.begin), before)) {
      if (!selection_.add(page, page + count, round)) return false;
      continue;
    }
    std::size_t begin = kPage;
    std::size_t end = 0;
    for (std::size_t at = 0; at + 8 <= count; at += 8) {
      if (std::memcmp(now + at, before + at, 8) == 0) continue;
      if (is_relocation(now + at, before + at) != (round == kRelocated)) continue;
      if (begin < end && at > end + kGap) {
        if (!selection_.add(page + begin, page + end, round)) return false;
        begin = kPage;
      }
      if (begin > at) begin = at;
      end = at + 8;
    }
    if (begin < end && !selection_.add(page + begin, page + end, round)) return false;
  }
  return true;
}

/// What the words in `range` point to. Whether there is room for more.
bool Choice::follow(Range range, unsigned round) {
  while (range.begin < range.end) {
    unsigned char bytes[kPage];
    const auto wanted = range.end - range.begin < kPage ? static_cast<std::size_t>(range.end - range.begin) : kPage;
    const auto count = memory_.read(range.begin, {bytes, wanted});
    for (std::size_t at = 0; at + word_ <= count; at += word_) {
      if (!add_object(word_at(bytes + at), round)) return false;
    }
    range.begin += wanted;
  }
  return true;
}

/// What the ranges that were chosen in the round `from` point to.
void Choice::follow(unsigned from, unsigned round) {
  for (std::uint64_t at = 0;;) {
    const Range* next = nullptr;  // each time anew: ranges move in their array when others are added
    const auto ranges = selection_.ranges();
    for (const auto& range : ranges) {
      if (range.begin < at || range.round != from) continue;
      next = &range;
      break;
    }
    if (next == nullptr) return;
    at = next->end;
    if (!follow(*next, round)) return;
  }
}

void Choice::add_round(unsigned round) {
  if (round == kObjects) {
    for (std::size_t i = 0; i < stack_count_; ++i) {
      if (!follow(stacks_[i], round)) return;
    }
    return;
  }
  if (round == kFirstReached) {
    follow(kObjects, round);
    return follow(kChanged, round);
  }
  if (round > kFirstReached && round < kRelocated) return follow(round - 1, round);
  for (const auto& area : space_.areas()) {
    if (area.writable && area.readable && area.is_private && (area.is_file || space_.follows_file(area)) &&
        !add_changed(area, round))
      return;
  }
}

void Choice::add_writable() {
  for (const auto& area : space_.areas()) {
    if (area.writable && area.readable && !selection_.add(area.begin, area.end, kObjects)) return;
  }
}

}  // namespace gdbdebug::dump
