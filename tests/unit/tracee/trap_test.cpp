// SPDX-License-Identifier: GPL-2.0-or-later
#include "tracee/trap.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>

#include "tracee/signals.hpp"

namespace gdbdebug {
namespace {

TEST(Trap, TheStatusOfAStopTellsWhatItIs) {
  struct Case {
    int status;
    Trap::Kind kind;
    int signal;
  };
  constexpr Case cases[] = {
      {SIGSEGV, Trap::Kind::kSignal, SIGSEGV},
      {SIGTRAP, Trap::Kind::kSignal, SIGTRAP},  // int3
      {64, Trap::Kind::kSignal, 64},
      {SIGTRAP | 0x80, Trap::Kind::kCall, 0},
      {SIGTRAP | 3 << 8, Trap::Kind::kClone, 0},
      {SIGTRAP | 4 << 8, Trap::Kind::kExec, 0},
      {SIGTRAP | 6 << 8, Trap::Kind::kExit, 0},
      {SIGTRAP | 128 << 8, Trap::Kind::kPause, 0},
      {SIGSTOP | 128 << 8, Trap::Kind::kGroup, SIGSTOP},
      {SIGTRAP | 1 << 8, Trap::Kind::kOther, 0},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.status);
    const auto trap = parse_trap(one.status);
    EXPECT_EQ(trap.kind, one.kind);
    EXPECT_EQ(trap.signal, one.signal);
  }
}

TEST(Trap, TheEndOfAThreadIsThatOfItsProcessOnlyWhereItSaysSo) {
  const auto exit_group = std::uint64_t{SYS_exit_group};
  const auto exit = std::uint64_t{SYS_exit};
  const auto other = std::uint64_t{SYS_getppid};
  struct Case {
    ThreadEnd end;
    EndKind kind;
    const char* why;
  };
  const Case cases[] = {
      {{.status = 3 << 8, .call = exit_group, .last = true}, EndKind::kExits, "exit(3)"},
      {{.status = 3 << 8, .call = exit_group, .last = false}, EndKind::kExits, "the others die of it"},
      {{.status = 3 << 8, .call = other, .last = false}, EndKind::kThread, "another one has called exit_group(2)"},
      {{.status = 0, .call = {}, .last = false}, EndKind::kThread, "another one has called execve(2)"},
      {{.status = 0, .call = exit, .last = false}, EndKind::kThread, "pthread_exit()"},
      {{.status = 4 << 8, .call = exit, .last = true}, EndKind::kExits, "the last thread of all"},
      {{.status = SIGSYS | 0x80, .call = other, .last = true}, EndKind::kKilled, "a seccomp filter"},
      {{.status = SIGSYS | 0x80, .call = exit_group, .last = true}, EndKind::kKilled, "that forbids exit_group(2)"},
  };
  for (const auto& one : cases) EXPECT_EQ(kind_of(one.end), one.kind) << one.why;
  EXPECT_EQ(exit_status({.status = 3 << 8}), 3U);
  EXPECT_EQ(killed_by({.status = SIGSYS | 0x80}), SIGSYS);
}

TEST(Signals, EveryNumberLeadsThereAndBack) {
  for (int signal = 1; signal < 65; ++signal) {
    if (signal == 16) continue;  // SIGSTKFLT, which gdb does not know
    EXPECT_EQ(host_signal(gdb_signal(signal)), signal);
  }
  EXPECT_EQ(gdb_signal(SIGSEGV), 11U);
  EXPECT_EQ(gdb_signal(SIGSTOP), 17U);
  EXPECT_EQ(gdb_signal(0), 0U);
  EXPECT_EQ(gdb_signal(SIGTRAP | 0x80), 0U);
}

}  // namespace
}  // namespace gdbdebug
