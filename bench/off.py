# SPDX-License-Identifier: GPL-2.0-or-later
"""Debugging off: what the helper adds to a boot. Once on this machine, as process 1 of a namespace, in hundreds of
rounds; once in the virtual machine, by the kernel's own clock."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from clock import since_run
from harness import Machine, image, probe_image
from table import Unavailable

ROUNDS = 400


def root_with(folder):
    """A root with the helper as /init, and a real init that ends at once."""
    return filled(Path(folder) / "root", "init", "usr/lib/gdbdebug/init")


def root_with_overlay(folder):
    """The same of an image that was made without us, with the overlay beside it."""
    return filled(Path(folder) / "overlay", "gdbdebug/init", "init")


def filled(root, helper, real_init):
    for path in (Path(helper).parent, Path(real_init).parent, "proc", "dev", "etc"):
        (root / path).mkdir(parents=True, exist_ok=True)
    source = root.parent / "end.c"
    source.write_text("int main(void) { return 0; }\n")
    subprocess.run(["cc", "-static", "-O2", "-o", str(root / real_init), str(source)], check=True)
    shutil.copy2(image.HELPER, root / helper)
    return root


def system_calls(folder, root, helper="/init", real_init="/usr/lib/gdbdebug/init"):
    """The helper's calls between its own exec and the real init's, the latter included."""
    log = Path(folder) / "strace"
    command = ["unshare", "--pid", "--mount", "--fork", "chroot", str(root), helper]
    subprocess.run(["strace", "-f", "-o", str(log), *command], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=60)
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    start = next(i for i, line in enumerate(lines) if f'execve("{helper}"' in line)
    end = next(i for i, line in enumerate(lines) if f'execve("{real_init}"' in line)
    process = lines[start].split()[0]
    calls = [line for line in lines[start + 1:end + 1] if line.split()[0] == process]
    return len([line for line in calls if "resumed>" not in line])


def compiled(folder, name):
    program = Path(folder) / name
    subprocess.run(["cc", "-O2", "-o", str(program), str(Path(__file__).with_name(f"{name}.c"))], check=True)
    return program


def in_the_machine(rounds):
    """Milliseconds by the kernel's clock from "Run ..." to the real init's main, (with, without)."""
    result = ([], [])
    with tempfile.TemporaryDirectory(prefix="gdbdebug-bench-") as folder:
        for number in range(rounds):
            for values, append in zip(result, ("", "rdinit=/usr/lib/gdbdebug/init")):
                with Machine(f"{folder}/{number}{len(append)}", probe_image(), f"{append} PROBE=stamp") as machine:
                    machine.wait_end()
                    text = machine.console.text
                values.append(1000 * since_run(text, "probe: stamp"))
    return result


def measure(table, rounds):
    if not image.HELPER.exists():
        raise Unavailable("the helper is not built")
    if os.geteuid() != 0:
        raise Unavailable("needs root, for namespaces and chroot")
    with tempfile.TemporaryDirectory(prefix="gdbdebug-bench-") as folder:
        root = root_with(folder)
        if shutil.which("strace"):
            table.add("off-calls", "off: system calls up to the hand-off", "", [system_calls(folder, root)], None, "",
                      lambda a, _: a <= 12, "12")
            calls = system_calls(folder, root_with_overlay(folder), "/gdbdebug/init", "/init")
            table.add("off-calls-overlay", "off: system calls up to the hand-off, by the overlay", "", [calls], None,
                      "", lambda a, _: a <= 14, "14")
        timer, counter = (compiled(folder, name) for name in ("exec_timer", "step_counter"))
        run = subprocess.run([str(counter), str(root), "/init"], check=True, capture_output=True, text=True,
                             timeout=120)
        table.add("off-instructions", "off: instructions in user space up to the hand-off", "", [int(run.stdout)])
        rounds_here = 4 if table.short else ROUNDS
        run = subprocess.run([str(timer), str(root), str(rounds_here), "/init", "/usr/lib/gdbdebug/init"], check=True,
                             capture_output=True, text=True, timeout=300)
        pairs = [[int(word) / 1e6 for word in line.split()] for line in run.stdout.splitlines()]
        table.add("off-wall", "off: exec to end of a real init that ends at once", "ms", [one[0] for one in pairs],
                  [one[1] for one in pairs], "without the helper", lambda a, b: a - b <= 0.2, "0.2 ms more")
    with_us, without = in_the_machine(rounds)
    table.add("off-boot", "off: 'Run /init' to the real init's main, in the virtual machine", "ms", with_us, without,
              "without the helper")
