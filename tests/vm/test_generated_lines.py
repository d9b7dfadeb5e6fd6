# SPDX-License-Identifier: GPL-2.0-or-later
"""What lines= in gdbdebug.conf makes a real generator take along is what the lines need at boot: the kernel modules,
modprobe, the DHCP client, the SSH server and its keys."""

import os
import re
import shutil
import subprocess

import pytest
from harness import CACHE, dracut_image, gdb_batch, generators, image, scaled
from harness.checks import assert_at_start
from test_lines import READY, free_port, port_devices


@pytest.fixture(scope="module")
def keys():
    """A folder in the cache with the user's key, and the host's in OpenSSH's form: made once, as the images are."""
    for program in ("ssh", "ssh-keygen", "dropbear", "dropbearconvert"):
        if not shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin"):
            pytest.skip(f"{program} is not installed")
    folder = CACHE / "test-keys"
    if not (folder / "host.pub").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("user", "host"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    return folder


def test_initramfs_tools_with_lines_ssh(boot, directory, helper, keys):
    if not shutil.which("mkinitramfs", path="/usr/sbin:/sbin:/usr/bin") or not shutil.which("busybox"):
        pytest.skip("initramfs-tools or busybox is not installed")
    host = (keys / "host.pub").read_text()
    # The keys' own names in the text: another key makes another image.
    configuration = (f"lines=ssh\nauthorized_keys={keys}/user.pub\nhost_key={keys}/host\n"
                     f"# {host}# {(keys / 'user.pub').read_text()}")
    port = free_port()
    machine = boot(generators.initramfs_tools_image(configuration),
                   f"rd.gdbdebug=ssh:2222,wait rd.gdbdebug.ip=dhcp {generators.ROOT_COMMAND_LINE}", memory=1024,
                   devices=["-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{port}-:2222", "-device", "e1000,netdev=net",
                            "-device", "virtio-rng-pci", *generators.root_disk()])
    line = machine.wait_for(READY, 120).group(1)
    shown = subprocess.run(["ssh-keygen", "-lf", str(keys / "host.pub")], check=True, capture_output=True,
                           text=True).stdout.split()[1]
    assert "10.0.2.15" in line and shown in line, line
    # The host key is known beforehand: ssh itself compares it.
    (directory / "known_hosts").write_text(f"[127.0.0.1]:{port} {' '.join(host.split()[:2])}\n")
    command = (f"ssh -F none -p {port} -i {keys}/user -o IdentitiesOnly=yes -o BatchMode=yes -o LogLevel=ERROR "
               f"-o UserKnownHostsFile={directory}/known_hosts -o StrictHostKeyChecking=yes root@127.0.0.1")
    # gdb talks as soon as ssh has started, and a machine without KVM takes seconds for the keys.
    text = gdb_batch(directory, ["set remotetimeout 60", "set sysroot /", f"target remote | {command}", "info proc exe",
                                 "detach"], seconds=120)
    assert re.search(r"exe = '/usr/bin/(sh|busybox)'", text), text
    assert machine.report(scaled(120))["argv"][0] == "/sbin/init"
    assert machine.wait_end() == "poweroff"


def test_dracut_with_the_lines_that_are_the_default(boot, gdb, directory, helper):
    if not shutil.which("dracut"):
        pytest.skip("dracut is not installed")
    path, devices = port_devices(directory, ["-device", "virtio-serial-pci", "-device",
                                             "virtserialport,chardev=line,name=gdbdebug"])
    try:
        initrd = dracut_image(modules=image.SHELL_MODULES)
    except subprocess.CalledProcessError as error:
        pytest.fail(f"expected: dracut to make an image\ngot: status {error.returncode}\n{error.output}")
    machine = boot(initrd, "rd.gdbdebug=virtio:gdbdebug,wait rd.break=cmdline", memory=1024, devices=devices)
    assert machine.wait_for(READY, 90).group(1) == "virtio:gdbdebug"
    debugger = gdb()
    debugger.command("set sysroot /")
    debugger.connect(path)
    assert_at_start(debugger, next(file for name, file in image.libraries_of(os.path.realpath("/bin/sh"))
                                   if "/ld-linux" in name))
    debugger.command("detach")
    machine.wait_for("Break before cmdline|switch_root:/#|sh-5|/ #", 90)
