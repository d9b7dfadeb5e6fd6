// SPDX-License-Identifier: GPL-2.0-or-later
// registers: see registers.hpp.
#include "tracee/registers.hpp"

#include <elf.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>

#include "core/base/text.hpp"

namespace gdbdebug {
namespace {

Text<16384> values;
Text<8192> description;

/// One of the kernel's sets of registers (PTRACE_GETREGSET); false if it has none of that kind.
[[maybe_unused]] bool read_set(pid_t thread, unsigned long kind, std::span<char> bytes) {
  constexpr unsigned long kGetSet = 0x4204;  // from <linux/ptrace.h>, which cannot be included beside <sys/ptrace.h>
  iovec room{bytes.data(), bytes.size()};
  return ::syscall(SYS_ptrace, kGetSet, static_cast<unsigned long>(thread), kind, &room) == 0 &&
         room.iov_len == bytes.size();
}

template <typename T>
[[maybe_unused]] void add(const T& value, std::size_t size = sizeof(T)) {
  values.add_hex(std::string_view(reinterpret_cast<const char*>(&value), size));
}

// The descriptions are shorter than gdb's own, which define types of fields that nobody looks at here; the names, sizes
// and their order are gdb's (gdb/features). What a machine has beyond these is not there.

#if defined(__x86_64__)
constexpr std::string_view kDescription =
    "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>"
    "<architecture>i386:x86-64</architecture><osabi>GNU/Linux</osabi><feature name=\"org.gnu.gdb.i386.core\">"
    "<reg name=\"rax\" bitsize=\"64\" type=\"int64\"/><reg name=\"rbx\" bitsize=\"64\" type=\"int64\"/>"
    "<reg name=\"rcx\" bitsize=\"64\" type=\"int64\"/><reg name=\"rdx\" bitsize=\"64\" type=\"int64\"/>"
    "<reg name=\"rsi\" bitsize=\"64\" type=\"int64\"/><reg name=\"rdi\" bitsize=\"64\" type=\"int64\"/>"
    "<reg name=\"rbp\" bitsize=\"64\" type=\"data_ptr\"/><reg name=\"rsp\" bitsize=\"64\" type=\"data_ptr\"/>"
    "<reg name=\"r8\" bitsize=\"64\" type=\"int64\"/><reg name=\"r9\" bitsize=\"64\" type=\"int64\"/>"
    "<reg name=\"r10\" bitsize=\"64\" type=\"int64\"/><reg name=\"r11\" bitsize=\"64\" type=\"int64\"/>"
    "<reg name=\"r12\" bitsize=\"64\" type=\"int64\"/><reg name=\"r13\" bitsize=\"64\" type=\"int64\"/>"
    "<reg name=\"r14\" bitsize=\"64\" type=\"int64\"/><reg name=\"r15\" bitsize=\"64\" type=\"int64\"/>"
    "<reg name=\"rip\" bitsize=\"64\" type=\"code_ptr\"/><reg name=\"eflags\" bitsize=\"32\" type=\"int32\"/>"
    "<reg name=\"cs\" bitsize=\"32\" type=\"int32\"/><reg name=\"ss\" bitsize=\"32\" type=\"int32\"/>"
    "<reg name=\"ds\" bitsize=\"32\" type=\"int32\"/><reg name=\"es\" bitsize=\"32\" type=\"int32\"/>"
    "<reg name=\"fs\" bitsize=\"32\" type=\"int32\"/><reg name=\"gs\" bitsize=\"32\" type=\"int32\"/>"
    "<reg name=\"st0\" bitsize=\"80\" type=\"i387_ext\"/><reg name=\"st1\" bitsize=\"80\" type=\"i387_ext\"/>"
    "<reg name=\"st2\" bitsize=\"80\" type=\"i387_ext\"/><reg name=\"st3\" bitsize=\"80\" type=\"i387_ext\"/>"
    "<reg name=\"st4\" bitsize=\"80\" type=\"i387_ext\"/><reg name=\"st5\" bitsize=\"80\" type=\"i387_ext\"/>"
    "<reg name=\"st6\" bitsize=\"80\" type=\"i387_ext\"/><reg name=\"st7\" bitsize=\"80\" type=\"i387_ext\"/>"
    "<reg name=\"fctrl\" bitsize=\"32\" type=\"int\" group=\"float\"/>"
    "<reg name=\"fstat\" bitsize=\"32\" type=\"int\" group=\"float\"/>"
    "<reg name=\"ftag\" bitsize=\"32\" type=\"int\" group=\"float\"/>"
    "<reg name=\"fiseg\" bitsize=\"32\" type=\"int\" group=\"float\"/>"
    "<reg name=\"fioff\" bitsize=\"32\" type=\"int\" group=\"float\"/>"
    "<reg name=\"foseg\" bitsize=\"32\" type=\"int\" group=\"float\"/>"
    "<reg name=\"fooff\" bitsize=\"32\" type=\"int\" group=\"float\"/>"
    "<reg name=\"fop\" bitsize=\"32\" type=\"int\" group=\"float\"/></feature>"
    "<feature name=\"org.gnu.gdb.i386.sse\"><reg name=\"xmm0\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"xmm1\" bitsize=\"128\" type=\"uint128\"/><reg name=\"xmm2\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"xmm3\" bitsize=\"128\" type=\"uint128\"/><reg name=\"xmm4\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"xmm5\" bitsize=\"128\" type=\"uint128\"/><reg name=\"xmm6\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"xmm7\" bitsize=\"128\" type=\"uint128\"/><reg name=\"xmm8\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"xmm9\" bitsize=\"128\" type=\"uint128\"/><reg name=\"xmm10\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"xmm11\" bitsize=\"128\" type=\"uint128\"/><reg name=\"xmm12\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"xmm13\" bitsize=\"128\" type=\"uint128\"/><reg name=\"xmm14\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"xmm15\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"mxcsr\" bitsize=\"32\" type=\"int\" group=\"vector\"/></feature>"
    "<feature name=\"org.gnu.gdb.i386.linux\"><reg name=\"orig_rax\" bitsize=\"64\" type=\"int\"/></feature>"
    "<feature name=\"org.gnu.gdb.i386.segments\"><reg name=\"fs_base\" bitsize=\"64\" type=\"int\"/>"
    "<reg name=\"gs_base\" bitsize=\"64\" type=\"int\"/></feature></target>";

bool read_values(pid_t thread) {
  user_regs_struct general{};
  user_fpregs_struct floating{};
  if (!read_set(thread, NT_PRSTATUS, {reinterpret_cast<char*>(&general), sizeof general})) return false;
  for (const auto value : {general.rax, general.rbx, general.rcx, general.rdx, general.rsi, general.rdi, general.rbp,
                           general.rsp, general.r8, general.r9, general.r10, general.r11, general.r12, general.r13,
                           general.r14, general.r15, general.rip})
    add(value);
  for (const auto value : {general.eflags, general.cs, general.ss, general.ds, general.es, general.fs, general.gs})
    add(value, 4);
  if (!read_set(thread, NT_PRFPREG, {reinterpret_cast<char*>(&floating), sizeof floating})) return true;
  for (std::size_t i = 0; i < 8; ++i)  // ten bytes in the room of sixteen
    values.add_hex(std::string_view(reinterpret_cast<const char*>(floating.st_space) + 16 * i, 10));
  std::uint32_t tags = 0;  // two bits a register, of which FXSAVE keeps one: valid, or empty
  for (unsigned i = 0; i < 8; ++i) tags |= ((floating.ftw >> i) & 1) != 0 ? 0 : 3U << (2 * i);
  for (const auto value :
       std::initializer_list<std::uint64_t>{floating.cwd, floating.swd, tags, floating.rip >> 32, floating.rip,
                                            floating.rdp >> 32, floating.rdp, floating.fop})
    add(value, 4);
  values.add_hex(std::string_view(reinterpret_cast<const char*>(floating.xmm_space), sizeof floating.xmm_space));
  add(floating.mxcsr);
  for (const auto value : {general.orig_rax, general.fs_base, general.gs_base}) add(value);
  return true;
}
#elif defined(__aarch64__)
constexpr std::string_view kDescription =
    "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>"
    "<architecture>aarch64</architecture><osabi>GNU/Linux</osabi><feature name=\"org.gnu.gdb.aarch64.core\">"
    "<reg name=\"x0\" bitsize=\"64\" type=\"int\"/><reg name=\"x1\" bitsize=\"64\" type=\"int\"/>"
    "<reg name=\"x2\" bitsize=\"64\" type=\"int\"/><reg name=\"x3\" bitsize=\"64\" type=\"int\"/>"
    "<reg name=\"x4\" bitsize=\"64\" type=\"int\"/><reg name=\"x5\" bitsize=\"64\" type=\"int\"/>"
    "<reg name=\"x6\" bitsize=\"64\" type=\"int\"/><reg name=\"x7\" bitsize=\"64\" type=\"int\"/>"
    "<reg name=\"x8\" bitsize=\"64\" type=\"int\"/><reg name=\"x9\" bitsize=\"64\" type=\"int\"/>"
    "<reg name=\"x10\" bitsize=\"64\" type=\"int\"/><reg name=\"x11\" bitsize=\"64\" type=\"int\"/>"
    "<reg name=\"x12\" bitsize=\"64\" type=\"int\"/><reg name=\"x13\" bitsize=\"64\" type=\"int\"/>"
    "<reg name=\"x14\" bitsize=\"64\" type=\"int\"/><reg name=\"x15\" bitsize=\"64\" type=\"int\"/>"
    "<reg name=\"x16\" bitsize=\"64\" type=\"int\"/><reg name=\"x17\" bitsize=\"64\" type=\"int\"/>"
    "<reg name=\"x18\" bitsize=\"64\" type=\"int\"/><reg name=\"x19\" bitsize=\"64\" type=\"int\"/>"
    "<reg name=\"x20\" bitsize=\"64\" type=\"int\"/><reg name=\"x21\" bitsize=\"64\" type=\"int\"/>"
    "<reg name=\"x22\" bitsize=\"64\" type=\"int\"/><reg name=\"x23\" bitsize=\"64\" type=\"int\"/>"
    "<reg name=\"x24\" bitsize=\"64\" type=\"int\"/><reg name=\"x25\" bitsize=\"64\" type=\"int\"/>"
    "<reg name=\"x26\" bitsize=\"64\" type=\"int\"/><reg name=\"x27\" bitsize=\"64\" type=\"int\"/>"
    "<reg name=\"x28\" bitsize=\"64\" type=\"int\"/><reg name=\"x29\" bitsize=\"64\" type=\"int\"/>"
    "<reg name=\"x30\" bitsize=\"64\" type=\"int\"/><reg name=\"sp\" bitsize=\"64\" type=\"data_ptr\"/>"
    "<reg name=\"pc\" bitsize=\"64\" type=\"code_ptr\"/><reg name=\"cpsr\" bitsize=\"32\" type=\"int\"/>"
    "</feature><feature name=\"org.gnu.gdb.aarch64.fpu\"><reg name=\"v0\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"v1\" bitsize=\"128\" type=\"uint128\"/><reg name=\"v2\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"v3\" bitsize=\"128\" type=\"uint128\"/><reg name=\"v4\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"v5\" bitsize=\"128\" type=\"uint128\"/><reg name=\"v6\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"v7\" bitsize=\"128\" type=\"uint128\"/><reg name=\"v8\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"v9\" bitsize=\"128\" type=\"uint128\"/><reg name=\"v10\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"v11\" bitsize=\"128\" type=\"uint128\"/><reg name=\"v12\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"v13\" bitsize=\"128\" type=\"uint128\"/><reg name=\"v14\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"v15\" bitsize=\"128\" type=\"uint128\"/><reg name=\"v16\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"v17\" bitsize=\"128\" type=\"uint128\"/><reg name=\"v18\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"v19\" bitsize=\"128\" type=\"uint128\"/><reg name=\"v20\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"v21\" bitsize=\"128\" type=\"uint128\"/><reg name=\"v22\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"v23\" bitsize=\"128\" type=\"uint128\"/><reg name=\"v24\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"v25\" bitsize=\"128\" type=\"uint128\"/><reg name=\"v26\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"v27\" bitsize=\"128\" type=\"uint128\"/><reg name=\"v28\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"v29\" bitsize=\"128\" type=\"uint128\"/><reg name=\"v30\" bitsize=\"128\" type=\"uint128\"/>"
    "<reg name=\"v31\" bitsize=\"128\" type=\"uint128\"/><reg name=\"fpsr\" bitsize=\"32\" type=\"int\"/>"
    "<reg name=\"fpcr\" bitsize=\"32\" type=\"int\"/></feature></target>";

bool read_values(pid_t thread) {
  // struct user_pt_regs: x0 to x30, sp, pc, pstate; struct user_fpsimd_state: v0 to v31, fpsr, fpcr and two words that
  // are reserved (arch/arm64/include/uapi/asm/ptrace.h).
  constexpr std::size_t kPstate = 33;
  constexpr std::size_t kReserved = 32 * 16 + 2 * 4;
  std::uint64_t general[kPstate + 1]{};
  alignas(16) unsigned char floating[kReserved + 2 * 4]{};
  if (!read_set(thread, NT_PRSTATUS, {reinterpret_cast<char*>(general), sizeof general})) return false;
  add(general, kPstate * sizeof *general);
  add(general[kPstate], 4);
  if (read_set(thread, NT_PRFPREG, {reinterpret_cast<char*>(floating), sizeof floating})) add(floating, kReserved);
  return true;
}
#else
constexpr std::string_view kDescription;

bool read_values(pid_t) {
  return false;
}
#endif

}  // namespace

RegisterTexts register_texts(Server& server) {
  values.clear();
  description.clear();
  const auto registers = server.ask_expanded("g");
  if (!registers) return {};
  values.set(*registers);
  const auto about = server.ask_expanded("qXfer:features:read:target.xml:0,1f00");
  if (!about) return {};
  description.set(*about);
  return {values, description};
}

std::size_t register_set(pid_t thread, std::span<unsigned char> set) {
  constexpr unsigned long kGetSet = 0x4204;
  iovec room{set.data(), set.size()};
  const bool read = ::syscall(SYS_ptrace, kGetSet, static_cast<unsigned long>(thread),
                              static_cast<unsigned long>(NT_PRSTATUS), &room) == 0;
  return read && room.iov_len < set.size() ? room.iov_len : 0;  // one that is filled may be cut off
}

RegisterTexts register_texts(pid_t thread) {
  values.clear();
  // cppcheck-suppress knownConditionTrueFalse ; it is where an architecture's registers are not known
  if (!read_values(thread)) return {};
  return {values, kDescription};
}

}  // namespace gdbdebug
