# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine whose only serial port is its console: a person's terminal and a debugger at the other end of one wire, as
behind a terminal server. Every byte is recorded, with its direction, so that a test can count what a session lost."""

import re
import socket
import threading
import time
from pathlib import Path
from typing import NamedTuple

from .environment import scaled
from .machine import Machine, Stream, Timeout

PACKET = re.compile(rb"\$([^#$]*)#([0-9a-fA-F]{2})")


class Session(NamedTuple):
    """What the target sent between a debugger's first packet and the answer to its last one."""

    packets: int  # whole ones, with the right checksum
    damaged: int
    raw: bytes  # what is neither a packet nor an acknowledgement
    naks: int  # of either side
    text: bytes  # of `O` packets


class Tapped(Stream):
    """The console's bytes, which a debugger that is connected gets as well."""

    def __init__(self, path):
        super().__init__(path)
        self.record, self.peer = [], None
        self.log = open(path.with_name("wire.log"), "w", encoding="ascii")

    def note(self, way, data):
        self.record.append((way, data))
        self.log.write(f"{time.monotonic():.3f} {way} {data!r}\n")
        self.log.flush()

    def feed(self, data):
        super().feed(data)
        self.note("<", data)
        if self.peer:
            try:
                self.peer.sendall(data)
            except OSError:
                pass  # it has gone


class OneWireMachine(Machine):
    """`.debug` is a socket where a debugger finds the console's port."""

    def __init__(self, directory, initrd, append="", panic="panic=-1", **options):
        super().__init__(directory, initrd, append, debug=False, **options)
        self.command = [word.replace("panic=-1", panic) for word in self.command]
        self.console.file.close()
        self.console = Tapped(self.directory / "console.log")
        self.debug = Path(f"/tmp/gdbdebug-{id(self):x}-{int(time.time())}.wire")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.debug))
        self.listener.listen(1)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                peer = self.listener.accept()[0]
            except OSError:
                return
            self.console.peer = peer
            try:
                while data := peer.recv(4096):
                    self.send(data)
            except OSError:
                pass  # it has gone
            self.console.peer = None
            peer.close()

    def send(self, data):
        """Bytes to the machine, as they are."""
        with self.changed:
            self.console.note(">", data)
        self.keyboard.sendall(data)

    def type(self, text):
        self.send(text.encode())

    def mark(self):
        """A place in the record."""
        with self.changed:
            return len(self.console.record)

    def passed(self, way, mark=0):
        """What has gone that way from there on: `<` from the machine, `>` to it."""
        with self.changed:
            return b"".join(data for direction, data in self.console.record[mark:] if direction == way)

    def wait_passed(self, way, pattern, mark=0, seconds=20):
        """Waits until what goes that way matches."""
        limit = time.monotonic() + scaled(seconds)
        while not (found := re.search(pattern, self.passed(way, mark), re.DOTALL)):
            left = limit - time.monotonic()
            if left <= 0 or self.exit_status is not None:
                raise Timeout(self.describe(f"{pattern} {way}", repr(self.passed(way, mark)[-500:]), [self.console]))
            with self.changed:
                self.changed.wait(min(left, 0.2))
        return found

    def ask(self, packet, pattern, seconds=20):
        """Sends a packet as it is, and waits for bytes that match."""
        mark = self.mark()
        self.send(packet)
        return self.wait_passed("<", pattern, mark, seconds)

    def session(self, mark):
        """What went over the wire from the first packet of the debugger after `mark` to its end."""
        with self.changed:
            record = list(self.console.record[mark:])
        first = next(at for at, (way, data) in enumerate(record) if way == ">" and b"$" in data)
        sent = b"".join(data for way, data in record[first:] if way == ">")
        data = b"".join(data for way, data in record[first:] if way == "<")
        # The wire is the debugger's from the first acknowledgement on, up to the answer to the detach.
        begin = data.index(b"+$")
        end = data.rfind(b"$OK#9a")
        data = data[begin:end + 6 if end >= 0 else len(data)]
        packets = damaged = 0
        text = b""

        def take(match):
            nonlocal packets, damaged, text
            payload, checksum = match.group(1), int(match.group(2), 16)
            if sum(payload) % 256 == checksum:
                packets += 1
                if payload[:1] == b"O" and payload != b"OK":
                    text += bytes.fromhex(payload[1:].decode())
            else:
                damaged += 1
            return b""

        rest = PACKET.sub(take, data)
        raw = rest.replace(b"+", b"").replace(b"-", b"")
        return Session(packets, damaged, raw, PACKET.sub(b"", sent).count(b"-") + rest.count(b"-"), text)

    def stop(self):
        super().stop()
        self.listener.close()
        self.debug.unlink(missing_ok=True)
