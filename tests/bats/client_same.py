#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether gdb hears from `gdbdebug serve` what the target itself would have said.

usage: client_same.py GDBDEBUG SYSROOT PROGRAM -- GDB-ARGUMENT...

Stands on both sides of gdbdebug: between gdb and it, and between it and a real gdbserver. Whatever gdbdebug answers
without the target is asked of gdbserver at once, packet by packet, and before each request reads of its own are put in,
around what gdb reads. Prints gdb's output, and at the end how much was compared; what differs is status 1.
"""
import os
import random
import re
import select
import socket
import subprocess
import sys
import tempfile

# What is answered on purpose in another way than gdbserver's: gdbdebug(1) and the sources say why.
APART = re.compile(rb"qSymbol:|qAttached|qTStatus|k$|vKill|vFile:(open|pread|close):")


def checksum(payload):
    return sum(payload) & 255


def expand(payload):
    """Undoes the run lengths."""
    out = bytearray()
    at = 0
    while at < len(payload):
        if payload[at] == ord("*"):
            out += out[-1:] * (payload[at + 1] - 29)
            at += 2
        else:
            out.append(payload[at])
            at += 1
    return bytes(out)


def comparable(payload):
    """Without the vdso in a list of libraries, which is left out."""
    return re.sub(rb'<library name="linux-vdso[^>]*/>', b"", expand(payload))


class Link:
    """One end of a conversation in packets, which loses nothing."""

    def __init__(self, read, write, noack=False):
        self.read, self.write, self.noack = read, write, noack
        self.bytes = b""

    def send(self, payload):
        os.write(self.write, b"$%s#%02x" % (payload, checksum(payload)))

    def packet(self):
        """The next one that has come already, or None."""
        match = re.search(rb"\$([^#]*)#[0-9a-f]{2}", self.bytes, re.DOTALL)
        if not match:
            return None
        self.bytes = self.bytes[match.end():]
        if not self.noack:
            os.write(self.write, b"+")
        return match[1]

    def more(self):
        data = os.read(self.read, 65536)
        if not data:
            raise EOFError
        self.bytes += data

    def receive(self):
        while (payload := self.packet()) is None:
            self.more()
        return payload

    def ask(self, payload):
        self.send(payload)
        return self.receive()


def connected(path_or_port):
    family = socket.AF_UNIX if isinstance(path_or_port, str) else socket.AF_INET
    one = socket.socket(family)
    one.connect(path_or_port if isinstance(path_or_port, str) else ("127.0.0.1", path_or_port))
    if family == socket.AF_INET:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # or a packet waits for its acknowledgement's, 40 ms
    return one


class Checker:
    def __init__(self, server):
        self.server = server
        self.compared = self.passed = 0
        self.different = []
        self.reads = []
        self.random = random.Random(22)

    def serve_relay(self, relay_side, line, request):
        """Sends `request` to gdbdebug, and is its target until it answers: its answer, and what it asked."""
        relay_side.send(request)
        asked = []
        while True:
            if (reply := relay_side.packet()) is not None:
                return reply, asked
            if (question := line.packet()) is not None:
                asked.append(question)
                line.send(self.server.ask(question))
                continue
            ready = select.select([relay_side.read, line.read], [], [], 60)[0]
            if not ready:
                raise AssertionError(f"no answer to {request!r}")
            for one in (relay_side, line):
                if one.read in ready:
                    one.more()

    def check(self, relay_side, line, request):
        reply, asked = self.serve_relay(relay_side, line, request)
        if request in asked or APART.match(request) or request.startswith((b"qSupported", b"vCont;", b"D")):
            self.passed += 1
            return reply
        # Settings come before what they matter to, so this one changes nothing.
        direct = self.server.ask(request)
        self.compared += 1
        if comparable(direct) != comparable(reply):
            self.different.append(f"{request!r}\n  target   {direct!r}\n  gdbdebug {reply!r}")
        return reply

    def own_reads(self, relay_side, line):
        for address, length in self.random.sample(self.reads, min(2, len(self.reads))):
            at = max(0, address + self.random.randint(-64, 64 + length))
            self.check(relay_side, line, b"m%x,%x" % (at, self.random.randint(1, 2 * length)))

    def run(self, gdb, relay_side, line):
        while True:
            try:
                request = gdb.receive()
            except EOFError:
                return
            if request == b"QStartNoAckMode":
                gdb.send(b"OK")
                gdb.noack = True
                continue
            if match := re.fullmatch(rb"[mx]([0-9a-f]+),([0-9a-f]+)", request):
                self.reads.append((int(match[1], 16), int(match[2], 16)))
                self.reads = self.reads[-40:]
                self.own_reads(relay_side, line)
            reply = self.check(relay_side, line, request)
            if request.startswith(b"qSupported"):
                reply += b";QStartNoAckMode+" if b"QStartNoAckMode+" not in reply else b""
            gdb.send(reply)


def build_id(program):
    notes = subprocess.run(["readelf", "-n", program], capture_output=True, text=True, check=True).stdout
    return re.search(r"Build ID: (\w+)", notes)[1]


def main():
    split = sys.argv.index("--")
    command, sysroot, program = sys.argv[1:split]
    with tempfile.TemporaryDirectory() as folder:
        target, ours = (socket.socket(socket.AF_UNIX) for _ in range(2))
        target.bind(f"{folder}/target")
        target.listen(4)
        ours.bind(f"{folder}/ours")
        ours.listen(1)
        serve = subprocess.Popen([command, "serve", "--sysroot", sysroot, "--listen", "0", f"{folder}/target"],
                                 stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        server = gdb = None
        try:
            line = target.accept()[0]
            wire = Link(line.fileno(), line.fileno())
            while wire.receive() != b"qGdbdebug.hello":
                pass
            wire.send(f"gdbdebug version=0.1.0 state=held pid=1 exe={program} build_id={build_id(program)} "
                      f"machine={os.uname().machine}".encode())
            for text in serve.stderr:
                if match := re.search(r"serving .* on 127\.0\.0\.1:(\d+)", text):
                    break
            server = subprocess.Popen(["gdbserver", "--once", "-", program], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
            relay = connected(int(match[1]))
            gdb = subprocess.Popen(["gdb", "-q", "-nx", "-batch", "-ex", f"set sysroot {sysroot}",
                                    "-ex", f"file {sysroot.rstrip('/')}{program}",
                                    "-ex", f"target remote {folder}/ours", *sys.argv[split + 1:]],
                                   stdin=subprocess.DEVNULL)
            debugger = ours.accept()[0]
            checker = Checker(Link(server.stdout.fileno(), server.stdin.fileno()))
            try:
                checker.run(Link(debugger.fileno(), debugger.fileno()), Link(relay.fileno(), relay.fileno()), wire)
            finally:
                debugger.close()
                gdb.wait(60)
        finally:
            for process in (gdb, serve, server):
                if process and process.poll() is None:
                    process.kill()
                    process.wait()
    print(f"compared {checker.compared}, by the target itself {checker.passed}, different {len(checker.different)}")
    print(*checker.different[:10], sep="\n")
    sys.exit(bool(checker.different))


main()
