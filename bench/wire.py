# SPDX-License-Identifier: GPL-2.0-or-later
"""Bytes on the line and round trips until gdb stands at `_start` of systemd, and until a backtrace with all of
systemd's libraries known: plain gdb, and gdb with a sysroot. Counted by a relay that sits on the line."""

import re
import selectors
import shutil
import socket
import tempfile
import threading
import time
from pathlib import Path

from harness import Gdb, Machine, dracut_image
from table import Unavailable

SYSTEMD = "/usr/lib/systemd/systemd"


class CountingRelay:
    """A Unix socket that leads to another one, and counts. With `baud` each direction passes bytes at the pace of a
    serial line with 8 data bits, no parity and one stop bit: ten bit times a byte."""

    def __init__(self, path, target, baud=None):
        self.path, self.target, self.baud = path, target, baud
        self.from_target = self.to_target = self.round_trips = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(1)
        self.stopped, self.stopper = socket.socketpair()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopper.close()
        self.thread.join(10)
        self.listener.close()

    def _run(self):
        with selectors.DefaultSelector() as waiting:
            waiting.register(self.listener, selectors.EVENT_READ)
            waiting.register(self.stopped, selectors.EVENT_READ)
            if any(key.fileobj is self.stopped for key, _ in waiting.select()):
                return
        near, _ = self.listener.accept()
        far = socket.socket(socket.AF_UNIX)
        far.connect(str(self.target))
        with near, far, selectors.DefaultSelector() as waiting:
            for end in (near, far, self.stopped):
                waiting.register(end, selectors.EVENT_READ)
            while True:
                for key, _ in waiting.select():
                    if key.fileobj is self.stopped:
                        return
                    data = key.fileobj.recv(256 if self.baud else 65536)
                    if not data:
                        return
                    if key.fileobj is near:
                        self.to_target += len(data)
                        self.round_trips += len(re.findall(rb"#[0-9a-f]{2}", data))
                    else:
                        self.from_target += len(data)
                    if self.baud:
                        time.sleep(len(data) * 10 / self.baud)
                    (far if key.fileobj is near else near).sendall(data)


def with_gdb(folder, relay, sysroot):
    """(bytes and round trips at _start, the same at the backtrace) of a gdb driven by hand."""
    with Gdb(folder) as gdb:
        if sysroot:
            gdb.command("set sysroot /")
            gdb.command(f"file {SYSTEMD}")
        gdb.command("set breakpoint pending on")
        gdb.connect(relay.path, 300)
        at_start = (relay.from_target + relay.to_target, relay.round_trips)
        gdb.command("tbreak __libc_start_main")
        gdb.resume(seconds=600)
        gdb.command("backtrace")
        gdb.command("info sharedlibrary")
        return at_start, (relay.from_target + relay.to_target, relay.round_trips)


def one(kind, initrd, baud=None):
    with tempfile.TemporaryDirectory(prefix="gdbdebug-bench-") as folder:
        with Machine(folder, initrd, "rd.gdbdebug=ttyS1,wait", memory=1024) as machine:
            machine.wait_for("gdbdebug: ready on ttyS1", 120)
            started = time.monotonic()
            with CountingRelay(Path(folder) / "relay", machine.debug, baud) as relay:
                result = with_gdb(folder, relay, kind == "sysroot")
            return result, time.monotonic() - started


def measure(table, _rounds):
    if not Path(SYSTEMD).exists() or not shutil.which("dracut"):
        raise Unavailable("systemd or dracut is not installed")
    initrd = dracut_image()
    (plain_start, plain_all), plain_time = one("plain", initrd)
    (sysroot_start, sysroot_all), sysroot_time = one("sysroot", initrd)
    table.add("bytes-start", "bytes on the line to _start, gdb with a sysroot", "bytes", [sysroot_start[0]],
              [plain_start[0]], "plain gdb (sysroot target:)")
    table.add("trips-start", "round trips to _start, gdb with a sysroot", "", [sysroot_start[1]], [plain_start[1]],
              "plain gdb (sysroot target:)")
    table.add("bytes-all", "bytes on the line to a backtrace with all libraries, gdb with a sysroot", "bytes",
              [sysroot_all[0]], [plain_all[0]], "plain gdb (sysroot target:)")
    table.add("trips-all", "round trips to a backtrace with all libraries, gdb with a sysroot", "", [sysroot_all[1]],
              [plain_all[1]], "plain gdb (sysroot target:)")
