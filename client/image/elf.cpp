// SPDX-License-Identifier: GPL-2.0-or-later
// elf: see elf.hpp.
#include "image/elf.hpp"

#include <elfutils/libdwelf.h>
#include <gelf.h>

#include <algorithm>
#include <array>
#include <deque>

#include "base/bytes.hpp"
#include "base/words.hpp"

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

// More than any program has; an image that has more wants to keep us busy.
constexpr std::size_t kMaxLibraries = 4096;
constexpr std::size_t kMaxRunPaths = 64;

constexpr GElf_Word kPropertyNote = 5;  // NT_GNU_PROPERTY_TYPE_0, which older headers lack

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
  for (int i = 0; i < static_cast<int>(header.sh_size / header.sh_entsize); ++i) {
    GElf_Dyn entry;
    if (gelf_getdyn(data, i, &entry) == nullptr) return;
    if (entry.d_tag != DT_NEEDED && entry.d_tag != DT_SONAME && entry.d_tag != DT_RUNPATH && entry.d_tag != DT_RPATH)
      continue;
    auto text = text_at(elf, header.sh_link, entry.d_un.d_val);
    if (has_control(text)) {
      if (entry.d_tag == DT_NEEDED) into.refused.push_back(std::move(text));
      continue;
    }
    switch (entry.d_tag) {
      case DT_NEEDED:
        into.needed.push_back(std::move(text));
        break;
      case DT_SONAME:
        into.soname = std::move(text);
        break;
      case DT_RUNPATH:
        into.run_path = std::move(text);
        break;
      default:
        into.old_run_path = std::move(text);
    }
  }
  if (!into.run_path.empty()) into.old_run_path.clear();
}

// The x86-64 level in a property note (the x86-64 psABI's linux-abi, "Program Property"): 0 without one.
int level_in(Bytes properties, bool wide) {
  constexpr std::uint64_t kIsa1Needed = 0xc0008002;  // GNU_PROPERTY_X86_ISA_1_NEEDED
  const std::size_t alignment = wide ? 8 : 4;
  for (std::size_t at = 0; at + 8 <= properties.size();) {
    const auto type = little_endian(properties, at, 4).value_or(0);
    const auto size = little_endian(properties, at + 4, 4).value_or(0);
    if (type == kIsa1Needed && size >= 4) {
      const auto levels = little_endian(properties, at + 8, 4).value_or(0);
      for (int level = 4; level > 1; --level) {
        if ((levels >> (level - 1) & 1U) != 0) return level;
      }
    }
    at += 8 + (size + alignment - 1) / alignment * alignment;
  }
  return 0;
}

int x86_level(::Elf* elf, const GElf_Phdr& segment, bool wide) {
  Elf_Data* data = elf_getdata_rawchunk(elf, static_cast<std::int64_t>(segment.p_offset), segment.p_filesz,
                                        segment.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
  std::size_t next = 0;
  GElf_Nhdr note;
  std::size_t name = 0;
  std::size_t content = 0;
  for (std::size_t at = 0; data != nullptr && (next = gelf_getnote(data, at, &note, &name, &content)) > 0; at = next) {
    const Bytes bytes(static_cast<const std::byte*>(data->d_buf), data->d_size);
    if (note.n_type != kPropertyNote || note.n_namesz != 4 || as_text(bytes.subspan(name, 3)) != "GNU") continue;
    return level_in(bytes.subspan(content, note.n_descsz), wide);
  }
  return 0;
}

// Calls `visit` with each section and its header, as far as they can be read.
template <typename Visit>
void for_each_section(::Elf* elf, Visit visit) {
  for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr; section = elf_nextscn(elf, section)) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) != nullptr) visit(section, header);
  }
}

