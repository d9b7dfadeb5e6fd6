# SPDX-License-Identifier: GPL-2.0-or-later
"""How PID 1 ends, and what only looks like it: rd.gdbdebug=...,crash and exit, with the real helper and no machine.

fault-boot makes the helper PID 1 of a namespace (see boot.cpp), whose real init is ends.c. It says how far it came by
files in its root, which can be read from here.
"""

import os
import re
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest
from test_sessions import BUILD, Boot, Gdb, load_matrix, pytestmark, status, until

__all__ = ["pytestmark"]

PROGRAM = BUILD / "tests/fault/fault-ends"
HELD = r"PID 1 \((\w+)\) is held before it would die: (.*?), in "


class End(Boot):
    """A boot with `options` behind the line, whose real init does `what`; `without` this library of gdbserver's."""

    def __init__(self, folder, options, what, systemd=False, without=""):
        self.log_path = folder / "log"
        self.log_path.touch()
        self.matrix = load_matrix().Matrix(BUILD, folder, 3600)
        self.path = folder / "line"
        real_init = self.matrix.root / "usr/lib/gdbdebug/init"
        real_init.unlink()
        if systemd:
            program = self.matrix.root / "usr/lib/systemd/systemd"
            program.parent.mkdir(parents=True)
            real_init.symlink_to("../systemd/systemd")
        else:
            program = real_init
        shutil.copy(PROGRAM, program)
        for library in self.matrix.root.rglob(without) if without else ():
            library.unlink()
        words = ["--socket", str(self.path), "--log", str(self.log_path), "--word", what, "--command-line",
                 f"quiet rd.gdbdebug=ttyFAULT,{options}"]
        self.start(words)

    def log(self):
        return self.log_path.read_text()

    def says(self, pattern):
        """The match of a regular expression in the kernel log."""
        return until(f"{pattern!r} in the log", lambda: re.search(pattern, self.log()))

    def came_to(self, path):
        """The real init has made this file."""
        until(f"the file {path}", lambda: Path(f"/proc/{self.pid1}/root{path}").exists())

    def is_held(self):
        assert status(self.pid1, "State") in ("t", "T")  # T: in the moment between two tracers

    def ended(self):
        until("the end of PID 1", lambda: status(self.pid1, "State") in (None, "Z"))

    def frame_of(self, name):
        """The name of the function that gdb shows where PID 1 stands."""
        gdb = self.gdb()
        return gdb.says("backtrace", name)

    def gdb(self, *commands):
        client = Gdb(self.path, *commands, program=PROGRAM)
        self.clients.append(client)
        return client


@pytest.fixture
def boot(tmp_path):
    made = []

    def make(*arguments, **options):
        made.append(End(tmp_path, *arguments, **options))
        return made[-1]

    yield make
    for machine in made:
        machine.close()


# ---- exits ----


def test_threads_that_come_and_go_do_not_hold_pid_1(boot):
    machine = boot("crash,exit", "churn")
    machine.came_to("/lives")
    assert "is held" not in machine.log()


def test_exit_group_in_a_thread_is_held_with_its_status_and_thread(boot):
    machine = boot("crash,exit", "thread-exit")
    assert machine.says(HELD)[2] == "exit with status 3"
    assert " exit=3 " in machine.says("report: begin.*")[0]
    machine.frame_of("exit_in_thread")


def test_the_exit_of_the_last_thread_is_held_after_that_of_the_first(boot):
    machine = boot("crash,exit", "last-thread")
    assert machine.says(HELD)[2] == "exit with status 4"


