# SPDX-License-Identifier: GPL-2.0-or-later
"""From the initramfs to a real root with a real systemd: the session goes on, a debugger can come after it and at the
shutdown, nothing of ours stays in the way; and the deadlock that the guard cures."""

import re
import shutil
import subprocess

import pytest
from harness import BUILD, Timeout, dracut_image, image
from harness.checks import assert_at_start
from harness.realroot import COMMAND_LINE, DRIVERS, ROOT_MODULE, Unavailable, debian, root_disk, with_another

BYPASS = "rdinit=/usr/lib/gdbdebug/init"
UNGUARDED = BUILD / "tests" / "vm" / "gdbdebug-agent-unguarded"
REPORT = r"(?s)root: report begins(.*?)root: report ends"
# What systemd raises and handles by the dozen; SIG34 is gdb's name for SIGRTMIN.
IGNORED = ("SIGCHLD", "SIG34", "SIG35", "SIGTERM")


@pytest.fixture
def disk():
    try:
        return root_disk()
    except Unavailable as why:
        pytest.skip(str(why))


def make(modules):
    if not shutil.which("dracut"):
        pytest.skip("dracut is not installed")
    try:
        return dracut_image(modules=f"{modules} {ROOT_MODULE}", drivers=DRIVERS)
    except subprocess.CalledProcessError as error:
        pytest.fail(f"expected: dracut to make an image\ngot: status {error.returncode}\n{error.output}")


def boot_on(boot, disk, append, modules=image.SYSTEMD_MODULES, initrd=None, name=""):
    return boot(initrd or make(modules), f"{COMMAND_LINE} {append}", memory=1024, devices=disk, name=name)


def meet(gdb, machine, seconds=60):
    debugger = gdb()
    debugger.command(f"set sysroot {debian()}")
    debugger.command("set breakpoint pending on")
    for signal in IGNORED:
        debugger.command(f"handle {signal} nostop noprint pass")
    debugger.connect(machine.debug, seconds)
    return debugger


def root_linker():
    return debian() / "lib64/ld-linux-x86-64.so.2"


def memory(report):
    return {name: int(kib) for name, kib in re.findall(r"root: memory (\w+) (\d+) kB", report)}


def continue_to_exec(debugger, program, seconds=180):
    """Continues, past other programs that PID 1 executes, to the exec of this one."""
    for _ in range(10):
        stop = debugger.resume(seconds=seconds)
        assert stop["reason"] == "exec", stop
        if stop["new-exec"].endswith(program):
            return stop
    raise AssertionError(f"expected: an exec of {program}\ngot: {stop}")


def test_a_session_across_the_switch_and_to_the_very_end(boot, gdb, disk, helper):
    without = boot_on(boot, disk, BYPASS, name="without")
    without.wait_for(REPORT, 180)
    expected = memory(without.wait_for(REPORT).group(1))
    without.stop()

    machine = boot_on(boot, disk, "rd.gdbdebug=ttyS1,wait", name="with")
    machine.wait_for("gdbdebug: ready on ttyS1", 90)
    debugger = meet(gdb, machine)
    debugger.command("break __libc_start_main")
    assert debugger.resume(seconds=90)["frame"]["func"].startswith("__libc_start_main")
    debugger.command("catch exec")
    stop = continue_to_exec(debugger, "/systemd")
    assert "root: report" not in machine.console.text
    assert_at_start(debugger, root_linker())
    assert "/usr/lib/systemd/systemd" in debugger.command("info proc exe")
    # The breakpoint from before, now in the real root's systemd.
    stop = debugger.resume(seconds=90)
    assert stop["reason"] == "breakpoint-hit" and stop["frame"]["func"].startswith("__libc_start_main"), stop
    debugger.command("detach")
    debugger.quit()

    report = machine.wait_for(REPORT, 180).group(1)
    ours = re.findall(r"^root: ours \d+ (@\S+)", report, re.MULTILINE)
    assert ours == ["@gdbdebug-agent"], report
    # Nothing of ours is on the real root's disk, and no file of the old root is kept open.
    assert not re.search(r"^root: mount .*/dev/vd", report, re.MULTILINE), report
    assert not re.search(r"^root: file .*(/dev/vd|\(deleted\))", report, re.MULTILINE), report
    held = {name: memory(report)[name] - expected[name] for name in expected}
    print(f"memory after the switch, with us less without: {held} KiB")
    # gdbserver's files in the agent's tmpfs are some 7 MB; the old root has more than 40. Other programs of the boot
    # come and go meanwhile, and differ by some megabytes from boot to boot.
    assert held["Shmem"] < 8_000 and held["Unevictable"] < 8_000, (expected, held)
    assert sum(int(kib) for kib in re.findall(r"^root: resident (\d+) kB", report, re.MULTILINE)) < 2_000, report
    assert held["MemAvailable"] > -25_000, (expected, held)

    # On demand, long after the boot, and at the shutdown until the very end.
    second = meet(gdb, machine)
    assert "systemd" in second.command("info proc exe")
    assert len(re.findall(r"^#\d+", second.command("backtrace"), re.MULTILINE)) > 1
    second.command("detach")
    second.quit()
    third = meet(gdb, machine)
    third.command("continue")
    machine.type("poweroff\n")
    assert machine.wait_end(120) == "poweroff"


