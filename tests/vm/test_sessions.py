# SPDX-License-Identifier: GPL-2.0-or-later
"""Debuggers come and go; PID 1 and the boot do not care. On demand, lost debuggers, refused packets, the hello."""

import json
import re
import subprocess
import time

import pytest
from harness import BUILD, MACHINE, SYSROOT, TARGET, GdbError, Rsp, Tap, Timeout, gdb_batch, probe_image, scaled

PROBE = BUILD / "tests" / "vm" / "probe"
ON_DEMAND = "rd.gdbdebug=ttyS1 REPORT=no"
ROUNDS = 50


def census(machine, after=None):
    """What the probe tells of all processes, the next time it does: {pid: {...}} and the machine's memory in KiB."""
    after = len(machine.probe.text) if after is None else after
    text = machine.wait_probe(r"(?s)\{\"census\":.*?\"census_end\":true\}\n", 60, after).group(0)
    found = json.loads(text)
    memory = {name: int(kib) for name, kib in re.findall(r"^(\w+): +(\d+) kB$", found["meminfo"], re.MULTILINE)}
    return {one["pid"]: one for one in found["census"]}, memory


def of_ours(processes):
    return {pid: one for pid, one in processes.items() if one["cmdline"].startswith("@")}


def shape(processes):
    """What a session must leave as it was: the processes, their states and how many descriptors each has open."""
    return {pid: (one["cmdline"], one["files"], one["state"].replace("R", "S")) for pid, one in processes.items()}


def census_after_session(machine, before, seconds=20):
    """The first census that looks as `before` did. PID 1 goes on as soon as gdbserver lets go of it, and is told of
    here before gdbserver has ended and the agent has seen that; whatever stays ends in an assertion."""
    limit = time.monotonic() + scaled(seconds)
    while True:
        after, memory = census(machine)
        if shape(after) == shape(before):
            return after, memory
        assert time.monotonic() < limit, f"left behind by a session:\n{shape(before)}\n{shape(after)}"


def wait_running(machine):
    """PID 1 ticks on from here."""
    machine.wait_probe(r"\.\.", after=len(machine.probe.text))


def standing_still(machine):
    """PID 1 does not tick: nothing comes in ten times the period in which something would."""
    before = len(machine.probe.text)
    with pytest.raises(Timeout):
        machine.wait_probe(r"\.", 0.5, after=before)


def meet(gdb, machine, seconds=60):
    debugger = gdb(str(PROBE))
    debugger.command(f"set sysroot {SYSROOT}")
    debugger.connect(machine.debug, seconds)
    return debugger


def test_on_demand_there_is_no_gdbserver_until_a_debugger_speaks(boot, gdb, helper):
    machine = boot(probe_image(), f"{ON_DEMAND} PROBE=census")
    machine.wait_for("gdbdebug: ready on ttyS1 .*; PID 1 runs; a debugger can attach at any time")
    before, _ = census(machine)
    (agent,) = of_ours(before).values()
    # A session of its own without a terminal; the last that the out-of-memory killer picks, but one that it may pick.
    assert agent["parent"] == 1 and agent["session"] == agent["pid"] and agent["terminal"] == 0, agent
    assert agent["oom_score_adj"] == "-900\n"
    assert re.search(r"^Umask:\t0022$", agent["status"], re.MULTILINE)
    assert machine.ask_hello()["state"] == "running"
    assert set(census(machine)[0]) == set(before), "a newline is no debugger"

    debugger = meet(gdb, machine)
    standing_still(machine)
    assert re.search(r"#\d+ .* main \(", debugger.command("backtrace"))
    debugger.command("break tick")
    first = debugger.resume()
    assert first["reason"] == "breakpoint-hit" and first["frame"]["func"] == "tick", first
    debugger.command("detach")
    wait_running(machine)
    census_after_session(machine, before)


def test_fifty_rounds_leave_nothing_behind(boot, helper):
    """Every round attaches a gdbserver, reads and detaches. No process, no descriptor, no memory stays."""
    machine = boot(probe_image(), f"{ON_DEMAND} PROBE=census")
    machine.wait_for("gdbdebug: ready on ttyS1")
    idle, _ = census(machine)
    with Rsp(machine.debug) as debugger:
        def one_round():
            stop = debugger.greet()
            assert stop.startswith("T02") or stop.startswith("T05") or stop.startswith("T00"), stop
            assert len(debugger.ask("g")) > 100
            assert debugger.ask("D;1") == "OK"
        one_round()
        before, memory_before = census_after_session(machine, idle)
        growth = []
        # Twice: what leaks shows both times, while the kernel's lists of free pages (which MemAvailable does not count)
        # are filled once, with as much as a small leak.
        for _ in range(2):
            for _ in range(ROUNDS):
                one_round()
            after, memory_after = census_after_session(machine, idle)
            growth.append({name: memory_after[name] - memory_before[name]
                           for name in ("Slab", "PageTables", "AnonPages", "Shmem", "KernelStack")} |
                          {"not available": memory_before["MemAvailable"] - memory_after["MemAvailable"]})
            memory_before = memory_after
    # Address space: the kernel's count of pages in use is kept per CPU and lags behind.
    sizes = [{pid: re.search(r"VmSize:\s+(\d+)", one["status"]).group(1) for pid, one in of_ours(each).items()}
             for each in (before, after)]
    print(f"{ROUNDS} rounds, twice: agent's VmSize {sizes[0]} -> {sizes[1]} KiB, {growth} KiB")
    # Five KiB a round: a page that stays each time would show. The kernel's own caches are smaller than that.
    assert sizes[0] == sizes[1] and all(min(each[name] for each in growth) < 5 * ROUNDS for name in growth[0]), growth


