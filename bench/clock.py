# SPDX-License-Identifier: GPL-2.0-or-later
"""The virtual machine's own clock, as its kernel log tells it."""

import re
import tempfile

from harness import Machine

# QEMU: one nanosecond an instruction, so that a busy host does not change it.
ICOUNT = ["-icount", "shift=0,sleep=off"]


def since_run(text, what):
    """Seconds in a console's text from "Run /init" to the first message that begins with the expression `what`."""
    begin, end = (float(re.search(rf"\[ *([\d.]+)\] {message}", text).group(1))
                  for message in (r"Run \S*init as init process", what))
    return end - begin


def machine_time(initrd, append, what, seconds=120, **options):
    """The same in a boot whose clock counts instructions."""
    with tempfile.TemporaryDirectory(prefix="gdbdebug-bench-") as folder:
        with Machine(folder, initrd, append, devices=ICOUNT, **options) as machine:
            machine.wait_for(rf"{what}.*\n", seconds)
            return since_run(machine.console.text, what)
