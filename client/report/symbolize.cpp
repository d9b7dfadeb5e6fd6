// SPDX-License-Identifier: GPL-2.0-or-later
// symbolize: see symbolize.hpp.
#include "report/symbolize.hpp"

#include <dwarf.h>
#include <elfutils/libdwfl.h>

#include <cstdlib>
#include <map>
#include <string_view>

#include "report/demangle.hpp"

namespace gdbdebug::client {
namespace {

struct DwflDeleter {
  void operator()(Dwfl* dwfl) const { dwfl_end(dwfl); }
};

// The unit whose code has the address. dwfl_module_addrdie() of elfutils before 0.191 finds only those that
// .debug_aranges lists, a section that neither clang nor Go writes.
Dwarf_Die* find_unit(Dwfl_Module* module, GElf_Addr address, Dwarf_Addr& bias) {
  if (Dwarf_Die* listed = dwfl_module_addrdie(module, address, &bias)) return listed;
  Dwarf_Die* unit = nullptr;
  while ((unit = dwfl_module_nextcu(module, unit, &bias)) != nullptr) {
    if (dwarf_haspc(unit, address - bias) > 0) return unit;
  }
  return nullptr;
}

// Whether the file has debug information that is packed in a way that this libdw cannot unpack: zstd, before 0.189.
bool is_unreadable(Dwfl_Module* module) {
  Dwarf_Addr bias = 0;
  if (dwfl_module_nextcu(module, nullptr, &bias) != nullptr) return false;
  ::Elf* elf = dwfl_module_getelf(module, &bias);
  std::size_t names = 0;
  if (elf == nullptr || elf_getshdrstrndx(elf, &names) != 0) return false;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr header;
    const char* name = gelf_getshdr(section, &header) != nullptr ? elf_strptr(elf, names, header.sh_name) : nullptr;
    if (name != nullptr && std::string_view(name) == ".debug_info" && (header.sh_flags & SHF_COMPRESSED) != 0)
      return true;
  }
  return false;
}

// Where a byte of the file is in the program's own addresses, by its program headers (elf(5)).
std::optional<GElf_Addr> virtual_address(::Elf* elf, std::uint64_t offset) {
  std::size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) return std::nullopt;
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Phdr segment;
    if (gelf_getphdr(elf, static_cast<int>(i), &segment) == nullptr || segment.p_type != PT_LOAD) continue;
    if (offset >= segment.p_offset && offset - segment.p_offset < segment.p_filesz)
      return offset - segment.p_offset + segment.p_vaddr;
  }
  return std::nullopt;
}

void set_source(Dwarf_Die& unit, Dwarf_Addr address, Code& code) {
  Dwarf_Line* line = dwarf_getsrc_die(&unit, address);
  const char* file = line != nullptr ? dwarf_linesrc(line, nullptr, nullptr) : nullptr;
  if (file != nullptr && dwarf_lineno(line, &code.line) == 0) code.file = file;
}

// The place from which an inlined function is called.
void set_call_site(Dwarf_Die& unit, Dwarf_Die& inlined, Code& code) {
  Dwarf_Attribute attribute;
  Dwarf_Word file = 0;
  Dwarf_Word line = 0;
  Dwarf_Files* files = nullptr;
  std::size_t count = 0;
  if (dwarf_formudata(dwarf_attr(&inlined, DW_AT_call_file, &attribute), &file) != 0 ||
      dwarf_formudata(dwarf_attr(&inlined, DW_AT_call_line, &attribute), &line) != 0 ||
      dwarf_getsrcfiles(&unit, &files, &count) != 0 || file >= count) {
    return;
  }
  if (const char* name = dwarf_filesrc(files, file, nullptr, nullptr)) code.file = name;
  code.line = static_cast<int>(line);
}

}  // namespace

