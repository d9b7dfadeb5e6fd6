# SPDX-License-Identifier: GPL-2.0-or-later
"""A real gdb: driven through its machine interface (MI) where a test reacts to what it says, or with a list of commands
in batch, as a user would type them. Without any gdbinit, and never asking a server for debug files."""

import os
import queue
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

from .environment import scaled
from .machine import Timeout
from .target import TARGET

ENVIRONMENT = {**os.environ, "LC_ALL": "C", "DEBUGINFOD_URLS": "", "HOME": "/nonexistent", "TERM": "dumb"}


class GdbError(AssertionError):
    """gdb answered a command with an error."""


def parse_results(text):
    """MI's `a="b",c={d="e"},f=["g"]` as a dictionary (GDB manual, "GDB/MI Output Syntax")."""
    result, _ = _pairs(text, 0, "")
    return result


def _pairs(text, at, closing):
    result = {}
    while at < len(text) and text[at] != closing:
        match = re.compile(r",?([\w-]+)=").match(text, at)
        if not match:
            break
        result[match.group(1)], at = _value(text, match.end())
    return result, at + 1


def _value(text, at):
    if text[at] == '"':
        end = re.compile(r'"(?:[^"\\]|\\.)*"').match(text, at).end()
        return unquote(text[at:end]), end
    if text[at] == "{":
        return _pairs(text, at + 1, "}")
    items, at = [], at + 1  # a list, of values or of name=value
    while text[at] != "]":
        match = re.compile(r",?(?:[\w-]+=)?").match(text, at)
        value, at = _value(text, match.end())
        items.append(value)
    return items, at + 1


def unquote(text):
    simple = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
    return re.sub(r"\\([0-7]{3}|.)", lambda m: chr(int(m.group(1), 8)) if m.group(1).isdigit() else
                  simple.get(m.group(1), m.group(1)), text[1:-1])


class Gdb:
    """gdb in MI. Use it as a context manager."""

    def __init__(self, directory, *arguments, program=TARGET.debugger):
        self.path = Path(directory) / "gdb.log"
        self.log = open(self.path, "a", encoding="utf-8")
        self.number = 0
        self.stops = queue.Queue()
        self.answers = queue.Queue()
        self.console = ""
        self.process = subprocess.Popen([program, "-nx", "-q", "--interpreter=mi3", *arguments], env=ENVIRONMENT,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, errors="replace", cwd=self.path.parent, start_new_session=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        for setting in ("confirm off", "pagination off", "width 0", "debuginfod enabled off"):
            self.command(f"set {setting}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def _note(self, mark, text):
        self.log.write(f"{time.monotonic():.3f} {mark} {text}\n")
        self.log.flush()

    def _read(self):
        for line in self.process.stdout:
            line = line.rstrip("\n")
            self._note("<", line)
            if line[:1] in "~@&" and line[1:2] == '"':
                self.console += unquote(line[1:])
            elif line.startswith("*stopped"):
                self.stops.put(parse_results(line[len("*stopped,"):]))
            else:
                match = re.match(r"(\d+)\^(\w+)(?:,(.*))?", line)
                if match:
                    self.answers.put((int(match.group(1)), match.group(2), parse_results(match.group(3) or "")))
        self.answers.put((None, "exit", {}))
        self.stops.put(None)

    def fail(self, expected, got):
        raise Timeout(f"expected: {expected}\ngot: {got}\nend of {self.path}:\n" + "".join(
            f"    | {line}\n" for line in self.path.read_text(encoding="utf-8").splitlines()[-30:]))

    def command(self, text, seconds=60):
        """Types a command of gdb's command line; returns what gdb printed until it was done (or the target runs)."""
        self.number += 1
        started = len(self.console)
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        self._note(">", text)
        try:
            self.process.stdin.write(f'{self.number}-interpreter-exec console "{quoted}"\n')
            self.process.stdin.flush()
        except OSError as error:
            self.fail(f"gdb to take the command '{text}'", str(error))
        limit = time.monotonic() + scaled(seconds)
        while True:
            try:
                number, word, results = self.answers.get(timeout=max(0.01, limit - time.monotonic()))
            except queue.Empty:
                self.fail(f"an answer to '{text}'", f"none in {scaled(seconds):g} s")
            if number is None:
                self.fail(f"an answer to '{text}'", "gdb has ended")
            if number == self.number:
                break
        if word == "error":
            raise GdbError(f"expected: '{text}' to work\ngot: {results.get('msg')}\ngdb's log: {self.path}")
        return self.console[started:]

    def expect_stop(self, seconds=60):
        """Waits until the target stops; returns MI's description, for example {"reason": "breakpoint-hit", ...}."""
        try:
            stop = self.stops.get(timeout=scaled(seconds))
        except queue.Empty:
            self.fail("the target to stop", f"nothing in {scaled(seconds):g} s")
        if stop is None:
            self.fail("the target to stop", "gdb has ended")
        return stop

    def connect(self, target, seconds=60):
        """`target remote`; returns the stop at which the target was met."""
        self.command(f"target remote {target}", seconds)
        return self.expect_stop(seconds)

    def resume(self, text="continue", seconds=60):
        """A command that lets the target run, and the stop that ends it."""
        self.command(text, seconds)
        return self.expect_stop(seconds)

    def value(self, expression, kind="x"):
        """The value of an expression, as an integer."""
        text = self.command(f"output/{kind} {expression}")
        return int(text, 0)

    def interrupt(self):
        """Ctrl-C."""
        self._note(">", "(SIGINT)")
        self.process.send_signal(signal.SIGINT)

    def kill(self):
        """kill -9: gdb has no time to say goodbye to the target."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join(5)
        self.log.close()

    def quit(self, seconds=20):
        """The user's quit, without detach before."""
        try:
            self.process.stdin.write("-gdb-exit\n")
            self.process.stdin.flush()
            self.process.wait(scaled(seconds))
        except (OSError, subprocess.TimeoutExpired) as error:
            self.fail("gdb to end", str(error))


def gdb_batch(directory, commands, seconds=60, arguments=(), program=TARGET.debugger):
    """gdb with these commands in batch, as a user would type them; returns all it printed. Fails when gdb does not end
    in time; its status is left to the caller's judgement of the text."""
    path = Path(directory) / "gdb.log"  # and there its core file, should it fail in one of its assertions
    command = [program, "-nx", "-q", "-batch", *arguments]
    for line in commands:
        command += ["-ex", line]
    with open(path, "w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=log,
                                   stderr=subprocess.STDOUT, cwd=directory, start_new_session=True)
        try:
            process.wait(scaled(seconds))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            log.seek(0)
            tail = "".join(f"    | {line}" for line in log.readlines()[-30:])
            raise Timeout(f"expected: gdb to finish {commands}\ngot: not in {scaled(seconds):g} s\n"
                          f"end of {path}:\n{tail}") from None
        log.seek(0)
        return log.read()
