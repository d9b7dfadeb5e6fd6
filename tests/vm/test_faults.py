# SPDX-License-Identifier: GPL-2.0-or-later
"""A boot is never lost to us: whatever is missing or wrong, the real init runs, and the kernel log says why."""

import re

import pytest
from harness import image, probe_image
from harness.checks import comparable


def boots_on(boot, append, tree=None, expect=(), **options):
    """Boots, and returns the probe's report. Each expression of `expect` must be in the kernel log's lines of ours, and
    in what the console showed, unless there is no console."""
    machine = boot(tree or probe_image(), append, **options)
    report = machine.report()
    log = "\n".join(report["kernel_log"])
    for expression in expect:
        assert re.search(expression, log, re.MULTILINE), f"expected: /{expression}/ in the kernel log\ngot:\n{log}"
        if "console" not in options:
            machine.wait_for(expression, 10)
    assert machine.wait_end() == "poweroff"
    assert "\x00" not in log
    return report


def without(*names):
    def change(tree):
        for name in names:
            tree.entries.pop(name)
    return change


def test_no_gdbserver_in_the_image(boot, helper):
    boots_on(boot, "rd.gdbdebug=ttyS1,wait", probe_image(gdbserver=False), ["gdbdebug: .*gdbserver.*: "])


def test_the_manifest_names_a_gdbserver_that_is_not_there(boot, helper):
    tree = probe_image(change=without("/usr/bin/gdbserver"))
    boots_on(boot, "rd.gdbdebug=ttyS1,wait", tree, ["gdbdebug: .*'/usr/bin/gdbserver'.*No such file"])


def test_gdbserver_lacks_a_library(boot, helper):
    def change(tree):
        name = next(name for name in tree.entries if "libstdc++" in name)
        tree.entries.pop(name)
        mode, manifest, device = tree.entries[image.MANIFEST]
        tree.entries[image.MANIFEST] = (mode, manifest.replace(name.encode() + b"\n", b""), device)
    boots_on(boot, "rd.gdbdebug=ttyS1,wait", probe_image(change=change), ["gdbdebug: .*libstdc"])


def test_a_gdbserver_that_ends_at_once(boot, helper):
    def change(tree):
        tree.add("/usr/bin/gdbserver", "#!/usr/bin/probe-that-is-not-there\n", 0o755)
    boots_on(boot, "rd.gdbdebug=ttyS1,wait", probe_image(change=change), ["gdbdebug: .*gdbserver"])


def test_no_manifest(boot, helper):
    tree = probe_image(change=without(image.MANIFEST))
    boots_on(boot, "rd.gdbdebug=ttyS1,wait", tree, [f"gdbdebug: .*'{image.MANIFEST}'.*No such file"])


def test_a_node_without_a_uart_behind_it(boot, helper):
    boots_on(boot, "rd.gdbdebug=ttyS3,wait", expect=["gdbdebug: .*'ttyS3'.*(no UART|UART)"])


def test_no_such_terminal(boot, helper):
    boots_on(boot, "rd.gdbdebug=ttyS99,wait", expect=["gdbdebug: .*'ttyS99'"])


def test_no_console_at_all(boot, gdb, helper):
    machine = boot(probe_image(), "rd.gdbdebug=ttyS1,wait", console="console=ttyUSB9")
    debugger = gdb()
    debugger.command("set sysroot")
    debugger.command("set remotetimeout 30")
    debugger.connect(machine.debug)
    debugger.command("detach")
    report = machine.report()
    assert report["descriptors"] == [], "the real init has descriptors that the kernel did not give it"
    assert machine.wait_end() == "poweroff"


def test_no_console_and_nobody_there(boot, helper):
    report = boots_on(boot, "rd.gdbdebug=ttyS1,wait=1", console="console=ttyUSB9",
                      expect=["gdbdebug: ready on ttyS1"])
    assert report["descriptors"] == []