def test_at_its_exit_pid_1_can_be_looked_at_and_nothing_else(boot):
    machine = boot("crash,exit", "exit")
    assert machine.says(HELD)[2] == "exit with status 5"
    assert " rax=" in machine.log()
    gdb = machine.gdb()
    gdb.says("backtrace full", r"#1 .* in main \(")
    gdb.says("print finish", r"= 0")
    gdb.says("print $_exitcode", "void")
    gdb.says("set var finish = 1", "Cannot access memory|at its end and can only be looked at")
    gdb.says("continue", "Cannot insert breakpoint|at its end and cannot go on; use detach")
    gdb.says("print $rdi", r"= 5")
    gdb.says("info threads", r"Thread 1\.1")
    gdb.type("detach")
    machine.says("debugger detached; PID 1 now dies as it would have without gdbdebug")
    machine.ended()


def test_a_debugger_lost_at_the_exit_leaves_pid_1_held_for_the_next_one(boot):
    machine = boot("exit", "exit")
    machine.says(HELD)
    for _ in range(2):
        gdb = machine.gdb()
        gdb.says("print $rdi", r"= 5")
        gdb.kill()
        machine.is_held()
    stub = machine.stub()
    stub.ask(b"qSupported")  # a knock that nobody follows up
    stub.close()
    machine.is_held()
    machine.gdb("detach").wait_for("Detaching from")
    machine.ended()


def test_an_exit_that_is_not_to_be_held_is_told(boot):
    machine = boot("crash", "exit")
    machine.says("<4>gdbdebug: PID 1 exits with status 5")
    machine.ended()


def test_what_dies_of_a_seccomp_filter_is_held(boot):
    machine = boot("crash", "filter")
    assert machine.says(HELD)[2] == "SIGSYS"
    gdb = machine.gdb()
    gdb.says("backtrace", "die_of_a_filter")
    gdb.type("detach")
    machine.says("debugger detached; PID 1 now dies as it would have")
    machine.ended()


@pytest.mark.parametrize("what, signal, frame, told", [
    ("segv", "SIGSEGV at address 0x8", "crash_here", "11 1 8"),
    ("thread-segv", "SIGSEGV at address 0x8", "crash_here", "11 1 8"),
    ("abort", "SIGABRT", "abort", "6 -6 1"),
    ("trap", "SIGTRAP", "main", "5 128 0"),
])
def test_a_debugger_that_comes_at_a_fatal_signal_finds_it_as_it_was(boot, what, signal, frame, told):
    machine = boot("crash", what)
    assert machine.says(HELD)[2] == signal
    machine.says("report: end")
    pc = int(re.search(r"report: register pc=(0x[0-9a-f]+)", machine.log())[1], 0)
    assert not machine.servers()
    gdb = machine.gdb()
    assert int(gdb.says("print/x $pc", r"= (0x[0-9a-f]+)")[1], 0) == pc
    gdb.says("backtrace", frame)
    fields = ", ".join(f"$_siginfo.{field}" for field in ("si_signo", "si_code", "_sifields._kill.si_pid"))
    gdb.says(f'printf "%d %d %d\\n", {fields}', f"{told}\n")
    gdb.type("detach")
    machine.says("debugger detached; PID 1")
    if what != "trap":
        machine.ended()
    assert machine.log().count("report: begin") == 1


def test_a_crash_can_be_looked_at_though_gdbserver_does_not_start(boot):
    machine = boot("crash", "segv", without="libstdc++.so.6")
    assert machine.says(HELD)[2] == "SIGSEGV at address 0x8"
    for last in (False, True):
        gdb = machine.gdb()
        gdb.says("backtrace full", "crash_here")
        gdb.says("continue", "Cannot insert breakpoint|at its end and cannot go on; use detach")
        if not last:
            gdb.kill()
            machine.is_held()
    gdb.type("detach")
    machine.says("debugger detached; PID 1 now dies as it would have")
    machine.ended()
    assert machine.log().count("report: begin") == 1
    assert machine.log().count("error while loading shared libraries") == 1


def test_nothing_keeps_pid_1_from_a_kill_out_of_another_namespace(boot):
    machine = boot("crash", "thread-segv")
    machine.says(HELD)
    machine.says("report: end")
    os.kill(machine.pid1, signal.SIGKILL)
    machine.ended()


