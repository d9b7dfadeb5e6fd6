# SPDX-License-Identifier: GPL-2.0-or-later
"""A line that damages one byte in 500, in both directions: `gdbdebug attach` does a whole session over it, with the
real helper and gdbserver, as in test_sessions.py. The damage is the same in each run."""

import os
import random
import socket
import subprocess
import threading

import pytest
import test_sessions as sessions

COMMAND = sessions.BUILD / "client" / "gdbdebug"
pytestmark = [*sessions.pytestmark, pytest.mark.skipif(not COMMAND.exists(), reason=f"{COMMAND} is not built")]
boot = sessions.boot

ONE_IN = 500
SESSION = ["print/x $pc", "break rarely", "set var seldom = 1", "continue", "backtrace", "info registers", "stepi",
           "stepi", "info threads", "x/200xb $sp", "detach"]


class LossyLine:
    """Leads from the socket at `.path` to the one at `target`."""

    def __init__(self, path, target, seed):
        self.path, self.target = path, target
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.damaged = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(2)
        threading.Thread(target=self.serve, daemon=True).start()

    def damage(self, data):
        data = bytearray(data)
        with self.lock:
            for at, byte in enumerate(data):
                if self.random.randrange(ONE_IN) == 0:
                    self.damaged += 1
                    data[at] = self.random.choice([byte ^ (1 << self.random.randrange(8)), self.random.randrange(256)])
        return bytes(data)

    def carry(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(self.damage(data))
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has gone already

    def serve(self):
        try:
            while True:
                near = self.listener.accept()[0]
                far = socket.socket(socket.AF_UNIX)
                far.connect(str(self.target))
                threading.Thread(target=self.carry, args=(far, near), daemon=True).start()
                self.carry(near, far)
        except OSError:
            pass  # the test is over


# Before the client knew a copy of a reply from the next reply, 0 and 2 ended in "Unknown remote qXfer reply".
@pytest.mark.parametrize("seed", range(4))
def test_a_session_survives_one_byte_in_500_damaged(boot, tmp_path, seed):
    machine = boot("wait")
    machine.held()
    line = LossyLine(tmp_path / "lossy", machine.path, seed)
    words = [str(COMMAND), "attach", "--timeout", "60", "--sysroot", "/", str(line.path), "--", "-nx", "-batch",
             "-ex", f"file {sessions.PROGRAM}"]
    for command in SESSION:
        words += ["-ex", command]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=240, check=False, env={**os.environ, "GDBDEBUG_CACHE": str(tmp_path / "cache")})
    line.listener.close()
    assert "Breakpoint 1, rarely" in done.stdout and "detached" in done.stdout, done.stdout
    assert line.damaged > 5, "the line was better than it should have been"
    machine.runs_free()
