#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The demonstration: this machine's kernel and systemd in a real initramfs, held at the very first instruction of PID 1
and met there by a plain gdb. Every command is shown as a user would type it. With --interactive gdb's prompt is yours.

Called by ./dev demo, which has built the helper. Exit status: 0 when everything that was promised was seen."""

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import BUILD, Gdb, Machine, kernel
from harness.checks import assert_at_start
from harness.image import HELPER, SYSTEMD_MODULES, dracut_image, libraries_of
from harness.machine import accelerator

SYSTEMD = Path("/usr/lib/systemd/systemd")
COMMAND = BUILD / "client" / "gdbdebug"
PARAMETER = "rd.gdbdebug=ttyS1,wait"
BOLD, PLAIN = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")


class Clock:
    """The summary's lines: what was reached, and when. It counts from when ./dev was started."""

    def __init__(self):
        now = time.time()
        self.started = float(os.environ.get("GDBDEBUG_STARTED") or now)
        self.steps = [("before that, to install and build what was missing", now - self.started)]

    def note(self, what, seconds):
        self.steps.append((what, seconds))

    def show(self):
        print(f"\n{BOLD}Summary{PLAIN}")
        for what, seconds in self.steps:
            print(f"  {seconds:7.2f} s  {what}")
        print(f"  {time.time() - self.started:7.2f} s  in all, from ./dev to here")


def say(text):
    print(f"\n{BOLD}== {text}{PLAIN}", flush=True)


def typed(prompt, text):
    print(f"{prompt}{BOLD}{text}{PLAIN}", flush=True)


def in_gdb(debugger, text, action=None):
    """Types into gdb, and shows what it prints."""
    typed("(gdb) ", text)
    before = len(debugger.console)
    result = action(text) if action else debugger.command(text)
    for line in debugger.console[before:].splitlines():
        if line.strip():
            print(f"  {line}")
    return result


def shown_command(machine):
    """QEMU as a user would start it; our own is the same with the console caught."""
    _, image = kernel()
    return (f"qemu-system-x86_64 -accel {accelerator()} -m 1024 -nographic \\\n"
            f"      -kernel {image} -initrd initramfs.img -append 'console=ttyS0 {PARAMETER}' \\\n"
            "      -serial mon:stdio -serial unix:debug.sock,server=on,wait=off")


def check_prerequisites():
    for program in ("qemu-system-x86_64", "gdb", "gdbserver", "dracut"):
        if not shutil.which(program):
            sys.exit(f"demo: '{program}' is not installed; ./dev setup installs it")
    if not SYSTEMD.exists():
        sys.exit(f"demo: there is no {SYSTEMD}; ./dev setup installs systemd")
    if kernel()[0] is None:
        sys.exit(f"demo: {kernel()[1]}; ./dev setup installs a kernel")
    if not HELPER.exists():
        sys.exit(f"demo: the helper is not built: {HELPER}")


def make_image(clock):
    version, _ = kernel()
    say(f"An initramfs of kernel {version} with this machine's systemd and the gdbdebug module (up to a minute)")
    typed("# ", f"dracut --add gdbdebug initramfs.img {version}")
    started = time.monotonic()
    try:
        image = dracut_image(modules=SYSTEMD_MODULES)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.output}\ndemo: dracut could not make the image (status {error.returncode})")
    print(f"  {image.stat().st_size / 1e6:.1f} MB: {image}")
    clock.note("to make the image (kept for the next time)", time.monotonic() - started)
    return image


def held(machine, clock):
    """Waits until PID 1 is held, and shows the console's last line."""
    ready = machine.wait_for(r"gdbdebug: ready on .*$", 120)
    print(f"  console: {ready.group(0).strip()}")
    run = machine.time_of(r"Run /init as init process")
    clock.note("from power-on to the first process", run)
    clock.note("from there to a debugger can connect", machine.time_of(r"gdbdebug: ready on") - run)