def test_held_at_the_real_roots_init_and_at_the_shutdown(boot, gdb, disk, helper):
    machine = boot_on(boot, disk, "rd.gdbdebug=ttyS1,at=root:shutdown")
    at_root = "at the first instruction of the real root's init"
    machine.wait_for(f"gdbdebug: ready on ttyS1 at 115200n8; PID 1 runs, and will be held {at_root}", 90)
    machine.wait_for(f"gdbdebug: PID 1 is held {at_root}, /usr/lib/systemd/systemd, and waits for a debugger on ttyS1",
                     120)
    first = meet(gdb, machine)
    assert_at_start(first, root_linker())
    assert "/usr/lib/systemd/systemd" in first.command("info proc exe")
    assert "root: report" not in machine.console.text
    first.command("detach")
    first.quit()

    machine.wait_for(REPORT, 180)
    machine.type("poweroff\n")
    machine.wait_for("gdbdebug: PID 1 is held at the first instruction of what shuts the machine down, "
                     "/usr/lib/systemd/systemd-shutdown, and waits for a debugger", 120)
    second = meet(gdb, machine)
    assert_at_start(second, root_linker())
    second.command("detach")
    second.quit()
    assert machine.wait_end(120) == "poweroff"


def test_a_debugger_that_is_there_is_stopped_at_the_real_roots_init(boot, gdb, disk, helper):
    machine = boot_on(boot, disk, "rd.gdbdebug=ttyS1,at=init:root")
    machine.wait_for("gdbdebug: ready on ttyS1 at 115200n8; PID 1 is held at its first instruction", 90)
    debugger = meet(gdb, machine)
    stop = debugger.resume(seconds=180)
    assert stop["signal-name"] == "SIGINT", stop
    assert_at_start(debugger, root_linker())
    assert "/usr/lib/systemd/systemd" in debugger.command("info proc exe")
    assert "root: report" not in machine.console.text
    debugger.command("detach")
    machine.wait_for(REPORT, 180)


def test_a_debugger_that_was_never_there_does_not_matter(boot, gdb, disk, helper):
    """Armed through the switch, then met in the real root."""
    machine = boot_on(boot, disk, "rd.gdbdebug=ttyS1,crash")
    report = machine.wait_for(REPORT, 240).group(1)
    assert sorted(re.findall(r"^root: ours \d+ (@\S+)", report, re.MULTILINE)) == ["@gdbdebug-agent"]
    debugger = meet(gdb, machine)
    assert "systemd" in debugger.command("info proc exe")
    # It dies here, in the real root, as if by a bug of its own: held, with a report.
    debugger.command("set var $pc = 0")
    debugger.command("detach")
    debugger.quit()
    machine.wait_for("gdbdebug: PID 1 \\(systemd\\) is held before it would die: SIGSEGV at address 0x0", 60)
    machine.wait_for("gdbdebug: report: end frames=", 60)
    assert "Kernel panic" not in machine.console.text


def through_the_kill_spree(debugger, seconds):
    """Continues from one stop to the next until PID 1 executes the real root's init."""
    for _ in range(60):
        stop = debugger.resume(seconds=seconds)
        if stop["reason"] == "exec" and stop["new-exec"].endswith("/systemd"):
            return
        assert stop["reason"] in ("syscall-entry", "syscall-return", "exec"), stop
    raise AssertionError("expected: an end of systemd's kill(2) calls")


def catch_kill(boot, gdb, disk, initrd=None):
    machine = boot_on(boot, disk, "rd.gdbdebug=ttyS1,wait", initrd=initrd)
    machine.wait_for("gdbdebug: ready on ttyS1", 90)
    debugger = meet(gdb, machine)
    debugger.command("catch syscall kill")
    debugger.command("catch exec")
    # Up to kill(-1, SIGSTOP), which also stops the tracer: its return is the first stop after it.
    for _ in range(60):
        stop = debugger.resume(seconds=180)
        assert stop["reason"] in ("syscall-entry", "syscall-return"), stop
        if (debugger.value("(int) $rdi", "d"), debugger.value("(int) $rsi", "d")) == (-1, 19):
            return machine, debugger
    raise AssertionError("expected: systemd to stop every process at the switch")


def test_a_stop_while_systemd_has_stopped_everybody_is_no_deadlock(boot, gdb, disk, helper):
    machine, debugger = catch_kill(boot, gdb, disk)
    through_the_kill_spree(debugger, 60)
    debugger.command("detach")
    machine.wait_for(REPORT, 180)


def test_without_the_guard_it_is_a_deadlock(boot, gdb, disk, helper):
    """What the guard is for: the same boot, with an agent that has none."""
    if not UNGUARDED.exists():
        pytest.skip(f"it is not built: {UNGUARDED}")
    initrd = with_another(make(image.SYSTEMD_MODULES), image.AGENT_IN_IMAGE, UNGUARDED.read_bytes())
    machine, debugger = catch_kill(boot, gdb, disk, initrd)
    with pytest.raises(Timeout, match="expected: the target to stop"):
        through_the_kill_spree(debugger, 20)
    assert "root: report" not in machine.console.text


def test_across_the_switch_of_dracuts_shell_init(boot, gdb, disk, helper):
    machine = boot_on(boot, disk, "rd.gdbdebug=ttyS1,wait", image.SHELL_MODULES)
    machine.wait_for("gdbdebug: ready on ttyS1", 90)
    debugger = meet(gdb, machine)
    debugger.command("catch exec")
    continue_to_exec(debugger, "/systemd")
    assert_at_start(debugger, root_linker())
    debugger.command("detach")
    debugger.quit()
    report = machine.wait_for(REPORT, 180).group(1)
    assert re.findall(r"^root: ours \d+ (@\S+)", report, re.MULTILINE) == ["@gdbdebug-agent"]
    machine.type("poweroff\n")
    assert machine.wait_end(120) == "poweroff"
