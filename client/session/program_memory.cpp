// SPDX-License-Identifier: GPL-2.0-or-later
// program_memory: see program_memory.hpp.
#include "session/program_memory.hpp"

#include <elf.h>

#include <algorithm>

#include "base/bytes.hpp"
#include "core/base/text.hpp"
#include "session/payload.hpp"

namespace gdbdebug::client {
namespace {

// What a proof costs, its request and its answer, beside a read's two digits a byte.
constexpr std::uint64_t kWorthProving = 16;

constexpr std::size_t kMostGuesses = 8;

constexpr std::string_view kReadAuxv = "qXfer:auxv:read::0,";

std::optional<std::uint64_t> value_of(Bytes auxv, std::uint64_t type) {
  for (std::size_t at = 0; at + 16 <= auxv.size(); at += 16) {
    if (little_endian(auxv, at, 8) == type) return little_endian(auxv, at + 8, 8);
  }
  return std::nullopt;
}

}  // namespace

std::uint32_t memory_checksum(std::string_view bytes) {
  constexpr std::uint32_t kPolynomial = 0x04c11db7;
  std::uint32_t sum = 0xffffffff;
  for (const char c : bytes) {
    sum ^= static_cast<std::uint32_t>(static_cast<unsigned char>(c)) << 24;
    for (int bit = 0; bit < 8; ++bit) sum = (sum << 1) ^ ((sum >> 31) != 0 ? kPolynomial : 0);
  }
  return sum;
}

Step ProgramMemory::on_request(std::string_view request) {
  const auto read = offset_ ? parse_read(request) : std::nullopt;
  if (!read) return Step::pass();
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const auto& part = parts_[i];
    if (part.file == nullptr) continue;
    const auto begin = part.file->address + *offset_;
    const auto size = part.file->bytes.size();
    if (read->length == 0 || read->length > size || read->address < begin ||
        read->address - begin > size - read->length)
      continue;
    asked_ = i;
    request_ = request;
    if (part.state == State::proved) return slice(part);
    if (part.state == State::different || !computes_ || read->length < kWorthProving) return Step::pass();
    return Step::ask("qCRC:" + hexadecimal(begin) + "," + hexadecimal(size));
  }
  return Step::pass();
}

Step ProgramMemory::on_answer(std::string_view reply) {
  auto& part = parts_[asked_];
  const auto text = expanded(reply).value_or("");
  const auto sum =
      text.starts_with('C') ? parse_number<std::uint32_t>(std::string_view(text).substr(1), 16) : std::nullopt;
  if (reply.empty()) computes_ = false;
  const auto fits = std::ranges::find_if(part.guesses, [&](const auto& one) { return sum == memory_checksum(one); });
  if (fits == part.guesses.end()) {
    part.state = State::different;
    return Step::pass();
  }
  part.guess = static_cast<std::size_t>(fits - part.guesses.begin());
  part.state = State::proved;
  return slice(part);
}

Step ProgramMemory::slice(const Part& part) const {
  const auto read = parse_read(request_).value_or(MemoryRead{});
  const auto at = read.address - part.file->address - *offset_;
  return Step::answer(answer_of(read, std::string_view(part.guesses[part.guess]).substr(at, read.length)));
}

void ProgramMemory::saw(std::string_view request, std::string_view reply) {
  if (request.starts_with(kReadAuxv) && reply.starts_with('l')) learn_auxv(binary(reply.substr(1)).value_or(""));
  const auto read = offset_ ? parse_read(request) : std::nullopt;
  if (!read) return;
  for (auto& part : parts_) {
    if (part.file == nullptr || read->address != part.file->address + *offset_) continue;
    const auto bytes = bytes_in(*read, reply);
    // It may be so again after the next step.
    if (bytes && part.guesses.size() < kMostGuesses && bytes->size() == part.file->bytes.size() &&
        std::ranges::find(part.guesses, *bytes) == part.guesses.end())
      part.guesses.push_back(*bytes);
  }
}

// Where the kernel has put the program: it says where the headers are, and gdb takes that too.
void ProgramMemory::learn_auxv(std::string_view data) {
  const auto auxv = as_bytes(data);
  const auto headers = value_of(auxv, AT_PHDR);
  const auto count = value_of(auxv, AT_PHNUM);
  if (!program_ || !headers || count != program_->headers.bytes.size() / sizeof(Elf64_Phdr)) return;
  offset_ = *headers - program_->headers.address;
  const auto linker = value_of(auxv, AT_BASE).value_or(0);
  parts_[0] = {State::unproved, &program_->headers, {program_->headers.bytes}, 0};
  if (program_->dynamic.bytes.empty()) return;
  parts_[1] = {State::unproved,
               &program_->dynamic,
               {program_->dynamic.bytes, program_->dynamic_when_linked(*offset_, linker)},
               0};
}

void ProgramMemory::forget(Forget what) {
  if (what >= Forget::process) {
    offset_.reset();
    parts_ = {};
  }
  if (what < Forget::memory) return;
  for (auto& part : parts_) part.state = State::unproved;
}

}  // namespace gdbdebug::client
