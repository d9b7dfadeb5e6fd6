// SPDX-License-Identifier: GPL-2.0-or-later
// elf: see elf.hpp.
#include "image/elf.hpp"

#include <elfutils/libdwelf.h>
#include <gelf.h>

#include <algorithm>
#include <array>
#include <deque>

#include "base/bytes.hpp"

namespace gdbdebug::client {
namespace {

struct ElfDeleter {
  void operator()(::Elf* elf) const { elf_end(elf); }
};
using ElfHandle = std::unique_ptr<::Elf, ElfDeleter>;

ElfHandle open_elf(Bytes bytes) {
  if (!has_at(bytes, 0, ELFMAG) || elf_version(EV_CURRENT) == EV_NONE) return nullptr;
  // elf_memory() wants to be able to write, and does not unless it is told to update the file.
  ElfHandle elf(elf_memory(reinterpret_cast<char*>(const_cast<std::byte*>(bytes.data())), bytes.size()));
  return elf && elf_kind(elf.get()) == ELF_K_ELF ? std::move(elf) : nullptr;
}

std::string_view machine_name(const GElf_Ehdr& header) {
  const bool wide = header.e_ident[EI_CLASS] == ELFCLASS64;
  const bool little = header.e_ident[EI_DATA] == ELFDATA2LSB;
  switch (header.e_machine) {
    case EM_X86_64:
      return "x86_64";
    case EM_386:
      return "i686";
    case EM_AARCH64:
      return "aarch64";
    case EM_ARM:
      return "arm";
    case EM_RISCV:
      return wide ? "riscv64" : "riscv32";
    case EM_PPC64:
      return little ? "ppc64le" : "ppc64";
    case EM_S390:
      return "s390x";
    case EM_MIPS:
      return wide ? "mips64" : "mips";
    case EM_LOONGARCH:
      return wide ? "loongarch64" : "loongarch32";
    default:
      return {};
  }
}

std::string text_at(::Elf* elf, std::size_t section, std::size_t offset) {
  const char* text = elf_strptr(elf, section, offset);
  return text != nullptr ? text : "";
}

void read_dynamic(::Elf* elf, Elf_Scn* section, const GElf_Shdr& header, client::Elf& into) {
  Elf_Data* data = elf_getdata(section, nullptr);
  if (data == nullptr || header.sh_entsize == 0) return;
  std::string old_run_path;
  for (int i = 0; i < static_cast<int>(header.sh_size / header.sh_entsize); ++i) {
    GElf_Dyn entry;
    if (gelf_getdyn(data, i, &entry) == nullptr) return;
    const auto text = [&] { return text_at(elf, header.sh_link, entry.d_un.d_val); };
    if (entry.d_tag == DT_NEEDED) into.needed.push_back(text());
    if (entry.d_tag == DT_SONAME) into.soname = text();
    if (entry.d_tag == DT_RUNPATH) into.run_path = text();
    if (entry.d_tag == DT_RPATH) old_run_path = text();
  }
  if (into.run_path.empty()) into.run_path = old_run_path;
}

// Calls `visit` with each section and its header, as far as they can be read.
template <typename Visit>
void for_each_section(::Elf* elf, Visit visit) {
  for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr; section = elf_nextscn(elf, section)) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) != nullptr) visit(section, header);
  }
}

std::string directory_of(const std::string& path) {
  return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
}

std::vector<std::string> split(std::string_view text, std::string_view separators) {
  std::vector<std::string> words;
  for (std::size_t at = text.find_first_not_of(separators); at != std::string_view::npos;) {
    const auto end = std::min(text.find_first_of(separators, at), text.size());
    words.emplace_back(text.substr(at, end - at));
    at = text.find_first_not_of(separators, end);
  }
  return words;
}

// The directories that ld.so.conf names, its drop-in files included without asking for their pattern.
void configured_directories(const Files& files, std::vector<std::string>& into) {
  const auto take = [&](const std::string& path) {
    const auto text = files.read(path);
    if (!text) return;
    for (const auto& word : split(as_text(*text), " \t\n,:")) {
      if (word.starts_with('/') && word.find('*') == std::string::npos) into.push_back(word);
    }
  };
  take("/etc/ld.so.conf");
  for (const auto& name : files.list("/etc/ld.so.conf.d")) take("/etc/ld.so.conf.d/" + name);
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kMultiarch{{
    {"x86_64", "x86_64-linux-gnu"},
    {"i686", "i386-linux-gnu"},
    {"aarch64", "aarch64-linux-gnu"},
    {"arm", "arm-linux-gnueabihf"},
    {"riscv64", "riscv64-linux-gnu"},
    {"ppc64le", "powerpc64le-linux-gnu"},
    {"s390x", "s390x-linux-gnu"},
    {"mips64", "mips64el-linux-gnuabi64"},
    {"loongarch64", "loongarch64-linux-gnu"},
}};

}  // namespace

