# SPDX-License-Identifier: GPL-2.0-or-later
"""rd.gdbdebug=...,core: what a machine that was left alone has written to its console becomes a core, whose backtrace
is that of a live debugger at the same stop, line by line."""

import difflib
import json
import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest
from harness import BUILD, probe_image
from harness.image import dracut_image

COMMAND = BUILD / "client" / "gdbdebug"
SYSTEMD = Path("/usr/lib/systemd/systemd")
END = r"gdbdebug: core: [0-9a-f]{8} end .*\n"


@pytest.fixture(autouse=True)
def command(helper):
    if not COMMAND.exists():
        pytest.skip(f"the host command is not built: {COMMAND}")
    if not shutil.which("gdb"):
        pytest.skip("gdb is not installed")


def report(log, *words, status=0):
    """What `gdbdebug report --json` makes of the log's only report."""
    done = subprocess.run([COMMAND, "report", log, "--json", *map(str, words)], capture_output=True, text=True,
                          timeout=300, check=False)
    assert done.returncode == status, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout)["reports"][0]


def saved_log(machine):
    """The console as it was saved: with carriage returns, times, and what others wrote."""
    path = machine.directory / "saved.log"
    path.write_bytes(machine.console.text.encode(errors="surrogateescape"))
    return path


def unpacked(directory, image):
    """The image as a sysroot for the live debugger."""
    path = directory / "sysroot"
    subprocess.run([COMMAND, "sysroot", image, path], check=True, capture_output=True, timeout=120)
    return path


def frames(lines):
    """The lines of a backtrace of the thread in trouble, with its variables."""
    lines = list(lines)
    for end in ("=> ", "Thread "):
        lines = next((lines[:i] for i, line in enumerate(lines) if line.startswith(end)), lines)
    return [line.rstrip() for line in lines if line.strip()]


def live_backtrace(gdb, machine, sysroot, program):
    debugger = gdb()
    debugger.command(f"set sysroot {sysroot}")
    debugger.command(f"file {sysroot}{program}")
    debugger.connect(machine.debug)
    text = debugger.command("backtrace -full 64", 120)
    return debugger, frames(text.replace(str(sysroot), "").splitlines())


def text_seconds(log, baud=115200):
    """How long the records take on a serial line."""
    text = log.read_bytes()
    lines = [line for line in text.splitlines(keepends=True) if b"gdbdebug: core: " in line]
    return sum(map(len, lines)) * 10 / baud, len(lines)


@pytest.mark.parametrize("action", ["segv", "abort", "jump0", "overflow", "ill", "fpe", "bus", "trap", "sys"])
def test_the_core_in_the_log_shows_what_a_live_debugger_shows(boot, gdb, directory, action):
    image = probe_image()
    machine = boot(image, f"quiet rd.gdbdebug=ttyS1,crash,core REPORT=no PROBE={action}", loglevel=3)
    machine.wait_for(END)
    log = saved_log(machine)
    made = report(log, "--initrd", image)
    assert made["core"]["complete"] and made["core"]["missing"] == [], made["core"]
    _, live = live_backtrace(gdb, machine, unpacked(directory, image), "/usr/bin/probe")
    found = frames(made["core"]["backtrace"])
    if action == "overflow":  # of 8 MiB of stack only the innermost frames are there
        found, live = [[line for line in lines if line.startswith("#")][1:13] for lines in (found, live)]
        assert len(live) == 12 and all("crash_by_recursion" in line for line in found), found
        found, live = [[line.partition(" (")[0] for line in lines] for lines in (found, live)]
    assert found == live, "\n".join(difflib.unified_diff(live, found, "live", "core", lineterm=""))


@pytest.mark.parametrize("action", ["exit:1", "reboot"])
def test_a_pid_1_that_ends_by_itself_leaves_a_core_too(boot, gdb, directory, action):
    image = probe_image()
    machine = boot(image, f"quiet rd.gdbdebug=ttyS1,exit,reboot,core REPORT=no PROBE={action}", loglevel=3)
    machine.wait_for(END)
    made = report(saved_log(machine), "--initrd", image)
    _, live = live_backtrace(gdb, machine, unpacked(directory, image), "/usr/bin/probe")
    assert frames(made["core"]["backtrace"]) == live, made["core"]