// Calls `visit` with each table of symbols that defines `name`, and the symbol.
template <typename Visit>
void for_each_symbol(Bytes bytes, std::string_view name, Visit visit) {
  const ElfHandle elf = open_elf(bytes);
  if (!elf) return;
  for_each_section(elf.get(), [&](Elf_Scn* section, const GElf_Shdr& header) {
    if (header.sh_entsize == 0 || (header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM)) return;
    Elf_Data* data = elf_getdata(section, nullptr);
    if (data == nullptr) return;
    for (int i = 0; i < static_cast<int>(header.sh_size / header.sh_entsize); ++i) {
      GElf_Sym symbol;
      if (gelf_getsym(data, i, &symbol) == nullptr) return;
      if (symbol.st_shndx == SHN_UNDEF) continue;
      const char* text = elf_strptr(elf.get(), header.sh_link, symbol.st_name);
      if (text != nullptr && name == text) visit(header, symbol);
    }
  });
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

std::string triplet_of(const client::Elf& elf) {
  for (const auto& [machine, triplet] : kMultiarch) {
    if (machine == elf.machine) return std::string(triplet);
  }
  return "";
}

// The directories of a run path, with what stands for another text in them put in (ld.so(8), "Dynamic string tokens").
std::vector<std::string> run_paths(const std::string& run_path, const client::Elf& elf, const std::string& origin) {
  std::vector<std::string> directories = split(run_path, ":");
  const auto put_in = [&](std::string_view token, const std::vector<std::string>& texts) {
    std::vector<std::string> with;
    for (const auto& directory : directories) {
      const auto at = directory.find(token);
      if (at == std::string::npos) with.push_back(directory);
      for (std::size_t i = 0; at != std::string::npos && i < texts.size(); ++i) {
        with.push_back(std::string(directory).replace(at, token.size(), texts[i]));
      }
    }
    directories = std::move(with);
  };
  const std::vector<std::string> libs{"lib64", "lib", "lib/" + triplet_of(elf)};  // it depends on how ld.so was built
  for (const std::string_view token : {"${ORIGIN}", "$ORIGIN"}) put_in(token, {directory_of(origin)});
  for (const std::string_view token : {"${LIB}", "$LIB"}) put_in(token, libs);
  for (const std::string_view token : {"${PLATFORM}", "$PLATFORM"}) put_in(token, {elf.machine});
  return directories;
}

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
    if (gelf_getphdr(elf.get(), static_cast<int>(i), &segment) == nullptr) continue;
    if (segment.p_type == PT_NOTE && (header.e_machine == EM_X86_64 || header.e_machine == EM_386)) {
      read.x86_level = std::max(read.x86_level, x86_level(elf.get(), segment, read.wide));
    }
    if (segment.p_type != PT_INTERP) continue;
    if (segment.p_offset > bytes.size() || segment.p_filesz > bytes.size() - segment.p_offset) continue;
    auto text = as_text(bytes.subspan(segment.p_offset, segment.p_filesz));
    text = text.substr(0, text.find('\0'));
    if (has_control(text)) {
      read.refused.emplace_back(text);
    } else {
      read.interpreter = text;
    }
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
  bool found = false;
  for_each_symbol(bytes, name, [&](const GElf_Shdr&, const GElf_Sym& symbol) {
    const auto type = GELF_ST_TYPE(symbol.st_info);  // assembler code often leaves out what its symbols are
    found = found || type == STT_FUNC || type == STT_NOTYPE;
  });
  return found;
}

std::optional<std::uint64_t> exported_address(Bytes bytes, std::string_view name) {
  std::optional<std::uint64_t> address;
  for_each_symbol(bytes, name, [&](const GElf_Shdr& header, const GElf_Sym& symbol) {
    if (header.sh_type == SHT_DYNSYM && GELF_ST_TYPE(symbol.st_info) == STT_OBJECT) address = symbol.st_value;
  });
  return address;
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
                         const std::string& origin, const std::vector<std::string>& inherited) {
  const auto fits = [&](const std::string& path) {
    const auto content = has_control(path) ? std::nullopt : files.read(path);
    if (!content || content->size() < EI_NIDENT) return false;
    return has_at(*content, 0, ELFMAG) &&
           little_endian(*content, EI_CLASS, 1) == static_cast<unsigned>(like.wide ? ELFCLASS64 : ELFCLASS32);
  };
  if (name.find('/') != std::string::npos) return fits(name) ? name : "";

  std::vector<std::string> directories = run_paths(like.old_run_path, like, origin);
  if (like.run_path.empty()) directories.insert(directories.end(), inherited.begin(), inherited.end());
  for (auto& directory : run_paths(like.run_path, like, origin)) directories.push_back(std::move(directory));
  configured_directories(files, directories);
  if (const auto triplet = triplet_of(like); !triplet.empty()) {
    for (const std::string_view prefix : {"/lib/", "/usr/lib/"}) directories.push_back(std::string(prefix) + triplet);
  }
  for (const char* usual : {"/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"})
    directories.emplace_back(usual);
  for (const auto& directory : directories) {
    if (auto path = directory + "/" + name; fits(path)) return path;
  }
  return "";
}

std::vector<Library> library_closure(const Files& files, const std::string& path) {
  struct Reader {
    std::string path;
    std::vector<std::string> inherited;  // the DT_RPATH directories of those who need it in turn
    std::size_t place;                   // of itself among those found
  };
  std::vector<Library> found;
  std::vector<std::string> sonames;
  constexpr auto kProgram = static_cast<std::size_t>(-1);
  std::deque<Reader> to_read{{path, {}, kProgram}};
  const auto add = [&](const std::string& name, const client::Elf& elf, const Reader& reader) {
    if (found.size() == kMaxLibraries) return;
    if (std::ranges::find(sonames, name) != sonames.end()) return;  // it is loaded already, under another name
    for (const auto& library : found) {
      if (library.name == name || library.path.ends_with("/" + name)) return;
    }
    const auto place = find_library(files, name, elf, reader.path, reader.inherited);
    auto inherited = run_paths(elf.old_run_path, elf, reader.path);
    inherited.insert(inherited.end(), reader.inherited.begin(), reader.inherited.end());
    inherited.resize(std::min(inherited.size(), kMaxRunPaths));
    if (!place.empty()) to_read.push_back({place, std::move(inherited), found.size()});
    found.push_back({name, place, reader.path, 0});
  };
  while (!to_read.empty()) {
    const auto reader = std::move(to_read.front());
    to_read.pop_front();
    const auto content = files.read(reader.path);
    const auto elf = content ? read_elf(*content) : std::nullopt;
    if (!elf) continue;
    if (reader.place != kProgram) found[reader.place].x86_level = elf->x86_level;
    if (!elf->soname.empty()) sonames.push_back(elf->soname);
    if (!elf->interpreter.empty()) add(elf->interpreter, *elf, reader);
    for (const auto& name : elf->needed) add(name, *elf, reader);
    for (const auto& name : elf->refused) found.push_back({printable(name), "", reader.path, 0});
  }
  return found;
}

}  // namespace gdbdebug::client
