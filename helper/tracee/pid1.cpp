// SPDX-License-Identifier: GPL-2.0-or-later
// pid1: see pid1.hpp.
#include "tracee/pid1.hpp"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include "sys/sys.hpp"

namespace gdbdebug::pid1 {
namespace {

template <typename T>
bool read_at(const UniqueFd& file, std::uint64_t offset, T& value) {
  return ::pread(file.get(), &value, sizeof value, static_cast<off_t>(offset)) == static_cast<ssize_t>(sizeof value);
}

/// Names and descriptions of notes are padded to four bytes (elf(5)).
constexpr std::uint64_t padded(std::uint64_t size) {
  return (size + 3) & ~std::uint64_t(3);
}

/// Looks through one PT_NOTE segment. The headers of its notes are the same for 32 and 64 bits (elf(5)).
Text<128> find_note(const UniqueFd& file, std::uint64_t offset, std::uint64_t size) {
  constexpr std::uint64_t kNoteLimit = 65536;  // a damaged file must not keep us reading
  const auto end = offset + (size < kNoteLimit ? size : kNoteLimit);
  while (offset + sizeof(Elf64_Nhdr) <= end) {
    Elf64_Nhdr note{};
    if (!read_at(file, offset, note)) break;
    const std::uint64_t name = offset + sizeof note;
    const std::uint64_t description = name + padded(note.n_namesz);
    char owner[4]{};
    char id[40]{};
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && note.n_descsz <= sizeof id &&
        read_at(file, name, owner) && std::string_view(owner, 4) == std::string_view("GNU\0", 4) &&
        ::pread(file.get(), id, note.n_descsz, static_cast<off_t>(description)) ==
            static_cast<ssize_t>(note.n_descsz)) {
      Text<128> digits;
      digits.add_hex({id, note.n_descsz});
      return digits;
    }
    offset = description + padded(note.n_descsz);
  }
  return {};
}

template <typename Header, typename Segment>
Text<128> find_build_id(const UniqueFd& file) {
  Header header{};
  if (!read_at(file, 0, header) || header.e_phentsize != sizeof(Segment)) return {};
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Segment segment{};
    if (!read_at(file, header.e_phoff + std::uint64_t{i} * sizeof segment, segment)) break;
    if (segment.p_type != PT_NOTE) continue;
    const auto id = find_note(file, segment.p_offset, segment.p_filesz);
    if (!id.empty()) return id;
  }
  return {};
}

Text<64> task_file(unsigned thread, std::string_view name) {
  Text<64> path("/proc/1/task/");
  path.add_number(thread).add('/').add(name);
  return path;
}

Text<256> field(int directory, const char* path, std::string_view key) {
  Text<4096> text;
  const auto file = sys::open(directory, path, O_RDONLY);
  if (!file || !sys::read_all(*file, text)) return {};
  for (auto rest = text.view(); !rest.empty();) {
    auto line = take_word(rest, '\n');
    if (take_word(line, ':') == key) return Text<256>(trim(line));
  }
  return {};
}

}  // namespace

Result<UniqueFd> open_mapped(pid_t process, std::uint64_t begin, std::uint64_t end) {
  auto path = sys::process_file(process, "map_files/");
  path.add_number(begin, 16).add('-').add_number(end, 16);
  return sys::open(AT_FDCWD, path.c_str(), O_RDONLY);
}

Text<512> executable(pid_t process) {
  Text<512> name;
  const auto count = ::readlink(sys::process_file(process, "exe").c_str(), name.tail(), name.room());
  if (count > 0) name.grow(static_cast<std::size_t>(count));
  constexpr std::string_view kDeleted =
      " (deleted)";  // of a root that has been given up, or a package that was updated
  if (name.view().ends_with(kDeleted)) return Text<512>(name.view().substr(0, name.view().size() - kDeleted.size()));
  return name;
}