# ---- signals that are handled ----


@pytest.mark.parametrize("options", ["crash", "crash,exit", "exit"])
def test_a_signal_that_pid_1_handles_does_not_hold_it(boot, options):
    machine = boot(options, "recover:3")
    machine.came_to("/recovered")
    machine.came_to("/lives")
    assert not Path(f"/proc/{machine.pid1}/root/strange").exists(), "the handler has got a signal without its siginfo"
    told = re.findall(r"PID 1 \(\w+\) gets SIGSEGV at address 0x8, for which it has a handler, in (\S+); it goes on",
                      machine.log())
    assert len(told) == (3 if "crash" in options else 0), machine.log()
    assert "is held" not in machine.log()


def test_few_of_many_signals_that_pid_1_handles_are_reported(boot):
    machine = boot("crash", "recover:30")
    machine.came_to("/lives")
    assert machine.log().count("for which it has a handler, in") == 5, machine.log()
    assert machine.log().count("further signals for which PID 1 has a handler are not reported") == 1


def test_the_real_crash_after_a_signal_that_was_handled_is_held(boot):
    machine = boot("crash", "recover-crash")
    machine.says("for which it has a handler")
    assert machine.says(HELD)[2] == "SIGSEGV at address 0x8"


def test_an_exit_soon_after_a_handled_signal_is_held_as_a_crash(boot):
    """A handler that prints a backtrace and exits is the commonest there is."""
    machine = boot("crash", "recover-exit")
    assert machine.says(HELD)[2] == "exit with status 2"
    assert machine.log().count("for which it has a handler, in") == 2
    machine.frame_of("give_up")


@pytest.mark.parametrize("options, what", [("crash", "recover:1"), ("crash,exit", "plain")])
def test_no_system_call_of_an_armed_pid_1_stops_and_there_is_no_gdbserver(boot, options, what):
    machine = boot(options, what)
    machine.came_to("/lives")
    assert not machine.servers()
    assert status(machine.pid1, "TracerPid") == str(machine.agent)
    assert syscall_stops(machine.pid1) <= 0


def syscall_stops(pid):
    """How often a process switched to another while it makes some 25 system calls."""
    def switches():
        return int(status(pid, "nonvoluntary_ctxt_switches")) + int(status(pid, "voluntary_ctxt_switches"))
    before = switches()
    time.sleep(0.5)
    return switches() - before - 60


@pytest.mark.parametrize("options, systemd, held",
                         [("crash", True, "held before it would die"), ("crash,handled", False, "held")])
def test_a_handler_that_freezes_is_held_before_it_runs(boot, options, systemd, held):
    machine = boot(options, "freeze", systemd=systemd)
    machine.says(rf"PID 1 \(\w+\) is {held}: SIGSEGV at address 0x8, for which it has a handler, in ")
    assert " handled=1 " in machine.says("report: begin.*")[0]
    machine.says("report: end")
    gdb = machine.gdb()
    gdb.says("backtrace", "crash_here")
    gdb.type("detach")
    machine.says("debugger detached; PID 1 goes on with its handler for the signal")
    machine.came_to("/frozen")


def test_crash_with_seconds_lets_the_handler_run_after_them(boot):
    machine = boot("crash=1,handled", "freeze")
    machine.says("no debugger came in time; PID 1 goes on with its handler for the signal")
    machine.came_to("/frozen")


# ---- the machine's end ----


def test_a_restart_by_pid_1_is_held_with_exit_and_reboot(boot):
    machine = boot("crash,exit,reboot", "restart")
    assert machine.says(HELD)[2] == "reboot(2) with RESTART"
    machine.came_to("/cad")
    assert " reboot=RESTART " in machine.says("report: begin.*")[0]
    gdb = machine.gdb()
    gdb.says("backtrace", "restart")
    gdb.type("detach")
    machine.says("debugger detached; PID 1 now restarts or stops the machine as it would have")
    machine.ended()


