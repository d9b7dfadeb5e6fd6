# SPDX-License-Identifier: GPL-2.0-or-later
"""Real images of a real mkinitcpio, both flavours, up to the PID 1 of a real root. mkinitcpio is no package of
Debian's: these run where one is on PATH, or installed below MKINITCPIO_ROOT (as by DESTDIR), and need root."""

import re
import subprocess
from pathlib import Path

import pytest
from harness import generators, image
from harness.checks import assert_at_start

SYSTEMD = Path("/usr/lib/systemd/systemd")


def make(flavour, **options):
    lacks = generators.mkinitcpio_lacks(flavour)
    if lacks:
        pytest.skip(f"needs {lacks}")
    try:
        return generators.mkinitcpio_image(flavour, **options)
    except subprocess.CalledProcessError as error:
        pytest.fail(f"expected: mkinitcpio to make an image\ngot: status {error.returncode}\n{error.output}")


def linker_of(program):
    return next(file for name, file in image.libraries_of(program) if "/ld-linux" in name)


def test_the_busybox_flavour_is_met_at_the_first_instruction_of_its_shell_and_boots_on(boot, gdb, helper):
    machine = boot(make("busybox"), f"rd.gdbdebug=ttyS1,wait {generators.ROOT_COMMAND_LINE}",
                   devices=generators.root_disk())
    machine.wait_for("gdbdebug: ready on ttyS1", 90)
    debugger = gdb()
    debugger.command("set sysroot /")
    debugger.connect(machine.debug)
    # On this machine the image's ash is bash or busybox, with the same dynamic linker.
    assert re.search("exe = '/usr/bin/(ba|a|busybox)", debugger.command("info proc exe"))
    assert_at_start(debugger, linker_of("/usr/bin/bash"))
    assert "Starting " not in machine.console.text and ":: running" not in machine.console.text
    debugger.command("catch exec")
    # The script ends in `exec env ... switch_root`; a busybox may do without an exec for its own applets.
    programs = [debugger.resume(seconds=120)["new-exec"]]
    while not programs[-1].endswith("/sbin/init") and len(programs) < 3:
        programs.append(debugger.resume()["new-exec"])
    assert programs[-1].endswith("/sbin/init"), programs
    debugger.command("detach")
    assert machine.report()["argv"][0] == "/sbin/init"
    assert machine.wait_end() == "poweroff"


def test_the_systemd_flavour_is_met_at_the_first_instruction_of_systemd_and_boots_on(boot, gdb, helper):
    if not SYSTEMD.exists():
        pytest.skip("systemd is not installed")
    machine = boot(make("systemd"), f"rd.gdbdebug=ttyS1,wait {generators.ROOT_COMMAND_LINE} init=/sbin/init",
                   devices=generators.root_disk(), memory=1024)
    machine.wait_for("gdbdebug: ready on ttyS1", 90)
    # Up to version 38 or so systemd itself is copied to /init, later /init is a link to it. The copy has a name that
    # this machine knows nothing of, so gdb is told which program it is.
    debugger = gdb(str(SYSTEMD))
    debugger.command("set sysroot /")
    debugger.connect(machine.debug)
    assert re.search("exe = '(/usr/lib/systemd/systemd|/usr/lib/gdbdebug/init)'", debugger.command("info proc exe"))
    assert_at_start(debugger, linker_of(SYSTEMD))
    debugger.command("set breakpoint pending on")
    debugger.command("tbreak __libc_start_main")
    assert debugger.resume()["frame"]["func"].startswith("__libc_start_main")
    debugger.command("detach")
    assert machine.report(180)["argv"][0] == "/sbin/init"
    assert machine.wait_end() == "poweroff"


@pytest.mark.parametrize("flavour, program", [("busybox", Path("/usr/bin/bash")), ("systemd", SYSTEMD)])
def test_an_overlay_beside_an_unmodified_image(boot, gdb, overlay, flavour, program):
    words = f"rdinit=/gdbdebug/init rd.gdbdebug=ttyS1,wait {generators.ROOT_COMMAND_LINE} init=/sbin/init"
    machine = boot(overlay(make(flavour, with_gdbdebug=False)), words, devices=generators.root_disk(), memory=1024)
    machine.wait_for("gdbdebug: ready on ttyS1", 90)
    debugger = gdb(str(program))
    debugger.command("set sysroot /")
    debugger.connect(machine.debug)
    assert_at_start(debugger, linker_of(program))
    debugger.command("detach")
    assert machine.report(180)["argv"][0] == "/sbin/init"
    assert machine.wait_end() == "poweroff"


def test_off_the_busybox_flavour_boots_to_the_real_root_as_ever(boot, helper):
    machine = boot(make("busybox"), generators.ROOT_COMMAND_LINE, devices=generators.root_disk())
    report = machine.report(90)
    assert [one for one in report["processes"] if one["argv"].startswith("@")] == []
    assert "gdbdebug:" not in machine.console.text
    assert machine.wait_end() == "poweroff"
