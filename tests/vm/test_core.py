# SPDX-License-Identifier: GPL-2.0-or-later
"""rd.gdbdebug=...,core: what a machine that was left alone has written to its console becomes a core, whose backtrace
is that of a live debugger at the same stop, line by line."""

import difflib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest
from harness import BUILD, probe_image
from harness.image import REAL_INIT, dracut_image

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


@pytest.mark.parametrize("how, place", [("jump", "16"), ("abort", "(long) &abort")], ids=["jump", "abort"])
def test_systemd_that_died_alone_is_explained_from_the_saved_console(boot, gdb, directory, how, place):
    """A jump to nowhere in the middle of its work, and a library that calls abort(). A debugger brings it about and has
    gone when it happens."""
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
    debugger.command(f"set $pc = {place}")
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
    if how == "abort":
        assert any("abort (" in line for line in found), found
        return
    counts = {share: count_whole(log, image, share / 100) for share in (1, 3, 10)}
    print("whole backtraces of 20 after so many % of the lines were lost:", counts)
    assert counts[1] >= 19 and counts[3] >= 19 and counts[10] >= 10, counts


# ---- the ways to die ----

SOURCES = Path(__file__).resolve().parent


def compiled(folder, *command):
    """Runs a compiler; skips where there is none."""
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    for_go = {"GOCACHE": str(folder / "go-cache"), "GOFLAGS": "-mod=mod", "GO111MODULE": "off"}
    done = subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True, check=False, timeout=300,
                          env={**os.environ, **for_go})
    if done.returncode:
        pytest.skip(f"{command[0]} cannot make it here: {done.stderr.strip()[-300:]}")


def c_program(compiler, folder):
    """death.c with its library: (program, other files in the image by their names)."""
    words = (compiler, "-g", "-O1", "-Wl,--build-id=sha1")
    compiled(folder, *words, "-fPIC", "-shared", "-o", "libdeath.so", SOURCES / "death_library.c")
    compiled(folder, *words, "-fPIE", "-pie", "-pthread", "-o", "death", SOURCES / "death.c", "-L.", "-ldeath",
             "-Wl,-rpath,/usr/lib/death")
    return {"/usr/lib/death/libdeath.so": folder / "libdeath.so"}


def glibc(folder):
    return c_program("cc", folder)


def musl(folder):
    files = c_program("musl-gcc", folder)
    linker = Path("/lib/ld-musl-x86_64.so.1")
    return {**files, str(linker): linker}


def bits32(folder):
    compiled(folder, "cc", "-m32", "-g", "-O1", "-Wl,--build-id=sha1", "-ffreestanding", "-fno-stack-protector",
             "-fno-pic", "-no-pie", "-nostdlib", "-static", "-o", "death", SOURCES / "death_bare.c")
    return {}


def go(folder):
    compiled(folder, "go", "build", "-ldflags=-compressdwarf=false", "-o", "death", SOURCES / "death.go")
    return {}


def rust(folder):
    compiled(folder, "rustc", "-g", "-C", "opt-level=1", "-C", "panic=abort", "-C", "link-arg=-Wl,--build-id=sha1",
             "-o", "death", SOURCES / "death.rs")
    return {}


def busybox(folder):
    """A script as PID 1 that has come to its end: no debugger shows more than the shell that reads it."""
    program = shutil.which("busybox") or pytest.skip("busybox is not installed")
    shutil.copy(program, folder / "death")
    return {}


SCRIPT = """#!/bin/sh
mount_root() {
    [ -e /sysroot/sbin/init ] || exit 7
}
mount_root
"""

# How, the program, its argument and options, and functions that must be in the backtrace of the thread in trouble.
DEATHS = {
    "segv": (glibc, "segv", "crash", ["touch", "start", "main"]),
    "abort-in-a-library": (glibc, "library", "crash", ["abort", "give_up", "check_unit", "start", "main"]),
    "exit": (glibc, "exit", "exit", ["exit", "start", "main"]),
    "threads": (glibc, "threads", "crash", ["touch", "start", "crash_later", "start_thread"]),
    "musl": (musl, "segv", "crash", ["touch", "start", "main"]),
    "musl-library": (musl, "library", "crash", ["raise"]),  # Debian's has no unwind tables, so gdb goes no further
    "32-bit": (bits32, "segv", "crash", ["touch", "start", "_start"]),
    "go": (go, "segv", "crash,handled", ["main.touch", "main.start"]),
    "go-exit": (go, "segv", "crash", ["runtime.exit"]),
    "rust": (rust, "segv", "crash", ["abort", "find", "main"]),
    "busybox": (busybox, "segv", "exit", []),
}


def death_image(folder, make):
    """An image whose real init is that program."""
    def change(image):
        script = make is busybox
        for name, file in make(folder).items():
            image.add(name, Path(file).read_bytes(), 0o755)
        image.program("/bin/sh" if script else "/usr/bin/death", folder / "death")
        if script:
            image.add("/usr/bin/death", SCRIPT, 0o755)
        image.link(REAL_INIT, "../../bin/death")

    return probe_image(change=change)


def others(lines):
    """The functions of each other thread, as they are called in a backtrace."""
    text = "\n".join(lines)
    stacks = re.split(r"^Thread .*$", text, flags=re.MULTILINE)[1:]
    return sorted(re.findall(r"^#\d+ +(?:0x\w+ in )?(\S+) \(", stack, flags=re.MULTILINE) for stack in stacks)


@pytest.mark.parametrize("how", DEATHS)
def test_each_way_to_die_is_explained_as_a_live_debugger_would(boot, gdb, directory, how):
    make, word, options, functions = DEATHS[how]
    image = death_image(directory, make)
    machine = boot(image, f"quiet rd.gdbdebug=ttyS1,{options},core {word}", loglevel=3)
    machine.wait_for(END)
    log = saved_log(machine)
    seconds, count = text_seconds(log)
    made = report(log, "--initrd", image)
    program = "/bin/sh" if make is busybox else "/usr/bin/death"
    debugger, live = live_backtrace(gdb, machine, unpacked(directory, image), program)
    found = frames(made["core"]["backtrace"])
    print(f"{how}: {seconds:.2f} s at 115200 baud, {count} lines, {made['core']['memory']} bytes of memory; "
          f"{len(live)} lines of backtrace")
    assert found == live, "\n".join(difflib.unified_diff(live, found, "live", "core", lineterm=""))
    shown = " ".join(line for line in found if line.startswith("#"))
    assert [name for name in functions if not re.search(rf"\b{re.escape(name)}\b", shown)] == [], shown
    if how == "musl-library":  # so what is on the stack is shown too
        text = subprocess.run([COMMAND, "report", log, "--initrd", image], capture_output=True, text=True, timeout=300,
                              check=True).stdout
        assert "gdb has not found the way through the stack" in text
        assert [name for name in ("give_up", "check_unit", "start") if f" {name} at " not in text] == [], text
    if how == "threads":
        told = debugger.command("thread apply all -s backtrace 16").splitlines()
        mine = [re.match(r"(?:0x\w+ in )?(\S+)", line.split(None, 1)[1])[1] for line in live if line.startswith("#")]
        assert others([*made["core"]["backtrace"]]) == [stack for stack in others(told) if stack != mine], told
