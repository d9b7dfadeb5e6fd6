# SPDX-License-Identifier: GPL-2.0-or-later
"""One serial port, which is the console too: the debugger and the console on one wire. In a session there is nothing on
it but packets, and none of the console's text is lost; out of one it is the console that it always was."""

import re

import pytest
from harness import dracut_image, probe_image
from harness.checks import assert_at_start
from harness.one_wire import OneWireMachine

READY = "gdbdebug: ready on ttyS0"
HELLO = b"$qGdbdebug.hello#%02x" % (sum(b"qGdbdebug.hello") % 256)
# What systemd raises and handles by the dozen; SIG34 is gdb's name for SIGRTMIN.
IGNORED = ("SIGCHLD", "SIG34", "SIG35", "SIGTERM")


@pytest.fixture
def one_wire(directory, helper):
    """one_wire(image, append, ...) starts a machine with one port; each ends with the test."""
    machines = []

    def start(initrd, append="", name="", **options):
        machines.append(OneWireMachine(directory / name, initrd, append, **options))
        machines[-1].start()
        return machines[-1]

    yield start
    for one in machines:
        one.stop()


def hello_of(machine):
    """The client's question, and the pairs of its answer."""
    text = machine.ask(HELLO, rb"\+\$gdbdebug (version=[^#]*)#..").group(1).decode()
    return dict(pair.split("=", 1) for pair in text.split())


def meet(gdb, machine, sysroot="/"):
    """gdb on the wire, and the place in the record where it came."""
    debugger = gdb()
    debugger.command(f"set sysroot {sysroot}")
    debugger.command("set breakpoint pending on")
    for signal in IGNORED:
        debugger.command(f"handle {signal} nostop noprint pass")
    mark = machine.mark()
    debugger.connect(machine.debug)
    return debugger, mark


def wait_shown(debugger, pattern, seconds=90, after=0):
    """Waits until gdb has shown text that matches."""
    limit = seconds
    while not re.search(pattern, debugger.console[after:]):
        limit -= 0.1
        if limit <= 0 or not debugger.reader.is_alive():
            debugger.fail(f"/{pattern}/ in what gdb shows", debugger.console[-500:])
        debugger.reader.join(0.1)


def go_on(debugger, machine):
    """Continues, and waits until that is on the wire: gdb sends a Ctrl-C that comes before in front of it."""
    mark = machine.mark()
    debugger.command("continue")
    machine.wait_passed(">", rb"\$vCont;c", mark)


def assert_clean(session):
    """Not a byte was damaged, and none was there that is not the debugger's."""
    assert session.packets > 20 and session.damaged == 0 and session.raw == b"" and session.naks == 0, session


def shell(machine, command, expected, seconds=30):
    after = len(machine.console.text)
    machine.type(command + "\r")
    return machine.wait_for(expected, seconds, after=after)


def test_systemd_from_its_first_instruction_to_the_emergency_shell(one_wire, gdb):
    machine = one_wire(dracut_image(), "rd.gdbdebug=ttyS0,wait", memory=768)
    machine.wait_for(f"{READY} at \\d+n8, a console too; PID 1 is held at its first instruction", 60)
    hello = hello_of(machine)
    assert hello["state"] == "held" and hello["wire"] == "shared", hello

    debugger, mark = meet(gdb, machine)
    assert_at_start(debugger, "/lib64/ld-linux-x86-64.so.2")
    debugger.command("break manager_startup")
    assert debugger.resume()["reason"] == "breakpoint-hit"
    debugger.command("delete")
    debugger.command("continue")
    wait_shown(debugger, "Basic System")
    wait_shown(debugger, "Press Enter for maintenance")
    debugger.interrupt()
    assert debugger.expect_stop()["signal-name"] == "SIGINT"
    assert "epoll_wait" in debugger.command("backtrace")
    debugger.command("detach")
    debugger.quit()
    session = machine.session(mark)
    assert_clean(session)
    # The kernel's text and systemd's, in the order in which they came.
    text = session.text.decode("utf-8", "replace")
    assert re.search(r"(?s)\[ +\d+\.\d+\].*Basic System.*Press Enter for maintenance", text), text[-2000:]

    # The shell is what it always was, and a debugger can come and go while it is used.
    shell(machine, "", r"# ?$")
    shell(machine, "echo $((6*7))", r"^42\r?$")
    debugger, mark = meet(gdb, machine)
    assert "epoll_wait" in debugger.command("backtrace")
    go_on(debugger, machine)
    debugger.interrupt()
    debugger.expect_stop()
    debugger.command("detach")
    debugger.quit()
    assert_clean(machine.session(mark))
    shell(machine, "echo $((7*7))", r"^49\r?$")
