# SPDX-License-Identifier: GPL-2.0-or-later
"""A real terminal with a program in it, and a user at its keyboard: tmux in control mode, which tells of every byte
that the program writes. And a line that counts what goes over it."""

import os
import re
import shlex
import socket
import subprocess
import threading
import time
from pathlib import Path

from .environment import scaled
from .machine import Timeout

# Colours, cursor movements, titles: what a terminal draws with (ECMA-48, 5.4; xterm's OSC).
CONTROLS = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Za-z0-9]|\x1b[=>]|\r")


class Terminal:
    """Runs `command` (a list of words) in a terminal. Use it as a context manager: what runs in it ends with it."""

    def __init__(self, directory, command, environment=None, name="terminal"):
        self.path = Path(directory) / f"{name}.log"
        self.server = f"gdbdebug-{os.getpid()}-{id(self):x}"
        self.raw = ""
        self.ended = False
        self.changed = threading.Condition()
        settings = {"TERM": "xterm", "LC_ALL": "C", "DEBUGINFOD_URLS": "", "HOME": str(directory),
                    **(environment or {})}
        # The shell says how the program ended, and keeps the terminal open.
        # Ctrl-C is for the program, and reaches the shell too.
        script = f"trap : INT; {shlex.join(map(str, command))}; echo \"[ended: $?]\"; exec cat"
        words = ["env", *(f"{key}={value}" for key, value in settings.items()), "sh", "-c", script]
        self.process = subprocess.Popen(
            ["tmux", "-L", self.server, "-f", "/dev/null", "-C", "new-session", "-x", "160", "-y", "50",
             "-c", str(directory), shlex.join(words)],
            env={key: value for key, value in os.environ.items() if key != "TMUX"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self._tmux("refresh-client -C 160,50")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["tmux", "-L", self.server, "kill-server"], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=scaled(20), check=False)
        self.process.stdin.close()
        self.process.wait(scaled(20))
        self.reader.join(5)

    def _tmux(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()

    def _read(self):
        with open(self.path, "w", encoding="utf-8") as log:
            for line in self.process.stdout:
                line = line.decode("utf-8", "replace").rstrip("\n")
                if not line.startswith("%output "):
                    continue
                text = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m.group(1), 8)), line.split(" ", 2)[2])
                log.write(text)
                log.flush()
                with self.changed:
                    self.raw += text
                    self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    @property
    def text(self):
        """All that was written so far, as plain text."""
        return CONTROLS.sub("", self.raw)

    def mark(self):
        """A place to look from, for wait_for."""
        return len(self.text)

    def wait_for(self, pattern, seconds=60, after=0):
        """Waits until the expression is found in what was written at or after `after`; returns the match."""
        expression = re.compile(pattern, re.MULTILINE)
        limit = time.monotonic() + scaled(seconds)
        with self.changed:
            while True:
                found = expression.search(self.text, after)
                if found:
                    return found
                left = limit - time.monotonic()
                if left <= 0 or self.ended:
                    why = "the terminal has ended" if self.ended else f"it did not come in {scaled(seconds):g} s"
                    tail = "\n".join("    | " + line for line in self.text.splitlines()[-30:])
                    raise Timeout(f"expected: /{pattern}/ in the terminal\ngot: {why}\nend of {self.path}:\n{tail}")
                self.changed.wait(left)

    def key(self, name):
        """Presses one key, by tmux's name for it: `C-c`, `Enter`."""
        self._tmux(f"send-keys {name}")

    def type(self, text):
        """Types a line."""
        self._tmux(f"send-keys -l {shlex.quote(text)}")
        self.key("Enter")

    def gdb(self, text, seconds=60):
        """Types a command at gdb's prompt, and returns what gdb says up to its next prompt."""
        before = self.mark()
        self.type(text)
        # Its own echo ends in what was typed, so that the next prompt is the one after.
        echo = self.wait_for(re.escape(text), seconds, before)
        prompt = self.wait_for(r"^\(gdb\) $", seconds, echo.end())
        return self.text[echo.end():prompt.start()]


class CountingLine:
    """A Unix socket whose bytes go to and from another one, and are counted. Ends with the context."""

    def __init__(self, path, target):
        self.path, self.target = Path(path), Path(target)
        self.from_target = self.to_target = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(1)
        self.open = []
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for end in [self.listener, *self.open]:
            end.close()
        self.path.unlink(missing_ok=True)

    def _serve(self):
        while True:
            try:
                user = self.listener.accept()[0]
                line = socket.socket(socket.AF_UNIX)
                line.connect(str(self.target))
            except OSError:
                return
            self.open += [user, line]
            away = threading.Thread(target=self._carry, args=(user, line, "to_target"), daemon=True)
            away.start()
            self._carry(line, user, "from_target")
            away.join()

    def _carry(self, source, sink, count):
        try:
            while data := source.recv(65536):
                setattr(self, count, getattr(self, count) + len(data))
                sink.sendall(data)
        except OSError:
            pass  # the other direction has ended it
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is shut already
