// SPDX-License-Identifier: GPL-2.0-or-later
// core_file: see core_file.hpp.
#include "report/core_file.hpp"

#include <elf.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace gdbdebug::client {
namespace {

// A machine, and where the registers are in its set (elf_gregset_t).
struct Machine {
  // cppcheck-suppress unusedStructMember ; 2.17 does not see through the loop over the table
  std::string_view name{};  ///< As uname -m says; a prefix.
  std::size_t word = 8;
  std::uint16_t elf = 0;
  std::size_t registers = 0;  ///< The size of the set.
  std::size_t pc = 0;
  std::size_t sp = 0;
};

constexpr std::array<Machine, 7> kMachines{{
    {"x86_64", 8, EM_X86_64, 27 * 8UL, 16 * 8UL, 19 * 8UL},
    {"x86_64", 4, EM_386, 17 * 4UL, 12 * 4UL, 15 * 4UL},
    {"i", 4, EM_386, 17 * 4UL, 12 * 4UL, 15 * 4UL},
    {"aarch64", 8, EM_AARCH64, 34 * 8UL, 32 * 8UL, 31 * 8UL},
    {"aarch64", 4, EM_ARM, 18 * 4UL, 15 * 4UL, 13 * 4UL},
    {"arm", 4, EM_ARM, 18 * 4UL, 15 * 4UL, 13 * 4UL},
    {"riscv64", 8, EM_RISCV, 32 * 8UL, 0, 2 * 8UL},
}};

const Machine* machine_of(const Core& core) {
  const auto name = core.value("machine");
  const auto size = core.threads.empty() ? 0 : core.threads.front().registers.size();
  for (const auto& machine : kMachines) {
    if (machine.word != core.word()) continue;
    // Without `begin` the register set tells; on each machine it has another size.
    if (name.empty() ? machine.registers == size : name.starts_with(machine.name)) return &machine;
  }
  return nullptr;
}

std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

class Encoder {
 public:
  explicit Encoder(std::size_t word) : word_(word) {}
  Encoder& number(std::uint64_t value, std::size_t size) {
    for (; size > 0; --size, value >>= 8) text_ += static_cast<char>(value & 0xff);
    return *this;
  }
  Encoder& word(std::uint64_t value) { return number(value, word_); }
  Encoder& add(std::string_view bytes) {
    text_ += bytes;
    return *this;
  }
  Encoder& zeros(std::size_t count) {
    text_.append(count, '\0');
    return *this;
  }
  Encoder& pad(std::size_t unit) { return zeros((unit - text_.size() % unit) % unit); }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::size_t word_;
  std::string text_;
};

void add_note(Encoder& notes, std::uint32_t type, const std::string& content) {
  constexpr std::string_view kName("CORE\0", 5);
  notes.number(kName.size(), 4).number(content.size(), 4).number(type, 4).add(kName).pad(4).add(content).pad(4);
}

// struct elf_prstatus (linux/elfcore.h).
std::string status_note(const Core& core, const Machine& machine, const CoreThread& thread, bool first) {
  Encoder note(machine.word);
  const auto number = [&](std::size_t at) {
    return first && core.signal.size() >= at + 4 ? number_at(core.signal, at, 4) : 0;
  };
  note.number(number(0), 4).number(number(8), 4).number(number(4), 4);  // siginfo_t has number, errno, code
  note.number(number(0), 2).zeros(2).word(0).word(0);                   // pending and blocked signals
  note.number(thread.id, 4).number(0, 4).number(thread.id, 4).number(0, 4);
  note.zeros(8 * machine.word);  // times
  std::string registers = thread.registers;
  registers.resize(machine.registers, '\0');
  note.add(registers).number(0, 4).pad(machine.word);
  return note.text();
}

// NT_FILE: which file is where (fill_files_note() in fs/binfmt_elf.c).
std::string file_note(const Core& core, const Machine& machine, const KnownFile& known) {
  const std::uint64_t page = core.page;
  Encoder head(machine.word);
  Encoder table(machine.word);
  std::string names;
  std::uint64_t count = 0;
  for (const auto& map : core.maps()) {
    if (!map.file.starts_with('/') || !known(map.file)) continue;
    table.word(map.begin).word(map.end).word(map.offset / page);
    names += map.file + '\0';
    ++count;
  }
  head.word(count).word(page).add(table.text()).add(names);
  return head.text();
}

std::uint32_t rights_of(const std::vector<CoreMap>& maps, std::uint64_t address) {
  const auto map =
      std::ranges::find_if(maps, [&](const CoreMap& each) { return address >= each.begin && address < each.end; });
  if (map == maps.end()) return PF_R | PF_W;
  return (map->readable ? PF_R : 0U) | (map->writable ? PF_W : 0U) | (map->executable ? PF_X : 0U);
}

void add_segment(Encoder& table, std::size_t word, std::uint32_t type, std::uint32_t rights, std::uint64_t offset,
                 std::uint64_t address, std::uint64_t size, std::uint64_t alignment) {
  table.number(type, 4);
  if (word == 8) table.number(rights, 4);
  table.word(offset).word(address).word(0).word(size).word(type == PT_NOTE ? 0 : size);
  if (word == 4) table.number(rights, 4);
  table.word(alignment);
}

}  // namespace

