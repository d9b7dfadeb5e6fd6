# SPDX-License-Identifier: GPL-2.0-or-later
"""From the kernel's "Run /init" to "a debugger can connect", and to gdb's prompt at `_start`: ours beside the published
shell script, in turns, in images that differ in nothing else. Times are those at which the console's lines arrive: most
of them is QEMU's translation of code that runs once. So the first is measured by the machine's own clock, too, which
then counts instructions (QEMU: -icount) and is nearer to a machine of metal."""

import shutil
import tempfile
import time
from pathlib import Path

from clock import machine_time
from harness import Gdb, Machine, image, probe_image
from table import Unavailable


def ours(folder):
    with Machine(folder, probe_image(), "rd.gdbdebug=ttyS1,wait") as machine, Gdb(folder) as gdb:
        gdb.command("set sysroot")
        machine.wait_for("gdbdebug: ready on ttyS1")
        run = machine.time_of("Run /init")
        ready = machine.time_of("gdbdebug: ready on ttyS1")
        gdb.connect(machine.debug)
        at_start = time.monotonic() - machine.started
        # Nothing of the real init has run: this is the place that was promised.
        assert machine.probe.text == ""
    return ready - run, at_start - run


def published(folder):
    """Connecting is possible once gdbserver says so, a second before the hand-off. `_start` then takes three commands,
    typed here without a pause."""
    tree = probe_image(helper=False, change=image.published_method)
    with Machine(folder, tree) as machine, Gdb(folder) as gdb:
        gdb.command("set sysroot")
        machine.wait_for("Remote debugging using /dev/ttyS1")
        run = machine.time_of("Run /init")
        ready = machine.time_of("Remote debugging using /dev/ttyS1")
        gdb.connect(machine.debug)
        gdb.command("catch syscall execve")
        stop = gdb.resume()
        while stop["reason"] != "syscall-return":
            stop = gdb.resume()
        gdb.command("stepi")
        gdb.expect_stop()
        at_start = time.monotonic() - machine.started
    return ready - run, at_start - run


def measure(table, rounds):
    if not image.HELPER.exists():
        raise Unavailable("the helper is not built")
    if not shutil.which("busybox"):
        raise Unavailable("busybox is not installed")
    mine, theirs = [], []
    with tempfile.TemporaryDirectory(prefix="gdbdebug-bench-") as folder:
        for number in range(rounds):
            mine.append(ours(Path(folder) / f"ours{number}"))
            theirs.append(published(Path(folder) / f"theirs{number}"))
    table.add("ready", "from 'Run /init' to 'a debugger can connect'", "ms", [1000 * one[0] for one in mine],
              [1000 * one[0] for one in theirs], "shell script: gdbserver has opened the line")
    def stamped(tree):
        image.published_method(tree, messages="/dev/kmsg")  # where lines have a time

    table.add("ready-instructions", "the same by instructions, one a nanosecond", "ms",
              [1000 * machine_time(probe_image(), "rd.gdbdebug=ttyS1,wait", "gdbdebug: ready on ttyS1")],
              [1000 * machine_time(probe_image(helper=False, change=stamped), "", "Remote debugging using /dev/ttyS1")],
              "shell script: gdbserver has opened the line; PID 1 is a second away from the real init")
    table.add("start", "from 'Run /init' to gdb's prompt at _start", "ms", [1000 * one[1] for one in mine],
              [1000 * one[1] for one in theirs], "shell script, 3 commands typed at once",
              lambda a, b: a <= b / 2, "half")
    table.add("commands", "commands in gdb between connecting and _start", "", [0], [3], "shell script",
              lambda a, b: a == 0, "0")
