# SPDX-License-Identifier: GPL-2.0-or-later
"""Sessions that are lost, resumed, or begun at the wrong moment: the real helper, gdbserver and gdb, and no machine.

fault-boot makes the helper PID 1 of a namespace and joins its line to a Unix socket. Whoever connects or goes there is
not seen by the helper, as on a serial port. The real init is session.c, which has no markers and works on for ever.
"""

import functools
import os
import re
import shutil
import socket
import subprocess
import time
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("GDBDEBUG_BUILD", HERE.parents[1] / "build/dev"))
PROGRAM = BUILD / "tests/fault/fault-session"
PATIENCE = 30  # seconds; only a test that fails waits so long

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces and filters need root"),
    pytest.mark.skipif(not (shutil.which("gdb") and shutil.which("gdbserver")), reason="no gdb or no gdbserver"),
    pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not built"),
]


def load_matrix():
    loader = SourceFileLoader("matrix", str(HERE / "run"))
    module = module_from_spec(spec_from_loader("matrix", loader))
    loader.exec_module(module)
    return module


def until(what, condition):
    """Waits for a condition that another process brings about; its value."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    pytest.fail(f"not within {PATIENCE} s: {what}")
    return None


def status(pid, key):
    try:
        match = re.search(rf"^{key}:\s*(\S+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return match and match[1]


def children(pid):
    """Of all its threads: those of one that ends go to another."""
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += [int(word) for word in Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


@functools.cache
def symbols():
    text = subprocess.run(["nm", str(PROGRAM)], capture_output=True, text=True, check=True).stdout
    return {name: int(value, 16) for value, _, name in re.findall(r"^([0-9a-f]+) (\S) (\S+)$", text, re.MULTILINE)}


def address(name):
    return symbols()[name]


class Boot:
    """A boot that stands or runs, and ends with this object's close()."""

    def __init__(self, folder, mode, fault=(), value=None, carrier=False):
        """`value` of rd.gdbdebug= where it is none of the modes; `carrier`: the line hangs up when a debugger goes."""
        self.path = folder / "line"
        self.log = folder / "log"
        module = load_matrix()
        self.matrix = module.Matrix(BUILD, folder, 3600)
        shutil.copy(PROGRAM, self.matrix.root / "usr/lib/gdbdebug/init")
        self.start(["--socket", str(self.path), "--log", str(self.log), *(["--carrier"] if carrier else []),
                 *(["--command-line", f"quiet rd.gdbdebug={value} splash"] if value else []),
                 *(["--fault", *fault] if fault else [])], mode)

    def start(self, words, mode="wait"):
        self.supervisor = subprocess.Popen(self.matrix.command(mode, *words), stdin=subprocess.DEVNULL,
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.clients = []
        self.pid1 = until("PID 1", lambda: children(self.supervisor.pid))[0]
        self.agent = until("the agent", lambda: children(self.pid1))[0]

    def close(self):
        for client in self.clients:
            client.close()
        self.supervisor.kill()  # and with it PID 1
        self.supervisor.communicate(timeout=PATIENCE)
        until("the end of PID 1", lambda: status(self.pid1, "State") in (None, "Z"))

    def held(self):
        """At the first instruction of the real init, under gdbserver."""
        until("PID 1 held", lambda: status(self.pid1, "State") == "t" and status(self.pid1, "Name") == "init"
              and os.readlink(f"/proc/{self.pid1}/exe").endswith("gdbdebug/init"))

    def stands(self):
        """Under a tracer, or in the moment between two, in which it executes nothing of its program."""
        before = self.ticks()
        until("PID 1 held", lambda: status(self.pid1, "State") == "t")
        assert self.ticks() == before

    def runs_free(self):
        """Without a tracer, and not stopped."""
        until("PID 1 running without a tracer",
              lambda: status(self.pid1, "TracerPid") == "0" and status(self.pid1, "State") in ("S", "R"))

    def said(self):
        return self.log.read_text() if self.log.exists() else ""

    def says(self, pattern):
        """A message in the kernel log."""
        return until(f"{pattern!r} in the kernel log", lambda: re.search(pattern, self.said()))

    def moves(self):
        """PID 1 gets on: its own clock of rounds."""
        before = self.ticks()
        until("PID 1 works on", lambda: self.ticks() > before)

    def ticks(self):
        with open(f"/proc/{self.pid1}/mem", "rb") as memory:
            memory.seek(address("ticks"))
            return int.from_bytes(memory.read(4), "little")

    def explain(self, step):
        """Does `step`; where it fails, says where everybody stands."""
        try:
            step()
        except BaseException:
            everybody = [("PID 1", self.pid1), ("agent", self.agent)]
            everybody += [("the agent's child", pid) for pid in self.servers()]
            for name, pid in everybody:
                stack = Path(f"/proc/{pid}/wchan")
                print(name, pid, status(pid, "State"), "traced by", status(pid, "TracerPid"),
                      stack.read_text() if stack.exists() else "gone")
            raise

    def ready(self):
        self.says("gdbdebug: ready on")

    def servers(self):
        return children(self.agent)

    def stub(self):
        client = Stub(self.path)
        self.clients.append(client)
        return client

    def gdb(self, *commands):
        client = Gdb(self.path, *commands)
        self.clients.append(client)
        return client


class Stub:
    """A debugger of a few packets, for what must happen at a certain moment or very often."""

    def __init__(self, path):
        self.socket = until("the line", lambda: self.connect(path))
        self.socket.settimeout(PATIENCE)
        self.bytes = b""

    @staticmethod
    def connect(path):
        client = socket.socket(socket.AF_UNIX)
        try:
            client.connect(str(path))
        except OSError:
            client.close()
            return None
        return client

    def send(self, payload):
        self.socket.sendall(b"$%s#%02x" % (payload, sum(payload) & 255))

    def ask(self, payload):
        """The reply; repeated every two seconds, as gdb does."""
        self.send(payload)
        self.socket.settimeout(2)
        for _ in range(PATIENCE // 2):
            try:
                reply = self.reply()
                self.socket.sendall(b"+")
                return reply
            except TimeoutError:
                self.send(payload)
        pytest.fail(f"nobody answers {payload!r}; on the line: {self.bytes!r}")
        return None

    def reply(self):
        while True:
            match = re.search(rb"\$([^#$]*)#..", self.bytes, re.DOTALL)
            if match:
                self.bytes = self.bytes[match.end():]
                return match[1]
            more = self.socket.recv(65536)
            assert more, "the line is closed"
            self.bytes += more

    def tell(self, payload):
        assert self.ask(payload) == b"OK"

    def set(self, name, value):
        self.tell(b"M%x,4:%s" % (address(name), value.to_bytes(4, "little").hex().encode()))

    def session(self):
        """All of a session: connect, ask where PID 1 stands, detach."""
        assert b"PacketSize=" in self.ask(b"qSupported:multiprocess+")
        assert self.ask(b"?").startswith(b"T")
        assert self.ask(b"D;1") == b"OK"

    def close(self):
        self.socket.close()


class Gdb:
    def __init__(self, path, *commands, program=None):
        words = ["gdb", "-nx", "-q", "-iex", "set confirm off", "-iex", "set pagination off", "-iex",
                 "set debuginfod enabled off", str(program or PROGRAM), "-ex", f"target remote {path}"]
        for command in commands:
            words += ["-ex", command]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.text = ""

    def read(self):
        try:
            self.text += os.read(self.process.stdout.fileno(), 65536).decode(errors="replace")
        except BlockingIOError:
            pass
        return self.text

    def wait_for(self, pattern):
        """The match of a regular expression in what gdb has said since the last one."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            match = re.search(pattern, self.read())
            if match:
                self.text = self.text[match.end():]
                return match
            time.sleep(0.01)
        pytest.fail(f"gdb has not said {pattern!r} within {PATIENCE} s, but:\n{self.text}")
        return None

    def type(self, *commands):
        self.process.stdin.write("".join(f"{command}\n" for command in commands).encode())
        self.process.stdin.flush()

    def says(self, command, pattern):
        self.type(command)
        return self.wait_for(pattern)

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)

    def close(self):
        if self.process.poll() is None:
            self.kill()
        self.process.stdout.close()
        self.process.stdin.close()


@pytest.fixture
def boot(tmp_path):
    """boot(MODE): the booted machine; ended after the test."""
    made = []

    def make(mode, fault=(), **more):
        made.append(Boot(tmp_path, mode, fault, **more))
        return made[-1]

    yield make
    for machine in made:
        machine.close()


def number(match):
    return int(match[1], 0)


def test_gdb_killed_while_pid_1_is_held_leaves_it_held_for_the_next_one(boot):
    machine = boot("wait")
    machine.held()
    first = machine.gdb()
    pc = number(first.says("print/x $pc", r"\$1 = (0x[0-9a-f]+)"))
    first.type("break rarely")
    first.wait_for("Breakpoint 1 at")
    first.kill()
    assert status(machine.pid1, "State") == "t", "PID 1 stands where it stood"
    second = machine.gdb()
    assert number(second.says("print/x $pc", r"\$1 = (0x[0-9a-f]+)")) == pc
    assert number(second.says("print ticks", r"\$2 = (\d+)")) == 0
    second.says("detach", "Detaching from")
    machine.runs_free()


def test_gdb_killed_while_pid_1_runs_leaves_it_running_without_its_breakpoints(boot):
    machine = boot("wait")
    machine.held()
    first = machine.gdb("break rarely", "continue")
    first.wait_for("Continuing")
    until("PID 1 runs", lambda: status(machine.pid1, "State") == "S")
    first.kill()
    assert status(machine.pid1, "State") in ("S", "R"), "nobody stops it"
    second = machine.gdb()
    before = number(second.says("print ticks", r"\$1 = (\d+)"))
    second.says("info breakpoints", "No breakpoints")
    # The instruction of the old breakpoint is gone too: it would be a SIGTRAP now.
    second.type("set var seldom = 1", "detach")
    second.wait_for("Detaching from")
    machine.runs_free()
    third = machine.gdb()
    after = number(third.says("print ticks", r"\$1 = (\d+)"))
    assert after >= before + 1000, "rarely() was called, and nothing happened"


def test_a_cable_pulled_in_the_middle_of_a_packet_does_not_hurt_the_next_session(boot):
    machine = boot("wait")
    machine.held()
    for part in (b"$qSuppor", b"$", b"$g#", b"$g#6", b"+$m1000,", b"\x03", b"ported+#aa", b"-"):
        stub = machine.stub()
        stub.socket.sendall(part)
        stub.close()
    machine.gdb("print/x $pc", "detach").wait_for("Detaching from")
    machine.runs_free()


def test_a_second_gdb_on_the_same_line_gets_a_session_of_its_own(boot):
    machine = boot("wait")
    machine.held()
    first = machine.gdb()
    pc = number(first.says("print/x $pc", r"\$1 = (0x[0-9a-f]+)"))
    second = machine.gdb()
    assert number(second.says("print/x $pc", r"\$1 = (0x[0-9a-f]+)")) == pc
    first.kill()
    second.says("break work", "Breakpoint 1 at")
    second.says("continue", r"Breakpoint 1, work")
    second.says("detach", "Detaching from")
    machine.runs_free()


@pytest.mark.parametrize("offset_ms", [-100, -30, -10, 0, 10, 30, 100])
def test_a_debugger_that_arrives_when_wait_ends_gets_a_whole_session(boot, offset_ms):
    machine = boot("wait=1")
    machine.held()
    deadline = time.monotonic() + 1 + offset_ms / 1000
    stub = machine.stub()
    while time.monotonic() < deadline:
        time.sleep(0.001)
    machine.explain(stub.session)
    machine.runs_free()
    until("gdbserver gone", lambda: not machine.servers())


def test_without_the_guard_a_trap_in_the_kill_spree_hangs_the_machine(boot):
    names = {name: call for call, name in load_matrix().call_names().items()}
    machine = boot("wait", ["lack", "agent", str(names["timer_create"]), "1", "38"])
    machine.held()
    gdb = machine.gdb("break between_stop_and_continue", "set var spree = 1", "continue")
    gdb.wait_for("Continuing")
    until("everybody stopped",
          lambda: status(machine.agent, "State") == "T" and status(machine.pid1, "State") == "t")
    time.sleep(2)  # that nothing happens can only be seen by waiting: ten periods of the guard
    assert "Breakpoint 1," not in gdb.read()
    assert status(machine.agent, "State") == "T"


def test_with_the_guard_a_trap_in_the_kill_spree_is_told_to_gdb(boot):
    machine = boot("wait")
    machine.held()
    gdb = machine.gdb("break between_stop_and_continue", "set var spree = 1", "continue")
    gdb.wait_for(r"Breakpoint 1, between_stop_and_continue")
    gdb.says("detach", "Detaching from")
    machine.runs_free()


def memory(pid):
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Private_Dirty:\s*(\d+)", text, re.MULTILINE)[1])


def test_fifty_rounds_on_demand_leave_nothing_behind(boot):
    machine = boot("demand")
    stub = machine.stub()

    def settled():
        """After a round gdbserver goes, and the agent has put its descriptors away when it is idle again."""
        until("gdbserver gone", lambda: not machine.servers())
        until("the agent idle", lambda: status(machine.agent, "State") == "S")
        return sorted(os.listdir(f"/proc/{machine.agent}/fd")), memory(machine.agent)

    for _ in range(3):  # the first rounds touch pages that stay
        stub.session()
    descriptors, kilobytes = settled()
    for _ in range(47):
        stub.session()
    until("the same descriptors", lambda: settled()[0] == descriptors)
    assert settled()[1] <= kilobytes + 8, "private memory of the agent, in KB"
    assert status(machine.pid1, "TracerPid") == "0"
    assert children(machine.pid1) == [machine.agent], "no process is left to PID 1"


GREETING = b"qSupported:multiprocess+;fork-events+;vfork-events+;exec-events+"


@pytest.mark.parametrize("carrier", [True, False], ids=["hangs-up", "serial"])
def test_a_knock_leaves_a_pid_1_that_runs_running(boot, carrier):
    machine = boot("demand", carrier=carrier)
    machine.ready()
    stub = machine.stub()
    stub.send(GREETING)
    assert b"PacketSize=" in stub.reply()
    machine.says("ready on")
    if carrier:
        stub.close()
    machine.explain(machine.runs_free)
    until("gdbserver gone", lambda: not machine.servers())
    machine.moves()
    assert "lost" not in machine.said()
    machine.gdb("print ticks", "detach").wait_for("Detaching from")
    machine.runs_free()


def test_a_knock_leaves_an_armed_pid_1_running_and_armed(boot):
    machine = boot("crash", carrier=True)
    machine.ready()
    stub = machine.stub()
    stub.send(GREETING)
    assert b"PacketSize=" in stub.reply()
    stub.close()
    machine.explain(machine.moves)
    assert status(machine.pid1, "TracerPid") != "0"
    machine.gdb("set var crash = 20", "detach").wait_for("Detaching from")
    machine.says("is held before it would die: SIGSEGV")


@pytest.mark.parametrize("carrier", [True, False], ids=["hangs-up", "serial"])
def test_a_knock_leaves_a_held_pid_1_held(boot, carrier):
    machine = boot("wait", carrier=carrier)
    machine.held()
    machine.ready()
    stub = machine.stub()
    stub.send(GREETING)
    assert b"PacketSize=" in stub.reply()
    stub.close()
    machine.stands()
    gdb = machine.gdb()
    assert number(gdb.says("print/x $pc", r"\$1 = (0x[0-9a-f]+)")) == address("_start")
    assert "lost" not in machine.said()


def test_a_knock_does_not_stop_the_clock_of_wait(boot):
    machine = boot("wait=1", carrier=True)
    machine.held()
    stub = machine.stub()
    stub.send(GREETING)
    assert b"PacketSize=" in stub.reply()
    stub.close()
    machine.says("no debugger came within 1 seconds")
    machine.runs_free()


def test_a_debugger_lost_while_pid_1_is_held_is_told_and_pid_1_goes_on_after_a_time(boot):
    machine = boot("demand", carrier=True)
    machine.ready()
    gdb = machine.gdb("break rarely")
    gdb.wait_for("Breakpoint 1 at")
    gdb.kill()
    machine.says("<1>gdbdebug: the debugger was lost; PID 1 stays held and waits 300 seconds for the next one on "
                 "ttyFAULT")
    machine.stands()
    machine.gdb("print ticks", "detach").wait_for("Detaching from")
    machine.runs_free()


def test_a_debugger_lost_in_the_hold_of_wait_with_seconds_gives_the_next_one_as_many(boot):
    machine = boot("wait", value="ttyFAULT,wait=4", carrier=True)
    machine.held()
    stub = machine.stub()
    stub.ask(GREETING)
    stub.ask(b"?")
    stub.close()
    machine.says("the debugger was lost; PID 1 stays held and waits 4 seconds for the next one")
    machine.says("no debugger came within 4 seconds; booting on")
    machine.runs_free()


def test_a_debugger_lost_in_the_hold_of_wait_leaves_it_held_and_that_is_told(boot):
    machine = boot("wait", carrier=True)
    machine.held()
    gdb = machine.gdb()
    gdb.says("print ticks", r"\$1 = 0")
    gdb.kill()
    machine.says("the debugger was lost; PID 1 stays held and waits for the next one on ttyFAULT")
    machine.held()


def test_a_debugger_lost_while_pid_1_runs_is_told(boot):
    machine = boot("demand", carrier=True)
    machine.ready()
    gdb = machine.gdb("break rarely", "continue")
    gdb.wait_for("Continuing")
    until("PID 1 runs", lambda: status(machine.pid1, "State") == "S")
    gdb.kill()
    machine.says("the debugger was lost; what it had set is taken out of PID 1, which runs on")
    machine.runs_free()
    machine.moves()


@pytest.mark.parametrize("how", ["fork", "vfork"])
def test_a_debugger_lost_at_a_fork_that_only_gdb_asked_for_leaves_pid_1_running(boot, how):
    machine = boot("demand", carrier=True)
    machine.ready()
    stub = machine.stub()
    assert b"fork-events+" in stub.ask(GREETING)
    stub.set("forks" if how == "fork" else "doze", 1)
    stub.send(b"vCont;c")
    assert b";%s:" % how.encode() in b";" + stub.reply().replace(b"T05", b";")
    stub.socket.sendall(b"+")
    stub.ask(b"qC")  # the acknowledgement has arrived
    stub.close()
    machine.explain(machine.runs_free)
    machine.explain(machine.moves)


def test_more_breakpoints_than_can_be_remembered_are_refused_and_all_others_are_taken_out(boot):
    machine = boot("demand", carrier=True)
    machine.ready()
    stub = machine.stub()
    stub.ask(GREETING)
    replies = [stub.ask(b"Z0,%x,1" % (address("lane") + number)) for number in range(1100)]
    assert replies[:1024] == [b"OK"] * 1024
    assert all(reply.startswith(b"E.gdbdebug: 1024 breakpoints are set") for reply in replies[1024:])
    stub.send(b"vCont;c")
    until("PID 1 runs", lambda: status(machine.pid1, "State") in ("S", "R"))
    stub.close()
    machine.runs_free()
    with open(f"/proc/{machine.pid1}/mem", "rb") as memory:
        memory.seek(address("lane"))
        assert memory.read(1200) == b"\x90" * 1200
    machine.gdb("set var walk = 1", "detach").wait_for("Detaching from")
    machine.runs_free()
    machine.moves()


def test_a_breakpoint_that_gdb_took_out_of_a_child_is_taken_out_of_pid_1(boot):
    machine = boot("demand", carrier=True)
    machine.ready()
    gdb = machine.gdb("break rarely", "set var forks = 5", "continue")
    gdb.wait_for("Detaching after fork")
    gdb.wait_for("Detaching after fork")
    until("PID 1 runs", lambda: status(machine.pid1, "State") == "S")
    gdb.kill()
    machine.runs_free()
    machine.gdb("set var seldom = 1", "detach").wait_for("Detaching from")
    machine.runs_free()
    machine.moves()


@pytest.mark.parametrize("mode", ["demand", "crash"])
def test_a_function_called_in_pid_1_and_then_detach_leaves_it_alive_and_armed(boot, mode):
    machine = boot(mode)
    machine.ready()
    gdb = machine.gdb("set var handle = 1" if mode == "demand" else "set var crash = 200", "break work", "continue")
    gdb.wait_for("Breakpoint 1, work")
    gdb.says("continue", "Breakpoint 1, work")
    gdb.says("print twice(4)", r"\$1 = 8")
    gdb.says("detach", "Detaching from")
    machine.explain(machine.moves)
    if mode == "demand":
        return machine.runs_free()
    assert "debugger detached; PID 1" not in machine.said()
    machine.says("is held before it would die: SIGSEGV")
    # At its end, too: what is called there does not keep PID 1 from dying when it is let go of.
    gdb = machine.gdb()
    gdb.says("print twice(5)", r"\$1 = 10")
    gdb.type("detach")
    machine.says("debugger detached; PID 1 now dies as it would have without gdbdebug")
    until("PID 1 has died", lambda: status(machine.pid1, "State") in (None, "Z"))
    return None


@pytest.mark.skipif(not shutil.which("lldb"), reason="no lldb")
@pytest.mark.parametrize("mode", ["demand", "crash"])
def test_lldb_detaches_with_a_watchpoint_and_a_breakpoint_in(boot, mode):
    machine = boot(mode)
    machine.ready()
    # With the host's platform lldb 19 takes process 1 for the one of this machine.
    commands = ["platform select remote-linux", f"target create {PROGRAM}",
                f"process connect unix-connect://{machine.path}", "breakpoint set --name rarely",
                "watchpoint set variable ticks", "process detach"]
    words = ["lldb", "--no-lldbinit", "--batch"]
    for command in commands:
        words += ["-o", command]
    text = subprocess.run(words, capture_output=True, text=True, timeout=3 * PATIENCE, check=False).stdout
    assert "Watchpoint created" in text and re.search(r"Process 1 detached", text), text
    machine.explain(machine.moves)
    machine.gdb("set var seldom = 1", "detach").wait_for("Detaching from")
    before = machine.ticks()
    until("rarely() was called, and nothing happened", lambda: machine.ticks() >= before + 1000)
    machine.moves()


@pytest.mark.parametrize("mode", ["demand", "crash"])
def test_tracing_ends_with_the_session(boot, mode):
    machine = boot(mode)
    machine.ready()
    gdb = machine.gdb("set disconnected-tracing on", "trace rarely", "tstart", "tstatus")
    gdb.wait_for("Target does not support disconnected tracing")
    gdb.wait_for("Trace is running")
    gdb.type("detach")
    gdb.wait_for("Detaching from")
    machine.explain(machine.moves)
    machine.gdb("set var seldom = 1", "detach").wait_for("Detaching from")
    before = machine.ticks()
    until("rarely() was called, and nothing happened", lambda: machine.ticks() >= before + 1000)


def test_a_dprintf_at_the_target_is_refused_and_printed_by_gdb(boot):
    machine = boot("demand")
    machine.ready()
    gdb = machine.gdb("set dprintf-style agent", 'dprintf work,"round %d\\n",ticks', "continue")
    gdb.wait_for("cannot run dprintf commands, falling back to GDB printf")
    # gdb sends the interrupt whenever it notices its user's Ctrl-C, also while it deals with a stop of its own.
    for _ in range(30):
        gdb.wait_for(r"round \d+")
        gdb.process.send_signal(2)
        gdb.wait_for("SIGINT")
        gdb.type("continue")
    gdb.wait_for(r"round \d+")
    gdb.process.send_signal(2)
    gdb.wait_for("SIGINT")
    gdb.says("detach", "Detaching from")
    machine.runs_free()
    machine.moves()


def asleep(machine, seconds):
    """PID 1 in uninterruptible sleep."""
    machine.gdb(f"set var doze = {seconds}", "detach").wait_for("Detaching from")
    until("PID 1 asleep", lambda: status(machine.pid1, "State") == "D")


def test_pid_1_in_uninterruptible_sleep_is_told_at_once_and_never_held_for_somebody_who_has_gone(boot):
    machine = boot("demand")
    machine.ready()
    asleep(machine, 8)
    stub = machine.stub()
    begun = time.monotonic()
    reply = stub.ask(GREETING).decode()
    assert time.monotonic() - begun < 5
    asleep_in = r"E\.gdbdebug: PID 1 is in uninterruptible sleep, in system call \d+, at \w+ in the kernel"
    assert re.search(asleep_in, reply), reply
    assert status(machine.pid1, "State") == "D"
    machine.says("<3>gdbdebug: PID 1 is in uninterruptible sleep, in system call")
    machine.says(r"<3>gdbdebug: PID 1's kernel stack, the innermost first: \w+")
    stub.close()
    states = set()
    until("PID 1 awake", lambda: (states.add(status(machine.pid1, "State")), "S" in states)[1])
    machine.moves()
    assert states <= {"D", "S", "R"}
    machine.gdb("print ticks", "detach").wait_for("Detaching from")
    machine.runs_free()


def test_pid_1_armed_and_in_uninterruptible_sleep_is_told_to_a_newcomer(boot):
    machine = boot("crash")
    machine.ready()
    asleep(machine, 8)
    stub = machine.stub()
    reply = stub.ask(GREETING).decode()
    assert "PID 1 is in uninterruptible sleep" in reply, reply
    stub.close()
    machine.moves()
    assert "lost" not in machine.said()


def test_ctrl_c_in_uninterruptible_sleep_is_told_why_pid_1_does_not_stop(boot):
    machine = boot("demand")
    machine.ready()
    stub = machine.stub()
    stub.ask(b"qSupported:multiprocess+")
    stub.set("doze", 6)
    stub.send(b"vCont;c")
    until("PID 1 asleep", lambda: status(machine.pid1, "State") == "D")
    stub.socket.sendall(b"\x03")
    stub.socket.settimeout(PATIENCE)
    text = stub.reply()
    stub.socket.sendall(b"+")
    assert text.startswith(b"O") and b"PID 1 is in uninterruptible sleep" in bytes.fromhex(text[1:].decode())
    assert stub.reply().startswith(b"T"), "awake, it stops: for the Ctrl-C, or for the SIGCHLD that came first"
    stub.socket.sendall(b"+")
    assert stub.ask(b"D;1") == b"OK"
    machine.runs_free()
