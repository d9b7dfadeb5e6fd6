# SPDX-License-Identifier: GPL-2.0-or-later
"""`crash` and `exit` armed: the initramfs phase of a real systemd boot, from "Run /init" to basic.target, with and
without. The virtual machine's clock counts instructions (QEMU: -icount), so that a busy host does not change it."""

import re
import shutil
import tempfile
from pathlib import Path

from harness import Machine, dracut_image
from table import ICOUNT, Unavailable

KINDS = {"off": "", "crash": "rd.gdbdebug=ttyS1,crash", "exit": "rd.gdbdebug=ttyS1,crash,exit"}


def phase(initrd, append):
    """Seconds of the machine's own clock."""
    with tempfile.TemporaryDirectory(prefix="gdbdebug-bench-") as folder:
        with Machine(folder, initrd, f"{append} systemd.log_target=kmsg systemd.log_level=info", memory=1024,
                     devices=ICOUNT) as machine:
            machine.wait_for(r"Reached target (basic\.target|Basic System).*\n", 300)
            text = machine.console.text
    start = re.search(r"\[ *([\d.]+)\] Run /init as init process", text)
    end = re.search(r"\[ *([\d.]+)\] systemd\[1\]: Reached target (basic\.target|Basic System)", text)
    return float(end.group(1)) - float(start.group(1))


def measure(table, rounds):
    if not Path("/usr/lib/systemd/systemd").exists() or not shutil.which("dracut"):
        raise Unavailable("systemd or dracut is not installed")
    initrd = dracut_image()
    times = {kind: [] for kind in KINDS}
    for number in range(min(rounds, 2)):  # instructions differ little from boot to boot
        for kind, append in KINDS.items():
            if number == 0 or kind != "exit":
                times[kind].append(phase(initrd, append))
    what = "'Run /init' to basic.target of a dracut image with systemd"
    table.add("armed-crash", f"armed with crash: {what}", "s", times["crash"], times["off"], "off",
              lambda a, b: a <= 1.03 * b, "3 % more")
    table.add("armed-exit", f"armed with crash,exit: {what}", "s", times["exit"], times["off"], "off")
