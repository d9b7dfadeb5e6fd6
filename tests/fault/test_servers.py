# SPDX-License-Identifier: GPL-2.0-or-later
"""The life of gdbserver: what a session turned on in it ends with the session, and one that ends or does not answer is
replaced. The real helper, gdbserver and gdb, and no machine, as in test_sessions.py; the real init is servers.c, which
forks, has threads and crashes as a debugger sets its variables.
"""

import os
import signal
from pathlib import Path

import pytest
import test_sessions as sessions
from test_sessions import PATIENCE, number, status, until

PROGRAM = sessions.BUILD / "tests/fault/fault-servers"
pytestmark = [*sessions.pytestmark[:2], pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not built")]


class Boot(sessions.Boot):
    def logged(self, text):
        """In the kernel log."""
        until(f"a message with {text!r}", lambda: text in self.said())

    def runs(self):
        """It goes on, whoever traces it."""
        before = self.ticks()
        until("PID 1 running", lambda: self.ticks() > before + 20)

    def runs_armed(self):
        """It goes on, and is watched by the agent alone, which traces nothing else."""
        self.runs()
        until("PID 1 traced by the agent", lambda: status(self.pid1, "TracerPid") == str(self.agent))
        until("nothing else traced", lambda: self.traced() == [self.pid1])
        until("no gdbserver", lambda: not self.servers())

    def server(self):
        return int(status(self.pid1, "TracerPid"))

    def traced(self):
        """The processes of this boot that are traced."""
        servers = {str(pid) for pid in [self.agent, *self.servers()]}
        numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return sorted(pid for pid in numbers if status(pid, "TracerPid") in servers)


@pytest.fixture(autouse=True)
def program(monkeypatch):
    monkeypatch.setattr(sessions, "PROGRAM", PROGRAM)
    monkeypatch.setattr(sessions, "Boot", Boot)
    sessions.symbols.cache_clear()
    yield
    sessions.symbols.cache_clear()


boot = sessions.boot


# ---- what a session turned on ends with it ----

ARMED = {"mode": "crash", "value": "ttyFAULT,wait,crash"}


def goes(gdb, how):
    """The debugger's end."""
    if how == "detach":
        gdb.says("detach", "Detaching from")
    elif how == "quit":
        gdb.type("quit")
        gdb.process.wait(PATIENCE)
    else:
        gdb.kill()


@pytest.mark.parametrize("how", ["detach", "quit"])
@pytest.mark.parametrize("forks", [1, 2])
def test_after_a_session_an_armed_pid_1_forks_as_it_likes(boot, how, forks):
    machine = boot(**ARMED)
    machine.held()
    gdb = machine.gdb(f"set var forks = {forks}", "break work", "continue")
    gdb.wait_for("Breakpoint 1, work")
    goes(gdb, how)
    machine.explain(machine.runs_armed)
    machine.gdb("print ticks", "detach").wait_for("Detaching from")
    machine.explain(machine.runs_armed)
    after = machine.gdb("set var crash = 1", "continue")
    after.wait_for("Program received signal SIGSEGV")


@pytest.mark.parametrize("forks", [1, 2])
def test_a_debugger_killed_while_an_armed_pid_1_forks_leaves_it_running(boot, forks):
    machine = boot(**ARMED)
    machine.held()
    gdb = machine.gdb(f"set var forks = {forks}", "catch syscall getppid", "continue")
    gdb.wait_for("Continuing")
    machine.runs()
    gdb.kill()
    machine.gdb("print ticks", "detach").wait_for("Detaching from")
    machine.explain(machine.runs_armed)


def test_a_detached_child_that_faults_is_not_pid_1_s_end(boot):
    machine = boot(**ARMED)
    machine.held()
    machine.gdb("set var forks = 3", "break work", "continue", "detach").wait_for("Detaching from")
    machine.explain(machine.runs_armed)
    assert "before it would die" not in machine.said()


@pytest.mark.parametrize("how", ["detach", "killed"])
@pytest.mark.parametrize("mode", [ARMED, {"mode": "wait"}])
def test_children_that_a_debugger_kept_run_on_when_it_goes(boot, mode, how):
    machine = boot(**mode)
    machine.held()
    gdb = machine.gdb("set detach-on-fork off", "set var forks = 4", "catch fork", "continue")
    gdb.wait_for("Catchpoint 1")
    gdb.type("break work", "next", "continue")
    gdb.wait_for("Breakpoint 2")
    child = until("a traced child", lambda: [pid for pid in machine.traced() if pid != machine.pid1])[0]
    if how == "detach":
        gdb.type("detach inferiors 1")
        gdb.wait_for("Detaching from")
        machine.runs()
        assert machine.traced() == [child], "the debugger still has it"
        gdb.type("detach inferiors 2")
        gdb.wait_for("Detaching from")
    else:
        gdb.kill()
        machine.gdb("detach").wait_for("Detaching from")
    machine.explain(machine.runs_armed if mode is ARMED else machine.runs_free)
    until("the child runs on", lambda: status(child, "TracerPid") == "0" and status(child, "State") == "S")


@pytest.mark.parametrize("how", ["detach", "killed", "quit", "exits"])
@pytest.mark.parametrize("mode", [ARMED, {"mode": "wait"}])
def test_a_debugger_that_follows_a_child_leaves_pid_1_running(boot, mode, how):
    machine = boot(**mode)
    machine.held()
    gdb = machine.gdb("set follow-fork-mode child", "break in_child", "set var forks = 1", "continue")
    gdb.wait_for(r"Breakpoint 1, in_child")
    gdb.says("print kind", r"\$1 = 1")
    machine.logged("the debugger goes on with another process; PID 1 runs")
    if how == "exits":
        gdb.type("set var forks = 0", "continue")
        gdb.wait_for("exited with code 077")
    else:
        goes(gdb, how)
    if how == "killed":
        machine.gdb("detach").wait_for("Detaching from")
    machine.explain(machine.runs_armed if mode is ARMED else machine.runs_free)


def test_ctrl_c_stops_the_child_that_is_debugged(boot):
    machine = boot("wait")
    machine.held()
    gdb = machine.gdb("set follow-fork-mode child", "break in_child", "set var forks = 4", "continue")
    gdb.wait_for(r"Breakpoint 1, in_child")
    gdb.type("continue")
    gdb.wait_for("Continuing")
    child = next(pid for pid in machine.traced() if pid != machine.pid1)
    until("the child runs", lambda: status(child, "State") == "S")
    gdb.process.send_signal(signal.SIGINT)
    gdb.wait_for("received signal SIGINT")
    gdb.says("detach", "Detaching from")
    machine.runs_free()


def test_a_debugger_lost_at_a_fork_leaves_the_child_to_itself(boot):
    machine = boot("wait")
    machine.held()
    first = machine.gdb("set var forks = 4", "catch fork", "continue")
    first.wait_for("Catchpoint 1")
    child = until("a traced child", lambda: [pid for pid in machine.traced() if pid != machine.pid1])[0]
    first.kill()
    machine.gdb("detach").wait_for("Detaching from")
    machine.explain(machine.runs_free)
    until("the child runs on", lambda: status(child, "TracerPid") == "0" and status(child, "State") == "S")


@pytest.mark.parametrize("way", ["detach", "killed"])
def test_threads_of_an_armed_pid_1_go_on_after_a_session(boot, way):
    machine = boot(**ARMED)
    machine.held()
    gdb = machine.gdb("set var threads = 3", "break count", "continue")
    gdb.wait_for("hit Breakpoint 1|Breakpoint 1, count")
    if way == "killed":
        gdb.type("delete", "continue")
        gdb.wait_for("Continuing")
        machine.runs()
    goes(gdb, way)
    if way == "killed":
        machine.gdb("detach").wait_for("Detaching from")
    machine.explain(machine.runs_armed)
    threads = [f"{machine.pid1}/task/{task.name}" for task in Path(f"/proc/{machine.pid1}/task").iterdir()]
    until("every thread running", lambda: all(status(thread, "State") in "SR" for thread in threads))
    machine.gdb("set var crash = 1", "continue").wait_for("received signal SIGSEGV")


# ---- a gdbserver that ends, or does not answer ----


def test_monitor_exit_is_refused(boot):
    machine = boot("wait")
    machine.held()
    gdb = machine.gdb()
    gdb.says("monitor exit", "monitor exit would kill PID 1")
    gdb.says("print ticks", r"\$1 = 0")
    gdb.says("detach", "Detaching from")
    machine.runs_free()


@pytest.mark.parametrize("mode", [ARMED, {"mode": "wait"}])
def test_a_gdbserver_killed_at_a_hold_is_replaced_and_pid_1_stands_where_it_stood(boot, mode):
    machine = boot(**mode)
    machine.held()
    pc = number(machine.gdb().says("print/x $pc", r"\$1 = (0x[0-9a-f]+)"))
    machine.clients.pop().kill()
    os.kill(machine.server(), signal.SIGKILL)
    machine.logged("gdbserver has ended by itself; PID 1 stays held, under another one")
    second = machine.gdb()
    assert number(second.says("print/x $pc", r"\$1 = (0x[0-9a-f]+)")) == pc
    assert number(second.says("print ticks", r"\$2 = (\d+)")) == 0
    second.says("detach", "Detaching from")
    machine.explain(machine.runs_armed if mode is ARMED else machine.runs_free)


@pytest.mark.parametrize("mode", [ARMED, {"mode": "wait"}])
def test_a_gdbserver_killed_at_a_breakpoint_leaves_no_breakpoint(boot, mode):
    machine = boot(**mode)
    machine.held()
    gdb = machine.gdb("break work", "watch seldom", "hbreak rarely", "continue")
    gdb.wait_for("Breakpoint 1, work")
    os.kill(machine.server(), signal.SIGKILL)
    machine.logged("gdbserver has ended by itself; PID 1 stays held, under another one")
    gdb.kill()
    second = machine.gdb()
    second.says("print $pc == work || $pc == 'session.c'::work", r"\$1 = \d|No symbol")
    second.says("info symbol $pc", "work in section .text")
    second.says("x/i $pc", "mov|add")
    second.says("set var seldom = 1", "")
    second.says("detach", "Detaching from")
    machine.explain(machine.runs_armed if mode is ARMED else machine.runs_free)
    machine.runs()


@pytest.mark.parametrize("mode", [ARMED, {"mode": "wait"}])
def test_a_gdbserver_killed_while_pid_1_runs_leaves_it_running(boot, mode):
    machine = boot(**mode)
    machine.held()
    gdb = machine.gdb("break rarely", "continue")
    gdb.wait_for("Continuing")
    machine.runs()
    os.kill(machine.server(), signal.SIGKILL)
    machine.logged("gdbserver has ended by itself")
    machine.explain(machine.runs_armed if mode is ARMED else machine.runs_free)
    gdb.kill()
    machine.gdb("set var seldom = 1", "detach").wait_for("Detaching from")
    machine.explain(machine.runs_armed if mode is ARMED else machine.runs_free)


def test_a_gdbserver_killed_at_pid_1_s_end_leaves_it_held(boot):
    machine = boot(**ARMED)
    machine.held()
    machine.gdb("set var crash = 1", "detach").wait_for("Detaching from")
    machine.logged("before it would die")
    assert not machine.servers(), "the agent holds it"
    machine.gdb().says("bt", "#0 .*main")
    machine.clients.pop().kill()
    os.kill(machine.server(), signal.SIGKILL)
    machine.logged("gdbserver has ended by itself; PID 1 stays held")
    until("held once more", lambda: machine.said().count("before it would die") >= 2)
    gdb = machine.gdb()
    gdb.says("bt", "#0 .*main")


def test_a_gdbserver_that_does_not_answer_is_replaced_when_somebody_knocks(boot):
    machine = boot("wait")
    machine.held()
    stub = machine.stub()
    stub.ask(b"qSupported:multiprocess+")
    pc = sessions.address("work")
    assert stub.ask(b"Z0,%x,1" % pc) == b"OK"
    assert stub.ask(b"vCont;c").startswith(b"T05")
    os.mkfifo(f"/proc/{machine.agent}/root/fifo")
    stub.send(b"vFile:open:2f6669666f,0,0")
    until("gdbserver waits", lambda: "fifo" in Path(f"/proc/{machine.server()}/wchan").read_text() or
          status(machine.server(), "State") == "S")
    gdb = machine.gdb()
    gdb.says("info symbol $pc", "work in section .text")
    machine.logged("gdbserver does not answer; PID 1 stays held, under another one")
    gdb.says("detach", "Detaching from")
    machine.runs_free()
    machine.runs()
