# SPDX-License-Identifier: GPL-2.0-or-later
"""Where rd.gdbdebug= is found: /etc/cmdline, /etc/cmdline.d/*.conf and the kernel's command line, the last one wins.

The real helper as PID 1 of a namespace (see boot.cpp). Each source asks for a line of a kind that there is not, such as
kernel:1; the helper names the one that it took in its error, and boots as if debugging were off.
"""

import os
import re
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("GDBDEBUG_BUILD", HERE.parents[1] / "build/dev"))

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces and filters need root"),
    pytest.mark.skipif(not (BUILD / "tests/fault/fault-boot").exists(), reason="fault-boot is not built"),
]

ETC = {"etc/cmdline": "rd.gdbdebug=etc:1\n"}
DROP_INS = {"etc/cmdline.d/a.conf": "rd.gdbdebug=a:1\n", "etc/cmdline.d/b.conf": "rd.gdbdebug=b:1\n"}
CONF = {"etc/gdbdebug.conf": "# of the image\ndefault=\"conf:1,wait\"\n"}
NOISE = "noise.of.a.long.line=0123456789 "
MEGABYTES = NOISE * 131072  # 4 MB

CASES = [
    ("nothing anywhere", {}, "quiet", None),
    ("the kernel's command line", {}, "quiet rd.gdbdebug=kernel:1", "kernel:1"),
    ("/etc/cmdline", ETC, "quiet", "etc:1"),
    ("a drop-in", {"etc/cmdline.d/a.conf": "rd.gdbdebug=a:1"}, "quiet", "a:1"),
    ("the later drop-in", DROP_INS, "quiet", "b:1"),
    ("drop-ins after /etc/cmdline", ETC | DROP_INS, "quiet", "b:1"),
    ("the kernel's after all others", ETC | DROP_INS, "rd.gdbdebug=kernel:1", "kernel:1"),
    ("a drop-in of another kind",
     {"etc/cmdline.d/a.conf~": "rd.gdbdebug=a:1", "etc/cmdline.d/README": "rd.gdbdebug=b:1"}, "quiet", None),
    ("turned off by the kernel's", ETC | DROP_INS, "rd.gdbdebug=off", None),
    ("turned off by 0", ETC, "rd.gdbdebug=0", None),
    ("turned on again", {"etc/cmdline": "rd.gdbdebug=off"}, "rd.gdbdebug=kernel:1", "kernel:1"),
    ("bare, with a default in the image", CONF, "rd.gdbdebug", "conf:1"),
    ("=1, with a default in the image", CONF, "rd.gdbdebug=1", "conf:1"),
    ("bare by /etc/cmdline", CONF | {"etc/cmdline": "rd.gdbdebug"}, "quiet", "conf:1"),
    ("a value before a bare one", CONF, "rd.gdbdebug=kernel:1 rd.gdbdebug", "conf:1"),
    ("a value after a bare one", CONF | {"etc/cmdline": "rd.gdbdebug"}, "rd.gdbdebug=kernel:1", "kernel:1"),
    ("after --", {}, "quiet -- rd.gdbdebug=kernel:1", None),
    ("a longer name", {}, "rd.gdbdebugx=kernel:1 xrd.gdbdebug=kernel:1 rd.gdbdebug.ip=kernel:1", None),
    ("in quotes", {}, "rd.gdbdebug=\"kernel:1,wait\"", "kernel:1"),
    ("at the end of 4 KB", {}, (NOISE * 130)[:4070] + " rd.gdbdebug=kernel:1", "kernel:1"),
    ("at the end of a drop-in of 4 MB", {"etc/cmdline.d/a.conf": MEGABYTES + "rd.gdbdebug=a:1"}, "quiet", "a:1"),
    ("across the first 64 KB of a drop-in",
     {"etc/cmdline.d/a.conf": MEGABYTES[:65536 - 15] + " rd.gdbdebug=a:1234 " + NOISE}, "quiet", "a:1234"),
    ("after -- in a long drop-in", {"etc/cmdline.d/a.conf": "-- " + MEGABYTES[:100000] + "rd.gdbdebug=a:1"}, "quiet",
     None),
    ("at the end of 36 KB, a boot configuration", {}, NOISE * 1150 + "rd.gdbdebug=kernel:1", "kernel:1"),
]


def make_matrix(folder):
    loader = SourceFileLoader("matrix", str(HERE / "run"))
    module = module_from_spec(spec_from_loader("matrix", loader))
    loader.exec_module(module)
    return module.Matrix(BUILD, folder, 30)


@pytest.mark.parametrize("files, line, taken", [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_setting_that_counts_is(tmp_path, files, line, taken):
    matrix = make_matrix(tmp_path)
    for name, text in files.items():
        path = matrix.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    boot = matrix.run("off", "--command-line", line)
    assert boot["lost"] == "", "whatever it says, the real init runs as if debugging were off"
    named = re.findall(r"gdbdebug: reading the line '([^']*)'", "".join(boot["log"]))
    assert named == ([taken] if taken else []), boot["log"]


ASKS = "quiet rd.gdbdebug=kernel:1"
DUMPS = " elfcorehdr=0x7f000000"
KDUMP = [
    ("elfcorehdr= on the command line", ASKS + DUMPS, False, False),
    ("a /proc/vmcore", ASKS, True, False),
    ("allowed there", ASKS + DUMPS + " rd.gdbdebug.kdump=1", True, True),
    ("allowed there, bare", ASKS + " rd.gdbdebug.kdump", True, True),
    ("allowed, and not again", ASKS + DUMPS + " rd.gdbdebug.kdump=1 rd.gdbdebug.kdump=0", False, False),
    ("not asked for", "quiet" + DUMPS, True, None),
    ("turned off", "quiet rd.gdbdebug=off" + DUMPS, True, None),
    ("no kdump kernel", ASKS + " rd.gdbdebug.kdump=0", False, True),
]


@pytest.mark.parametrize("line, vmcore, on", [case[1:] for case in KDUMP], ids=[case[0] for case in KDUMP])
def test_in_a_kdump_kernel_debugging_is_off_and_that_is_said(tmp_path, line, vmcore, on):
    boot = make_matrix(tmp_path).run("off", "--command-line", line, *(["--vmcore"] if vmcore else []))
    assert boot["lost"] == ""
    log = "".join(boot["log"])
    told = "gdbdebug: this is a kdump kernel: debugging is off; rd.gdbdebug.kdump=1 would turn it on" in log
    named = "reading the line 'kernel:1'" in log
    assert (told, named) == {True: (False, True), False: (True, False), None: (False, False)}[on], log
