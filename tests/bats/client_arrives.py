# SPDX-License-Identifier: GPL-2.0-or-later
"""client_arrives.py KIND LOG COMMAND...: runs COMMAND with `@` replaced by a line on which the lines of LOG arrive one
by one, and which does not end. KIND: pty, socket, or pipe for standard input. With KIND/interrupt the user presses
Ctrl-C when the command says that a report arrives; with KIND/asked the log comes when a report was requested. What the
command prints is shown, and its status is ours."""

import os
import pty
import signal
import socket
import subprocess
import sys
import tty

LIMIT = 60
REQUEST = b"$qGdbdebug.report#4f"


class Line:
    """`name` is for the command, `standard_input` what it has there."""

    def __init__(self, kind):
        self.name, self.standard_input, self.listener, self.end = "-", None, None, None
        if kind == "pty":
            self.end, slave = pty.openpty()
            tty.setraw(slave)
            self.name = os.ttyname(slave)
        elif kind == "socket":
            self.listener = socket.socket(socket.AF_UNIX)
            self.name = "line.sock"
            if os.path.exists(self.name):
                os.unlink(self.name)
            self.listener.bind(self.name)
            self.listener.listen(1)
        else:
            self.standard_input, self.end = os.pipe()

    def open(self):
        if self.listener:
            self.end = self.listener.accept()[0].detach()

    def read(self, text):
        got = b""
        while text not in got:
            got += os.read(self.end, 4096)


def wait_for(text, process):
    next(line for line in process.stderr if text in line)


def main():
    kind, _, how = sys.argv[1].partition("/")
    line = Line(kind)
    command = [line.name if word == "@" else word for word in sys.argv[3:]]
    process = subprocess.Popen(command, stdin=line.standard_input, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    signal.alarm(LIMIT)
    line.open()
    if how == "asked":
        line.read(REQUEST)
    elif kind == "pty":  # what came before a serial port was opened is lost
        wait_for("waiting for a report on", process)
    with open(sys.argv[2], "rb") as log:
        for record in log:
            os.write(line.end, record)
    if how == "interrupt":
        wait_for("a report arrives on", process)
        process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=LIMIT)
    print(output, end="")
    print(errors, end="", file=sys.stderr)
    return process.returncode


sys.exit(main())