def test_the_last_lines_before_the_panic_are_enough_for_the_frames(boot, directory):
    """What pstore keeps: 10 kB."""
    image = probe_image()
    machine = boot(image, "quiet rd.gdbdebug=ttyS1,crash=2,core REPORT=no PROBE=segv", loglevel=3)
    assert machine.wait_end() == "panic"
    text = saved_log(machine).read_bytes()
    text = text[:text.index(b"Kernel panic")][-10240:]
    folder = directory / "pstore"
    folder.mkdir()
    (folder / "dmesg-ramoops-0").write_bytes(b"Panic#1 Part1\n" + text)
    done = subprocess.run([COMMAND, "report", folder, "--json", "--initrd", image], capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == 5, done.stderr
    (core,) = json.loads(done.stdout)["cores"]
    functions = [line.split()[3 if " in " in line else 1] for line in core["core"]["backtrace"] if line.startswith("#")]
    assert functions[:3] == ["crash_here", "act", "main"], core


def lossy(lines, share, random):
    """The log with so many of its lines lost, and one of three of those cut or changed instead."""
    kept = []
    for line in lines:
        if random.random() >= share:
            kept.append(line)
        elif random.random() < 1 / 3:
            place = random.randrange(len(line))
            kept.append(line[:place] + random.choice((b"", b"[    9.9] usb 1-1: other", b"#")) + line[place + 1:])
    return kept


def count_whole(log, image, share, trials=20):
    """How often the frames are all there after so many lines were lost."""
    random = Random(20)
    lines = log.read_bytes().splitlines(keepends=True)
    whole = None
    count = 0
    for trial in range(trials + 1):
        damaged = log.with_name("damaged.log")
        damaged.write_bytes(b"".join(lossy(lines, share if trial else 0, random)))
        done = subprocess.run([COMMAND, "report", damaged, "--json", "--initrd", image], capture_output=True, text=True,
                              timeout=120, check=False)
        found = json.loads(done.stdout)
        cores = [one["core"] for one in found["reports"] + found["cores"] if "core" in one]
        shown = [line for line in cores[0]["backtrace"] if line.startswith("#")] if cores else []
        whole = shown if whole is None else whole
        count += bool(trial) and shown == whole
    return count


def test_systemd_that_died_alone_is_explained_from_the_saved_console(boot, gdb, directory):
    """A jump to nowhere in the middle of its work. A debugger brings it about and has gone when it happens."""
    if not SYSTEMD.exists() or not shutil.which("dracut"):
        pytest.skip("systemd and dracut are not installed")
    image = dracut_image()
    machine = boot(image, "rd.gdbdebug=ttyS1,wait,crash,core systemd.show_status=1", memory=1024)
    machine.wait_for("gdbdebug: ready on ttyS1", 90)
    sysroot = unpacked(directory, image)
    debugger = gdb()
    debugger.command(f"set sysroot {sysroot}")
    debugger.connect(machine.debug)
    debugger.command("set breakpoint pending on")
    debugger.command("tbreak sd_event_run")
    debugger.resume(seconds=120)
    debugger.command("set $pc = 16")
    debugger.command("detach")
    debugger.quit()
    machine.wait_for(END, 120)
    log = saved_log(machine)
    seconds, lines = text_seconds(log)
    assert seconds < 5, f"{seconds:.1f} s, {lines} lines"
    made = report(log, "--initrd", image)
    assert made["core"]["complete"], made["core"]
    _, live = live_backtrace(gdb, machine, sysroot, str(SYSTEMD))
    found = frames(made["core"]["backtrace"])
    print(f"{seconds:.2f} s at 115200 baud, {lines} lines, {made['core']['memory']} bytes of memory; {len(live)} lines")
    assert found == live, "\n".join(difflib.unified_diff(live, found, "live", "core", lineterm=""))
    assert len(live) > 4, live
    counts = {share: count_whole(log, image, share / 100) for share in (1, 3, 10)}
    print("whole backtraces of 20 after so many % of the lines were lost:", counts)
    assert counts[1] >= 19 and counts[3] >= 19 and counts[10] >= 10, counts
