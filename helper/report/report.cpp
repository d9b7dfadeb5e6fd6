// SPDX-License-Identifier: GPL-2.0-or-later
// report: see report.hpp.
// Registers come by gdbserver's own description of them, and the place and the stack pointer by /proc/1/syscall, so
// there is no list of registers here for any architecture; only the link register is known by its name.
#include "report/report.hpp"

#include <fcntl.h>
#include <linux/reboot.h>
#include <signal.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <span>

#include "core/words/hello.hpp"
#include "sys/log.hpp"
#include "sys/sys.hpp"
#include "tracee/pid1.hpp"

namespace gdbdebug {
namespace {

constexpr auto kLevel = log::Level::kAlert;
constexpr std::string_view kPrefix = "report: ";

/// Frames of a deep recursion all look alike; those of an ordinary crash are some 30.
constexpr unsigned kMaxFrames = 32;
/// How much of the stack is looked through. A frame is some 100 bytes, now and then some thousand.
constexpr std::uint64_t kScanLimit = 128 * 1024;
/// systemd and its libraries are some 30.
constexpr std::size_t kMaxMaps = 96;

/// Where a function that calls no other has its return address, by gdb's name; empty: on the stack like all others.
#if defined(__aarch64__)
constexpr std::string_view kLinkRegister = "x30";
#elif defined(__arm__)
constexpr std::string_view kLinkRegister = "lr";
#elif defined(__riscv)
constexpr std::string_view kLinkRegister = "ra";
#else
constexpr std::string_view kLinkRegister;
#endif

std::string_view signal_name(unsigned gdb_signal) {
  switch (gdb_signal) {
    case 3:
      return "SIGQUIT";
    case 4:
      return "SIGILL";
    case 5:
      return "SIGTRAP";
    case 6:
      return "SIGABRT";
    case 8:
      return "SIGFPE";
    case 10:
      return "SIGBUS";
    case 11:
      return "SIGSEGV";
    case 12:
      return "SIGSYS";
    default:
      return "signal";
  }
}

/// The commands of reboot(2) that end the machine, by their names there.
std::string_view command_name(std::uint32_t command) {
  switch (command) {
    case LINUX_REBOOT_CMD_RESTART2:
      return "RESTART2";
    case LINUX_REBOOT_CMD_HALT:
      return "HALT";
    case LINUX_REBOOT_CMD_POWER_OFF:
      return "POWER_OFF";
    case LINUX_REBOOT_CMD_KEXEC:
      return "KEXEC";
    default:
      return "RESTART";
  }
}

// ---- where PID 1 stands ----

/// /proc/PID/task/TID/syscall: `running`, `-1 SP PC`, or `NUMBER ARGUMENTS... SP PC` (fs/proc/base.c).
struct Place {
  std::uint64_t pc = 0;
  std::uint64_t sp = 0;
  std::uint64_t first_argument = 0;
};

std::uint64_t parse_hex(std::string_view word) {
  if (word.starts_with("0x")) word.remove_prefix(2);
  return parse_number<std::uint64_t>(word, 16).value_or(0);
}

Text<64> task_file(unsigned thread, std::string_view name) {
  Text<64> path("/proc/1/task/");
  path.add_number(thread).add('/').add(name);
  return path;
}

Place find_place(unsigned thread) {
  Place place;
  Text<256> text;
  const auto file = sys::open(AT_FDCWD, task_file(thread, "syscall").c_str(), O_RDONLY);
  if (!file || !sys::read_all(*file, text)) return place;
  unsigned count = 0;
  for (auto rest = trim(text); !rest.empty(); ++count) {
    const auto value = parse_hex(take_word(rest, ' '));
    if (count == 1) place.first_argument = value;
    place.sp = place.pc;
    place.pc = value;
  }
  return place;
}

/// One line of /proc/1/maps (proc(5)).
struct Map {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t offset = 0;
  bool executable = false;
  std::string_view file;
};

class Maps {
 public:
  Maps() {
    const auto file = sys::open(AT_FDCWD, "/proc/1/maps", O_RDONLY);
    text_.clear();
    if (!file || !sys::read_all(*file, text_)) return;
    for (auto rest = text_.view(); !rest.empty();) {
      const auto map = parse(take_word(rest, '\n'));
      if (map.executable && count_ < maps_.size()) maps_[count_++] = map;
    }
  }

