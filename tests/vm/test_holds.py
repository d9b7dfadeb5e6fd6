# SPDX-License-Identifier: GPL-2.0-or-later
"""hold=: a program beside PID 1 at its first instruction, in an image with a real systemd, and the boot goes on."""

import re

import pytest
import test_switch_root as switch
from harness.checks import assert_at_start

disk = switch.disk
ATTENTION = r"gdbdebug: PID (\d+) \(systemd-udevd\) is held at its first instruction; it waits for a debugger on ttyS1"


@pytest.mark.parametrize(("breaks", "armed"), [(False, ""), (True, ",crash,exit")])
def test_udevd_is_held_while_pid_1_runs_and_the_boot_goes_on(boot, gdb, disk, breaks, armed):
    machine = switch.boot_on(boot, disk, f"rd.gdbdebug=ttyS1,hold=systemd-udevd{armed}", name="holds")
    pid = int(machine.wait_for(ATTENTION, 120).group(1))
    debugger = switch.meet(gdb, machine)
    assert_at_start(debugger, switch.root_linker())
    assert re.search(rf"process {pid}\b|Thread {pid}\.{pid}\b", debugger.command("info inferiors"))
    if breaks:  # gdb stops where udevd makes its first socket
        debugger.command("catch syscall socket")
        assert debugger.resume(seconds=90)["reason"] == "syscall-entry"
    debugger.command("detach")
    report = machine.wait_for(switch.REPORT, 240).group(1)
    assert "root: ours" in report, "the agent is there"
    assert len(re.findall(ATTENTION, machine.console.text)) == 1
    machine.type("poweroff\n")
    assert machine.wait_end(120) == "poweroff"
