# SPDX-License-Identifier: GPL-2.0-or-later
"""Bytes on the line and round trips until gdb stands at `_start` of systemd, and until a backtrace with all of
systemd's libraries known: plain gdb, gdb with a sysroot and the program, and `gdbdebug attach`. Counted on the line;
and in seconds on a line held to 115200 baud."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from harness import BUILD, Machine, Tap, dracut_image, scaled
from harness.gdb import ENVIRONMENT
from table import Unavailable

SYSTEMD = "/usr/lib/systemd/systemd"
COMMAND = BUILD / "client" / "gdbdebug"
BAUD = 115200
TO_BACKTRACE = ["set breakpoint pending on", "tbreak __libc_start_main", "continue", "backtrace"]


def command_of(kind, initrd, path, commands):
    words = ["-batch", "-nx", *(word for line in commands for word in ("-ex", line))]
    if kind == "attach":
        return [str(COMMAND), "attach", "--initrd", str(initrd), str(path), "--", *words]
    before = {"plain": [], "sysroot": ["set sysroot /", f"file {SYSTEMD}"]}[kind]
    before = [word for line in [*before, f"target remote {path}"] for word in ("-ex", line)]
    return ["gdb", "-q", "-batch", "-nx", *before, *words[2:]]


def wait_for_mark(mark, process, seconds):
    """gdb waits in a shell command while the mark exists: nothing passes on the line, so it can be looked at."""
    limit = time.monotonic() + scaled(seconds)
    while not mark.exists():
        if process.poll() is not None or time.monotonic() > limit:
            raise AssertionError(f"gdb did not get as far as the mark (status {process.poll()})")
        time.sleep(0.02)


def one(kind, initrd, baud=None, backtrace=True):
    """[(bytes, round trips, seconds since the start of the command)] at _start and, if wanted, at the backtrace."""
    with tempfile.TemporaryDirectory(prefix="gdbdebug-bench-") as folder:
        mark = Path(folder) / "mark"
        pause = f"shell touch {shlex.quote(str(mark))}; while test -e {shlex.quote(str(mark))}; do sleep 0.05; done"
        commands = [pause, *([*TO_BACKTRACE, pause, "info sharedlibrary"] if backtrace else []), "kill"]
        with Machine(folder, initrd, "rd.gdbdebug=ttyS1,wait", memory=1024) as machine, \
                open(f"{folder}/gdb.log", "w+", encoding="utf-8") as log:
            machine.wait_for("gdbdebug: ready on ttyS1", 120)
            with Tap(machine.debug, baud) as tap:
                started = time.monotonic()
                process = subprocess.Popen(command_of(kind, initrd, tap.path, commands), stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                                           env={**ENVIRONMENT, "HOME": folder, "GDBDEBUG_CACHE": f"{folder}/cache"})
                result = []
                try:
                    for _ in range(2 if backtrace else 1):
                        wait_for_mark(mark, process, 600)
                        result.append((tap.bytes, tap.round_trips, time.monotonic() - started))
                        log.flush()
                        said = Path(folder, "gdb.log").read_text(encoding="utf-8", errors="replace")
                        # gdb goes on after a command that failed, and would be counted as very cheap.
                        if re.search(r"timed out|not being run|Remote (connection|replied)|No symbol table", said):
                            raise AssertionError("gdb did not do what is measured")
                        mark.unlink()
                except AssertionError as error:
                    log.seek(0)
                    raise AssertionError(f"{error}; it said:\n{log.read()[-2000:]}") from None
                finally:
                    process.kill()
                    process.wait()
                    mark.unlink(missing_ok=True)
            return result


def short(table, initrd):
    """Each way of counting once."""
    attach = one("attach", initrd)
    sysroot = one("sysroot", initrd, BAUD, backtrace=False)
    table.add("bytes-start", "bytes on the line to _start: gdbdebug attach", "bytes", [attach[0][0]], [sysroot[0][0]],
              "gdb with a sysroot")


def measure(table, _rounds):
    if not Path(SYSTEMD).exists() or not shutil.which("dracut"):
        raise Unavailable("systemd or dracut is not installed")
    if not COMMAND.exists() or not os.access(COMMAND, os.X_OK):
        raise Unavailable("the host command is not built")
    initrd = dracut_image()
    if table.short:
        short(table, initrd)
        return
    plain, sysroot, attach = (one(kind, initrd) for kind in ("plain", "sysroot", "attach"))
    for at, key, what, goal in ((0, "start", "to _start", 5000), (1, "all", "to a backtrace, all libraries", 25000)):
        for field, unit, name in ((0, "bytes", "bytes on the line"), (1, "", "round trips")):
            prefix = ("bytes", "trips")[field]
            limit = {} if field else {"goal": lambda a, _, g=goal: a <= g, "goal_text": f"{goal:,}"}
            table.add(f"{prefix}-{key}", f"{name} {what}: gdbdebug attach", unit, [attach[at][field]],
                      [plain[at][field]], "plain gdb (sysroot target:)", **limit)
            table.add(f"{prefix}-{key}-sysroot", f"{name} {what}: gdb with a sysroot and file", unit,
                      [sysroot[at][field]], [plain[at][field]], "plain gdb (sysroot target:)")
    # Plain gdb needs minutes for the backtrace: that one is calculated, ten bit times a byte, and says so.
    slow_plain = one("plain", initrd, BAUD, backtrace=False)
    slow_sysroot, slow_attach = one("sysroot", initrd, BAUD), one("attach", initrd, BAUD)
    at_least = plain[1][0] * 10 / BAUD
    for at, key, what, theirs, note in ((0, "start", "to _start", slow_plain[0][2], ""),
                                        (1, "all", "to a backtrace, all libraries", at_least,
                                         ", calculated from its bytes")):
        table.add(f"paced-{key}", f"at 115200 baud {what}: gdbdebug attach", "s", [slow_attach[at][2]], [theirs],
                  f"plain gdb{note}")
        table.add(f"paced-{key}-sysroot", f"at 115200 baud {what}: gdb with a sysroot and file", "s",
                  [slow_sysroot[at][2]], [theirs], f"plain gdb{note}")