  std::span<const Map> executable() const { return {maps_.data(), count_}; }

  const Map* find_executable(std::uint64_t address) const {
    for (const auto& map : executable()) {
      if (address >= map.begin && address < map.end) return &map;
    }
    return nullptr;
  }

  /// The mapping of `address`, or the next one above it: a stack that has overflowed points below its own.
  Map at_or_above(std::uint64_t address) const {
    for (auto rest = text_.view(); !rest.empty();) {
      const auto map = parse(take_word(rest, '\n'));
      if (address < map.end) return map;
    }
    return {};
  }

 private:
  static Map parse(std::string_view line) {
    Map map;
    auto range = take_word(line, ' ');
    map.begin = parse_hex(take_word(range, '-'));
    map.end = parse_hex(range);
    const auto permissions = take_word(line, ' ');
    map.executable = permissions.size() > 2 && permissions[2] == 'x';
    map.offset = parse_hex(take_word(line, ' '));
    (void)take_word(line, ' ');  // device
    (void)take_word(line, ' ');  // inode
    map.file = trim(line);
    return map;
  }

  static inline Text<65536> text_;  // some 200 lines; what is cut off are the mappings above the libraries
  static inline std::array<Map, kMaxMaps> maps_;
  std::size_t count_ = 0;
};

// ---- the report, line by line ----

log::Message begin_line(std::string_view keyword) {
  log::Message line(kPrefix);
  line.add(keyword);
  return line;
}

void add_hex_pair(log::Message& line, std::string_view key, std::uint64_t value) {
  line.add(' ').add(key).add("=0x").add_number(value, 16);
}

void say_begin(const Stop& stop, const Cause& cause, const Ending& ending, const Place& place) {
  auto line = begin_line("begin version=1 pid=1");
  utsname system{};
  (void)::uname(&system);  // cannot fail with a valid buffer
  add_pair(line, "comm", pid1::status("Name"));
  if (!stop.is_call())
    add_pair(line, "signal", signal_name(stop.signal));
  else if (ending.command != 0)
    add_pair(line, "reboot", command_name(ending.command));
  else
    line.add(" exit=").add_number(place.first_argument & 0xff);
  if (cause.address) add_hex_pair(line, "address", *cause.address);
  if (ending.handled) line.add(" handled=1");
  add_pair(line, "machine", system.machine);
  add_pair(line, "kernel", system.release);
  log::say(kLevel, line);
}

void say_command() {
  const auto file = sys::open(AT_FDCWD, "/proc/1/cmdline", O_RDONLY);
  Text<512> arguments;
  if (!file || !sys::read_all(*file, arguments)) return;
  auto line = begin_line("command");
  for (auto rest = arguments.view(); !rest.empty();) {
    line.add(' ');
    add_escaped(line, take_word(rest, '\0'));
  }
  log::say(kLevel, line);
}

/// The value of an attribute of an XML element: `name="rax"`.
std::string_view attribute(std::string_view element, std::string_view name) {
  for (auto at = element.find(name); at != std::string_view::npos; at = element.find(name, at + 1)) {
    auto rest = element.substr(at + name.size());
    if (!rest.starts_with("=\"")) continue;
    rest.remove_prefix(2);
    return take_word(rest, '"');
  }
  return {};
}

/// The registers of the first feature in the target description, up to the first that is wider than 64 bits: those
/// that every program has (gdb's manual, "Target Description Format"). The reply to `g` has them in the same order.
/// Returns what the link register holds, 0 where there is none.
std::uintptr_t say_registers(Server& server, const Place& place) {
  constexpr std::size_t kPerLine = 6;
  auto line = begin_line("register");
  add_hex_pair(line, "pc", place.pc);
  add_hex_pair(line, "sp", place.sp);
  log::say(kLevel, line);

  static Text<8192> registers;
  const auto values = server.ask_expanded("g");
  if (!values) return 0;
  registers.set(*values);
  const auto description = server.ask_expanded("qXfer:features:read:target.xml:0,1f00");
  if (!description) return 0;

  std::uintptr_t link = 0;
  line = begin_line("register");
  std::size_t on_line = 0;
  auto hex = registers.view();
  auto rest = *description;
  for (auto at = rest.find("<reg "); at != std::string_view::npos; at = rest.find("<reg ")) {
    if (rest.find("</feature") < at) break;
    rest.remove_prefix(at);
    const auto element = take_word(rest, '>');
    const auto size = parse_number<unsigned>(attribute(element, "bitsize")).value_or(0) / 8;
    if (size == 0 || size > 8 || hex.size() < std::size_t{size} * 2) break;
    std::array<unsigned char, 8> bytes{};
    bool known = true;
    for (unsigned i = 0; i < size; ++i) {
      const int high = hex_value(hex[2 * i]);
      const int low = hex_value(hex[2 * i + 1]);
      known = known && high >= 0 && low >= 0;  // `xx`: not available
      bytes[i] = static_cast<unsigned char>((high & 15) << 4 | (low & 15));
    }
    hex.remove_prefix(std::size_t{size} * 2);
    if (!known) continue;
    std::uint64_t value = 0;
    if constexpr (std::endian::native == std::endian::little) {
      std::memcpy(&value, bytes.data(), size);
    } else {
      for (unsigned i = 0; i < size; ++i) value = value << 8 | bytes[i];
    }
    const auto name = attribute(element, "name");
    add_hex_pair(line, name, value);
    if (!kLinkRegister.empty() && name == kLinkRegister) link = static_cast<std::uintptr_t>(value);
    if (++on_line == kPerLine) {
      log::say(kLevel, line);
      line = begin_line("register");
      on_line = 0;
    }
  }
  if (on_line > 0) log::say(kLevel, line);
  return link;
}

/// A place as a person and a program can use it without symbols.
void add_place(log::Message& line, const Map* map, std::uint64_t address) {
  if (map == nullptr || map->file.empty()) return;
  add_pair(line, "file", map->file.substr(0, 400));
  add_hex_pair(line, "offset", address - map->begin + map->offset);
}

/// `by`: how it was found; empty: it is where PID 1 stands.
void say_frame(unsigned number, const Map* map, std::uint64_t address, std::string_view by) {
  auto line = begin_line("frame ");
  line.add_number(number);
  add_place(line, map, address);
  add_hex_pair(line, "address", address);
  if (!by.empty()) add_pair(line, "by", by);
  log::say(kLevel, line);
}

/// The address in a word of the stack that may be a return address.
std::uintptr_t code_address(std::uintptr_t word) {
#if defined(__aarch64__)
  // Where pointers are authenticated (Armv8.3) it carries a code above the address space, which has 48 bits for a
  // program that did not ask for more (kernel: arch/arm64/pointer-authentication.rst, memory.rst).
  return word & 0xffff'ffff'ffff;
#elif defined(__arm__)
  return word & ~std::uintptr_t{1};  // set: the caller is Thumb code
#else
  return word;
#endif
}

/// Whether the eight bytes before the code address of `word` can end in a call, so that it can be a return address.
/// Where the instructions are not known here every address in executable memory counts.
bool follows_call([[maybe_unused]] std::uintptr_t word, [[maybe_unused]] std::span<const unsigned char, 8> before) {
#if defined(__x86_64__) || defined(__i386__)
  // Intel 64 manual, volume 2, CALL: E8 with four bytes, or FF /2 with a ModR/M byte and up to five more.
  if (before[3] == 0xe8) return true;
  for (const unsigned length : {2U, 3U, 4U, 6U, 7U}) {
    if (before[8 - length] == 0xff && ((before[9 - length] >> 3) & 7) == 2) return true;
  }
  return false;
#elif defined(__aarch64__)
  // Arm ARM, C4.1: BL is 100101 and 26 bits, BLR is 1101011000111111000000 and a register.
  std::uint32_t instruction = 0;
  std::memcpy(&instruction, before.data() + 4, sizeof instruction);
  return (instruction & 0xfc000000) == 0x94000000 || (instruction & 0xfffffc1f) == 0xd63f0000;
#elif defined(__arm__)
  // Armv7 ARM, A8.8.25 and 26: BL and BLX with an address, two halfwords in Thumb code, and BLX with a register.
  std::uint16_t halves[2];
  std::uint32_t instruction = 0;
  std::memcpy(halves, before.data() + 4, sizeof halves);
  std::memcpy(&instruction, halves, sizeof instruction);
  if ((word & 1) != 0)
    return ((halves[0] & 0xf800) == 0xf000 && (halves[1] & 0xc000) == 0xc000) || (halves[1] & 0xff87) == 0x4780;
  return (word & 2) == 0 && ((instruction & 0x0f000000) == 0x0b000000 || (instruction & 0xfe000000) == 0xfa000000 ||
                             (instruction & 0x0ffffff0) == 0x012fff30);
#else
  return true;
#endif
}

/// Whether `word` points behind a call in executable memory: then its mapping, otherwise nullptr.
const Map* find_caller(const Maps& maps, int memory, std::uintptr_t word) {
  const auto address = code_address(word);
  const auto* const map = maps.find_executable(address);
  std::array<unsigned char, 8> before{};
  if (map == nullptr || address - map->begin < before.size()) return nullptr;
  if (::pread(memory, before.data(), before.size(), static_cast<off_t>(address - before.size())) !=
      static_cast<ssize_t>(before.size()))
    return nullptr;
  return follows_call(word, before) ? map : nullptr;
}

/// Looks through the link register and the stack for return addresses. Frame pointers are not used: distributions build
/// without them, and a broken stack is what one looks for.
unsigned say_frames(const Maps& maps, const Place& place, std::uintptr_t link) {
  unsigned count = 0;
  say_frame(count++, maps.find_executable(place.pc), place.pc, "");

  const auto memory = sys::open(AT_FDCWD, "/proc/1/mem", O_RDONLY);
  if (!memory) return count;
  if (const auto* const map = find_caller(maps, memory->get(), link)) {
    say_frame(count++, map, code_address(link), "link");
  }

  const auto stack = maps.at_or_above(place.sp);
  if (stack.end == 0) return count;
  auto at = place.sp > stack.begin ? place.sp & ~std::uint64_t{sizeof(void*) - 1} : stack.begin;
  const auto end = stack.end - at > kScanLimit ? at + kScanLimit : stack.end;
  std::array<std::uintptr_t, 512> words;
  while (at < end && count < kMaxFrames) {
    const auto wanted = end - at < sizeof words ? static_cast<std::size_t>(end - at) : sizeof words;
    const auto size = ::pread(memory->get(), words.data(), wanted, static_cast<off_t>(at));
    if (size <= 0) break;
    const auto filled = static_cast<std::size_t>(size) / sizeof words[0];
    if (filled == 0) break;
    for (std::size_t i = 0; i < filled && count < kMaxFrames; ++i) {
      const auto* const map = find_caller(maps, memory->get(), words[i]);
      if (map != nullptr) say_frame(count++, map, code_address(words[i]), "scan");
    }
    at += filled * sizeof words[0];
  }
  return count;
}

unsigned say_maps(const Maps& maps) {
  unsigned count = 0;
  for (const auto& map : maps.executable()) {
    if (!map.file.starts_with('/')) continue;
    auto line = begin_line("map 0x");
    line.add_number(map.begin, 16).add("-0x").add_number(map.end, 16);
    add_hex_pair(line, "offset", map.offset);
    add_pair(line, "file", map.file.substr(0, 400));
    // Also of a file that has been deleted, or lies in another mount namespace (proc(5), /proc/PID/map_files).
    Text<64> path("/proc/1/map_files/");
    path.add_number(map.begin, 16).add('-').add_number(map.end, 16);
    if (const auto file = sys::open(AT_FDCWD, path.c_str(), O_RDONLY)) {
      add_pair(line, "build_id", pid1::build_id(*file));
    }
    log::say(kLevel, line);
    ++count;
  }
  return count;
}

/// Why PID 1 stands: the signal, the exit, the call.
void add_why(log::Message& message, const Stop& stop, const Cause& cause, const Ending& ending, const Place& place) {
  if (ending.command != 0) {
    message.add("reboot(2) with ").add(command_name(ending.command));
  } else if (stop.is_call()) {
    message.add("exit with status ").add_number(place.first_argument & 0xff);
  } else {
    message.add(signal_name(stop.signal));
    if (cause.address) message.add(" at address 0x").add_number(*cause.address, 16);
    if (cause.known && cause.code <= 0 && cause.sender != 1)
      message.add(" sent by process ").add_number(static_cast<unsigned>(cause.sender));
  }
  if (ending.handled) message.add(", for which it has a handler");
}

void add_where(log::Message& message, const Maps& maps, const Place& place) {
  message.add(", in ");
  const auto* const map = maps.find_executable(place.pc);
  if (map != nullptr && !map->file.empty())
    message.add(map->file.substr(0, 200)).add("+0x").add_number(place.pc - map->begin + map->offset, 16);
  else
    message.add("no file, at 0x").add_number(place.pc, 16);
}

void say_message(const Stop& stop, const Cause& cause, const Ending& ending, const Maps& maps, const Place& place,
                 std::string_view line, std::optional<std::uint32_t> seconds) {
  log::Message message("PID 1 (");
  message.add(pid1::status("Name"))
      .add(ending.handled && !ending.freezes ? ") is held: " : ") is held before it would die: ");
  add_why(message, stop, cause, ending, place);
  add_where(message, maps, place);
  message.add(ending.connected ? "; a debugger is connected to " : "; connect a debugger to ").add(line);
  if (seconds)
    message.add(" within ").add_number(*seconds).add(" seconds");
  else if (!ending.connected)
    message.add(", the machine waits");
  log::say(kLevel, message);
}

}  // namespace

void report_handled(const Stop& stop, const Cause& cause) {
  const Maps maps;
  const auto place = find_place(stop.thread);
  log::Message message("PID 1 (");
  message.add(pid1::status("Name")).add(") gets ");
  add_why(message, stop, cause, {.handled = true}, place);
  add_where(message, maps, place);
  log::say(log::Level::kWarning, message.add("; it goes on"));
}

void report_end(const Stop& stop, const Cause& cause, const Ending& ending, Server& server, std::string_view line,
                std::optional<std::uint32_t> seconds) {
  const Maps maps;
  const auto place = find_place(stop.thread);
  say_message(stop, cause, ending, maps, place, line, seconds);
  say_begin(stop, cause, ending, place);
  say_command();
  const auto link = say_registers(server, place);
  const unsigned frames = say_frames(maps, place, link);
  const unsigned mapped = say_maps(maps);
  auto end = begin_line("end frames=");
  log::say(kLevel, end.add_number(frames).add(" maps=").add_number(mapped));
}

}  // namespace gdbdebug
