#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A target without a machine: answers a newline, or the packet that asks for it, with a hello, and any other packet
with a real gdbserver at a program's _start.

Prints where it can be reached, and then serves until it is ended. One debugger at a time; each gets a gdbserver of its
own, which is ended when the line is closed. Every byte is counted in --counts.
"""
import argparse
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import termios
import tty


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("line", help="unix:PATH, tcp (a free port) or pty")
    parser.add_argument("--program", default="/bin/true")
    parser.add_argument("--exe", default=None, help="what the hello says; the program unless told")
    parser.add_argument("--build-id", default="")
    parser.add_argument("--state", default="held")
    parser.add_argument("--held", action="append", default=[], help="PID:NAME:WHY of a process that is held")
    parser.add_argument("--watchdog", help="seconds after which one resets the machine")
    parser.add_argument("--deaf", type=int, default=0, help="answer nothing to so many questions first")
    parser.add_argument("--asleep", action="store_true", help="acknowledge packets, and answer none: PID 1 cannot stop")
    parser.add_argument("--plain", action="store_true", help="be a gdbserver without a hello")
    parser.add_argument("--old", action="store_true", help="be one of 0.1, for which every packet is a debugger's")
    parser.add_argument("--shared", action="store_true", help="be on a console: a newline is somebody else's")
    parser.add_argument("--noise", default="", help="text to say when somebody connects")
    parser.add_argument("--drop", type=int, default=0, help="damage every so-manieth packet in either direction")
    parser.add_argument("--counts", help="a file that gets the bytes sent and received at the end of each connection")
    parser.add_argument("--record", help="a file that gets what debuggers send")
    return parser.parse_args()


HELLO = b"$qGdbdebug.hello#c7"
CHOOSE = re.compile(rb"\$qGdbdebug\.hello:([0-9a-f]+)#..")


def framed(payload):
    return b"$" + payload + b"#%02x" % (sum(payload) % 256)


class Target:
    def __init__(self, options):
        self.options = options
        self.asked = 0
        self.pid = options.held[0].split(":")[0] if options.held else "1"
        self.packets = 0
        self.sent = self.received = 0

    def hello(self):
        self.asked += 1
        if self.options.plain or self.asked <= self.options.deaf:
            return b""
        words = ["gdbdebug", "version=0.1.0", "state=" + self.options.state, "pid=" + self.pid,
                 "exe=" + (self.options.exe or self.options.program).replace("-", "\\x2d").replace("+", "\\x2b")]
        if self.options.build_id:
            words.append("build_id=" + self.options.build_id)
        words.append("machine=" + os.uname().machine)
        if self.options.watchdog:
            words.append("watchdog=" + self.options.watchdog)
        if self.options.shared:
            words.append("wire=shared")
        words += ["held=" + held.replace("-", "\\x2d") for held in self.options.held]
        return (" ".join(words) + "\r\n").encode()

    def damage(self, data):
        """Flips a bit in a packet now and then, as a bad cable would."""
        if not self.options.drop or b"$" not in data:
            return data
        self.packets += 1
        if self.packets % self.options.drop:
            return data
        at = data.index(b"$") + 1
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]

    def serve(self, read, write):
        """Serves one connection until it ends."""
        server = None

        def send(data):
            self.sent += len(data)
            write(data)

        send(self.options.noise.encode())
        try:
            while True:
                ready = select.select([read.fd] + ([server.stdout] if server else []), [], [])[0]
                if server and server.stdout in ready:
                    data = os.read(server.stdout.fileno(), 65536)
                    if not data:
                        server.wait()
                        server = None
                    send(self.damage(data))
                if read.fd in ready:
                    data = read()
                    if not data:
                        return
                    self.received += len(data)
                    if self.options.record:
                        with open(self.options.record, "ab") as file:
                            file.write(data)
                    if choice := CHOOSE.search(data):
                        self.pid = bytes.fromhex(choice[1].decode()).decode()
                        data = CHOOSE.sub(HELLO, data)
                    if HELLO in data and not (self.options.old or self.options.plain):
                        data = data.replace(HELLO, b"")
                        hello = self.hello().strip()
                        send(b"+" + (framed(hello) if hello else b""))
                    if server and data == b"\n":
                        send(self.hello())
                        continue
                    if server is None:
                        packet = data.find(b"$")
                        for byte in data[:packet if packet >= 0 else len(data)]:
                            if byte in b"\r\n" and not self.options.shared:
                                send(self.hello())
                        if packet < 0:
                            continue
                        data = data[packet:]
                        if data.startswith(b"$x#00"):
                            send(b"-")
                            if data.endswith(b"\n"):
                                send(self.hello())
                            continue
                        if self.options.asleep:
                            send(b"+")
                            continue
                        server = subprocess.Popen(["gdbserver", "--once", "-", self.options.program], bufsize=0,
                                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                                  stderr=subprocess.DEVNULL, start_new_session=True)
                    server.stdin.write(self.damage(data))
        except OSError:
            return
        finally:
            if server:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
            if self.options.counts:
                with open(self.options.counts, "w", encoding="ascii") as file:
                    file.write(f"{self.sent} {self.received}\n")


class Reader:
    def __init__(self, fd):
        self.fd = fd

    def __call__(self):
        return os.read(self.fd, 65536)


def main():
    options = arguments()
    target = Target(options)
    if options.line == "pty":
        master, slave = pty.openpty()
        tty.setraw(slave)
        attributes = termios.tcgetattr(slave)
        print(os.ttyname(slave), flush=True)
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        while True:
            target.serve(Reader(master), lambda data: os.write(master, data))
    if options.line.startswith("unix:"):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(options.line[5:])
        name = options.line[5:]
    else:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        name = f"127.0.0.1:{listener.getsockname()[1]}"
    listener.listen(4)
    print(name, flush=True)
    while True:
        connection = listener.accept()[0]
        connection.settimeout(None)
        with connection:
            target.serve(Reader(connection.fileno()), connection.sendall)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
main()