@pytest.mark.parametrize("options", ["crash", "crash,exit"])
def test_a_restart_is_not_held_without_reboot(boot, options):
    machine = boot(options, "restart")
    machine.ended()
    assert "is held" not in machine.log()


def test_the_real_root_stops_the_machine_on_purpose(boot):
    machine = boot("crash,exit,reboot", "real-root:power-off")
    machine.ended()
    assert "is held" not in machine.log()


def test_a_root_that_is_an_initramfs_still_is_not_the_real_one(boot):
    machine = boot("crash,exit,reboot", "squash-root:power-off")
    assert machine.says(HELD)[2] == "reboot(2) with POWER_OFF"


# ---- where else PID 1 is held ----

HELD_AT = "PID 1 is held at the first instruction of {}, /init, and waits .*for a debugger on"
AT_ROOT = HELD_AT.format("the real root's init")
AT_SHUTDOWN = HELD_AT.format("what shuts the machine down")


def leaves_its_start(machine):
    """A debugger comes, finds PID 1 at its first instruction, and goes."""
    gdb = machine.gdb("info symbol $pc")
    gdb.wait_for("_start in section .text")
    gdb.says("detach", "Detaching from")


@pytest.mark.parametrize("options", ["at=root", "at=root:shutdown", "crash,exit,wait=60,at=root"])
def test_held_at_the_first_instruction_of_the_real_roots_init(boot, options):
    machine = boot(options, "real-root:live")
    machine.says(AT_ROOT)
    machine.is_held()
    leaves_its_start(machine)
    machine.came_to("/lives")
    assert status(machine.pid1, "TracerPid") == "0" or options != "at=root"


@pytest.mark.parametrize("word", ["real-root:shutdown", "real-root:script"])
def test_held_at_what_shuts_the_machine_down(boot, word):
    machine = boot("at=root:shutdown", word)
    machine.says(AT_ROOT)
    leaves_its_start(machine)
    machine.says(AT_SHUTDOWN)
    machine.is_held()
    leaves_its_start(machine)
    machine.came_to("/lives")


def test_a_real_root_that_is_only_passed_through_is_not_held(boot):
    machine = boot("at=root", "squash-root:live")
    machine.came_to("/lives")
    assert "is held" not in machine.log()


def test_a_hold_at_the_real_roots_init_ends_by_itself(boot):
    machine = boot("wait=1,at=root", "real-root:live")
    machine.says(AT_ROOT)
    machine.says("no debugger came within 1 seconds; booting on")
    machine.came_to("/lives")


def test_a_crash_behind_a_hold_at_the_real_roots_init_is_held(boot):
    machine = boot("crash,at=root", "real-root:segv")
    machine.says(AT_ROOT)
    leaves_its_start(machine)
    assert machine.says(HELD)[2] == "SIGSEGV at address 0x8"


def test_a_debugger_that_is_connected_stops_at_the_real_roots_init(boot):
    machine = boot("at=init:root", "real-root:live")
    gdb = machine.gdb("info symbol $pc", "print/x $pc", "continue")
    gdb.wait_for("_start in section .text")
    start = gdb.wait_for(r"\$1 = (0x\w+)")[1]
    gdb.wait_for("received signal SIGINT")
    gdb.says("print/x $pc", rf"\$2 = {start}")
    gdb.says("detach", "Detaching from")
    machine.came_to("/lives")


def test_a_debugger_that_is_lost_at_the_real_roots_init_leaves_pid_1_held(boot):
    machine = boot("at=root", "real-root:live")
    machine.says(AT_ROOT)
    gdb = machine.gdb("break live_on")
    gdb.wait_for("Breakpoint 1 at")
    gdb.process.kill()
    gdb.process.wait()
    leaves_its_start(machine)
    machine.came_to("/lives")