struct Symbolizer::Module {
  std::unique_ptr<Dwfl, DwflDeleter> dwfl;
  Dwfl_Module* module = nullptr;
  bool has_lines = false;
  bool unreadable = false;
};

struct Symbolizer::Modules {
  std::string debug_path;
  char* debug_path_pointer = nullptr;
  Dwfl_Callbacks callbacks{};
  std::map<std::string, Module> by_path;
};

Symbolizer::Symbolizer(const std::vector<std::string>& debug_dirs) : modules_(std::make_unique<Modules>()) {
  // An empty one is the file's own directory (libdwfl.h, dwfl_standard_find_debuginfo).
  modules_->debug_path = ":.debug";
  for (const auto& directory : debug_dirs) modules_->debug_path += ":" + directory;
  modules_->debug_path_pointer = modules_->debug_path.data();
  modules_->callbacks.find_elf = dwfl_build_id_find_elf;
  modules_->callbacks.find_debuginfo = dwfl_standard_find_debuginfo;
  modules_->callbacks.section_address = dwfl_offline_section_address;
  modules_->callbacks.debuginfo_path = &modules_->debug_path_pointer;
}

Symbolizer::~Symbolizer() = default;

Symbolizer::Module& Symbolizer::open(const std::string& path) {
  const auto [place, fresh] = modules_->by_path.try_emplace(path);
  auto& module = place->second;
  if (!fresh) return module;
  module.dwfl.reset(dwfl_begin(&modules_->callbacks));
  if (!module.dwfl) return module;
  dwfl_report_begin(module.dwfl.get());
  module.module = dwfl_report_offline(module.dwfl.get(), path.c_str(), path.c_str(), -1);
  if (dwfl_report_end(module.dwfl.get(), nullptr, nullptr) != 0) module.module = nullptr;
  return module;
}

std::vector<Code> Symbolizer::at(const std::string& path, std::uint64_t offset, bool returns) {
  auto& module = open(path);
  GElf_Addr bias = 0;
  ::Elf* elf = module.module != nullptr ? dwfl_module_getelf(module.module, &bias) : nullptr;
  const auto place = elf != nullptr ? virtual_address(elf, offset) : std::nullopt;
  if (!place) return {};
  const GElf_Addr address = *place + bias - (returns ? 1 : 0);

  Dwarf_Addr unit_bias = 0;
  Dwarf_Die* unit = find_unit(module.module, address, unit_bias);
  module.has_lines = module.has_lines || unit != nullptr;
  module.unreadable = unit == nullptr && is_unreadable(module.module);
  std::vector<Code> found;
  Code code;
  if (unit != nullptr) {
    set_source(*unit, address - unit_bias, code);
    Dwarf_Die* scopes = nullptr;
    const int count = dwarf_getscopes(unit, address - unit_bias, &scopes);
    for (int i = 0; i < count; ++i) {
      if (dwarf_tag(&scopes[i]) != DW_TAG_inlined_subroutine) continue;
      code.function = demangled(dwarf_diename(&scopes[i]));
      found.push_back(code);
      code = {};
      set_call_site(*unit, scopes[i], code);
    }
    std::free(scopes);
  }
  GElf_Off from_begin = 0;
  GElf_Sym symbol;
  code.function =
      demangled(dwfl_module_addrinfo(module.module, address, &from_begin, &symbol, nullptr, nullptr, nullptr));
  code.offset = from_begin + (returns ? 1 : 0);
  if (!code.function.empty() || !code.file.empty()) found.push_back(code);
  return found;
}

std::string Symbolizer::why_no_lines(const std::string& path) const {
  const auto place = modules_->by_path.find(path);
  if (place != modules_->by_path.end() && place->second.has_lines) return "";
  if (place == modules_->by_path.end() || !place->second.unreadable) return "no debug information";
  return "its debug information is compressed in a way that this version of elfutils cannot read; "
         "`objcopy --decompress-debug-sections` makes it readable";
}

}  // namespace gdbdebug::client
