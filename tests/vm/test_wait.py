# SPDX-License-Identifier: GPL-2.0-or-later
"""rd.gdbdebug=ttyS1,wait: a plain gdb stands at the very first instruction of the real init, with no command given."""

import re

import pytest
from harness import BUILD, GdbError, gdb_batch, image, probe_image
from harness.checks import assert_at_start, assert_same, comparable

READY = r"gdbdebug: ready on ttyS1 at 115200n8; PID 1 is held"
PROBE = BUILD / "tests" / "vm" / "probe"


def linker():
    """The dynamic linker of the probe, on this machine: the last of its libraries that ldd names."""
    return next(file for name, file in image.libraries_of(PROBE) if "/ld-linux" in name)


def without_us(boot):
    machine = boot(probe_image(), "rdinit=/usr/lib/gdbdebug/init", name="without")
    return comparable(machine.report())


def test_plain_gdb_stands_at_the_first_instruction(boot, gdb, helper):
    machine = boot(probe_image(), "rd.gdbdebug=ttyS1,wait")
    machine.wait_for(READY)
    debugger = gdb()
    debugger.command("set sysroot")
    stop = debugger.connect(machine.debug)
    assert stop.get("signal-name", "SIGTRAP") in ("SIGTRAP", "0"), stop
    assert_at_start(debugger, linker())
    assert machine.probe.text == "", "the real init has run before gdb came"
    debugger.command("detach")
    machine.report()
    assert machine.wait_end() == "poweroff"


def test_gdb_in_batch_with_nothing_but_target_remote(boot, directory, helper):
    machine = boot(probe_image(), "rd.gdbdebug=ttyS1,wait")
    machine.wait_for(READY)
    text = gdb_batch(directory, ["set sysroot", f"target remote {machine.debug}", "info inferiors", "detach"])
    assert re.search(r"_start|in \?\? \(\)", text), text
    assert "Remote connection closed" not in text and "rror" not in text, text
    assert machine.wait_end() == "poweroff"


def test_break_main_stops_in_main_of_a_position_independent_init(boot, connected, helper):
    machine = boot(probe_image(), "rd.gdbdebug=ttyS1,wait word PROBE=spin:1")
    machine.wait_for(READY)
    debugger = connected(machine, str(PROBE))
    debugger.command("break main")
    stop = debugger.resume()
    assert stop["reason"] == "breakpoint-hit" and stop["frame"]["func"] == "main", stop
    assert debugger.value("argc", "d") == 2
    assert machine.probe.text == ""
    backtrace = debugger.command("backtrace")
    assert re.search(r"#0 +main \(argc=2", backtrace), backtrace
    debugger.command("tbreak tick")
    stop = debugger.resume()
    assert stop["frame"]["func"] == "tick", stop
    debugger.command("detach")
    assert machine.wait_end() == "poweroff"


def test_on_means_one_child_more(boot, connected, helper):
    expected = without_us(boot)
    machine = boot(probe_image(), "rd.gdbdebug=ttyS1,wait", name="with")
    machine.wait_for(READY)
    debugger = connected(machine)
    debugger.command("detach")
    report = machine.report()
    assert report["argv"] == ["/init"]
    got = comparable(report)
    assert len(got["children"]) == 1 and got["children"][0].startswith("@"), got["children"]
    assert got["dead_child"] == 0
    # SigQ counts what all processes of a user have queued: the agent's timer is in it.
    assert_same(expected, got, but=("children", "has_children", "status.SigQ"))


def test_a_session_that_goes_on_shows_only_the_tracer(boot, connected, helper):
    expected = without_us(boot)
    machine = boot(probe_image(), "rd.gdbdebug=ttyS1,wait", name="with")
    machine.wait_for(READY)
    debugger = connected(machine)
    debugger.command("continue")
    report = machine.report()
    got = comparable(report)
    assert got["status"]["TracerPid"] != "0"
    # The out-of-memory killer may take both, and the agent first: gdbserver dies with it.
    ours = {one["argv"].split("\0")[0]: one["oom_score_adj"] for one in report["processes"] if one["argv"][:1] == "@"}
    assert ours == {"@gdbdebug-agent": -900, "@gdbserver": -999}, ours
    assert len(got["children"]) == 1, got["children"]
    assert_same(expected, got, but=("children", "has_children", "status.SigQ", "status.TracerPid"))
    assert machine.wait_end() == "poweroff"