def test_a_gdb_that_is_killed_leaves_pid_1_as_it_was(boot, gdb, helper):
    machine = boot(probe_image(), f"{ON_DEMAND} PROBE=spin")
    machine.wait_probe(r"spinning\n\.\.")

    # Held: it stays held, and the next one finds it at the same place, with no breakpoint in memory.
    first = meet(gdb, machine)
    original = first.command("x/8bx &crash_by_undefined")
    first.command("break tick")
    first.resume()
    first.command("break crash_by_undefined")
    first.command("stepi")
    first.expect_stop()
    pc = first.value("(unsigned long) $pc")
    first.kill()
    assert machine.ask_hello()["state"] == "held"
    standing_still(machine)
    second = meet(gdb, machine)
    assert second.value("(unsigned long) $pc") == pc
    assert second.command("x/8bx &crash_by_undefined") == original

    # Running, with a breakpoint that it does not reach: it runs on.
    second.command("break crash_by_undefined")
    second.command("continue")
    wait_running(machine)
    second.kill()
    assert machine.ask_hello()["state"] == "running"
    wait_running(machine)
    third = meet(gdb, machine)
    assert third.command("x/8bx &crash_by_undefined") == original
    assert re.search(r"#\d+ .* main \(", third.command("backtrace"))

    # Running, with one that it reaches when nobody is there any more: after gdb's repetitions it goes on.
    third.command(f"break tick if number == {third.value('ticks', 'd') + 15}")
    third.command("continue")
    wait_running(machine)
    third.kill()
    machine.wait_probe(r"\.{15}", after=len(machine.probe.text))
    fourth = meet(gdb, machine)
    fourth.command("set var finish = 1")
    fourth.command("continue")
    assert machine.wait_end() == "poweroff"


@pytest.mark.parametrize("cut_after", [7, 150, 1500])
def test_a_line_that_is_cut_in_the_middle_of_a_packet(boot, gdb, directory, helper, cut_after):
    machine = boot(probe_image(), "rd.gdbdebug=ttyS1,wait REPORT=no PROBE=spin:2")
    machine.wait_for("gdbdebug: ready on ttyS1")
    with Tap(machine.debug, cut_after=cut_after) as tap:
        text = gdb_batch(directory,
                         [f"set sysroot {SYSROOT}", f"target remote {tap.path}", "info registers", "x/4096bx $sp"],
                         arguments=[str(PROBE)])
        assert re.search("Remote connection closed|Connection reset|Broken pipe", text), text
        assert len(tap.to_target) == cut_after
        debugger = gdb(str(PROBE))
        debugger.command(f"set sysroot {SYSROOT}")
        debugger.connect(tap.path)
        debugger.command("break main")
        assert debugger.resume()["frame"]["func"] == "main"
        debugger.command("detach")
    assert machine.wait_end() == "poweroff"


def test_a_second_debugger_on_the_same_line_begins_anew(boot, helper):
    """A serial cable has no end of a connection: the second gdb's packets follow the first one's."""
    machine = boot(probe_image(), f"{ON_DEMAND} PROBE=spin")
    machine.wait_probe(r"spinning\n\.\.")
    with Rsp(machine.debug) as line:
        line.greet()
        pc = re.search(rf"{TARGET.pc_number:02x}:([0-9a-f]{{16}});", line.ask("?")).group(1)
        here = f"{int.from_bytes(bytes.fromhex(pc), 'little'):x}"
        original = line.ask(f"m{here},8")
        assert line.ask(f"Z0,{here},1") == "OK"
        assert line.greet().startswith("T")  # the second, while PID 1 is held
        assert line.ask(f"m{here},8") == original
        line.send("vCont;c")
        wait_running(machine)
        assert line.greet().startswith("T")  # the third, while it runs
        assert line.ask(f"m{here},8") == original
        assert line.ask("D;1") == "OK"
    wait_running(machine)


