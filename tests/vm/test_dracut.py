# SPDX-License-Identifier: GPL-2.0-or-later
"""Real images of this machine's dracut: systemd as the real init, and dracut's own shell script."""

import shutil
import subprocess
from pathlib import Path

import pytest
from harness import ROOT, dracut_image, image
from harness.checks import assert_at_start

SYSTEMD = Path("/usr/lib/systemd/systemd")


def make(**options):
    if not shutil.which("dracut"):
        pytest.skip("dracut is not installed")
    if not (ROOT / "dracut" / "99gdbdebug").exists():
        pytest.skip("the dracut module is not in this tree")
    try:
        return dracut_image(**options)
    except subprocess.CalledProcessError as error:
        pytest.fail(f"expected: dracut to make an image\ngot: status {error.returncode}\n{error.output}")


def linker_of(program):
    return next(file for name, file in image.libraries_of(program) if "/ld-linux" in name)


def test_systemd_is_met_at_its_first_instruction_and_boots_on(boot, gdb, helper):
    if not SYSTEMD.exists():
        pytest.skip("systemd is not installed")
    machine = boot(make(), "rd.gdbdebug=ttyS1,wait systemd.show_status=1", memory=1024)
    machine.wait_for("gdbdebug: ready on ttyS1", 90)
    debugger = gdb()
    debugger.command("set sysroot /")
    debugger.connect(machine.debug)
    assert_at_start(debugger, linker_of(SYSTEMD))
    assert "/usr/lib/systemd/systemd" in debugger.command("info proc exe")
    debugger.command("tbreak __libc_start_main")
    stop = debugger.resume()
    assert stop["frame"]["func"].startswith("__libc_start_main"), stop
    debugger.command("detach")
    machine.wait_for("systemd 2|systemd\\[1\\]: systemd", 60)
    machine.wait_for("Reached target", 120)


def test_systemd_boots_as_ever_when_off(boot, helper):
    if not SYSTEMD.exists():
        pytest.skip("systemd is not installed")
    machine = boot(make(), "systemd.show_status=1", memory=1024)
    machine.wait_for("Reached target", 120)
    assert "gdbdebug:" not in machine.console.text


def test_dracuts_shell_init_is_met_at_the_first_instruction_of_its_shell(boot, gdb, helper):
    machine = boot(make(modules=image.SHELL_MODULES), "rd.gdbdebug=ttyS1,wait rd.break=cmdline", memory=1024)
    machine.wait_for("gdbdebug: ready on ttyS1", 90)
    debugger = gdb()
    debugger.command("set sysroot")
    debugger.connect(machine.debug)
    assert_at_start(debugger, linker_of(Path("/bin/sh").resolve()))
    debugger.command("detach")
    machine.wait_for("Break before cmdline|switch_root:/#|sh-5|/ #", 90)
