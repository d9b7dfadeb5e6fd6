# SPDX-License-Identifier: GPL-2.0-or-later
"""The relay against gdbserver alone, over TCP on the loopback device of a network namespace: real gdb, real gdbserver,
the helper as process 1 of a PID namespace with the line tcp:. Needs root and no virtual machine. Run as a program, it
is its own worker inside the network namespace."""

import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "tests" / "vm"), str(Path(__file__).resolve().parent)]

from harness.gdb import ENVIRONMENT
from harness.image import AGENT_IN_IMAGE, CONFIGURATION, GDBSERVER, MANIFEST, REAL_INIT, libraries_of
from harness import BUILD
from table import Unavailable

HELPER = BUILD / "helper" / "gdbdebug-init"
AGENT = BUILD / "helper" / "gdbdebug-agent-net"
PORT = 2345
SHORT = "--short" in sys.argv  # for the worker
STEPS = 50 if SHORT else 5000
MEGABYTES, CORE_MEGABYTES = (2, 8) if SHORT else (64, 256)
TARGET = f"""#include <string.h>
#include <unistd.h>
volatile char memory[{CORE_MEGABYTES} << 20];
int main(void) {{
  for (unsigned i = 0; i < sizeof memory; i += 64) memory[i] = (char)(i >> 6);
  for (volatile long ticks = 0;;) ticks++;
}}
"""


def make_root(folder):
    """A root as a generator module leaves it, with the target as the real init and the line tcp:."""
    root = Path(folder) / "root"
    for path in ("proc", "dev", "sys", "etc", "usr/lib/gdbdebug", "run", "tmp"):
        (root / path).mkdir(parents=True)
    source = Path(folder) / "target.c"
    source.write_text(TARGET)
    subprocess.run(["cc", "-static", "-g", "-O1", "-o", str(root / REAL_INIT.lstrip("/")), str(source)], check=True)
    shutil.copy2(HELPER, root / "init")
    shutil.copy2(AGENT, root / AGENT_IN_IMAGE.lstrip("/"))
    names = [AGENT_IN_IMAGE]
    for name, file in [("/usr/bin/gdbserver", GDBSERVER), *libraries_of(GDBSERVER)]:
        target = root / name.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)
        names.append(name)
    (root / MANIFEST.lstrip("/")).write_text("\n".join(names) + "\n")
    (root / CONFIGURATION.lstrip("/")).write_text("lines=net\n")
    (root / "etc/cmdline").write_text(f"rd.gdbdebug=tcp:127.0.0.1:{PORT},insecure "
                                      "rd.gdbdebug.ip=192.0.2.1:::255.255.255.0::near:off\n")
    return root


