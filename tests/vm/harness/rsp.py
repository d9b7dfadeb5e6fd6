# SPDX-License-Identifier: GPL-2.0-or-later
"""The GDB Remote Serial Protocol by hand (GDB manual, appendix E), for what a real gdb would take too long for, or
would never send."""

import re
import socket
import time

from .environment import scaled
from .machine import Timeout

FEATURES = "qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+;xmlRegisters=i386"


class Rsp:
    """A debugger on the Unix socket `path`. Use it as a context manager; it hangs up without a word."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, payload):
        data = payload if isinstance(payload, bytes) else payload.encode("latin-1")
        self.socket.sendall(b"$" + data + b"#%02x" % (sum(data) % 256))

    def receive(self, seconds=30):
        """The next packet's payload, which is acknowledged. What is between packets is passed over, as by gdb."""
        limit = time.monotonic() + scaled(seconds)
        while True:
            packet = re.search(rb"\$([^#$]*)#([0-9a-f]{2})", self.received)
            if packet:
                self.received = self.received[packet.end():]
                assert sum(packet.group(1)) % 256 == int(packet.group(2), 16), packet
                self.socket.sendall(b"+")
                # Run-length encoding: the character after a `*` says how often the one before it comes once more.
                return re.sub(r"(.)\*(.)", lambda run: run.group(1) * (1 + ord(run.group(2)) - 29),
                              packet.group(1).decode("latin-1"), flags=re.DOTALL)
            self.socket.settimeout(max(0.01, limit - time.monotonic()))
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                data = b""
            if not data:
                raise Timeout(f"expected: a packet in {scaled(seconds):g} s\ngot: {self.received!r}")
            self.received += data

    def ask(self, payload, seconds=30):
        self.send(payload)
        return self.receive(seconds)

    def greet(self, seconds=30):
        """As every gdb begins; the stop at which it meets PID 1."""
        features = self.ask(FEATURES, seconds)
        assert "PacketSize=" in features and "QStartNoAckMode" not in features, features
        return self.ask("?", seconds)