def watch(machine, directory, clock):
    """What a user does, step by step; each is checked."""
    linker = next(file for name, file in libraries_of(SYSTEMD) if "/ld-linux" in name)
    started = time.monotonic()
    say("gdb, with nothing but the way to the files and to the line")
    typed("$ ", "gdb -nx")
    with Gdb(directory) as debugger:
        in_gdb(debugger, "set sysroot /")
        in_gdb(debugger, f"target remote {machine.debug}", lambda _: debugger.connect(machine.debug))
        clock.note("from starting gdb to its prompt at _start", time.monotonic() - started)
        assert_at_start(debugger, linker)
        print("  (checked: this is the entry point of systemd's dynamic linker; systemd has run no instruction)")
        in_gdb(debugger, "info proc exe")
        in_gdb(debugger, "x/3i $pc")
        in_gdb(debugger, "backtrace")

        say("A breakpoint in systemd's C library: its first call of open")
        in_gdb(debugger, "set breakpoint pending on")
        in_gdb(debugger, "tbreak __libc_start_main")
        stop = in_gdb(debugger, "continue", debugger.resume)
        function = stop.get("frame", {}).get("func", "?")
        if not function.startswith("__libc_start_main"):
            sys.exit(f"demo: expected a stop in __libc_start_main\ngot: {stop}")
        in_gdb(debugger, "break openat64")
        stop = in_gdb(debugger, "continue", debugger.resume)
        function = stop.get("frame", {}).get("func", "?")
        if "open" not in function:
            sys.exit(f"demo: expected a stop in openat64\ngot: {stop}")
        in_gdb(debugger, "backtrace 4")
        in_gdb(debugger, "info sharedlibrary")

        say("Detach: the boot goes on as if nobody had been there")
        in_gdb(debugger, "detach")
        clock.note("with gdb", time.monotonic() - started)
    detached = time.monotonic()
    end_of_boot(machine, clock, detached)


def end_of_boot(machine, clock, since):
    reached = machine.wait_for(r"Reached target.*(basic\.target|Basic System)", 180)
    print(f"  console: {reached.group(0).strip()}")
    clock.note("from detach to systemd's basic.target", time.monotonic() - since)


def interactive(machine):
    """The user's own gdb in the foreground. When it ends, the boot goes on; Ctrl-C here ends the machine."""
    say("Your gdb. Try: backtrace, break openat64, continue, detach")
    command = ["gdb", "-nx", "-q", "-iex", "set debuginfod enabled off", "-ex", "set sysroot /",
               "-ex", f"target remote {machine.debug}"]
    typed("$ ", shlex.join(command))
    # Ctrl-C is for gdb. A handler, unlike SIG_IGN, does not outlive gdb's exec.
    signal.signal(signal.SIGINT, lambda *_: None)
    subprocess.run(command, check=False)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print(f"\nThe console, so far (all of it: {machine.console.path}):")
    print("\n".join("  " + line.rstrip() for line in machine.console.text.splitlines()[-12:]))


def interactive_command(image):
    """The whole method in one command, if the host command is built."""
    _, kernel_image = kernel()
    command = [str(COMMAND), "vm", "--kernel", str(kernel_image), "--initrd", str(image), "--accel", accelerator(),
               "--append", "systemd.show_status=1 systemd.log_color=0", "--main", "--stats"]
    say("One command: a virtual machine, and your gdb in systemd's main(). Try: backtrace, break openat64, continue")
    typed("$ ", shlex.join(["gdbdebug", *command[1:]]))
    # Ctrl-C is for gdb. A handler, unlike SIG_IGN, does not outlive the command's exec.
    signal.signal(signal.SIGINT, lambda *_: None)
    return subprocess.run(command, check=False).returncode


def main():
    parser = argparse.ArgumentParser(prog="./dev demo", description="Meets this machine's systemd in gdb.")
    parser.add_argument("--interactive", action="store_true", help="leave you at gdb's prompt")
    options = parser.parse_args()
    if options.interactive and not sys.stdin.isatty():
        sys.exit("demo: --interactive needs a terminal")
    if os.environ.get("GDBDEBUG_ARGUMENTS_ONLY"):
        return 0
    check_prerequisites()
    clock = Clock()
    image = make_image(clock)
    if options.interactive and COMMAND.exists():
        return interactive_command(image)
    # A folder with a short name: the debug line's socket is in it, and the user types it.
    directory = Path(tempfile.mkdtemp(prefix="gdbdebug-demo-"))
    machine = Machine(directory, image, f"{PARAMETER} systemd.show_status=1 systemd.log_color=0", memory=1024)
    say(f"A virtual machine ({accelerator()}) whose second serial port is a socket")
    typed("$ ", shown_command(machine))
    try:
        with machine:
            held(machine, clock)
            if options.interactive:
                interactive(machine)
            else:
                watch(machine, directory, clock)
    except AssertionError as error:
        sys.exit(f"\ndemo: this did not go as it should.\n{error}\nlogs: {directory}")
    clock.show()
    print(f"\nThe same machine by hand: {directory}/boot.sh   The logs are beside it.")
    if not options.interactive:
        print("Now at the prompt yourself, in systemd's main(): ./dev demo --interactive")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C")
    sys.exit(main())
