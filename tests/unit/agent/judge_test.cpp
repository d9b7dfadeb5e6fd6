// SPDX-License-Identifier: GPL-2.0-or-later
#include "agent/judge.hpp"

#include <gtest/gtest.h>
#include <linux/reboot.h>
#include <signal.h>
#include <sys/syscall.h>

#include "core/base/text.hpp"

namespace gdbdebug {
namespace {

Stop signal_stop(unsigned signal) {
  Stop stop;
  stop.signal = signal;
  return stop;
}

/// gdbserver's word for a system call; what /proc says is in the facts.
Stop call_stop(std::string_view event, std::string_view value) {
  Stop stop;
  stop.signal = kGdbSigtrap;
  stop.event = event;
  stop.value = value;
  return stop;
}

Facts fault(int code = SEGV_MAPERR) {
  Facts facts;
  facts.known = true;
  facts.code = code;
  return facts;
}

Facts sent_by(std::int32_t process) {
  auto facts = fault(SI_USER);
  facts.sender = process;
  return facts;
}

Facts call(long number, std::uint32_t command = 0) {
  Facts facts;
  facts.call = static_cast<std::uint64_t>(number);
  facts.command = command;
  return facts;
}

Facts handled(Facts facts) {
  facts.caught = true;
  return facts;
}

Facts among_threads(Facts facts) {
  facts.last_thread = false;
  return facts;
}

Facts in_real_root(Facts facts) {
  facts.in_real_root = true;
  return facts;
}

TEST(Judge, AFaultWithoutAHandlerIsTheEnd) {
  for (const unsigned signal : {kGdbSigill, kGdbSigtrap, kGdbSigfpe, kGdbSigbus, kGdbSigsegv, kGdbSigsys}) {
    SCOPED_TRACE(signal);
    EXPECT_EQ(fate_of(signal_stop(signal), fault(1)), Fate::kDies);
  }
}

TEST(Judge, ASignalThatAProcessSendsIsNot) {
  for (const unsigned signal : {kGdbSigquit, kGdbSigabrt, kGdbSigsegv}) {
    SCOPED_TRACE(signal);
    EXPECT_EQ(fate_of(signal_stop(signal), sent_by(99)), Fate::kGoesOn);
    EXPECT_EQ(fate_of(signal_stop(signal), handled(sent_by(99))), Fate::kHandles);
  }
  EXPECT_EQ(fate_of(signal_stop(kGdbSigquit), fault(SI_KERNEL)), Fate::kGoesOn) << "Ctrl-\\ on the console";
  EXPECT_EQ(fate_of(signal_stop(kGdbSigabrt), sent_by(1)), Fate::kDies) << "its own abort()";
  EXPECT_EQ(fate_of(signal_stop(kGdbSigsegv), sent_by(1)), Fate::kGoesOn) << "its own raise()";
}

TEST(Judge, AStopThatIsNoFatalSignalEndsNothing) {
  EXPECT_EQ(fate_of(signal_stop(kGdbSigstop), {}), Fate::kGoesOn);
  for (const std::string_view event : {"exec", "fork", "create"}) {
    SCOPED_TRACE(event);
    EXPECT_EQ(fate_of(call_stop(event, ""), {}), Fate::kGoesOn);
  }
}

TEST(Judge, TheNumberOfTheCallCountsAndNotTheEvent) {
  struct Case {
    const char* what;
    Stop stop;
    Facts facts;
    Fate fate;
  };
  const Case cases[] = {
      {"exit_group", call_stop("syscall_entry", "e7"), call(SYS_exit_group), Fate::kExits},
      {"in a thread that was born since", call_stop("syscall_return", "e7"), call(SYS_exit_group), Fate::kExits},
      {"of one thread among others", call_stop("syscall_entry", "e7"), among_threads(call(SYS_exit_group)),
       Fate::kExits},
      {"exit of the last thread", call_stop("syscall_entry", "3c"), call(SYS_exit), Fate::kExits},
      {"exit of one among others", call_stop("syscall_entry", "3c"), among_threads(call(SYS_exit)), Fate::kGoesOn},
      {"another call", call_stop("syscall_entry", "27"), call(SYS_getppid), Fate::kGoesOn},
      {"another call, told as exit_group", call_stop("syscall_entry", "e7"), call(SYS_getppid), Fate::kGoesOn},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.what);
    EXPECT_EQ(fate_of(one.stop, one.facts), one.fate);
  }
}

TEST(Judge, WithoutProcTheNumberInTheEventIsAllThereIs) {
  Text<8> number;
  number.add_number(std::uint64_t{SYS_exit_group}, 16);
  EXPECT_EQ(fate_of(call_stop("syscall_return", number), {}), Fate::kExits);
  EXPECT_EQ(fate_of(call_stop("syscall_entry", "ffff"), {}), Fate::kGoesOn);
  EXPECT_EQ(fate_of(call_stop("syscall_entry", ""), {}), Fate::kGoesOn);
}

TEST(Judge, OnlyACommandThatEndsTheMachineIsAnEndAndOnlyInTheInitramfs) {
  const auto stop = call_stop("syscall_entry", "a9");
  for (const unsigned command :
       {unsigned{LINUX_REBOOT_CMD_RESTART}, unsigned{LINUX_REBOOT_CMD_RESTART2}, unsigned{LINUX_REBOOT_CMD_HALT},
        unsigned{LINUX_REBOOT_CMD_POWER_OFF}, unsigned{LINUX_REBOOT_CMD_KEXEC}}) {
    SCOPED_TRACE(command);
    EXPECT_EQ(fate_of(stop, call(SYS_reboot, command)), Fate::kRestarts);
    EXPECT_EQ(fate_of(stop, in_real_root(call(SYS_reboot, command))), Fate::kGoesOn);
  }
  for (const unsigned command : {unsigned{LINUX_REBOOT_CMD_CAD_ON}, unsigned{LINUX_REBOOT_CMD_CAD_OFF},
                                 unsigned{LINUX_REBOOT_CMD_SW_SUSPEND}, 4711U}) {
    SCOPED_TRACE(command);
    EXPECT_EQ(fate_of(stop, call(SYS_reboot, command)), Fate::kGoesOn);
  }
}

TEST(Judge, ASignalThatTheKernelKeepsFromATracedPid1IsNotRaisedAgain) {
  constexpr bool kBehind = true;
  const auto after = [](unsigned signal, int code, bool behind) {
    return fate_when_let_go(signal_stop(signal), fault(code), behind);
  };
  EXPECT_EQ(after(kGdbSigsys, 1, !kBehind), Fate::kShielded);
  EXPECT_EQ(after(kGdbSigtrap, SI_KERNEL, kBehind), Fate::kShielded) << "int3";
  EXPECT_EQ(after(kGdbSigtrap, TRAP_BRKPT, !kBehind), Fate::kDies) << "brk of arm64";
  EXPECT_EQ(after(kGdbSigtrap, TRAP_HWBKPT, !kBehind), Fate::kShielded);
  EXPECT_EQ(after(kGdbSigsegv, SEGV_MAPERR, kBehind), Fate::kDies);
  EXPECT_EQ(fate_when_let_go(signal_stop(kGdbSigsys), handled(fault()), kBehind), Fate::kHandles);
}

TEST(Judge, TheCommandLineSaysWhatIsDone) {
  Request crash, exits, handles;
  crash.crash = handles.crash = handles.handled = exits.exit = true;
  const auto segv = signal_stop(kGdbSigsegv);
  auto systemd = handled(fault());
  systemd.only_dumps = true;

  EXPECT_EQ(judge(crash, segv, fault()), Verdict::kHold);
  EXPECT_EQ(judge(exits, segv, fault()), Verdict::kLetDie);
  EXPECT_EQ(judge(crash, segv, handled(fault())), Verdict::kPass);
  EXPECT_EQ(judge(handles, segv, handled(fault())), Verdict::kHold);
  EXPECT_EQ(judge(crash, segv, systemd), Verdict::kHold);
  EXPECT_EQ(judge(exits, segv, handled(fault())), Verdict::kResume);
  EXPECT_EQ(judge(exits, segv, systemd), Verdict::kResume);
  EXPECT_EQ(judge(crash, segv, sent_by(99)), Verdict::kResume);
  EXPECT_EQ(judge(exits, signal_stop(kGdbSigabrt), sent_by(1)), Verdict::kResume) << "abort() goes on to a fault";
  EXPECT_EQ(judge(exits, call_stop("syscall_return", "e7"), call(SYS_exit_group)), Verdict::kHold);
  EXPECT_EQ(judge(crash, call_stop("syscall_entry", "e7"), call(SYS_exit_group)), Verdict::kResume);
  auto soon = call(SYS_exit_group);
  soon.just_handled = true;
  EXPECT_EQ(judge(crash, call_stop("syscall_entry", "e7"), soon), Verdict::kHold) << "after a signal that was handled";
  EXPECT_EQ(judge(handles, call_stop("syscall_entry", "e7"), call(SYS_exit_group)), Verdict::kResume);
  Facts killed;  // by a seccomp filter
  killed.killed = true;
  EXPECT_EQ(judge(crash, signal_stop(kGdbSigsys), killed), Verdict::kHold);
  EXPECT_EQ(judge(exits, signal_stop(kGdbSigsys), killed), Verdict::kResume);
  EXPECT_EQ(judge(crash, signal_stop(9), killed), Verdict::kResume) << "SIGKILL, of the namespace that it is in";
  EXPECT_EQ(judge(exits, call_stop("syscall_entry", "27"), call(SYS_getppid)), Verdict::kResume);
}

}  // namespace
}  // namespace gdbdebug
