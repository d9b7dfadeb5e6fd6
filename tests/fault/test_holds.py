# SPDX-License-Identifier: GPL-2.0-or-later
"""hold=: processes that stand at their first instruction, while PID 1 and all others run. The real helper,
gdbserver and gdb, and no machine, as in test_sessions.py; the real init is holds.c, which executes two programs.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import test_sessions as sessions
from test_sessions import address, children, number, status, until

PROGRAM = sessions.BUILD / "tests/fault/fault-holds"
pytestmark = [*sessions.pytestmark[:2], pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not built")]
VALUE = "ttyFAULT,hold=held"
ARMED = VALUE + ",crash,exit"
FREES, HELDS, WRONG, QUOTA, CRASH = range(5)


def named(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None


class Boot(sessions.Boot):
    kind = "file"

    def start(self, words, mode="wait"):
        held = self.matrix.root / "bin/held"
        shutil.copy(PROGRAM, held.with_name("free"))
        if self.kind == "link":
            held.symlink_to("free")
        elif self.kind == "script":
            held.write_text("#!/bin/free\n")
            held.chmod(0o755)
        else:
            shutil.copy(PROGRAM, held)
        super().start(words, mode)

    def count(self, which):
        with open(f"/proc/{self.pid1}/mem", "rb") as memory:
            memory.seek(address("shared") + 4 * which)
            return int.from_bytes(memory.read(4), "little")

    def set(self, which, value):
        with open(f"/proc/{self.pid1}/mem", "r+b", buffering=0) as memory:
            memory.seek(address("shared") + 4 * which)
            memory.write(value.to_bytes(4, "little"))

    def allow(self, executions):
        self.set(QUOTA, executions)

    def crash(self):
        """PID 1 faults, and is held there."""
        self.set(CRASH, 1)
        self.says(r"PID 1 \(init\) is held before it would die: SIGSEGV")

    def is_watched(self):
        """The agent itself traces PID 1."""
        until("PID 1 watched", lambda: status(self.pid1, "TracerPid") == str(self.agent))

    def runs(self):
        """The real init has begun, and its children execute what they like."""
        until("the real init", lambda: os.readlink(f"/proc/{self.pid1}/exe").endswith("gdbdebug/init"))
        before = until("executions", lambda: self.count(FREES))
        until("more executions", lambda: self.count(FREES) > before + 20)
        self.moves()

    def held_processes(self):
        loops = [pid for pid in children(self.pid1) if pid != self.agent]
        return [pid for loop in loops for pid in children(loop) if named(pid) == "held"]

    def stopped(self, many):
        def found():
            pids = [pid for pid in self.held_processes() if status(pid, "State") in ("T", "t")]
            return pids if len(pids) == many else None
        return until(f"{many} processes that stand", found)

    def told(self, many):
        pattern = r"PID \d+ \(held\) is held at its first instruction; it waits"
        until(f"{many} messages", lambda: len(re.findall(pattern, self.said())) >= many)

    def answerer(self):
        return until("the answerer", lambda: [pid for pid in children(self.agent) if named(pid) == "gdbdebug-hold"])[0]

    def marks(self):
        """File systems that are marked (proc(5), /proc/PID/fdinfo)."""
        marks = 0
        for path in Path(f"/proc/{self.answerer()}/fdinfo").iterdir():
            try:
                marks = max(marks, path.read_text().count("fanotify sdev:"))
            except FileNotFoundError:  # of a question that has been answered
                continue
        return marks

    def finder(self):
        return until("its child", lambda: children(self.answerer()))[0]

    def all_run(self, executions):
        """Nobody stands any more, and nothing has gone wrong."""
        until("the executions", lambda: self.count(HELDS) >= executions)
        assert self.count(WRONG) == 0
        self.runs()


@pytest.fixture(autouse=True)
def program(monkeypatch):
    monkeypatch.setattr(sessions, "PROGRAM", PROGRAM)
    monkeypatch.setattr(sessions, "Boot", Boot)
    sessions.symbols.cache_clear()
    yield
    sessions.symbols.cache_clear()


boot = sessions.boot


def at_start(gdb):
    gdb.wait_for("_start")
    assert number(gdb.says("print/x $pc", r"\$\d+ = (0x[0-9a-f]+)")) == address("_start")


@pytest.mark.parametrize("kind", ["file", "link", "script"])
def test_a_process_stands_at_its_first_instruction_and_everybody_else_runs(boot, kind, monkeypatch):
    monkeypatch.setattr(Boot, "kind", kind)
    machine = boot("demand", value=VALUE)
    machine.runs()
    machine.allow(1)
    machine.told(1)
    machine.stopped(1)
    machine.runs()
    gdb = machine.gdb()
    at_start(gdb)
    gdb.type("break work", "continue")
    gdb.wait_for("Breakpoint 1, work")
    gdb.says("detach", "Detaching from")
    machine.all_run(1)
    # Nobody is held now: a debugger gets PID 1.
    gdb = machine.gdb()
    number(gdb.says("print ticks", r"\$1 = ([1-9]\d*)"))
    gdb.says("detach", "Detaching from")
    machine.runs()


def test_pid_1_at_the_shutdown_waits_until_the_debugger_has_left_another_process(boot):
    machine = boot("demand", value=VALUE + ",at=shutdown")
    machine.runs()
    machine.allow(1)
    machine.told(1)
    gdb = machine.gdb()
    at_start(gdb)
    machine.set(CRASH, 2)
    machine.says("PID 1 is held, and waits for the debugger to detach")
    gdb.says("detach", "Detaching from")
    machine.says("PID 1 is held at the first instruction of what shuts the machine down")
    gdb = machine.gdb()
    at_start(gdb)
    gdb.says("detach", "Detaching from")
    machine.runs()


def test_the_next_one_is_offered_when_one_is_let_go(boot):
    machine = boot("demand", value=VALUE)
    machine.runs()
    machine.allow(3)
    machine.told(3)
    for gone in range(3):
        gdb = machine.gdb()
        at_start(gdb)
        assert machine.count(HELDS) == gone
        gdb.says("detach", "Detaching from")
        until("one more", lambda gone=gone: machine.count(HELDS) == gone + 1)
    machine.all_run(3)


def test_many_stops_are_all_at_the_first_instruction(boot):
    machine = boot("demand", value=VALUE + ",holdtime=1")
    machine.runs()
    machine.allow(40)
    machine.all_run(40)
    assert "did not stop" not in machine.said()
    assert machine.said().count("is held at its first instruction") == 40


def test_a_debugger_that_is_killed_leaves_it_held_for_the_next_one(boot):
    machine = boot("demand", value=VALUE)
    machine.runs()
    machine.allow(1)
    machine.told(1)
    first = machine.gdb("break work")
    first.wait_for("Breakpoint 1 at")
    first.kill()
    second = machine.gdb()
    at_start(second)
    assert machine.count(HELDS) == 0
    second.says("detach", "Detaching from")
    machine.all_run(1)


def test_a_process_that_ends_in_a_session_ends_the_session(boot):
    machine = boot("demand", value=VALUE)
    machine.runs()
    machine.allow(1)
    machine.told(1)
    gdb = machine.gdb("continue")
    gdb.wait_for("exited with code 077")
    machine.all_run(1)


def test_holdtime_lets_go(boot):
    machine = boot("demand", value=VALUE + ",holdtime=1")
    machine.runs()
    machine.allow(2)
    machine.told(2)
    machine.says(r"PID \d+ \(held\): no debugger came within 1 seconds; it goes on")
    machine.all_run(2)


@pytest.mark.parametrize("value", ["/bin/held", "/usr/bin/held", "/bin/free"])
def test_a_path_is_compared_as_a_whole(boot, value, monkeypatch):
    monkeypatch.setattr(Boot, "kind", "link")
    machine = boot("demand", value=f"ttyFAULT,hold={value},holdtime=1")
    if value == "/bin/free":  # the file's own path
        machine.says(r"\(free\) is held at its first instruction")
        return
    machine.runs()
    machine.allow(1)
    machine.all_run(1)
    assert ("(held) is held" in machine.said()) == (value == "/bin/held")


LATER = """
import ctypes, os, shutil, sys
libc = ctypes.CDLL(None, use_errno=True)
pid, program = sys.argv[1:]
root = os.open(f"/proc/{pid}/root", os.O_RDONLY)
content = open(program, "rb").read()
for space in [os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY) for kind in ("mnt", "pid")]:
    assert libc.setns(space, 0) == 0