def test_what_would_panic_the_machine_is_refused(boot, gdb, directory, helper):
    machine = boot(probe_image(), f"{ON_DEMAND} PROBE=spin")
    machine.wait_probe(r"spinning\n\.\.")
    with Rsp(machine.debug) as line:
        line.greet()
        for packet, why in (("vKill;1", "panic"), ("R00", "panic"), ("vRun;2f62696e2f7368", "only PID 1"),
                            ("vAttach;2", "only PID 1"), ("QNonStop:1", "non-stop")):
            reply = line.ask(packet)
            assert reply.startswith("E.gdbdebug: ") and why in reply, (packet, reply)
        line.send("k")  # has no reply
        assert line.ask("?").startswith("T")
        assert line.ask("D;1") == "OK"
    wait_running(machine)

    # What gdb makes of it, in its own words.
    debugger = gdb(str(PROBE))
    debugger.command(f"set sysroot {SYSROOT}")
    debugger.command(f"target extended-remote {machine.debug}")
    debugger.expect_stop()
    for command, words in (("kill", "Can't kill process"), ("run", "Can't kill process|failed"),
                           ("attach 2", "Can't kill process|ttaching to .* failed")):
        with pytest.raises(GdbError, match=words):
            debugger.command(command)
    assert re.search(r"#\d+ .* main \(", debugger.command("backtrace"))
    debugger.command("detach")
    debugger.quit()
    wait_running(machine)
    text = gdb_batch(directory, [f"set sysroot {SYSROOT}", "set non-stop on", f"target remote {machine.debug}"])
    assert "Non-stop mode requested, but remote does not support non-stop" in text, text
    # That gdb hung up without a word, which a UART does not tell: PID 1 is held for the next one.
    debugger = gdb()
    debugger.command("set sysroot")
    debugger.connect(machine.debug)
    debugger.command("detach")
    wait_running(machine)


@pytest.mark.parametrize("early", [0.4, 0.1, -0.2])
def test_a_debugger_in_the_very_second_in_which_the_wait_ends(boot, helper, early):
    """It gets a whole session, before or after; and the boot goes on."""
    machine = boot(probe_image(), "rd.gdbdebug=ttyS1,wait=2 REPORT=no PROBE=spin:60")
    machine.wait_for("gdbdebug: ready on ttyS1 .* waits 2 seconds")
    with Rsp(machine.debug) as debugger:
        time.sleep(2 - early)  # this is what is tested, not something that is waited for
        assert debugger.greet().startswith("T")
        assert len(debugger.ask("g")) > 100
        standing_still(machine)
        assert debugger.ask("D;1") == "OK"
    assert machine.wait_end() == "poweroff"


def test_an_expired_wait_is_a_clean_detach_and_then_on_demand(boot, gdb, helper):
    machine = boot(probe_image(), "rd.gdbdebug=ttyS1,wait=1 REPORT=no PROBE=census")
    machine.wait_for("gdbdebug: no debugger came within 1 seconds; booting on, a debugger can still attach")
    machine.wait_probe(r"\.\.")
    waited = (machine.time_of(r"\.", machine.probe) - machine.time_of("gdbdebug: ready on ttyS1"))
    assert 0.8 < waited < 4, f"expected: about a second\ngot: {waited:.1f} s"
    (agent,) = of_ours(census(machine)[0]).values()
    assert agent["parent"] == 1
    debugger = meet(gdb, machine)
    debugger.command("set var finish = 1")
    debugger.command("continue")
    assert machine.wait_end() == "poweroff"


def test_a_killed_agent_is_no_lost_boot(boot, helper):
    """PID 1 is held by a gdbserver that was there when it executed the real init, and the agent is killed. gdbserver
    must die with it and not do what it does at the end of a connection: kill what it takes for its own."""
    machine = boot(probe_image(), "rd.gdbdebug=ttyS1,wait REPORT=no PROBE=kill-agent")
    machine.wait_for("gdbdebug: ready on ttyS1")
    with Rsp(machine.debug) as debugger:
        debugger.greet()
        debugger.send("vCont;c")
        machine.wait_probe(r"spinning\n\.\.")
        debugger.socket.sendall(b"\x03")
        killed = machine.wait_probe(r"probe: the agent, \d+, was killed: 0")
    machine.wait_probe(r"\.\.", 10, after=killed.end())
    assert machine.wait_end() == "poweroff"


def test_the_hello_says_who_is_here(boot, gdb, helper):
    machine = boot(probe_image(), "rd.gdbdebug=ttyS1,wait REPORT=no PROBE=spin")
    machine.wait_for("gdbdebug: ready on ttyS1")
    notes = subprocess.run(["readelf", "-n", str(PROBE)], capture_output=True, text=True, check=True).stdout
    expected = {"pid": "1", "exe": "/usr/bin/probe", "machine": MACHINE,
                "build_id": re.search(r"Build ID: ([0-9a-f]+)", notes).group(1)}
    hello = machine.ask_hello()
    assert hello.pop("version") and hello.pop("state") == "held", hello
    assert hello == {**expected, "held": "1:init:start"}, hello
    debugger = meet(gdb, machine)
    debugger.command("continue")
    machine.wait_probe(r"spinning\n\.\.")
    debugger.interrupt()
    debugger.expect_stop()
    debugger.command("detach")
    debugger.quit()
    wait_running(machine)
    hello = machine.ask_hello()
    assert hello.pop("version") and hello.pop("state") == "running" and hello == expected, hello
