# SPDX-License-Identifier: GPL-2.0-or-later
"""Images that were made without us, and an overlay beside them: the real init is what it would be without us, whoever
made it, and the overlay goes as soon as nobody needs it.

The real helper as PID 1 of a namespace (see boot.cpp), which has the overlay's folder beside the image's own files.
"""

import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest
from test_settings import BUILD, HERE, make_matrix, pytestmark

__all__ = ["pytestmark"]

FOLDER = "in the root: gdbdebug"
MODES = ("off", "wait", "wait=1", "demand", "crash", "exit", "console")

# What init.c does when it is quiet. The supervisor knows PID 1 by its thread.
GO = """// SPDX-License-Identifier: GPL-2.0-or-later
package main

import ("runtime"; "syscall")

const (call, started, runs, status = 28080, 1, 2, 7)

func ask(what uintptr) uintptr {
    answer, _, _ := syscall.Syscall(call, what, 0, 0)
    return answer
}

func init() { runtime.LockOSThread() }

func main() {
    for action := ask(started); action == 0; action = ask(runs) {
        syscall.Nanosleep(&syscall.Timespec{Nsec: 2000000}, nil)
    }
    syscall.Exit(status)
}
"""


# --- Images: each puts its /init, with all that it needs, below `root` ---
FAULT_INIT = BUILD / "tests/fault/fault-init"


def place(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def build_by(program, *command, **environment):
    """What a compiler makes; `-o NAME` is added to the command."""
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    with tempfile.TemporaryDirectory(prefix="gdbdebug-init.") as folder:
        (Path(folder) / "init.go").write_text(GO)
        done = subprocess.run([program, *command, "-o", f"{folder}/init"], env={**os.environ, **environment}, text=True,
                              capture_output=True, timeout=300, check=False, cwd=folder)
        assert done.returncode == 0, done.stderr
        return (Path(folder) / "init").read_bytes()


@cache
def built_by_musl():
    return build_by("musl-gcc", "-O1", "-static", "-pthread", HERE / "init.c")


@cache
def built_by_go():
    return build_by("go", "build", CGO_ENABLED="0", GO111MODULE="off", GOTOOLCHAIN="local", GOFLAGS="")


def glibc(root):
    shutil.copy(FAULT_INIT, root / "init")


def musl(root):
    (root / "init").write_bytes(built_by_musl())


def go(root):
    (root / "init").write_bytes(built_by_go())


def nix(root):
    """/init is a link into /nix/store, and there is no /usr."""
    place(FAULT_INIT, root / "nix/store/0c1k-stage-1/init")
    (root / "init").unlink()
    (root / "init").symlink_to("nix/store/0c1k-stage-1/init")


def usr_is_a_link(root):
    """A folder of ours in /usr would be lost, or make the image's own one unreachable."""
    place(FAULT_INIT, root / "store/bin/init")
    (root / "usr").symlink_to("store")
    (root / "init").unlink()
    (root / "init").symlink_to("usr/bin/init")


def buildroot(root):
    """/init is a script for busybox, which goes by the name that it is called by; the script's is passed on."""
    busybox = shutil.which("busybox")
    if not busybox:
        pytest.skip("busybox is not installed")
    place(FAULT_INIT, root / "sbin/init")
    place(busybox, root / "bin/busybox")
    (root / "bin/sh").symlink_to("busybox")
    libraries = subprocess.run(["ldd", busybox], capture_output=True, text=True, check=False).stdout
    for library in re.findall(r"(/\S+) \(0x", libraries):
        place(library, root / library[1:])
    (root / "init").unlink()
    (root / "init").write_text('#!/bin/sh\nexec /sbin/init "$@" "$0"\n')
    (root / "init").chmod(0o755)


@pytest.fixture
def matrix(tmp_path):
    return make_matrix(tmp_path)


def found(boot):
    """What the real init finds."""
    assert boot["lost"] == "", boot
    # The runtime of Go starts threads when it likes to.
    return [fact.strip() for fact in boot["facts"] if not fact.startswith("Threads:")]


IMAGES = (glibc, musl, go, nix, usr_is_a_link, buildroot)
# A program of Go has a handler for what the supervisor means by a crash.
KINDS = [(put, mode) for put in IMAGES for mode in MODES if (put, mode) != (go, "crash")]


@pytest.mark.parametrize("put, mode", KINDS, ids=[f"{put.__name__}, {mode}" for put, mode in KINDS])
def test_the_real_init_finds_what_it_would_without_us(matrix, put, mode):
    put(matrix.overlay)
    without = found(matrix.run("overlay-off", "--direct"))
    assert FOLDER in without
    boot = matrix.run(f"overlay-{mode}")
    assert boot["debugged"], boot
    # With debugging off nobody is there who could take it away.
    assert found(boot) == [fact for fact in without if mode == "off" or fact != FOLDER]


def test_a_mistake_boots_as_if_debugging_were_off(matrix):
    without = found(matrix.run("overlay-off", "--direct"))
    boot = matrix.run("overlay-off", "--command-line", "quiet rd.gdbdebug=kernel:1")
    assert "reading the line 'kernel:1'" in "".join(boot["log"])
    assert found(boot) == without


@pytest.mark.parametrize("value", ["off", "ttyFAULT,wait"])
@pytest.mark.parametrize("named, executed", [("/gdbdebug/init", "/init"), ("/nowhere/init", "/init"),
                                             ("/sbin/init", "/sbin/init")])
def test_the_real_init_can_be_named_and_never_is_the_helper(matrix, value, named, executed):
    place(FAULT_INIT, matrix.overlay / "sbin/init")
    mode = "overlay-off" if value == "off" else "overlay-wait"
    boot = matrix.run(mode, "--command-line", f"quiet rd.gdbdebug={value} rd.gdbdebug.init={named}")
    assert f"argv: {executed}|word|" in found(boot) and boot["debugged"], boot


def test_an_overlay_with_kernel_modules_goes_when_they_are_loaded(matrix):
    """Its modprobe is found in it, and nowhere else. The helper, run by hand, stands in for one that fails."""
    modprobe = matrix.overlay / "gdbdebug/root/sbin/modprobe"
    modprobe.parent.mkdir(exist_ok=True)
    shutil.copy(BUILD / "helper/gdbdebug-init", modprobe)
    boot = matrix.run("overlay-wait", "--command-line", "quiet rd.gdbdebug=ttyFAULT,wait,modules=dummy")
    facts, log = found(boot), "".join(boot["log"])
    assert "loading the kernel module 'dummy': it has failed; going on without it" in log, log
    assert boot["debugged"] and FOLDER not in facts, facts


def test_what_an_overlay_was_built_for_is_known_when_it_is_gone(matrix):
    conf = matrix.overlay / "gdbdebug/root/etc/gdbdebug.conf"
    conf.parent.mkdir(exist_ok=True)
    conf.write_text("lines=usb\n")
    boot = matrix.run("overlay-off", "--command-line", "quiet rd.gdbdebug=tcp:1234,insecure,wait")
    assert boot["lost"] == ""
    assert 'the image was built with lines="usb"' in "".join(boot["log"]), boot["log"]
