# SPDX-License-Identifier: GPL-2.0-or-later
"""`crash` and `exit` armed: the initramfs phase of a real systemd boot, from "Run /init" to basic.target, with and
without. The virtual machine's clock counts instructions (QEMU: -icount), so that a busy host does not change it."""

import shutil
from pathlib import Path

from clock import machine_time
from harness import dracut_image
from table import Unavailable

KINDS = {"off": "", "crash": "rd.gdbdebug=ttyS1,crash", "exit": "rd.gdbdebug=ttyS1,crash,exit"}


def phase(initrd, append, until):
    """Seconds of the machine's own clock."""
    return machine_time(initrd, f"{append} systemd.log_target=kmsg systemd.log_level=info",
                        rf"systemd\[1\]: {until}", 300, memory=1024)


def measure(table, rounds):
    if not Path("/usr/lib/systemd/systemd").exists() or not shutil.which("dracut"):
        raise Unavailable("systemd or dracut is not installed")
    initrd = dracut_image()
    until = "systemd .* running" if table.short else r"Reached target (basic\.target|Basic System)"
    times = {kind: [] for kind in KINDS}
    # Instructions differ little from boot to boot. But where the machine waits for a host that is busy its clock goes
    # on to the next timer: 0.15 s more where nobody took the console's text, 30 s once in some thirty boots.
    for _ in range(rounds):
        for kind, append in KINDS.items():
            times[kind].append(phase(initrd, append, until))
    what = "'Run /init' to basic.target of a dracut image with systemd"
    table.add("armed-crash", f"armed with crash: {what}", "s", times["crash"], times["off"], "off",
              lambda a, b: a <= 1.01 * b, "1 % more")
    table.add("armed-exit", f"armed with crash,exit: {what}", "s", times["exit"], times["off"], "off",
              lambda a, b: a <= 1.01 * b, "1 % more")