@pytest.mark.parametrize("value,expected", [
    (",wait", "gdbdebug: .*no line"),
    ("serial0:1,wait", "gdbdebug: .*'serial0:1'"),
    ("/etc/passwd,wait", "gdbdebug: .*'/etc/passwd'"),
    ("../ttyS1,wait", "gdbdebug: .*'../ttyS1'"),
    ("null,wait", "gdbdebug: .*'null'"),
    ("tcp:1234,wait", "gdbdebug: .*(from=|insecure)"),
])
def test_a_line_that_cannot_be_used_boots_as_if_off(boot, helper, value, expected):
    report = boots_on(boot, f"rd.gdbdebug={value}", expect=[expected])
    assert not report["has_children"]


@pytest.mark.parametrize("value,expected", [
    ("ttyS1,wiat,wait=1", "gdbdebug: .*'wiat'"),
    ("ttyS1,wait=soon,wait=1", "gdbdebug: .*'(wait=)?soon'"),
    ("ttyS1,1234567n8,wait=1", "gdbdebug: .*'1234567n8'"),
])
def test_an_unknown_option_is_named_and_passed_over(boot, helper, value, expected):
    boots_on(boot, f"rd.gdbdebug={value}", expect=[expected, "gdbdebug: ready on ttyS1"])


@pytest.mark.parametrize("parameter", ["", "rd.gdbdebug=ttyS1,wait=1"])
def test_the_real_init_is_missing(boot, helper, parameter):
    def change(tree):
        tree.entries.pop(image.REAL_INIT)
        tree.link("/sbin/init", "../usr/bin/probe")
    boots_on(boot, parameter, probe_image(change=change), [f"gdbdebug: .*'{image.REAL_INIT}'.*No such file"])


def test_the_real_init_is_a_broken_link(boot, helper):
    def change(tree):
        tree.link(image.REAL_INIT, "../nowhere")
        tree.link("/bin/sh", "../usr/bin/probe")
    boots_on(boot, "", probe_image(change=change), [f"gdbdebug: .*'{image.REAL_INIT}'"])


def test_the_real_init_may_not_be_executed(boot, helper):
    def change(tree):
        tree.entries.pop(image.REAL_INIT)
        tree.add(image.REAL_INIT, "no program\n", 0o644)
        tree.link("/etc/init", "../usr/bin/probe")
    boots_on(boot, "", probe_image(change=change), [f"gdbdebug: .*'{image.REAL_INIT}'.*Permission denied"])


@pytest.mark.parametrize("parameter", ["", "rd.gdbdebug=ttyS1,wait=1"])
@pytest.mark.parametrize("how", ["copy", "link"])
def test_the_helper_in_its_own_place_is_no_endless_loop(boot, helper, parameter, how):
    """A generator may run a hook twice, and mkinitcpio does not remove repetitions from HOOKS."""
    def change(tree):
        tree.entries.pop(image.REAL_INIT)
        if how == "copy":
            tree.add(image.REAL_INIT, helper.read_bytes(), 0o755)
        else:
            tree.link(image.REAL_INIT, "../../../init")
        tree.link("/sbin/init", "../usr/bin/probe")
    boots_on(boot, parameter, probe_image(change=change), ["gdbdebug: .*itself|gdbdebug: .*helper"])


def test_with_no_init_anywhere_it_says_what_it_tried(boot, helper):
    machine = boot(probe_image(change=without(image.REAL_INIT)))
    assert machine.wait_end() == "panic"
    machine.wait_for(f"gdbdebug: .*{image.REAL_INIT}")
    machine.wait_for("gdbdebug: .*/sbin/init")
    machine.wait_for("gdbdebug: .*/bin/sh")


def test_kernel_command_line_at_its_limit(boot, helper):
    """2047 bytes is what this kernel takes on x86; the word that counts is the last one."""
    noise = " ".join(f"noise.number{number}=value" for number in range(70))
    report = boots_on(boot, f"{noise} rd.gdbdebug=ttyS1,wait=1", expect=["gdbdebug: ready on ttyS1"])
    assert comparable(report)["arguments"] == []
