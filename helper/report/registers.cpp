// SPDX-License-Identifier: GPL-2.0-or-later
// registers: see registers.hpp.
#include "report/registers.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <string_view>

#include "report/calls.hpp"
#include "report/lines.hpp"

namespace gdbdebug::report {
namespace {

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

/// The registers in a reply to `g`, by the description of them.
class RegisterFile {
 public:
  struct Register {
    std::string_view name{};
    unsigned size = 0;          ///< in bytes
    std::uint64_t value = 0;    ///< of one that is not wider than 64 bits
    bool known = true;          ///< `xx`: not available
    bool first_feature = true;  ///< one that every program has
  };

  explicit RegisterFile(const RegisterTexts& texts) : hex_(texts.values), rest_(texts.description) {}
  std::optional<Register> next();

 private:
  std::string_view hex_;
  std::string_view rest_;
  bool first_feature_ = true;
};

std::optional<RegisterFile::Register> RegisterFile::next() {
  const auto at = rest_.find("<reg ");
  if (at == std::string_view::npos) return std::nullopt;
  if (rest_.find("</feature") < at) first_feature_ = false;
  rest_.remove_prefix(at);
  const auto element = take_word(rest_, '>');
  Register found{.name = attribute(element, "name"), .first_feature = first_feature_};
  found.size = parse_number<unsigned>(attribute(element, "bitsize")).value_or(0) / 8;
  const auto digits = std::size_t{found.size} * 2;
  if (digits == 0 || hex_.size() < digits) return std::nullopt;
  std::array<unsigned char, 8> bytes{};
  for (unsigned i = 0; i < found.size && i < bytes.size(); ++i) {
    const int high = hex_value(hex_[2 * i]);
    const int low = hex_value(hex_[2 * i + 1]);
    found.known = found.known && high >= 0 && low >= 0;
    bytes[i] = static_cast<unsigned char>((high & 15) << 4 | (low & 15));
  }
  hex_.remove_prefix(digits);
  if (found.size > bytes.size()) return found;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&found.value, bytes.data(), found.size);
  } else {
    for (unsigned i = 0; i < found.size; ++i) found.value = found.value << 8 | bytes[i];
  }
  return found;
}

/// The names that gdb has for the registers of elf_gregset_t (sys/ucontext.h, asm/ptrace.h), in its order.
struct Layout {
  std::string_view names;  ///< with a space behind each
  std::size_t word = sizeof(void*);
};

constexpr std::array kLayouts {
#if defined(__x86_64__)
  Layout{
      "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base ds es "
      "fs gs "},
#endif
#if defined(__x86_64__) || defined(__i386__)
      Layout{"ebx ecx edx esi edi ebp eax ds es fs gs orig_eax eip cs eflags esp ss ", 4},
#elif defined(__aarch64__)
  Layout{
      "x0 x1 x2 x3 x4 x5 x6 x7 x8 x9 x10 x11 x12 x13 x14 x15 x16 x17 x18 x19 x20 x21 x22 x23 x24 x25 x26 x27 x28 x29 "
      "x30 sp pc cpsr "},
#elif defined(__arm__)
  Layout{"r0 r1 r2 r3 r4 r5 r6 r7 r8 r9 r10 r11 r12 sp lr pc cpsr orig_r0 "},
#elif defined(__riscv)
  Layout{"pc ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6 "},
#else
  Layout{""},
#endif
};

/// Where a register is in the layout; nothing: it is not in it.
std::optional<std::size_t> slot_of(const Layout& layout, std::string_view name) {
  std::size_t slot = 0;
  for (auto rest = layout.names; !rest.empty(); ++slot) {
    if (take_word(rest, ' ') == name) return slot;
  }
  return std::nullopt;
}

std::size_t size_of(const Layout& layout) {
  std::size_t size = 0;
  for (const char c : layout.names) size += c == ' ' ? layout.word : 0;
  return size;
}

}  // namespace

std::size_t ServerRegisters::read(unsigned thread, std::span<unsigned char> set) {
  Text<16> choose("Hg");
  const auto chosen = server_.ask(choose.add_number(thread, 16));
  if (!chosen || *chosen != "OK") return 0;
  RegisterFile file(register_texts(server_));
  const Layout* layout = nullptr;
  std::size_t size = 0;
  while (const auto found = file.next()) {
    if (layout == nullptr) {  // the first register says which of them it is
      for (const auto& each : kLayouts) {
        if (!slot_of(each, found->name)) continue;
        layout = &each;
        break;
      }
      if (layout == nullptr) return 0;
      size = size_of(*layout);
      if (size > set.size()) return 0;
      std::memset(set.data(), 0, size);
    }
    const auto slot = slot_of(*layout, found->name);
    if (!slot || found->size > sizeof found->value) continue;
    const auto width = found->size < layout->word ? std::size_t{found->size} : layout->word;
    const auto* const bytes = reinterpret_cast<const unsigned char*>(&found->value);
    const std::size_t skipped = std::endian::native == std::endian::little ? 0 : sizeof found->value - width;
    std::memcpy(set.data() + *slot * layout->word, bytes + skipped, width);
  }
  return size;
}

std::size_t TracedRegisters::read(unsigned thread, std::span<unsigned char> set) {
  return register_set(static_cast<pid_t>(thread), set);
}

std::size_t PlaceRegisters::read(unsigned thread, std::span<unsigned char> set) {
  static constexpr const auto& layout = kLayouts.front();  // that of the machine's own programs
  const auto place = find_place(thread);
  const auto size = size_of(layout);
  if (place.sp == 0 || size > set.size()) return 0;
  std::memset(set.data(), 0, size);
  const auto put = [&](std::string_view name, std::uint64_t value) {
    const auto word = static_cast<std::uintptr_t>(value);
    if (const auto slot = slot_of(layout, name)) std::memcpy(set.data() + *slot * layout.word, &word, layout.word);
  };
  for (const std::string_view name : {"rip", "eip", "pc"}) put(name, place.pc);
  for (const std::string_view name : {"rsp", "esp", "sp"}) put(name, place.sp);
  return size;
}

CallRegisters say_registers(const RegisterTexts& registers, const Place& place) {
  constexpr std::size_t kPerLine = 6;
  auto line = begin_line("register");
  add_hex_pair(line, "pc", place.pc);
  add_hex_pair(line, "sp", place.sp);
  log::say(kLevel, line);

  CallRegisters found;
  RegisterFile file(registers);
  line = begin_line("register");
  std::size_t on_line = 0;
  while (const auto one = file.next()) {
    if (!one->first_feature || one->size > sizeof one->value) break;
    if (!one->known) continue;
    add_hex_pair(line, one->name, one->value);
    if (!one->name.empty() && one->name == Calls::kLinkRegister) found.link = static_cast<std::uintptr_t>(one->value);
    if (!one->name.empty() && one->name == Calls::kFramePointer) found.frame = static_cast<std::uintptr_t>(one->value);
    if (++on_line == kPerLine) {
      log::say(kLevel, line);
      line = begin_line("register");
      on_line = 0;
    }
  }
  if (on_line > 0) log::say(kLevel, line);
  return found;
}

}  // namespace gdbdebug::report
