# SPDX-License-Identifier: GPL-2.0-or-later
"""A virtual machine: QEMU with a console on ttyS0, the debug line on ttyS1 (a Unix socket), and the probe's own port.
All that it says is collected as it comes; tests wait for words in it, with a limit, and never for a time."""

import json
import os
import re
import select
import shlex
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from .environment import kernel, scaled
from .target import FOREIGN, TARGET, device


class Timeout(AssertionError):
    """Something expected did not come in time, or can no longer come. Says what, and what came in its place."""


class Stream:
    """Bytes that arrive on a socket, kept in memory and in a file, with the time at which each line began."""

    def __init__(self, path):
        self.path = path
        self.text = ""
        self.file = open(path, "wb", buffering=0)
        self.arrivals = []  # (offset in text, time.monotonic()) of each piece

    def feed(self, data):
        self.file.write(data)
        self.arrivals.append((len(self.text), time.monotonic()))
        self.text += data.decode("utf-8", "replace")

    def time_of(self, offset):
        """When the byte at this offset arrived (time.monotonic())."""
        return max((when for start, when in self.arrivals if start <= offset), default=None)

    def tail(self, lines=25):
        return "\n".join("    | " + line.rstrip("\r") for line in self.text.splitlines()[-lines:]) or "    | (nothing)"