# ---- while a debugger is connected ----


def test_a_crash_while_a_debugger_is_connected_is_reported_and_shown_once(boot):
    machine = boot("crash", "later")
    machine.came_to("/lives")
    gdb = machine.gdb("set var finish = 1", "continue")
    gdb.wait_for("Program received signal SIGSEGV")
    found = machine.says(HELD.replace(", in ", ", in .*; a debugger is connected to ttyFAULT"))
    assert found[2] == "SIGSEGV at address 0x8"
    machine.says("report: end")
    gdb.says("continue", "Program terminated with signal SIGSEGV")
    assert "Program received" not in gdb.read()
    machine.says("the debugger has passed the signal on; PID 1 now dies as it would have without gdbdebug")
    machine.ended()
    assert machine.log().count("report: begin") == 1


def test_an_exit_while_a_debugger_is_connected_is_held_for_it(boot):
    machine = boot("crash,exit", "exit-later")
    machine.came_to("/lives")
    gdb = machine.gdb("set var finish = 1", "continue")
    gdb.wait_for("Program received signal SIGTRAP")
    assert machine.says(HELD)[2] == "exit with status 5"
    gdb.says("backtrace", "_exit")
    gdb.type("detach")
    machine.says("debugger detached; PID 1 now dies as it would have without gdbdebug")
    machine.ended()


# ---- no end at all ----


def ask(machine, request):
    """What a person or a program at the line has sent and got, in a connection of its own."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(machine.path))
        line.sendall(request)
        got = b""
        while not (got.endswith(b"#9a") or got.endswith(b"\r\n")):
            got += line.recv(4096)
    return got


@pytest.mark.parametrize("request_, answer", [(b"report\r\n", rb"gdbdebug version=.* state=running .*\r\n"),
                                              (b"$qGdbdebug.report#4f", rb"\+\$OK#9a")], ids=["word", "packet"])
@pytest.mark.parametrize("options", ["", "crash,core"])
def test_somebody_at_the_line_can_ask_for_a_report(boot, options, request_, answer):
    """As often as wanted, while PID 1 runs. Nothing is stopped, and a newline behind the word does not end the core."""
    machine = boot(options, "churn")
    machine.came_to("/lives")
    machine.says("ready on")
    for times in (1, 2):
        assert re.fullmatch(answer, ask(machine, request_)), machine.log()
        until("the report", lambda: len(re.findall("hang: end processes=[1-9]", machine.log())) == times)
        if "core" in options:
            until("the core", lambda: len(re.findall(r"core: \w{8} end blocks=[1-9]", machine.log())) == times)
    told = machine.log()
    assert told.count("gdbdebug: hang: a report was requested on the line; PID 1 (init) is in state ") == 2
    assert re.search(r"hang: process pid=1 parent=0 comm=init state=\w .*command /init churn", told)
    assert "core" in options or "gdbdebug: core: " not in told
    assert "is held" not in told and status(machine.pid1, "State") not in ("t", "T")
    assert status(machine.pid1, "TracerPid") == "0" or "crash" in options


@pytest.mark.parametrize("options", ["hang=1,core", "crash,hang=1,core"])
def test_a_boot_that_does_not_reach_the_real_root_is_reported(boot, options):
    machine = boot(options, "churn")
    machine.came_to("/lives")
    assert machine.says(r"gdbdebug: hang: the real root's init has not been executed 1 seconds after the hand-off")
    assert machine.says(r"hang: process pid=1 parent=0 comm=init state=\w .*command /init churn")
    assert machine.says(r"hang: end processes=[1-9]")
    assert machine.says(r"core: \w{8} begin version=1 pid=1 .* registers=place ")
    assert machine.says(r"core: \w{8} end blocks=[1-9]")
    assert "is held" not in machine.log() and status(machine.pid1, "State") not in ("t", "T")
    assert status(machine.pid1, "TracerPid") == "0" or "crash" in options