std::optional<CorePlace> place_of(const Core& core, const CoreThread& thread) {
  const auto* const machine = machine_of(core);
  if (machine == nullptr || thread.registers.size() < machine->registers) return std::nullopt;
  return CorePlace{number_at(thread.registers, machine->pc, machine->word),
                   number_at(thread.registers, machine->sp, machine->word)};
}

std::string signal_of(const Core& core) {
  // signal(7); the machines that are known here have the same numbers.
  static constexpr std::array<const char*, 32> kNames{
      "",          "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
      "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
      "SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
      "SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS"};
  const auto number = core.signal.size() < 4 ? 0 : number_at(core.signal, 0, 4) & 0x7f;
  return number < kNames.size() ? kNames[static_cast<std::size_t>(number)] : "signal " + std::to_string(number);
}

std::optional<std::string> elf_core(const Core& core, const KnownFile& known) {
  const auto* const machine = machine_of(core);
  if (machine == nullptr) return std::nullopt;
  const auto word = machine->word;
  Encoder notes(word);
  // That of a 32-bit program comes as the 64-bit machine has it.
  const bool translated = word == 4 && (machine->name == "x86_64" || machine->name == "aarch64");
  for (const auto& thread : core.threads) {
    const bool first = &thread == core.threads.data();
    add_note(notes, NT_PRSTATUS, status_note(core, *machine, thread, first));
    if (first && !core.signal.empty() && !translated) add_note(notes, NT_SIGINFO, core.signal);
  }
  if (!core.auxiliary.empty()) add_note(notes, NT_AUXV, core.auxiliary);
  if (!core.map_text.empty()) add_note(notes, NT_FILE, file_note(core, *machine, known));

  const auto maps = core.maps();
  const std::size_t header = word == 8 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
  const std::size_t entry = word == 8 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
  // More than fit into e_phnum are not worth a section header: only core=all could have them.
  const auto count = std::min<std::size_t>(core.memory.size(), PN_XNUM - 2);
  Encoder table(word);
  auto offset = header + entry * (count + 1);
  add_segment(table, word, PT_NOTE, 0, offset, 0, notes.text().size(), 4);
  offset += notes.text().size();
  Encoder contents(word);
  std::size_t done = 0;
  for (const auto& [address, part] : core.memory) {
    if (done++ == count) break;
    add_segment(table, word, PT_LOAD, rights_of(maps, address), offset, address, part.size(), 1);
    contents.add(part);
    offset += part.size();
  }
  Encoder file(word);
  file.add(ELFMAG).number(word == 8 ? ELFCLASS64 : ELFCLASS32, 1).number(ELFDATA2LSB, 1).number(EV_CURRENT, 1).zeros(9);
  file.number(ET_CORE, 2).number(machine->elf, 2).number(EV_CURRENT, 4).word(0).word(header).word(0).number(0, 4);
  file.number(header, 2).number(entry, 2).number(count + 1, 2).zeros(6);
  file.add(table.text()).add(notes.text()).add(contents.text());
  return file.text();
}

}  // namespace gdbdebug::client
