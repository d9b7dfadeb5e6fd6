# SPDX-License-Identifier: GPL-2.0-or-later
"""A real image of this machine's initramfs-tools, up to the PID 1 of a real root."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import generators, image
from harness.checks import assert_at_start

BUSYBOX = shutil.which("busybox")


@pytest.fixture
def made(helper):
    if not shutil.which("mkinitramfs", path="/usr/sbin:/sbin:/usr/bin"):
        pytest.skip("initramfs-tools is not installed")
    if not BUSYBOX:
        pytest.skip("busybox is not installed")
    try:
        return generators.initramfs_tools_image()
    except subprocess.CalledProcessError as error:
        pytest.fail(f"expected: mkinitramfs to make an image\ngot: status {error.returncode}\n{error.output}")


def test_its_script_is_met_at_the_first_instruction_and_boots_on_to_the_real_root(boot, gdb, made):
    machine = boot(made, f"rd.gdbdebug=ttyS1,wait {generators.ROOT_COMMAND_LINE}", devices=generators.root_disk())
    machine.wait_for("gdbdebug: ready on ttyS1", 90)
    debugger = gdb()
    debugger.command("set sysroot /")
    debugger.connect(machine.debug)
    assert "Loading, please wait" not in machine.console.text, "the real init has run before gdb came"
    assert re.search(r"exe = '/(usr/)?bin/(sh|busybox)'", debugger.command("info proc exe"))
    linker = [file for name, file in image.libraries_of(BUSYBOX) if "/ld-linux" in name]
    if linker:
        assert_at_start(debugger, linker[0])
    # The session goes on while the shell script starts one program after the other, up to the real root.
    debugger.command("catch exec")
    stop = debugger.resume(seconds=120)
    assert Path(stop["new-exec"]).name == "run-init", stop
    stop = debugger.resume()
    assert stop["new-exec"].endswith("/sbin/init"), stop
    debugger.command("detach")
    report = machine.report()
    assert report["argv"][0] == "/sbin/init", report["argv"]
    assert machine.wait_end() == "poweroff"


def test_off_it_boots_to_the_real_root_as_ever(boot, made):
    machine = boot(made, generators.ROOT_COMMAND_LINE, devices=generators.root_disk())
    report = machine.report(90)
    assert [one for one in report["processes"] if one["argv"].startswith("@")] == []
    assert "gdbdebug:" not in machine.console.text
    assert machine.wait_end() == "poweroff"
