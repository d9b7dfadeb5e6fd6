// SPDX-License-Identifier: GPL-2.0-or-later
// The instructions before a return address, as compilers write them (objdump's words are beside them).
#include "report/calls.hpp"

#include <gtest/gtest.h>

namespace gdbdebug::report {
namespace {

template <typename Calls>
bool follows(std::uintptr_t word, std::array<unsigned char, 8> before) {
  return Calls::follows_call(word, before);
}

TEST(Calls, OfX86) {
  EXPECT_TRUE(follows<X86Calls>(0, {0x90, 0x90, 0x90, 0xe8, 1, 2, 3, 4}));               // call REL
  EXPECT_TRUE(follows<X86Calls>(0, {0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xd0}));   // call *%rax
  EXPECT_TRUE(follows<X86Calls>(0, {0x90, 0x90, 0x90, 0x90, 0x90, 0x41, 0xff, 0xd4}));   // call *%r12
  EXPECT_TRUE(follows<X86Calls>(0, {0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0x50, 0x18}));   // call *0x18(%rax)
  EXPECT_TRUE(follows<X86Calls>(0, {0x90, 0x90, 0xff, 0x15, 1, 2, 3, 4}));               // call *REL(%rip)
  EXPECT_TRUE(follows<X86Calls>(0, {0x90, 0xff, 0x94, 0x24, 1, 2, 3, 4}));               // call *N(%rsp)
  EXPECT_FALSE(follows<X86Calls>(0, {0x90, 0x90, 0x90, 0xe9, 1, 2, 3, 4}));              // jmp REL
  EXPECT_FALSE(follows<X86Calls>(0, {0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xe0}));  // jmp *%rax
  EXPECT_FALSE(follows<X86Calls>(0, {0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xc3}));  // ret
}

TEST(Calls, OfArm64) {
  EXPECT_TRUE(follows<Arm64Calls>(0, {0, 0, 0, 0, 0x10, 0, 0, 0x94}));      // bl
  EXPECT_TRUE(follows<Arm64Calls>(0, {0, 0, 0, 0, 0x60, 0, 0x3f, 0xd6}));   // blr x3
  EXPECT_FALSE(follows<Arm64Calls>(0, {0, 0, 0, 0, 0x10, 0, 0, 0x14}));     // b
  EXPECT_FALSE(follows<Arm64Calls>(0, {0, 0, 0, 0, 0xc0, 3, 0x5f, 0xd6}));  // ret
  if constexpr (sizeof(std::uintptr_t) == 8) {
    EXPECT_EQ(Arm64Calls::code_address(static_cast<std::uintptr_t>(0x0051'aaaa'0000'1234)), 0xaaaa'0000'1234U);
  }
}

TEST(Calls, OfArm) {
  EXPECT_EQ(ArmCalls::code_address(0x1235), 0x1234U);
  EXPECT_TRUE(follows<ArmCalls>(0x1234, {0, 0, 0, 0, 0x10, 0, 0, 0xeb}));        // bl
  EXPECT_TRUE(follows<ArmCalls>(0x1234, {0, 0, 0, 0, 0x33, 0xff, 0x2f, 0xe1}));  // blx r3
  EXPECT_FALSE(follows<ArmCalls>(0x1234, {0, 0, 0, 0, 0x10, 0, 0, 0xea}));       // b
  EXPECT_TRUE(follows<ArmCalls>(0x1235, {0, 0, 0, 0, 0x00, 0xf0, 0x10, 0xf8}));  // bl, Thumb
  EXPECT_TRUE(follows<ArmCalls>(0x1235, {0, 0, 0, 0, 0, 0xbf, 0x98, 0x47}));     // blx r3, Thumb
  EXPECT_FALSE(follows<ArmCalls>(0x1235, {0, 0, 0, 0, 0, 0xbf, 0x70, 0x47}));    // bx lr, Thumb
}

}  // namespace
}  // namespace gdbdebug::report
