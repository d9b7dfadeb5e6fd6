// SPDX-License-Identifier: GPL-2.0-or-later
// descriptions: what a target's description will most likely be, without asking the target.
// gdb and gdbserver make descriptions with the same code, from the set of register states that a processor has enabled
// (XCR0). gdb does it too when it opens a core file; so it is given core files that hold that set and nothing else.
#include <elf.h>
#include <fcntl.h>

#include <algorithm>
#include <array>

#include "base/process.hpp"
#include "debugger/debugger.hpp"
#include "image/image.hpp"
#include "image/unpack.hpp"

namespace gdbdebug::client {
namespace {

// XCR0 of processors that are about (Intel's manual, volume 1, chapter 13): bit 1 SSE, 2 AVX, 3 and 4 MPX, 5 to 7
// AVX-512, 9 PKRU. 3: QEMU's default processor; 7 to 0x207: desktops; 0x1f, 0x2ff: those with MPX, and QEMU's `max`.
constexpr std::array<std::uint64_t, 9> kFeatureSets{0x3, 0x7, 0x207, 0xe7, 0x2e7, 0x1f, 0x21f, 0xff, 0x2ff};
constexpr std::size_t kStateSize = 2696;  // of the standard format with all of these
constexpr std::size_t kXcr0Offset =
    464;  // where the kernel puts XCR0 in a core file's state (arch/x86, USER_XSTATE_XCR0_WORD)
constexpr std::size_t kHeaderOffset = 512;  // XSTATE_BV: none of them in use, all in use; it makes no difference here
constexpr std::size_t kStatusSize = 336;    // struct elf_prstatus
constexpr std::size_t kPidOffset = 32;      // pr_pid in it; gdb wants one

template <typename T>
void append(std::string& text, const T& value) {
  text.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append_note(std::string& text, std::string_view name, Elf64_Word type, const std::string& content) {
  append(text, Elf64_Nhdr{static_cast<Elf64_Word>(name.size() + 1), static_cast<Elf64_Word>(content.size()), type});
  text += name;
  text.append(4 - name.size() % 4, '\0');  // its NUL, and up to a multiple of four
  text += content;
}

std::string make_core(std::uint64_t features) {
  std::string status(kStatusSize, '\0');
  status[kPidOffset] = 1;
  std::string state(kStateSize, '\0');
  for (std::size_t i = 0; i < 8; ++i) {
    state[kXcr0Offset + i] = state[kHeaderOffset + i] = static_cast<char>(features >> (8 * i));
  }
  std::string notes;
  append_note(notes, "CORE", NT_PRSTATUS, status);
  append_note(notes, "LINUX", NT_X86_XSTATE, state);

  Elf64_Ehdr header{};
  std::ranges::copy(std::string_view(ELFMAG), header.e_ident);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_CORE;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_phoff = sizeof header;
  header.e_ehsize = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  Elf64_Phdr segment{};
  segment.p_type = PT_NOTE;
  segment.p_offset = sizeof header + sizeof segment;
  segment.p_filesz = notes.size();
  segment.p_align = 4;
  std::string core;
  append(core, header);
  append(core, segment);
  return core + notes;
}

}  // namespace

std::vector<std::string> make_descriptions(const Debugger& debugger, const std::string& machine) {
  std::vector<std::string> descriptions;
  ScratchDirectory place;
  if (machine != "x86_64" || debugger.kind != Debugger::Kind::gdb || !place.make(scratch_directory()).ok())
    return descriptions;
  Spawn gdb;
  gdb.argv = {debugger.program, "-nx", "-batch"};
  for (const auto features : kFeatureSets) {
    const auto path = place.path() + "/core." + std::to_string(features);
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd || write_all(fd.get(), as_bytes(make_core(features))) != 0) return descriptions;
    gdb.argv.insert(gdb.argv.end(), {"-ex", "core-file " + path, "-ex", "maint print xml-tdesc"});
  }
  // Whatever this gdb does not like is one description less: then the target is asked for its own.
  const auto output = run(gdb, std::size_t{4} << 20, 20);
  if (!output.ok()) return descriptions;
  constexpr std::string_view kBegin = "<?xml";
  constexpr std::string_view kEnd = "</target>\n";
  std::string_view text = output.value().text;
  for (auto begin = text.find(kBegin); begin != std::string_view::npos; begin = text.find(kBegin)) {
    text.remove_prefix(begin);
    const auto end = text.find(kEnd);
    if (end == std::string_view::npos) break;
    std::string description(text.substr(0, end + kEnd.size()));
    text.remove_prefix(end);
    if (std::ranges::find(descriptions, description) == descriptions.end())
      descriptions.push_back(std::move(description));
  }
  // A probe beyond the end of a shorter one costs the fewest bytes.
  std::ranges::sort(descriptions, [](const auto& a, const auto& b) { return a.size() > b.size(); });
  return descriptions;
}

}  // namespace gdbdebug::client
