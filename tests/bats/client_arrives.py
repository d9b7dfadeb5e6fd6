# SPDX-License-Identifier: GPL-2.0-or-later
"""client_arrives.py KIND LOG COMMAND...: runs COMMAND with `@` replaced by a line on which the lines of LOG arrive one
by one, and which does not end. KIND: pty, socket, or pipe for standard input. With KIND/interrupt the user presses
Ctrl-C when the command says that a report arrives. What the command prints is shown, and its status is ours."""

import os
import pty
import signal
import socket
import subprocess
import sys
import tty

LIMIT = 60


def open_line(kind):
    """(the name for the command, its standard input, a function that sends)."""
    if kind == "pty":
        master, slave = pty.openpty()
        tty.setraw(slave)
        return os.ttyname(slave), None, lambda data: os.write(master, data)
    if kind == "socket":
        listener = socket.socket(socket.AF_UNIX)
        listener.bind("line.sock")
        listener.listen(1)
        peers = []

        def send(data):
            if not peers:
                peers.append(listener.accept()[0])
            peers[0].sendall(data)

        return "line.sock", None, send
    reading, writing = os.pipe()
    return "-", reading, lambda data: os.write(writing, data)


def wait_for(text, process):
    next(line for line in process.stderr if text in line)


def main():
    kind, _, interrupt = sys.argv[1].partition("/")
    name, standard_input, send = open_line(kind)
    command = [name if word == "@" else word for word in sys.argv[3:]]
    process = subprocess.Popen(command, stdin=standard_input, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    signal.alarm(LIMIT)
    if kind == "pty":  # what came before a serial port was opened is lost
        wait_for("waiting for a report on", process)
    with open(sys.argv[2], "rb") as log:
        for line in log:
            send(line)
    if interrupt:
        wait_for("a report arrives on", process)
        process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=LIMIT)
    print(output, end="")
    return process.returncode


sys.exit(main())
