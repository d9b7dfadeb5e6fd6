# SPDX-License-Identifier: GPL-2.0-or-later
"""The harness itself, on an image without the helper: a test of the tests, and the published method that gdbdebug is
measured against."""

from harness import SYSROOT, image, probe_image


def test_the_probe_tells_what_a_bare_pid_1_sees(boot):
    machine = boot(probe_image(helper=False), "word PROBE=poweroff")
    seen = machine.report()
    assert seen["argv"] == ["/init", "word"]
    assert seen["environment"] == ["HOME=/", "TERM=linux", "PROBE=poweroff"]
    assert [number for number, _ in seen["descriptors"]] == [0, 1, 2]
    assert not seen["has_children"]
    assert seen["mountinfo"].count("\n") == 1, seen["mountinfo"]
    assert machine.wait_end() == "poweroff"


def test_the_static_probe_runs_too(boot):
    machine = boot(probe_image(helper=False, probe="probe-static"))
    assert machine.report()["argv"] == ["/init"]
    assert machine.wait_end() == "poweroff"


def test_a_crash_of_pid_1_is_seen_as_a_panic(boot):
    machine = boot(probe_image(helper=False), "PROBE=segv")
    assert machine.wait_end() == "panic"
    machine.wait_for("exitcode=0x0000000b")


def test_the_published_method_reaches_gdb(boot, gdb):
    machine = boot(probe_image(helper=False, change=image.published_method), "PROBE=spin")
    machine.wait_for("Remote debugging using /dev/ttyS1")
    debugger = gdb()
    debugger.command("set sysroot")
    debugger.connect(machine.debug)
    debugger.command("catch exec")
    stop = debugger.resume()
    assert stop["reason"] == "exec", stop
    assert machine.probe.text == ""
    debugger.command(f"set sysroot {SYSROOT}")
    debugger.command(f"file {image.BUILD / 'tests/vm/probe'}")
    debugger.command("break tick")
    debugger.command("continue")
    stop = debugger.expect_stop()
    assert stop["frame"]["func"] == "tick", stop
    debugger.command("set var finish = 1")
    debugger.command("detach")
    assert machine.wait_end() == "poweroff"
