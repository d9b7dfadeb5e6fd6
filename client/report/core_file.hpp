// SPDX-License-Identifier: GPL-2.0-or-later
// core_file: a core as an ELF file, which debuggers open. Pure: values in, bytes out.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "report/core_log.hpp"

namespace gdbdebug::client {

/// Where a thread stands, by its registers.
struct CorePlace {
  std::uint64_t pc = 0;
  std::uint64_t sp = 0;
};
/// Nothing for a machine that is not known here, or a thread whose registers are not known.
std::optional<CorePlace> place_of(const Core& core, const CoreThread& thread);

/// The signal, "SIGSEGV" or "signal 40"; empty if it stands at none.
std::string signal_of(const Core& core);

/// Whether a debugger may look for the file that is mapped by this name.
using KnownFile = std::function<bool(const std::string& name)>;

/// The ELF core file (gdb's and the kernel's form: fs/binfmt_elf.c). Nothing for a machine that is not known here.
std::optional<std::string> elf_core(const Core& core, const KnownFile& known);

}  // namespace gdbdebug::client
