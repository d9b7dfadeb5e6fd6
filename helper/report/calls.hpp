// SPDX-License-Identifier: GPL-2.0-or-later
// calls: how a call leaves its return address, on each architecture. Pure; an architecture is one struct, and all of
// them are compiled everywhere.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace gdbdebug::report {

/// The bytes before a code address. A call instruction at their end makes it a return address.
using Before = std::span<const unsigned char, 8>;

/// Where the instructions are not known here every address in executable memory counts.
struct AnyCalls {
  /// Where a function that calls no other has its return address, by gdb's name; empty: on the stack like all others.
  static constexpr std::string_view kLinkRegister{};
  /// The register that a function compiled with frame pointers sets, by gdb's name, and how many words from where it
  /// points the return address is. The word before that is the caller's frame pointer. Empty: too many ways.
  static constexpr std::string_view kFramePointer{};
  static constexpr int kReturnSlot = 1;
  /// The address in a word of the stack that may be a return address.
  static std::uintptr_t code_address(std::uintptr_t word) { return word; }
  /// Whether the bytes before the code address of `word` can end in a call.
  static bool follows_call(std::uintptr_t, Before) { return true; }
};

struct X86Calls : AnyCalls {
  // cppcheck-suppress duplInheritedMember ; it takes the place of the default
  static constexpr std::string_view kFramePointer = sizeof(void*) == 8 ? "rbp" : "ebp";
  // cppcheck-suppress duplInheritedMember ; it takes the place of the default
  static bool follows_call(std::uintptr_t, Before before) {
    // Intel 64 manual, volume 2, CALL: E8 with four bytes, or FF /2 with a ModR/M byte and up to five more.
    if (before[3] == 0xe8) return true;
    for (const unsigned length : {2U, 3U, 4U, 6U, 7U}) {
      if (before[8 - length] == 0xff && ((before[9 - length] >> 3) & 7) == 2) return true;
    }
    return false;
  }
};

struct Arm64Calls : AnyCalls {
  // cppcheck-suppress duplInheritedMember ; it takes the place of the default
  static constexpr std::string_view kLinkRegister = "x30";
  // cppcheck-suppress duplInheritedMember ; it takes the place of the default
  static constexpr std::string_view kFramePointer = "x29";
  // cppcheck-suppress duplInheritedMember ; it takes the place of the default
  static std::uintptr_t code_address(std::uintptr_t word) {
    // Where pointers are authenticated (Armv8.3) it carries a code above the address space, which has 48 bits for a
    // program that did not ask for more (kernel: arch/arm64/pointer-authentication.rst, memory.rst).
    return static_cast<std::uintptr_t>(word & std::uint64_t{0xffff'ffff'ffff});
  }
  // cppcheck-suppress duplInheritedMember ; it takes the place of the default
  static bool follows_call(std::uintptr_t, Before before) {
    // Arm ARM, C4.1: BL is 100101 and 26 bits, BLR is 1101011000111111000000 and a register.
    std::uint32_t instruction = 0;
    std::memcpy(&instruction, before.data() + 4, sizeof instruction);
    return (instruction & 0xfc000000) == 0x94000000 || (instruction & 0xfffffc1f) == 0xd63f0000;
  }
};

struct ArmCalls : AnyCalls {
  // cppcheck-suppress duplInheritedMember ; it takes the place of the default
  static constexpr std::string_view kLinkRegister = "lr";
  // cppcheck-suppress duplInheritedMember ; it takes the place of the default
  static std::uintptr_t code_address(std::uintptr_t word) {
    return word & ~std::uintptr_t{1};  // set: the caller is Thumb code
  }
  // cppcheck-suppress duplInheritedMember ; it takes the place of the default
  static bool follows_call(std::uintptr_t word, Before before) {
    // Armv7 ARM, A8.8.25 and 26: BL and BLX with an address, two halfwords in Thumb code, and BLX with a register.
    std::array<std::uint16_t, 2> halves{};
    std::uint32_t instruction = 0;
    std::memcpy(halves.data(), before.data() + 4, sizeof halves);
    std::memcpy(&instruction, before.data() + 4, sizeof instruction);
    if ((word & 1) != 0)
      return ((halves[0] & 0xf800) == 0xf000 && (halves[1] & 0xc000) == 0xc000) || (halves[1] & 0xff87) == 0x4780;
    return (word & 2) == 0 && ((instruction & 0x0f000000) == 0x0b000000 || (instruction & 0xfe000000) == 0xfa000000 ||
                               (instruction & 0x0ffffff0) == 0x012fff30);
  }
};

struct RiscvCalls : AnyCalls {
  // cppcheck-suppress duplInheritedMember ; it takes the place of the default
  static constexpr std::string_view kLinkRegister = "ra";
  // cppcheck-suppress duplInheritedMember ; it takes the place of the default
  static constexpr std::string_view kFramePointer = "fp";
  // cppcheck-suppress duplInheritedMember ; it takes the place of the default
  static constexpr int kReturnSlot = -1;
};

#if defined(__x86_64__) || defined(__i386__)
using Calls = X86Calls;
#elif defined(__aarch64__)
using Calls = Arm64Calls;
#elif defined(__arm__)
using Calls = ArmCalls;
#elif defined(__riscv)
using Calls = RiscvCalls;
#else
using Calls = AnyCalls;
#endif

}  // namespace gdbdebug::report
