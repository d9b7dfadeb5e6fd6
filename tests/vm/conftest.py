# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures of the VM tests, and what a failure says at its end: where the logs are and how to repeat it."""

import hashlib
import os
import re
import shutil
import subprocess

import pytest
from harness import BUILD, ROOT, TARGET, Gdb, Machine, image, kernel, machine


@pytest.fixture(scope="session", autouse=True)
def able():
    """Skips all, with the reason, where no machine can be booted."""
    for program in (TARGET.qemu[0], TARGET.debugger):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    version, why = kernel()
    if version is None:
        pytest.skip(str(why))


@pytest.fixture
def directory(request):
    """This test's own folder for logs. It is kept until the test runs again."""
    path = BUILD / "vm-logs" / re.sub(r"[^\w.-]+", "-", f"{request.node.path.stem}.{request.node.name}")
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


@pytest.fixture
def boot(directory):
    """boot(image, append, ...) starts a Machine; each ends with the test."""
    machines = []

    def start(initrd, append="", name="", **options):
        machines.append(Machine(directory / name, initrd, append, **options))
        machines[-1].start()
        return machines[-1]

    yield start
    for one in machines:
        one.stop()


@pytest.fixture
def gdb(directory):
    """gdb(arguments...) starts a Gdb; each ends with the test."""
    running = []

    def start(*arguments):
        running.append(Gdb(directory, *arguments))
        return running[-1]

    yield start
    for one in running:
        one.kill()


@pytest.fixture
def connected(gdb):
    """connected(machine, arguments...) is a Gdb at the machine's debug line, with the files named and no others;
    sysroot= names a folder of them."""

    def start(machine, *arguments, sysroot=""):
        debugger = gdb(*arguments)
        debugger.command(f"set sysroot {sysroot}".rstrip())
        debugger.connect(machine.debug)
        return debugger

    return start


@pytest.fixture
def helper():
    """Skips where the helper is not built; the path of the helper otherwise."""
    if not image.HELPER.exists():
        pytest.skip(f"the helper is not built: {image.HELPER}")
    return image.HELPER


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A host key, the user's key and a stranger's."""
    for program in ("dropbearkey", "ssh", "ssh-keygen"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    folder = tmp_path_factory.mktemp("keys")
    subprocess.run(["dropbearkey", "-t", "ed25519", "-f", str(folder / "host_key")], check=True, capture_output=True)
    for name in ("user", "stranger"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    shutil.copy(folder / "user.pub", folder / "authorized_keys")
    shown = subprocess.run(["dropbearkey", "-y", "-f", str(folder / "host_key")], check=True, capture_output=True,
                           text=True).stdout
    (folder / "fingerprint").write_text(re.search(r"SHA256:\S+", shown).group(0) + "\n")
    return folder


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        where = item.funcargs.get("directory", "none")
        report.sections.append(("to repeat", f"logs: {where}\naccelerator: {machine.accelerator()}\n"
                                             f"repeat it: ./dev vm '{item.path.name}::{item.name}'"))


@pytest.fixture
def overlay(helper, tmp_path):
    """overlay(IMAGE, OPTION...): the file of IMAGE and an overlay, as a boot loader gives both to the kernel."""

    def join(initrd, *options, front=False):
        made = tmp_path / "gdbdebug.img"
        subprocess.run([ROOT / "generators/gdbdebug-overlay", "--programs", image.HELPER.parent, *options,
                        *(["--front"] if front else []), made], check=True, timeout=60,
                       env={**os.environ, "GDBDEBUG_CONF": "/nonexistent"})
        first, second = (made, initrd) if front else (initrd, made)
        content = first.read_bytes()
        content += b"\0" * (-len(content) % 4) + second.read_bytes()
        path = tmp_path / f"{hashlib.sha256(content).hexdigest()[:16]}.img"
        image.write_atomically(path, content)
        return path

    return join
