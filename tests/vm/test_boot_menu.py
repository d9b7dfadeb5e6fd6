# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole way of a user on a Debian whose initramfs nobody has rebuilt: install the package, choose one boot,
restart, gdb at _start, and the boot after it is an everyday one. With a real GRUB on a disk."""

import os
import re
import shutil
import subprocess

import pytest
from harness.disk import GRUB, DiskMachine, Unavailable, assert_debugged, grub_disk, overlay_maker, package


@pytest.fixture(scope="module")
def disk():
    """Skips, with the reason, where this machine cannot make one."""
    lacks = [f"{program} ({name})" for program, name in (
        ("grub-mkimage", "grub-common"), ("mkinitramfs", "initramfs-tools-core"), ("cpack", "cmake"),
        ("dpkg-deb", "dpkg"), ("debootstrap", "debootstrap"))
        if not shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")]
    lacks += [f"{GRUB} (grub-pc-bin)"] if not (GRUB / "boot.img").exists() else []
    if lacks or os.geteuid():
        pytest.skip("needs " + ", ".join(lacks or ["root, for debootstrap"]))
    try:
        overlay_maker()
        return grub_disk()
    except Unavailable as why:
        pytest.skip(str(why))


def drives(*files):
    return [word for number, file in enumerate(files)
            for word in ("-drive", f"file={file},if=none,id=disk{number},format=raw",
                         "-device", f"virtio-blk-pci,drive=disk{number}")]


def command_line(machine):
    return re.search(r"Command line: (.*?)\r?\n", machine.console.text).group(1)


def test_install_once_restart_and_gdb_stands_at_the_first_instruction_of_an_image_nobody_rebuilt(
        disk, directory, tmp_path, gdb, helper):
    raw, kernel_image, initrd = disk
    drive, tar = tmp_path / "disk", tmp_path / "package"
    subprocess.run(["cp", "--sparse=always", raw, drive], check=True, timeout=60)
    deb = package(tmp_path)
    subprocess.run(["tar", "-C", deb.parent, "-cf", tar, deb.name], check=True, timeout=60)

    # As a machine that has been in use: GRUB's menu is there.
    append = "root=/dev/vda1 rw systemd.show_status=0"
    with DiskMachine(directory / "install", drives(drive, tar), kernel_image=kernel_image, initrd=initrd, append=append,
                     memory=1024) as machine:
        machine.wait_for("shell>", 120)
        machine.shell("update-grub")
        machine.shell("tar -xf /dev/vdb && dpkg -i gdbdebug_*.deb")
        assert "everyday" in machine.shell("gdbdebug-boot status")
        said = machine.shell("gdbdebug-boot once ttyS1,wait=60")
        assert "only that one" in said, said
        assert "into the debugger" in machine.shell("gdbdebug-boot status")
        machine.type("systemctl start reboot.target\n")
        machine.wait_end(60)

    with DiskMachine(directory / "debug", drives(drive), memory=1024) as machine:
        assert_debugged(machine, gdb)
        line = command_line(machine)
        assert re.search(r" rdinit=/gdbdebug/init rd\.gdbdebug=ttyS1,wait=60 root=/dev/vda1", line), line
        machine.wait_for("shell>", 120)
        assert "everyday" in machine.shell("gdbdebug-boot status | tail -n 1")
        machine.type("systemctl start reboot.target\n")
        machine.wait_end(60)

    # The everyday boot; then the overlay is lost, and a boot that was chosen goes on without it.
    with DiskMachine(directory / "everyday", drives(drive), memory=1024) as machine:
        machine.wait_for("shell>", 120)
        assert "gdbdebug" not in command_line(machine)
        machine.shell("gdbdebug-boot once && rm /boot/gdbdebug.img && sync")
        machine.type("systemctl start reboot.target\n")
        machine.wait_end(60)

    with DiskMachine(directory / "lost", drives(drive), memory=1024) as machine:
        machine.wait_for("shell>", 120)
        assert "rdinit" not in command_line(machine)
        assert "Kernel panic" not in machine.console.text
        # A removed package leaves nothing that could be started.
        machine.shell("gdbdebug-boot once && dpkg --purge gdbdebug")
        assert "gdbdebug" not in machine.shell("ls /boot /etc/grub.d; grub-editenv list; true")
        assert "'gdbdebug-" not in machine.shell("cat /boot/grub/grub.cfg")