def test_wait_with_seconds_and_nobody_there_boots_on(boot, helper):
    expected = without_us(boot)
    machine = boot(probe_image(), "rd.gdbdebug=ttyS1,wait=3", name="with")
    report = machine.report()
    ready = machine.wait_for(r"^\[ *([\d.]+)\] gdbdebug: ready on ttyS1")
    over = machine.wait_for(r"^\[ *([\d.]+)\] gdbdebug: no debugger came within 3 seconds")
    waited = float(over.group(1)) - float(ready.group(1))
    assert 2.9 <= waited < 6, f"expected: some 3 s between the messages\ngot: {waited:.1f} s"
    got = comparable(report)
    assert got["status"]["TracerPid"] == "0"
    assert len(got["children"]) == 1, got["children"]
    assert_same(expected, got, but=("children", "has_children", "status.SigQ"))
    assert machine.wait_end() == "poweroff"


def test_gdb_that_connects_before_the_machine_starts(boot, gdb, helper):
    """The published order: QEMU waits for gdb, and gdb's first packets arrive before there is anybody to read them."""
    machine = boot(probe_image(), "rd.gdbdebug=ttyS1,wait", debug="first", loglevel=4)
    debugger = gdb(str(PROBE))
    debugger.command("set sysroot")
    try:
        debugger.connect(machine.debug, 30)
    except GdbError:
        ready = machine.time_of("gdbdebug: ready on ttyS1")
        if ready > 5.5:
            pytest.skip(f"this machine was ready after {ready:.1f} s, and gdb's retries last for some 6 s")
        raise
    assert_at_start(debugger, linker())
    debugger.command("break main")
    stop = debugger.resume()
    assert stop["frame"]["func"] == "main", stop
    debugger.command("detach")
    assert machine.wait_end() == "poweroff"


@pytest.mark.parametrize("action", ["spin", "spin-blocked"])
def test_ctrl_c_stops_a_running_pid_1(boot, connected, helper, action):
    """systemd blocks every signal and takes them from a descriptor: Ctrl-C must stop it all the same."""
    machine = boot(probe_image(), f"rd.gdbdebug=ttyS1,wait PROBE={action}")
    machine.wait_for(READY)
    debugger = connected(machine, str(PROBE))
    for _ in range(3):
        before = len(machine.probe.text)
        debugger.command("continue")
        machine.wait_probe(r"probe: spinning\n\.\.+$" if not before else r"\.\.", after=before)
        debugger.interrupt()
        stop = debugger.expect_stop()
        assert stop["reason"] == "signal-received", stop
    assert debugger.value("ticks", "d") > 0
    # Not detach: the machine would be off before gdb has the answer.
    debugger.command("set var finish = 1")
    debugger.command("continue")
    assert machine.wait_end() == "poweroff"


def test_a_quiet_boot_still_says_that_it_is_ready(boot, connected, helper):
    """`quiet` (log level 4) hides what is less than a warning; a machine that waits must say so all the same."""
    machine = boot(probe_image(), "quiet rd.gdbdebug=ttyS1,wait", loglevel=4)
    machine.wait_for(READY)
    assert "Run /init" not in machine.console.text
    debugger = connected(machine)
    debugger.command("detach")
    assert machine.wait_end() == "poweroff"


@pytest.mark.parametrize("speed,shown", [("9600n8", "9600n8"), ("57600", "57600n8")])
def test_the_speed_that_was_asked_for_is_set(boot, connected, helper, speed, shown):
    machine = boot(probe_image(), f"rd.gdbdebug=ttyS1,{speed},wait")
    machine.wait_for(f"gdbdebug: ready on ttyS1 at {shown};")
    debugger = connected(machine)
    debugger.command("detach")
    assert machine.wait_end() == "poweroff"


def test_a_bare_parameter_takes_the_default_of_the_image(boot, helper):
    machine = boot(probe_image(configuration='# from the image\ndefault="ttyS1,57600,wait=1"\n'), "rd.gdbdebug")
    machine.wait_for("gdbdebug: ready on ttyS1 at 57600n8;")
    assert machine.wait_end() == "poweroff"


def test_a_bare_parameter_without_a_configuration_means_ttys1_and_wait(boot, connected, helper):
    machine = boot(probe_image(change=lambda tree: tree.entries.pop(image.CONFIGURATION)), "rd.gdbdebug")
    machine.wait_for(READY)
    debugger = connected(machine)
    debugger.command("detach")
    assert machine.wait_end() == "poweroff"


def test_a_line_that_is_also_a_console_is_shared_at_its_present_speed(boot, connected, helper):
    # The kernel's serial driver has one console, the first that is named: nothing comes on ttyS0.
    machine = boot(probe_image(), "rd.gdbdebug=ttyS1,wait", console="console=ttyS1", loglevel=4)
    machine.wait_debug_line("gdbdebug: ready on ttyS1 at 9600n8, a console too; PID 1 is held")
    debugger = connected(machine, str(PROBE))
    debugger.command("break main")
    assert debugger.resume()["frame"]["func"] == "main"
    debugger.command("detach")
    log = "\n".join(machine.report()["kernel_log"])
    assert "gdbdebug: ready on ttyS1 at 9600n8, a console too" in log, log
    assert machine.wait_end() == "poweroff"
