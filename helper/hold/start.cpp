// SPDX-License-Identifier: GPL-2.0-or-later
// start: see start.hpp.
#include "hold/start.hpp"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <optional>

#include "core/base/text.hpp"
#include "hold/names.hpp"
#include "sys/sys.hpp"

namespace gdbdebug::hold {
namespace {

template <typename T>
bool read_at(const UniqueFd& file, std::uint64_t offset, T& value) {
  return ::pread(file.get(), &value, sizeof value, static_cast<off_t>(offset)) == static_cast<ssize_t>(sizeof value);
}

struct Entries {
  std::uint64_t linker = 0;  ///< where the dynamic linker was loaded; 0: there is none
  std::uint64_t program = 0;
};

template <typename Auxiliary>
Entries read_entries(const UniqueFd& auxv) {
  constexpr unsigned kMax = 64;
  Entries entries;
  for (unsigned i = 0; i < kMax; ++i) {
    Auxiliary one{};
    if (!read_at(auxv, std::uint64_t{i} * sizeof one, one) || one.a_type == AT_NULL) break;
    if (one.a_type == AT_BASE) entries.linker = one.a_un.a_val;
    if (one.a_type == AT_ENTRY) entries.program = one.a_un.a_val;
  }
  return entries;
}

template <typename Header, typename Auxiliary>
std::optional<std::uint64_t> first_instruction(const UniqueFd& auxv, const UniqueFd& memory) {
  const auto entries = read_entries<Auxiliary>(auxv);
  if (entries.linker == 0) return entries.program;
  Header header{};
  if (!read_at(memory, entries.linker, header)) return std::nullopt;
  return entries.linker + header.e_entry;
}

}  // namespace

bool stands_at_start(pid_t process) {
  const auto exe = sys::open(AT_FDCWD, sys::process_file(process, "exe").c_str(), O_RDONLY);
  const auto auxv = sys::open(AT_FDCWD, sys::process_file(process, "auxv").c_str(), O_RDONLY);
  const auto memory = sys::open(AT_FDCWD, sys::process_file(process, "mem").c_str(), O_RDONLY);
  const auto state = sys::open(AT_FDCWD, sys::process_file(process, "syscall").c_str(), O_RDONLY);
  unsigned char ident[EI_NIDENT]{};
  Text<256> text;
  if (!exe || !auxv || !memory || !state || !read_at(*exe, 0, ident) || !sys::read_all(*state, text)) return false;
  const auto call = parse_call(text);
  const auto first = ident[EI_CLASS] == ELFCLASS64 ? first_instruction<Elf64_Ehdr, Elf64_auxv_t>(*auxv, *memory)
                                                   : first_instruction<Elf32_Ehdr, Elf32_auxv_t>(*auxv, *memory);
  return call && first && call->pc == *first;
}

}  // namespace gdbdebug::hold
