# SPDX-License-Identifier: GPL-2.0-or-later
"""A relay on the debug line: it counts and records what passes, holds a line to a speed, and cuts it where it hurts."""

import os
import re
import selectors
import socket
import tempfile
import threading
import time
from pathlib import Path

PACKET_END = re.compile(rb"#[0-9a-f]{2}")


class Tap:
    """A Unix socket, `.path`, that leads to the one at `target`, for one debugger after the other. Use it as a context
    manager.

    baud: each direction passes bytes at the pace of a serial line with 8 data bits, no parity and one stop bit: ten
    bit times a byte.
    cut_after: both ends are closed as soon as this many bytes have gone to the target, which gets exactly these.
    """

    def __init__(self, target, baud=None, cut_after=None):
        # A socket's name has at most 107 bytes (unix(7)); a deep build folder is longer than that.
        self.path = Path(tempfile.gettempdir()) / f"gdbdebug-{os.getpid()}-{id(self):x}.tap"
        self.target, self.baud, self.cut_after = target, baud, cut_after
        self.to_target, self.from_target = bytearray(), bytearray()
        self.connections = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(4)
        self.stopped, self.stopper = socket.socketpair()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopper.close()
        self.thread.join(30)
        self.listener.close()
        self.path.unlink(missing_ok=True)

    @property
    def bytes(self):
        return len(self.to_target) + len(self.from_target)

    @property
    def round_trips(self):
        """Packets of the debugger: each is answered before the next is sent."""
        return len(PACKET_END.findall(self.to_target))

    def _run(self):
        while True:
            with selectors.DefaultSelector() as waiting:
                waiting.register(self.listener, selectors.EVENT_READ)
                waiting.register(self.stopped, selectors.EVENT_READ)
                if any(key.fileobj is self.stopped for key, _ in waiting.select()):
                    return
            near, _ = self.listener.accept()
            self.connections += 1
            with near, socket.socket(socket.AF_UNIX) as far:
                far.connect(str(self.target))
                if not self._pass_on(near, far):
                    return

    def _pass_on(self, near, far):
        """Until one side closes; whether to go on with the next debugger. A direction is paced on its own: each has a
        time at which its wire is free again."""
        free_at = {near: 0.0, far: 0.0}
        with selectors.DefaultSelector() as waiting:
            for end in (near, far, self.stopped):
                waiting.register(end, selectors.EVENT_READ)
            while True:
                for key, _ in waiting.select():
                    source = key.fileobj
                    if source is self.stopped:
                        return False
                    try:
                        data = source.recv(64 if self.baud else 65536)
                    except ConnectionError:
                        data = b""
                    if not data:
                        return True
                    sink, record = (far, self.to_target) if source is near else (near, self.from_target)
                    if source is near and self.cut_after is not None:
                        data = data[:self.cut_after - len(record)]
                    record += data
                    if self.baud:
                        free_at[source] = max(free_at[source], time.monotonic()) + len(data) * 10 / self.baud
                        time.sleep(max(0.0, free_at[source] - time.monotonic()))
                    try:
                        sink.sendall(data)
                    except OSError:
                        return True
                    if source is near and self.cut_after is not None and len(record) >= self.cut_after:
                        self.cut_after = None  # the next debugger gets through
                        return True