std::optional<client::Elf> read_elf(Bytes bytes) {
  const ElfHandle elf = open_elf(bytes);
  GElf_Ehdr header;
  if (!elf || gelf_getehdr(elf.get(), &header) == nullptr) return std::nullopt;
  client::Elf read;
  read.machine = machine_name(header);
  read.wide = header.e_ident[EI_CLASS] == ELFCLASS64;

  const void* id = nullptr;
  if (const ssize_t size = dwelf_elf_gnu_build_id(elf.get(), &id); size > 0) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (ssize_t i = 0; i < size; ++i) {
      const auto byte = static_cast<const unsigned char*>(id)[i];
      read.build_id += {kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  std::size_t segments = 0;
  if (elf_getphdrnum(elf.get(), &segments) != 0) segments = 0;
  for (std::size_t i = 0; i < segments; ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf.get(), static_cast<int>(i), &segment) == nullptr || segment.p_type != PT_INTERP) continue;
    if (segment.p_offset > bytes.size() || segment.p_filesz > bytes.size() - segment.p_offset) continue;
    const auto text = as_text(bytes.subspan(segment.p_offset, segment.p_filesz));
    read.interpreter = text.substr(0, text.find('\0'));
  }
  std::size_t names = 0;
  if (elf_getshdrstrndx(elf.get(), &names) != 0) names = 0;
  for_each_section(elf.get(), [&](Elf_Scn* section, const GElf_Shdr& section_header) {
    if (section_header.sh_type == SHT_SYMTAB) read.symbols = true;
    if (section_header.sh_type == SHT_DYNAMIC) read_dynamic(elf.get(), section, section_header, read);
    if (section_header.sh_type == SHT_PROGBITS && text_at(elf.get(), names, section_header.sh_name) == ".debug_info") {
      read.debug_info = true;
    }
  });
  return read;
}

bool defines_function(Bytes bytes, std::string_view name) {
  const ElfHandle elf = open_elf(bytes);
  if (!elf) return false;
  bool found = false;
  for_each_section(elf.get(), [&](Elf_Scn* section, const GElf_Shdr& header) {
    if (found || header.sh_entsize == 0 || (header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM)) return;
    Elf_Data* data = elf_getdata(section, nullptr);
    if (data == nullptr) return;
    for (int i = 0; i < static_cast<int>(header.sh_size / header.sh_entsize); ++i) {
      GElf_Sym symbol;
      if (gelf_getsym(data, i, &symbol) == nullptr) return;
      if (symbol.st_shndx == SHN_UNDEF || GELF_ST_TYPE(symbol.st_info) != STT_FUNC) continue;
      const char* text = elf_strptr(elf.get(), header.sh_link, symbol.st_name);
      if (text != nullptr && name == text) found = true;
    }
  });
  return found;
}

std::optional<Shebang> read_shebang(Bytes bytes) {
  if (!has_at(bytes, 0, "#!")) return std::nullopt;
  auto line = as_text(bytes.subspan(2, std::min<std::size_t>(bytes.size() - 2, 254)));  // the kernel's BINPRM_BUF_SIZE
  line = line.substr(0, line.find('\n'));
  const auto words = split(line, " \t\r");
  if (words.empty()) return std::nullopt;
  return Shebang{words[0], words.size() > 1 ? words[1] : ""};
}

std::string find_library(const Files& files, const std::string& name, const client::Elf& like,
                         const std::string& origin) {
  const auto fits = [&](const std::string& path) {
    const auto content = files.read(path);
    if (!content || content->size() < EI_NIDENT) return false;
    return has_at(*content, 0, ELFMAG) &&
           little_endian(*content, EI_CLASS, 1) == static_cast<unsigned>(like.wide ? ELFCLASS64 : ELFCLASS32);
  };
  if (name.find('/') != std::string::npos) return fits(name) ? name : "";

  std::vector<std::string> directories;
  for (auto directory : split(like.run_path, ":")) {
    for (const std::string_view token : {"${ORIGIN}", "$ORIGIN"}) {
      if (const auto at = directory.find(token); at != std::string::npos) {
        directory.replace(at, token.size(), directory_of(origin));
      }
    }
    directories.push_back(directory);
  }
  configured_directories(files, directories);
  for (const auto& [machine, triplet] : kMultiarch) {
    if (machine != like.machine) continue;
    for (const std::string_view prefix : {"/lib/", "/usr/lib/"})
      directories.push_back(std::string(prefix) + std::string(triplet));
  }
  for (const char* usual : {"/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"})
    directories.emplace_back(usual);
  for (const auto& directory : directories) {
    if (auto path = directory + "/" + name; fits(path)) return path;
  }
  return "";
}

std::vector<Library> library_closure(const Files& files, const std::string& path) {
  std::vector<Library> found;
  std::deque<std::string> to_read{path};
  const auto add = [&](const std::string& name, const client::Elf& elf, const std::string& wanted_by) {
    for (const auto& library : found) {
      if (library.name == name || library.path.ends_with("/" + name)) return;
    }
    const auto place = find_library(files, name, elf, wanted_by);
    found.push_back({name, place, wanted_by});
    if (!place.empty()) to_read.push_back(place);
  };
  while (!to_read.empty()) {
    const auto reader = to_read.front();
    to_read.pop_front();
    const auto content = files.read(reader);
    const auto elf = content ? read_elf(*content) : std::nullopt;
    if (!elf) continue;
    if (!elf->interpreter.empty()) add(elf->interpreter, *elf, reader);
    for (const auto& name : elf->needed) add(name, *elf, reader);
  }
  return found;
}

}  // namespace gdbdebug::client