def wait_for_port(listening, seconds=60):
    """Until somebody listens, or nobody does any more (state 0A: include/net/tcp_states.h)."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        table = Path("/proc/self/net/tcp").read_text(encoding="ascii") + Path("/proc/self/net/tcp6").read_text("ascii")
        if bool(re.search(rf":{PORT:04X} [0-9A-F:]+ 0A ", table)) == listening:
            return
        time.sleep(0.05)
    raise AssertionError(f"expected: {'a' if listening else 'no'} listener on port {PORT} within {seconds} s")


def seconds_of(folder, program, commands):
    """How long each group of commands takes in one gdb, in seconds by its own clock."""
    script = ["set pagination off", "set confirm off", "python import time", f"target remote 127.0.0.1:{PORT}"]
    for name, group in commands.items():
        script += ["python begun = time.monotonic()", *group,
                   f"python print('{name}', 'took', time.monotonic() - begun)"]
    words = [word for line in [*script, "detach"] for word in ("-ex", line)]
    run = subprocess.run(["gdb", "-q", "-nx", "-batch", *words, str(program)], env=ENVIRONMENT, cwd=folder, text=True,
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=400,
                         check=False)
    found = dict(re.findall(r"^(\w+) took ([\d.e-]+)$", run.stdout, re.MULTILINE))
    if set(found) != set(commands):
        raise AssertionError(f"gdb did not do all of it:\n{run.stdout[-3000:]}")
    for name, megabytes in (("memory", MEGABYTES), ("core", CORE_MEGABYTES)):
        size = Path(folder, name).stat().st_size
        assert size >= megabytes << 20, f"expected: {megabytes} MB in '{name}'\ngot: {size} bytes\n{run.stdout}"
        Path(folder, name).unlink()
    return {name: float(value) for name, value in found.items()}


def one(folder, root, ours):
    program = root / REAL_INIT.lstrip("/")
    commands = {
        "steps": [f"stepi {STEPS}"],
        "memory": [f"dump binary memory {folder}/memory &memory[0] &memory[{MEGABYTES << 20}]"],
        "core": [f"generate-core-file {folder}/core"],
    }
    log = open(f"{folder}/server.log", "wb")
    if ours:
        processes = [subprocess.Popen(["unshare", "--pid", "--mount", "--fork", "--kill-child", "--propagation",
                                       "private", "chroot", str(root), "/init"], stdout=log, stderr=log)]
    else:
        target = subprocess.Popen([str(program)])
        processes = [subprocess.Popen([GDBSERVER, "--once", "--attach", f"127.0.0.1:{PORT}", str(target.pid)],
                                      stdout=log, stderr=log), target]
    agent_memory = None
    try:
        wait_for_port(True)
        result = seconds_of(folder, program, commands)
        if ours:
            agent_memory = memory_of_agent()
    except AssertionError as error:
        raise AssertionError(f"{error}\n{Path(folder, 'server.log').read_text(errors='replace')}") from None
    finally:
        for process in processes:
            process.send_signal(signal.SIGKILL)
            process.wait()
        log.close()
        wait_for_port(False)
    return {**result, "agent": agent_memory}


def memory_of_agent():
    """The agent's most resident memory (VmHWM) in KiB."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cmdline").read_bytes().startswith(b"@gdbdebug-agent"):
                return int(re.search(r"VmHWM:\s+(\d+)", (process / "status").read_text(encoding="ascii")).group(1))
        except (OSError, AttributeError):
            continue
    return None


def worker(rounds):
    # The helper wants a network card, though what is measured goes over the loopback device.
    subprocess.run(["ip", "link", "add", "near", "type", "veth", "peer", "name", "far"], check=True)
    for device in ("lo", "near", "far"):
        subprocess.run(["ip", "link", "set", device, "up"], check=True)
    result = {True: [], False: []}
    with tempfile.TemporaryDirectory(prefix="gdbdebug-bench-") as folder:
        root = make_root(folder)
        for _ in range(rounds):
            for ours in (True, False):  # in turns
                result[ours].append(one(folder, root, ours))
    print(json.dumps([result[True], result[False]]))


def measure(table, rounds):
    if os.geteuid() != 0:
        raise Unavailable("needs root, for namespaces")
    for program in ("unshare", "ip", "gdb", "gdbserver"):
        if not shutil.which(program):
            raise Unavailable(f"{program} is not installed")
    if not HELPER.exists():
        raise Unavailable("the helper is not built")
    short = ["--short"] if table.short else []
    run = subprocess.run(["unshare", "--net", sys.executable, __file__, str(min(rounds, 3)), *short], text=True,
                         stdin=subprocess.DEVNULL, capture_output=True, timeout=1200, check=False)
    if run.returncode:
        raise AssertionError(f"the worker failed:\n{run.stderr[-4000:]}")
    ours, alone = json.loads(run.stdout)
    rates = {"steps": ("single steps by gdb", "1/s", STEPS),
             "memory": (f"dump memory of {MEGABYTES} MB", "MB/s", MEGABYTES),
             "core": (f"core file of a process with {CORE_MEGABYTES} MB", "MB/s", CORE_MEGABYTES)}
    for key, (what, unit, amount) in rates.items():
        table.add(f"relay-{key}", f"relay over TCP: {what}", unit, [amount / one[key] for one in ours],
                  [amount / one[key] for one in alone], "gdbserver alone", lambda a, b: a >= 0.95 * b, "0.95")
    peaks = [one["agent"] for one in ours if one["agent"]]
    if peaks:
        table.add("relay-memory", "relay over TCP: the agent's most memory, after the core file", "KiB", peaks)
    assert statistics.median(peaks or [0]) < 4096, "the agent's memory grows with what it passes on"


if __name__ == "__main__":
    worker(int(sys.argv[1]))
