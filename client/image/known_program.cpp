// SPDX-License-Identifier: GPL-2.0-or-later
// known_program: see known_program.hpp.
#include "image/known_program.hpp"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "base/bytes.hpp"
#include "base/words.hpp"
#include "image/elf.hpp"

namespace gdbdebug::client {
namespace {

constexpr std::uint64_t kMostSegments = 512;
constexpr std::uint64_t kMostDynamic = 1 << 16;

template <typename T>
std::optional<T> read_at(Bytes bytes, std::uint64_t offset) {
  T value{};
  if (offset > bytes.size() || sizeof value > bytes.size() - offset) return std::nullopt;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::string text_at(Bytes bytes, std::uint64_t offset, std::uint64_t size) {
  if (offset > bytes.size() || size > bytes.size() - offset) return "";
  return std::string(as_text(bytes.subspan(offset, size)));
}

// What glibc adds the program's offset to in place (elf_get_dynamic_info() in elf/get-dynamic-info.h).
constexpr std::array<Elf64_Sxword, 9> kMoved{DT_HASH, DT_PLTGOT, DT_STRTAB, DT_SYMTAB,  DT_RELA,
                                             DT_REL,  DT_JMPREL, DT_VERSYM, DT_GNU_HASH};

}  // namespace

std::string KnownProgram::dynamic_when_linked(std::uint64_t offset, std::uint64_t linker) const {
  auto text = dynamic.bytes;
  for (std::size_t at = 0; at + sizeof(Elf64_Dyn) <= text.size(); at += sizeof(Elf64_Dyn)) {
    Elf64_Dyn entry{};
    std::memcpy(&entry, text.data() + at, sizeof entry);
    if (entry.d_tag == DT_NULL) break;
    if (entry.d_tag == DT_DEBUG && debug_in_linker) entry.d_un.d_ptr = linker + *debug_in_linker;
    if (std::ranges::find(kMoved, entry.d_tag) != kMoved.end()) entry.d_un.d_ptr += offset;
    std::memcpy(text.data() + at, &entry, sizeof entry);
  }
  return text;
}

std::optional<KnownProgram> read_known_program(const Files& files, const std::string& path) {
  const auto content = files.read(path);
  if (!content || !has_at(*content, 0, ELFMAG)) return std::nullopt;
  const auto header = read_at<Elf64_Ehdr>(*content, 0);
  if (!header || header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
      header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == 0 || header->e_phnum > kMostSegments)
    return std::nullopt;
  KnownProgram known;
  const auto size = header->e_phnum * sizeof(Elf64_Phdr);
  std::string linker;
  bool loaded = false;
  for (std::uint64_t i = 0; i < header->e_phnum; ++i) {
    const auto segment = read_at<Elf64_Phdr>(*content, header->e_phoff + i * sizeof(Elf64_Phdr));
    if (!segment) return std::nullopt;
    if (segment->p_type == PT_LOAD && segment->p_offset <= header->e_phoff && segment->p_filesz >= size &&
        header->e_phoff - segment->p_offset <= segment->p_filesz - size) {
      known.headers = {segment->p_vaddr + (header->e_phoff - segment->p_offset),
                       text_at(*content, header->e_phoff, size)};
      loaded = true;
    }
    if (segment->p_type == PT_DYNAMIC && segment->p_filesz <= kMostDynamic)
      known.dynamic = {segment->p_vaddr, text_at(*content, segment->p_offset, segment->p_filesz)};
    if (segment->p_type == PT_INTERP) linker = text_at(*content, segment->p_offset, segment->p_filesz);
  }
  if (!loaded || known.headers.bytes.empty()) return std::nullopt;
  if (const auto end = linker.find('\0'); end != std::string::npos) linker.resize(end);
  const auto library = linker.empty() || has_control(linker) ? std::nullopt : files.read(linker);
  if (library) known.debug_in_linker = exported_address(*library, "_r_debug");
  return known;
}

}  // namespace gdbdebug::client
