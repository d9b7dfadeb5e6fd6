// SPDX-License-Identifier: GPL-2.0-or-later
// elf: what gdbdebug has to know of a program or library. libelf reads it; a damaged file reads as none, or as one with
// less in it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "image/files.hpp"

namespace gdbdebug::client {

struct Elf {
  std::string machine;      ///< As `uname -m` names it ("x86_64"); empty for one that gdbdebug has no name for.
  bool wide = true;         ///< 64 bit.
  std::string build_id;     ///< In hexadecimal digits; empty without one.
  std::string interpreter;  ///< PT_INTERP; empty for a static program or a library.
  std::string soname;
  std::vector<std::string> needed;   ///< DT_NEEDED, in order.
  std::vector<std::string> refused;  ///< Likewise, and PT_INTERP: those with a control character, which name no file.
  std::string run_path;              ///< DT_RUNPATH.
  std::string old_run_path;          ///< DT_RPATH, where there is no DT_RUNPATH; it holds for what is needed too.
  int x86_level = 0;                 ///< Of the processor that it needs, x86-64-vN: 2, 3 or 4; 0 if it does not say.
  bool symbols = false;              ///< Has .symtab.
  bool debug_info = false;           ///< Has .debug_info.
};

/// Reads the ELF file in `bytes`; nothing if it is not one.
std::optional<Elf> read_elf(Bytes bytes);

/// Whether the ELF file defines the function `name`, in .symtab or in what it exports.
bool defines_function(Bytes bytes, std::string_view name);

/// The address, as linked, of the object `name` that the ELF file exports; nothing if it exports none of that name.
std::optional<std::uint64_t> exported_address(Bytes bytes, std::string_view name);

/// The interpreter and first argument of a script's first line ("#!/bin/sh -e"); nothing if it is no script.
struct Shebang {
  std::string interpreter;
  std::string argument;
};
std::optional<Shebang> read_shebang(Bytes bytes);

/// Finds the library `name` as the dynamic linker of the image would, for the program or library `like` at `origin`
/// (its absolute path): run path, then that of those who need it in turn (`inherited`), ld.so.conf, the usual
/// directories. Empty if it is not there, or its name has a control character.
std::string find_library(const Files& files, const std::string& name, const Elf& like, const std::string& origin,
                         const std::vector<std::string>& inherited = {});

struct Library {
  std::string name;       ///< As in DT_NEEDED, or the PT_INTERP path.
  std::string path;       ///< In the image; empty if it is missing.
  std::string wanted_by;  ///< The path of whoever needs it first.
  int x86_level = 0;      ///< As in Elf.
};

/// All that the program at `path` in the image needs to run, its interpreter first, each once.
std::vector<Library> library_closure(const Files& files, const std::string& path);

}  // namespace gdbdebug::client
