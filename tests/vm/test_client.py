# SPDX-License-Identifier: GPL-2.0-or-later
"""The host command as its user has it: in a real terminal, with real machines."""

import os
import re
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest
import test_overlay
from harness import BUILD, ROOT, image, kernel, machine, probe_image
from harness.checks import elf_entry
from harness.image import SYSTEMD_MODULES, dracut_image
from harness.terminal import CountingLine, Terminal
from test_lines import line_image, network, ssh_command, ssh_machine

COMMAND = BUILD / "client" / "gdbdebug"
SYSTEMD = "/usr/lib/systemd/systemd"
PROMPT = r"^\(gdb\) $"
READY = r"gdbdebug: ready on ttyS1"


@pytest.fixture(autouse=True)
def command(helper):
    if not COMMAND.exists():
        pytest.skip(f"the host command is not built: {COMMAND}")
    for program in ("tmux", "gdb"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")


@pytest.fixture(scope="module")
def systemd_image():
    try:
        return dracut_image(modules=SYSTEMD_MODULES)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        pytest.skip(f"dracut cannot make an image here: {error}")


@pytest.fixture
def terminal(directory):
    """terminal(words...) runs gdbdebug in a terminal, with a cache of its own: it has never met a target before."""
    running = []

    def start(*words, environment=None):
        name = f"terminal{len(running)}"
        settings = {"GDBDEBUG_CACHE": directory / "cache", **(environment or {})}
        running.append(Terminal(directory, [COMMAND, *words], settings, name))
        return running[-1]

    yield start
    for one in running:
        one.__exit__()


@pytest.fixture
def sockets():
    """A folder with a short name: a socket's has at most 107 bytes (unix(7))."""
    with tempfile.TemporaryDirectory(prefix="gdbdebug-") as path:
        yield Path(path)


def number(text):
    return int(re.search(r"0x[0-9a-f]+", text).group(0), 16)


def auxv(term, name):
    """What the kernel told the process: AT_BASE and the like."""
    return int(re.search(rf"{name} .*?(0x[0-9a-f]+)\s*$", term.gdb("info auxv"), re.MULTILINE).group(1), 16)


def main_of(program):
    """The address of main() in a stripped program, from its first instructions: crt1's _start loads it into rdi
    (`lea main(%rip),%rdi`) before it calls __libc_start_main."""
    entry = elf_entry(program)
    with open(program, "rb") as file:
        file.seek(entry)  # the code segment of a position-independent program is at its own offset
        code = file.read(64)
    at = code.index(b"\x48\x8d\x3d")
    return entry + at + 7 + struct.unpack_from("<i", code, at + 3)[0]


def assert_at_start_of_linker(term):
    linker = next(file for name, file in image.libraries_of(SYSTEMD) if "/ld-linux" in name)
    assert number(term.gdb("print/x $pc")) == auxv(term, "AT_BASE") + elf_entry(linker)


def test_vm_goes_to_main_of_systemd_in_one_command(systemd_image, terminal):
    term = terminal("vm", "--kernel", kernel()[1], "--initrd", systemd_image, "--accel", machine.accelerator(),
                    "--main")
    term.wait_for(r"Temporary breakpoint 3, ", 90)
    term.wait_for(PROMPT)
    offset = auxv(term, "AT_ENTRY") - elf_entry(SYSTEMD)
    assert number(term.gdb("print/x $pc")) - offset == main_of(SYSTEMD)
    assert number(term.gdb("print/x (int) $rdi")) == 1
    assert '"/init"' in term.gdb("x/s *(char **) $rsi")
    term.gdb("set confirm off")
    term.type("quit")
    assert term.wait_for(r"\[ended: (\d+)\]", 60).group(1) == "0"


def test_attach_counts_few_bytes_until_start_and_until_a_backtrace(systemd_image, boot, sockets, terminal):
    """When this was written 1.5 kB and 6.8 kB came from the target: twice as much is a fault."""
    target = boot(systemd_image, "rd.gdbdebug=ttyS1,wait", memory=1024)
    target.wait_for(READY, 120)
    with CountingLine(sockets / "line", target.debug) as line:
        term = terminal("attach", "--initrd", systemd_image, line.path)
        term.wait_for(r"in the image is the one that runs there \(build ID [0-9a-f]+", 120)
        term.wait_for(PROMPT, 120)
        at_start = line.from_target
        assert_at_start_of_linker(term)
        term.gdb(r"tcatch load libc\.so\.6")
        term.gdb("continue", 120)
        term.gdb("tbreak *__libc_start_main")
        term.gdb("continue", 120)
        backtrace = term.gdb("bt")
        with_libraries = line.from_target
        term.gdb("set pagination off")
        known = term.gdb("info sharedlibrary")
        term.gdb("detach")
        term.type("quit")
        term.wait_for(r"\[ended: 0\]")
    print(f"from the target until _start: {at_start} bytes; until a backtrace with all libraries: {with_libraries}")
    assert "__libc_start_main" in backtrace, backtrace
    libraries = [line for line in known.splitlines() if ".so" in line and "linux-vdso" not in line]
    assert len(libraries) > 15 and all(re.search(r"^0x\S+ +0x\S+ +Yes ", line) for line in libraries), known
    assert at_start < 3000
    assert with_libraries < 13500
    target.wait_for(r"Reached target.*(basic\.target|Basic System)", 180)


def test_ctrl_c_goes_to_gdb(boot, terminal):
    initrd = probe_image()
    target = boot(initrd, "rd.gdbdebug=ttyS1,wait PROBE=spin")
    target.wait_for(READY)
    term = terminal("attach", "--initrd", initrd, "--main", target.debug)
    term.wait_for(r"Temporary breakpoint 1, .*main \(", 60)
    term.wait_for(PROMPT)
    term.type("continue")
    target.wait_probe(r"probe: spinning")
    before = term.mark()
    term.key("C-c")
    term.wait_for(r"Program received signal SIGINT|stopped\.", 30, before)
    term.wait_for(PROMPT, after=before)
    assert number(term.gdb("print/x ticks")) > 0
    term.gdb("set var finish = 1")
    term.type("continue")
    assert target.wait_end() == "poweroff"


def test_lldb_stops_at_main_and_at_a_breakpoint_and_gdb_takes_over(boot, terminal):
    if not shutil.which("lldb"):
        pytest.skip("lldb is not installed")
    initrd = probe_image()
    target = boot(initrd, "rd.gdbdebug=ttyS1,wait PROBE=spin")
    target.wait_for(READY)
    term = terminal("attach", "--gdb", "lldb", "--initrd", initrd, "--main", "--break", "crash_by_undefined",
                    target.debug)
    term.wait_for(r"stop reason = one-shot breakpoint", 60)
    before = term.mark()
    term.type("continue")
    target.wait_probe(r"probe: spinning")
    term.key("C-c")
    term.wait_for(r"stop reason = signal SIGINT", 30, before)
    for command, shown in (("breakpoint set -n tick", "Breakpoint 3: "), ("continue", r"stop reason = breakpoint 3\.1"),
                           ("bt", r"probe`main\("), ("thread step-inst", "stop reason = instruction step")):
        before = term.mark()
        term.type(command)
        term.wait_for(shown, 30, before)
    term.type("quit")
    term.wait_for(r"Do you really want to proceed|\[ended: 0\]")
    term.type("y")
    term.wait_for(r"\[ended: 0\]")
    # It went without a word, so PID 1 stands where it left it, with no breakpoint in its memory.
    assert target.ask_hello()["state"] == "held"
    second = terminal("attach", "--initrd", initrd, target.debug)
    second.wait_for(PROMPT)
    assert "main (" in second.gdb("backtrace")
    second.gdb("set var finish = 1")
    second.gdb("detach")
    assert target.wait_end() == "poweroff"


def test_a_second_attach_after_detach_finds_pid_1_running(boot, terminal):
    initrd = probe_image()
    target = boot(initrd, "rd.gdbdebug=ttyS1,wait PROBE=spin")
    target.wait_for(READY)
    first = terminal("attach", "--initrd", initrd, target.debug)
    first.wait_for(PROMPT)
    first.gdb("detach")
    first.type("quit")
    first.wait_for(r"\[ended: 0\]")
    target.wait_probe(r"probe: spinning\n\.")
    second = terminal("attach", "--initrd", initrd, target.debug)
    second.wait_for(r"PID 1 runs, and is stopped when the debugger connects")
    second.wait_for(PROMPT, 20)
    second.gdb("set var finish = 1")
    second.type("continue")
    assert target.wait_end() == "poweroff"


def test_the_wrong_image_is_named_with_both_build_ids(boot, terminal):
    target = boot(probe_image(), "rd.gdbdebug=ttyS1,wait")
    target.wait_for(READY)
    other = probe_image(change=lambda tree: tree.add("/usr/bin/probe", (BUILD / "tests/vm/probe-static").read_bytes(),
                                                     0o755))
    term = terminal("attach", "--initrd", other, target.debug)
    said = term.wait_for(r"WARNING: the image is not the one that the target booted: '/usr/bin/probe' has build ID "
                         r"(\w+) in\s+the image, and (\w+) on\s+the target")
    assert said.group(1) != said.group(2)
    term.wait_for(PROMPT)
    # Symbols of another program would be lies.
    assert "No symbol" in term.gdb("info address main")
    term.gdb("detach")
    term.type("quit")
    term.wait_for(r"\[ended: 0\]")
    assert target.wait_end() == "poweroff"


def test_attach_before_the_machine_starts_waits_and_says_what_to_do(boot, sockets, terminal):
    initrd = probe_image()
    socket = sockets / "later.sock"
    term = terminal("attach", "--initrd", initrd, socket)
    term.wait_for(r"nothing answers yet; boot the target with rd\.gdbdebug=")
    target = boot(initrd, "rd.gdbdebug=ttyS1,wait")
    with CountingLine(socket, target.debug):
        term.wait_for(PROMPT)
        term.gdb("detach")
        term.type("quit")
        term.wait_for(r"\[ended: 0\]")
    assert target.wait_end() == "poweroff"


def test_a_target_that_goes_away_is_said_and_ends_nothing_here(boot, terminal):
    initrd = probe_image()
    target = boot(initrd, "rd.gdbdebug=ttyS1,wait")
    target.wait_for(READY)
    term = terminal("attach", "--initrd", initrd, target.debug)
    term.wait_for(PROMPT)
    target.stop()
    term.wait_for(r"the line to '.*' has ended")
    term.type("")
    term.wait_for(PROMPT)
    term.gdb("set confirm off")
    term.type("quit")
    term.wait_for(r"\[ended: \d+\]")


@pytest.mark.parametrize("action,signal", [("abort", "SIGABRT"), ("segv", "SIGSEGV")])
def test_a_crash_report_on_the_console_becomes_functions_and_lines(boot, directory, action, signal):
    initrd = probe_image()
    target = boot(initrd, f"rd.gdbdebug=ttyS1,crash PROBE={action}")
    target.wait_for(r"gdbdebug: report: end")
    run = subprocess.run([COMMAND, "report", target.console.path, "--initrd", initrd], text=True, timeout=60,
                         check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         env={**os.environ, "GDBDEBUG_CACHE": str(directory / "cache"), "DEBUGINFOD_URLS": ""})
    assert re.search(rf"^PID 1 \(\w+\), {signal}", run.stdout), run.stdout
    source = (Path(__file__).parent / "probe.c").read_text(encoding="utf-8").splitlines()
    lines = {name: int(line) for name, line in re.findall(r"(\w+) at \S*/probe\.c:(\d+)", run.stdout)}
    # Each line is inside the function that it is said to be in: its own beginning is the last one above.
    for name in ("act", "main"):
        beginnings = [text for text in source[:lines[name]] if re.match(r"^(static )?[\w ]+\*?\w+\(.*\{$", text)]
        assert f" {name}(" in beginnings[-1], run.stdout
    assert "were lost" not in run.stdout


def test_vm_with_crash_ends_in_gdb_where_pid_1_would_have_died(terminal):
    term = terminal("vm", "--kernel", kernel()[1], "--initrd", probe_image(), "--accel", machine.accelerator(),
                    "--append", "PROBE=abort", "--crash")
    term.wait_for(r"PID 1 is held where it would have died", 60)
    term.wait_for(PROMPT)
    assert re.search(r"\b(raise|abort)\b", term.gdb("bt"))
    assert "SIGABRT" in term.gdb("print $_siginfo.si_signo == 6 ? \"SIGABRT\" : \"no\"")
    term.gdb("set confirm off")
    term.type("quit")
    term.wait_for(r"\[ended: \d+\]")


def test_vm_adds_the_overlay_to_an_image_that_was_made_without_us(terminal, tmp_path):
    overlay = tmp_path / "gdbdebug.img"
    subprocess.run([ROOT / "generators/gdbdebug-overlay", "--programs", image.HELPER.parent, overlay], check=True,
                   timeout=60)
    term = terminal("vm", "--kernel", kernel()[1], "--initrd", test_overlay.plain(), "--overlay", overlay,
                    "--accel", machine.accelerator(), "--main")
    term.wait_for(r"Temporary breakpoint \d+, .*main \(", 60)
    term.wait_for(PROMPT)
    assert '"/init"' in term.gdb("x/s *(char **) $rsi")
    term.gdb("set confirm off")
    term.type("quit")
    assert term.wait_for(r"\[ended: (\d+)\]", 60).group(1) == "0"


def to_main_and_away(term, target):
    term.wait_for(r"PID 1 is held, in /usr/bin/probe", 60)
    term.wait_for(r"Temporary breakpoint 1, .*main \(", 60)
    term.wait_for(PROMPT)
    term.gdb("detach")
    term.type("quit")
    term.wait_for(r"\[ended: 0\]")
    assert target.wait_end() == "poweroff"


def test_attach_by_tcp(boot, terminal):
    port, modules, devices = network()
    initrd = line_image(modules, "net", network=True)
    target = boot(initrd, "rd.gdbdebug=tcp:2345,wait,insecure rd.gdbdebug.ip=dhcp", devices=devices)
    to_main_and_away(terminal("attach", "--initrd", initrd, "--main", f"127.0.0.1:{port}"), target)


def test_attach_by_ssh(boot, terminal, directory, keys):
    target, port = ssh_machine(boot, keys)
    # The user's own configuration: the key, and no question about the host. ssh takes none from $HOME.
    options = " ".join(word for word in ssh_command(keys, "user", port)[1:-1] if word not in ("-p", str(port)))
    wrapper = directory / "bin" / "ssh"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} {options} "$@"\n')
    wrapper.chmod(0o755)
    initrd = target.command[target.command.index("-initrd") + 1]
    term = terminal("attach", "--initrd", initrd, "--main", f"ssh://root@127.0.0.1:{port}",
                    environment={"PATH": f"{wrapper.parent}:{os.environ['PATH']}"})
    to_main_and_away(term, target)