os.fchdir(root)
os.chroot(".")
os.mkdir("/later")
assert libc.mount(b"tmpfs", b"/later", b"tmpfs", 0, None) == 0
with open("/later/held", "wb") as file:
    file.write(content)
os.chmod("/later/held", 0o755)
sys.stdout.write("mounted\\n")
sys.stdout.flush()
sys.stdin.readline()
child = os.fork()
if child == 0:
    os.execv("/later/held", ["/bin/held"])
_, status = os.waitpid(child, os.WUNTRACED)
print("stopped" if os.WIFSTOPPED(status) else status, flush=True)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), flush=True)
"""


def test_what_is_mounted_later_is_held_too(boot):
    machine = boot("demand", value=VALUE + ",holdtime=1")
    machine.runs()
    machine.finder()
    before = machine.marks()
    later = subprocess.Popen([sys.executable, "-c", LATER, str(machine.pid1), str(PROGRAM)], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
    assert later.stdout.readline() == "mounted\n"
    # The finder hands it to the answerer, which marks it.
    until("the mark", lambda: machine.marks() > before)
    said, _ = later.communicate("go\n", timeout=sessions.PATIENCE)
    assert said == "stopped\n63\n"
    machine.says(r"PID \d+ \(held\): no debugger came within 1 seconds; it goes on")


@pytest.mark.parametrize("who", ["agent", "answerer", "finder"])
@pytest.mark.parametrize("how", [signal.SIGKILL])
@pytest.mark.parametrize("value", [VALUE, ARMED])
def test_everything_is_let_go_when_one_of_us_is_killed(boot, who, how, value):
    machine = boot("demand", value=value)
    machine.runs()
    machine.answerer()
    machine.allow(2)
    machine.told(2)
    os.kill({"agent": machine.agent, "answerer": machine.answerer(), "finder": machine.finder()}[who], how)
    if who == "finder":  # only what is mounted from now on is not marked
        machine.runs()
        return
    machine.all_run(2)
    machine.allow(4)
    machine.all_run(6)


@pytest.mark.parametrize("value", [VALUE, ARMED])
def test_an_agent_that_is_killed_in_a_session_lets_go(boot, value):
    machine = boot("demand", value=value)
    machine.runs()
    machine.allow(2)
    machine.told(2)
    at_start(machine.gdb())
    os.kill(machine.agent, signal.SIGKILL)
    machine.all_run(2)


def test_a_process_that_is_killed_while_it_is_held_is_forgotten(boot):
    machine = boot("demand", value=VALUE)
    machine.runs()
    machine.allow(2)
    machine.told(2)
    first = machine.stopped(2)
    os.kill(first[0], signal.SIGKILL)
    machine.says("has ended while it was held")
    gdb = machine.gdb()
    at_start(gdb)
    gdb.says("detach", "Detaching from")
    until("the other one", lambda: machine.count(HELDS) == 1)
    machine.runs()


def test_an_armed_pid_1_is_watched_while_another_process_is_debugged(boot):
    machine = boot("demand", value=ARMED)
    machine.runs()
    machine.is_watched()
    machine.allow(1)
    machine.told(1)
    gdb = machine.gdb()
    at_start(gdb)
    machine.is_watched()
    machine.runs()
    gdb.says("detach", "Detaching from")
    machine.all_run(1)
    machine.is_watched()
    # systemd stops everybody at the switch to the real root; the guard is still there for the watcher.
    os.kill(machine.agent, signal.SIGSTOP)
    until("the agent goes on", lambda: status(machine.agent, "State") != "T")
    machine.crash()
    machine.gdb().says("backtrace", r"#0 .*fault \(\)")


def test_pid_1_that_faults_while_another_process_is_debugged_is_for_the_next_debugger(boot):
    machine = boot("demand", value=ARMED)
    machine.runs()
    machine.allow(1)
    machine.told(1)
    gdb = machine.gdb()
    at_start(gdb)
    machine.crash()
    gdb.type("break work", "continue")
    gdb.wait_for("PID 1 is held before it would die; after a detach the next debugger gets it")
    gdb.wait_for("Breakpoint 1, work")
    gdb.says("detach", "Detaching from")
    until("its end", lambda: machine.count(HELDS) == 1)
    gdb = machine.gdb()
    gdb.says("backtrace", r"#0 .*fault \(\)")
    gdb.says("detach", "Detaching from")
    until("the end of PID 1", lambda: status(machine.pid1, "State") in (None, "Z"))


def test_pid_1_before_its_end_comes_before_a_process_that_waits(boot):
    machine = boot("demand", value=ARMED)
    machine.runs()
    machine.allow(1)
    machine.told(1)
    machine.crash()
    machine.gdb().says("backtrace", r"#0 .*fault \(\)")
    assert machine.stopped(1)


def held_of(hello):
    return re.findall(rb"held=(\d+):(\w+):(\w+)", hello)


def test_the_hello_lists_what_is_held_and_another_one_can_be_chosen(boot):
    machine = boot("demand", value=VALUE)
    machine.runs()
    stub = machine.stub()
    hello = stub.ask(b"qGdbdebug.hello")
    assert b" state=running pid=1 " in hello
    assert held_of(hello) == []
    machine.allow(3)
    machine.told(3)
    hello = stub.ask(b"qGdbdebug.hello")
    held = held_of(hello)
    assert {(name, why) for _, name, why in held} == {(b"held", b"start")}
    pids = [int(pid) for pid, _, _ in held]
    assert len(set(pids)) == 3
    first = int(re.search(rb" state=held pid=(\d+) exe=/bin/held ", hello)[1])
    third = next(pid for pid in reversed(pids) if pid != first)
    assert b" pid=%d " % third in stub.ask(b"qGdbdebug.hello:" + str(third).encode().hex().encode())
    stub.close()
    gdb = machine.gdb()
    gdb.wait_for("_start")
    gdb.says("info inferiors", rf"process {third}\b|Thread {third}\.{third}\b")
    gdb.kill()
    # Left by a debugger that has gone it is still the next one's.
    stub = machine.stub()
    until("the word of it", lambda: (str(third).encode(), b"held", b"debugger")
          in held_of(stub.ask(b"qGdbdebug.hello")))
    stub.close()
    gdb = machine.gdb()
    gdb.wait_for("_start")
    gdb.says("detach", "Detaching from")
    until("one more", lambda: machine.count(HELDS) == 1)
    # PID 1 although others wait.
    stub = machine.stub()
    assert b" state=running pid=1 " in stub.ask(b"qGdbdebug.hello:31")
    stub.close()
    gdb = machine.gdb()
    number(gdb.says("print ticks", r"\$1 = ([1-9]\d*)"))
    gdb.says("detach", "Detaching from")
    machine.stopped(2)
    for _ in range(2):
        machine.gdb().says("detach", "Detaching from")
    machine.all_run(3)


def test_the_hello_has_pid_1_that_is_held_before_its_end_first(boot):
    machine = boot("demand", value=ARMED)
    machine.runs()
    machine.allow(1)
    machine.told(1)
    machine.crash()
    stub = machine.stub()
    hello = stub.ask(b"qGdbdebug.hello")
    assert b" state=crashed pid=1 " in hello
    held = held_of(hello)
    assert held[0] == (b"1", b"init", b"end")
    assert held[1][1:] == (b"held", b"start")
    assert b" state=held pid=%s exe=/bin/held " % held[1][0] in stub.ask(b"qGdbdebug.hello:" + b"held".hex().encode())


def test_wait_holds_pid_1_first(boot):
    machine = boot("wait", value="ttyFAULT,wait,hold=held")
    machine.held()
    machine.gdb().says("detach", "Detaching from")
    machine.runs()
    machine.allow(1)
    machine.told(1)
    gdb = machine.gdb()
    at_start(gdb)
    gdb.says("detach", "Detaching from")
    machine.all_run(1)