class Machine:
    """Boots `initrd` with `append` on the kernel command line. Use it as a context manager: it ends the machine.

    debug: True: ttyS1 is a socket that waits for a debugger (`.debug` is its path). "first": the machine does not start
    before a debugger has connected. False: there is no ttyS1.
    """

    def __init__(self, directory, initrd, append="", debug=True, memory=512, console="console=ttyS0", devices=(),
                 kernel_image=None, loglevel=7):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.debug = Path(self.directory, "ttyS1") if debug else None
        # A socket's name has at most 107 bytes (unix(7)); a deep build folder is longer than that.
        if self.debug and len(str(self.debug)) > 100:
            self.debug = Path(f"/tmp/gdbdebug-{os.getpid()}-{id(self):x}.ttyS1")
        self.command_line = f"{console} loglevel={loglevel} panic=-1 {append}".strip()
        self.console = Stream(self.directory / "console.log")
        self.probe = Stream(self.directory / "probe.log")
        self.events = Stream(self.directory / "qmp.log")
        self.changed = threading.Condition()
        self.exit_status = None
        self.command = [
            *TARGET.qemu, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-accel", accelerator(), "-m", str(memory), "-smp", "1",
            "-kernel", str(kernel_image or kernel()[1]), "-initrd", str(initrd), "-append", self.command_line,
            "-chardev", "socket,id=console,fd={console}", *device(TARGET.serial, "console"),
        ]
        if debug:
            wait = "on" if debug == "first" else "off"
            self.command += ["-chardev", f"socket,id=debug,path={self.debug},server=on,wait={wait}",
                             *device(TARGET.serial, "debug")]
        self.command += ["-chardev", "socket,id=probe,fd={probe}", *device(TARGET.probe, "probe"),
                         "-chardev", "socket,id=qmp,fd={qmp}", "-mon", "chardev=qmp,mode=control", *devices]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        ours, theirs = {}, {}
        for name in ("console", "probe", "qmp"):
            ours[name], theirs[name] = socket.socketpair()
        command = [word.format(**{name: end.fileno() for name, end in theirs.items()}) if "fd={" in word else word
                   for word in self.command]
        self._write_boot_script()
        self.qmp, self.keyboard = ours["qmp"], ours["console"]
        self.started = time.monotonic()
        with open(self.directory / "qemu.log", "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            pass_fds=[end.fileno() for end in theirs.values()], start_new_session=True)
        for end in theirs.values():
            end.close()
        self.reader = threading.Thread(target=self._read, args=(ours,), daemon=True)
        self.reader.start()
        self.qmp.sendall(b'{"execute":"qmp_capabilities"}\n')
        if self.debug:
            self._wait(lambda: self.debug.exists() or None, "QEMU's socket for the debug line", 20, [])

    def _write_boot_script(self):
        """The same boot by hand: console in the terminal, debug line on a socket in the current folder."""
        words = []
        for word in self.command:
            word = word.replace("socket,id=console,fd={console}", "stdio,id=console,signal=off")
            word = word.replace("socket,id=probe,fd={probe}", "file,id=probe,path=probe.log")
            word = word.replace("socket,id=qmp,fd={qmp}", "null,id=qmp")
            if self.debug:
                word = word.replace(str(self.debug), "ttyS1")
            words.append(shlex.quote(word))
        path = self.directory / "boot.sh"
        path.write_text("#!/bin/sh\n# The machine of this test, by hand.\nexec " + " ".join(words) + "\n")
        path.chmod(0o755)

    def _read(self, ends):
        streams = {ends["console"]: self.console, ends["probe"]: self.probe, ends["qmp"]: self.events}
        poll = select.poll()
        by_number = {}
        for end in streams:
            poll.register(end, select.POLLIN)
            by_number[end.fileno()] = end
        while by_number:
            for number, _ in poll.poll():
                end = by_number[number]
                try:
                    data = end.recv(65536)
                except ConnectionError:
                    data = b""
                if not data:
                    poll.unregister(number)
                    del by_number[number]
                with self.changed:
                    if data:
                        streams[end].feed(data)
                    self.changed.notify_all()
        status = self.process.wait()
        with self.changed:
            self.exit_status = status
            self.changed.notify_all()

    # --- Waiting ------------------------------------------------------------------------------------------------------
    def _wait(self, found, what, seconds, streams):
        limit = time.monotonic() + scaled(seconds)
        with self.changed:
            while True:
                result = found()
                if result is not None:
                    return result
                left = limit - time.monotonic()
                # A socket's file makes no noise: look again now and then while QEMU starts.
                if self.exit_status is not None:
                    why = f"QEMU has ended (status {self.exit_status})"
                elif left <= 0:
                    why = f"it did not come in {scaled(seconds):g} s"
                else:
                    self.changed.wait(min(left, 0.05) if not streams else left)
                    continue
                raise Timeout(self.describe(what, why, streams or [self.console]))

    def describe(self, expected, got, streams):
        parts = [f"expected: {expected}", f"got: {got}"]
        for stream in streams:
            parts.append(f"end of {stream.path}:\n{stream.tail()}")
        parts.append(f"QEMU's own messages: {(self.directory / 'qemu.log').read_text() or '(none)'}")
        parts.append(f"the same boot by hand: {self.directory / 'boot.sh'}")
        return "\n".join(parts)

    def wait_for(self, pattern, seconds=60, stream=None, after=0):
        """Waits until the regular expression is found in the stream (the console unless told) at or after the offset
        `after`; returns the match."""
        stream = stream or self.console
        expression = re.compile(pattern, re.MULTILINE)
        return self._wait(lambda: expression.search(stream.text, after), f"/{pattern}/ in {stream.path.name}", seconds,
                          [stream])

    def wait_probe(self, pattern, seconds=60, after=0):
        return self.wait_for(pattern, seconds, self.probe, after)

    def report(self, seconds=60):
        """What the probe found at its first line, as a dictionary."""
        text = self.wait_probe(r"(?s)^\{\"argv\".*?\"end\":true\}\n", seconds).group(0)
        return json.loads(text)

    def wait_debug_line(self, pattern, seconds=60):
        """Reads the debug line itself, as a person with a terminal program, until the expression is found in what
        comes; then hangs up. Returns the text."""
        limit, text = time.monotonic() + scaled(seconds), ""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self.debug))
            while not re.search(pattern, text):
                line.settimeout(max(0.01, limit - time.monotonic()))
                try:
                    data = line.recv(65536)
                except TimeoutError:
                    data = b""
                if not data:
                    raise Timeout(self.describe(f"/{pattern}/ on the debug line", repr(text[-2000:]), [self.console]))
                text += data.decode("utf-8", "replace")
        return text

    def ask_hello(self, seconds=20):
        """Sends a newline on the debug line, as a person would; the pairs of the one line that answers it."""
        limit, text = time.monotonic() + scaled(seconds), b""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self.debug))
            line.sendall(b"\n")
            while not re.search(rb"gdbdebug version=[^\r\n]*\r\n", text):
                line.settimeout(max(0.01, limit - time.monotonic()))
                try:
                    data = line.recv(4096)
                except TimeoutError:
                    data = b""
                if not data:
                    raise Timeout(self.describe("the hello on the debug line", repr(text[-500:]), [self.console]))
                text += data
        found = re.findall(r"(\w+)=(\S*)", text.decode("ascii", "replace").strip().splitlines()[-1])
        return dict(found)

    def wait_end(self, seconds=60):
        """Waits until the machine is off; returns why: "poweroff" or "panic"."""
        self._wait(lambda: self.exit_status is not None or None, "the machine to end", seconds,
                   [self.console, self.probe])
        if "Kernel panic" in self.console.text:
            return "panic"
        reason = re.search(r'"event": "SHUTDOWN".*?"reason": "([a-z-]+)"', self.events.text, re.DOTALL)
        return {"guest-shutdown": "poweroff", "guest-reset": "panic"}.get(reason.group(1) if reason else "", "unknown")

    def time_of(self, pattern, stream=None):
        """Seconds from QEMU's start until the first match arrived."""
        stream = stream or self.console
        match = re.search(pattern, stream.text, re.MULTILINE)
        if not match:
            raise Timeout(self.describe(f"/{pattern}/ in {stream.path.name}", "it never came", [stream]))
        return stream.time_of(match.start()) - self.started

    def type(self, text):
        """Types on the console, as a person at its other end."""
        self.keyboard.sendall(text.encode())

    def execute(self, command, **arguments):
        """Sends a QMP command; the answer is not waited for (wait on `.events` for what it brings about)."""
        self.qmp.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")

    def stop(self):
        """Ends the machine, whatever it does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.reader.join(10)
        if self.debug:
            self.debug.unlink(missing_ok=True)


_accelerator = None


def accelerator():
    """kvm where it works, else tcg. GDBDEBUG_ACCEL decides otherwise."""
    global _accelerator
    if _accelerator is None:
        _accelerator = os.environ.get("GDBDEBUG_ACCEL") or ("kvm" if kvm_works() else "tcg")
        if _accelerator not in ("kvm", "tcg"):
            raise ValueError(f"GDBDEBUG_ACCEL is '{_accelerator}'; it can be kvm or tcg")
    return _accelerator


def kvm_works(seconds=10):
    """A /dev/kvm that exists may still hang: where a virtual machine runs in another, its firmware may run while a
    kernel does not. So a kernel is booted without a root file system: it must panic, and QEMU end, in time."""
    if FOREIGN or not os.access("/dev/kvm", os.R_OK | os.W_OK) or kernel()[0] is None:
        return False
    command = [TARGET.qemu[0], "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
               "-accel", "kvm", "-m", "256", "-kernel", str(kernel()[1]), "-append", "panic=-1 quiet"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        process.kill()
        # A process stuck inside the kernel's KVM cannot be waited for; it is left to the kernel.
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        return False

