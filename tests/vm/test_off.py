# SPDX-License-Identifier: GPL-2.0-or-later
"""Off means invisible: the real init cannot tell that the helper was there (DESIGN.md, section 5, point 2)."""

import pytest
from harness import probe_image
from harness.checks import assert_same, comparable

BYPASS = "rdinit=/usr/lib/gdbdebug/init"


def seen_by_init(boot, name, append, **image):
    machine = boot(probe_image(**image), append, name=name)
    report = machine.report()
    assert machine.wait_end() == "poweroff"
    return report


@pytest.mark.parametrize("parameter", ["", "rd.gdbdebug=0", "rd.gdbdebug=no", "rd.gdbdebug=off", "rd.gdbdebugx=ttyS1",
                                       "rd.gdbdebug=ttyS1,wait rd.gdbdebug=off", "-- rd.gdbdebug=ttyS1,wait"])
def test_off_is_invisible(boot, helper, parameter):
    arguments = f'one two=2 three="a b" {parameter}'
    without = seen_by_init(boot, "without", f"{BYPASS} {arguments}")
    with_us = seen_by_init(boot, "with", arguments)
    assert with_us["argv"][0] == "/init"
    assert with_us["kernel_log"] == []
    assert_same(comparable(without), comparable(with_us))


def test_off_is_invisible_to_a_static_init(boot, helper):
    without = seen_by_init(boot, "without", BYPASS, probe="probe-static")
    with_us = seen_by_init(boot, "with", "", probe="probe-static")
    assert_same(comparable(without), comparable(with_us))


def test_off_is_invisible_without_a_console(boot, helper):
    """PID 1 then starts without descriptors 0 to 2, and must be handed on without them."""
    without = boot(probe_image(), BYPASS, name="without", console="console=ttyUSB9")
    with_us = boot(probe_image(), name="with", console="console=ttyUSB9")
    expected = without.report()
    assert expected["descriptors"] == []
    assert_same(comparable(expected), comparable(with_us.report()))


def test_bypass_goes_round_the_helper_even_when_debugging_is_asked_for(boot, helper):
    report = seen_by_init(boot, "", f"{BYPASS} rd.gdbdebug=ttyS1,wait")
    assert not report["has_children"]
    assert report["kernel_log"] == []