bool shuts_down() {
  std::array<char, 512> words{};
  const auto file = sys::open(AT_FDCWD, "/proc/1/cmdline", O_RDONLY);
  const auto count = file ? sys::read(file->get(), words) : 0;
  std::string_view rest(words.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  for (unsigned word = 0; word < 3; ++word) {  // a script's interpreter stands before its name, with one argument
    const auto path = take_word(rest, '\0');
    const auto name = path.substr(path.rfind('/') + 1);
    if (name == "systemd-shutdown" || name == "shutdown") return true;
  }
  return false;
}

Text<128> build_id(const UniqueFd& file) {
  unsigned char ident[EI_NIDENT]{};
  if (!read_at(file, 0, ident) || ident[EI_MAG0] != ELFMAG0 || ident[EI_MAG1] != ELFMAG1) return {};
  if (ident[EI_CLASS] == ELFCLASS64) return find_build_id<Elf64_Ehdr, Elf64_Phdr>(file);
  return find_build_id<Elf32_Ehdr, Elf32_Phdr>(file);
}

Text<128> executable_build_id(pid_t process) {
  const auto file = sys::open(AT_FDCWD, sys::process_file(process, "exe").c_str(), O_RDONLY);
  return file ? build_id(*file) : Text<128>();
}

Text<256> status(std::string_view key) {
  return status_of(1, key);
}

bool catches(int signal) {
  const auto mask = parse_number<std::uint64_t>(status("SigCgt"), 16).value_or(0);
  return ((mask >> (signal - 1)) & 1) != 0;
}

Text<256> status_of(pid_t process, std::string_view key) {
  return field(AT_FDCWD, sys::process_file(process, "status").c_str(), key);
}

bool read_memory(pid_t process, std::uint64_t address, std::span<char> bytes) {
  const auto file = sys::open(AT_FDCWD, sys::process_file(process, "mem").c_str(), O_RDONLY);
  return file && ::pread(file->get(), bytes.data(), bytes.size(), static_cast<off_t>(address)) ==
                     static_cast<ssize_t>(bytes.size());
}

bool write_memory(pid_t process, std::uint64_t address, std::string_view bytes) {
  const auto file = sys::open(AT_FDCWD, sys::process_file(process, "mem").c_str(), O_WRONLY);
  return file && ::pwrite(file->get(), bytes.data(), bytes.size(), static_cast<off_t>(address)) ==
                     static_cast<ssize_t>(bytes.size());
}

Call call_of(unsigned thread) {
  Call call;
  Text<256> text;
  const auto file = sys::open(AT_FDCWD, task_file(thread, "syscall").c_str(), O_RDONLY);
  if (!file || !sys::read_all(*file, text)) return call;
  auto rest = trim(text);  // `running`, `-1 SP PC`, or `NUMBER ARGUMENT... SP PC` (proc(5), /proc/PID/syscall)
  call.number = parse_number<std::uint64_t>(take_word(rest, ' '));
  for (auto& argument : call.arguments) {
    auto word = take_word(rest, ' ');
    if (word.starts_with("0x")) word.remove_prefix(2);
    argument = parse_number<std::uint64_t>(word, 16).value_or(0);
  }
  return call;
}

bool lives(unsigned thread) {
  Text<512> text;
  const auto file = sys::open(AT_FDCWD, task_file(thread, "stat").c_str(), O_RDONLY);
  if (!file || !sys::read_all(*file, text)) return false;
  const auto name_end = text.view().rfind(") ");  // `1 (name) S ...`: a name can have anything in it
  return name_end != std::string_view::npos &&
         std::string_view("ZX").find(text.view()[name_end + 2]) == std::string_view::npos;
}

bool is_stopped(pid_t process) {
  const auto tasks = sys::open(AT_FDCWD, sys::process_file(process, "task").c_str(), O_RDONLY | O_DIRECTORY);
  if (!tasks) return false;
  sys::Names names(*tasks);
  for (auto name = names.next(); !name.empty(); name = names.next()) {
    Text<64> path(name);
    path.add("/status");
    const auto state = field(tasks->get(), path.c_str(), "State");
    // A thread that is gone, or is going, runs nothing of PID 1's any more.
    if (!state.empty() && std::string_view("TZX").find(state.view().front()) == std::string_view::npos) return false;
  }
  return true;
}

}  // namespace gdbdebug::pid1
