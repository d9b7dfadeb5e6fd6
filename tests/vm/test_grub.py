# SPDX-License-Identifier: GPL-2.0-or-later
"""A real GRUB with the menu that the real grub-mkconfig makes with our script: the entry is chosen over GRUB's serial
terminal, and the boot ends in gdb at _start."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import generators, image, kernel
from harness.disk import DiskMachine, Unavailable, assert_debugged, overlay

SCRIPTS = Path("/etc/grub.d")
BIOS = Path("/usr/lib/grub/i386-pc")
TITLE = "Test GNU/Linux, debugging PID 1 of the initramfs"
# GRUB's name for an ISO file system is the date of its making, which xorriso can be told.
UUID = "2026-01-02-03-04-05-06"

# What grub-probe would say on a machine whose /boot is on that file system, and whose / is generators.root_disk(). This
# machine's own disks have nothing to do with it.
PROBE = f"""#!/bin/sh
for word; do
    case $word in
    --target=*) target=${{word#*=}} ;;
    esac
    case $previous in
    -t) target=$word ;;
    esac
    previous=$word
done
case $target in
device) echo /dev/vda ;;
fs) echo iso9660 ;;
fs_uuid) echo {UUID} ;;
esac
"""


@pytest.fixture(scope="module")
def lacking():
    """Skips, with the reason, where this machine cannot make a GRUB to boot."""
    lacks = [f"{program} ({package})" for program, package in (
        ("grub-mkconfig", "grub-common"), ("grub-mkrescue", "grub-common"), ("xorriso", "xorriso"),
        ("mkinitramfs", "initramfs-tools-core"), ("lsinitramfs", "initramfs-tools-core"), ("busybox", "busybox"))
        if not shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")]
    lacks += [f"{path} ({package})" for path, package in (
        (SCRIPTS / "10_linux", "grub-common"), (BIOS / "boot.img", "grub-pc-bin")) if not path.exists()]
    if os.geteuid():
        lacks.append("root, for a mount namespace")
    if lacks:
        pytest.skip("needs " + ", ".join(lacks))


def make_disk(directory, initrd, overlay=None):
    """A CD that boots into GRUB, with the menu that grub-mkconfig makes where these files are in /boot and /etc."""
    tree = image.install_tree()
    boot, scripts, settings, tools = (directory / name for name in ("cd/boot", "grub.d", "default", "tools"))
    for folder in (boot / "grub", scripts, settings, tools):
        folder.mkdir(parents=True)
    version, kernel_image = kernel()
    shutil.copy(kernel_image, boot / f"vmlinuz-{version}")
    shutil.copy(initrd, boot / f"initrd.img-{version}")
    if overlay:
        shutil.copy(overlay, boot / "gdbdebug.img")
    # An older kernel whose image has nothing of ours: no entry of ours may offer it.
    shutil.copy(kernel_image, boot / "vmlinuz-1.0.0-plain")
    (boot / "initrd.img-1.0.0-plain").write_bytes(b"")
    for script in ("00_header", "10_linux"):
        shutil.copy(SCRIPTS / script, scripts)
    shutil.copy(tree / "etc/grub.d/99_gdbdebug", scripts)
    (scripts / "99_gdbdebug").chmod(0o755)
    shutil.copy(tree / "etc/default/gdbdebug", settings)
    (settings / "grub").write_text(
        "GRUB_TIMEOUT=-1\nGRUB_TERMINAL=serial\nGRUB_SERIAL_COMMAND='serial --unit=0 --speed=115200'\n"
        "GRUB_DISABLE_LINUX_UUID=true\nGRUB_DISTRIBUTOR=Test\n"
        "GRUB_CMDLINE_LINUX='console=ttyS0 loglevel=7 panic=-1 rootfstype=ext4'\n")
    (tools / "grub-probe").write_text(PROBE)
    (tools / "grub-mkrelpath").write_text('#!/bin/sh\nprintf "%s\\n" "$1"\n')
    script = ('mount --bind "$0/cd/boot" /boot && mount --bind "$0/grub.d" /etc/grub.d && '
              'mount --bind "$0/default" /etc/default && '
              'for tool in grub-probe grub-mkrelpath; do chmod 755 "$0/tools/$tool" && '
              'mount --bind "$0/tools/$tool" "$(command -v $tool)" || exit; done; '
              'exec grub-mkconfig -o /boot/grub/grub.cfg')
    path = {**os.environ, "LC_ALL": "C", "GDBDEBUG_LIBEXECDIR": f"{tree}/usr/libexec/gdbdebug",
            "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    try:
        said = generators.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script, directory], path)
        generators.run(["grub-mkrescue", f"--directory={BIOS}", "-o", directory / "cd.iso", directory / "cd",
                        "--", "-volume_date", "uuid", UUID.replace("-", "")], path)
    except subprocess.CalledProcessError as error:
        pytest.fail(f"expected: a CD with GRUB\ngot: status {error.returncode}\n{error.output}")
    shutil.rmtree(directory / "cd" / "boot" / "grub" / "i386-pc", ignore_errors=True)
    return directory / "cd.iso", said, (boot / "grub" / "grub.cfg").read_text()


class GrubMachine(DiskMachine):
    """Boots from a CD."""

    def __init__(self, directory, disc, **options):
        super().__init__(directory, ["-boot", "d", "-cdrom", str(disc)], **options)

    def choose(self, title, keys=10):
        """Goes down in GRUB's menu until `title` is the line shown in reverse (ECMA-48: SGR 7), and takes it."""
        reverse = r"\x1b\[7m(?:\x1b\[[\d;]*H)?([^\x1b]+)\x1b"
        bar = self.wait_for(reverse, 60)
        for _ in range(keys):
            if bar.group(1).strip("* ") == title:
                self.type("\r")
                return
            begun = len(self.console.text)
            self.type("\x0e")  # Ctrl-N: the next line
            bar = self.wait_for(reverse, 20, after=begun)
        raise AssertionError(self.describe(f"'{title}' in GRUB's menu", "not among its lines", [self.console]))


def test_the_entry_is_chosen_over_a_serial_terminal_and_ends_at_the_first_instruction(lacking, directory, gdb, helper):
    disc, said, menu = make_disk(directory, generators.initramfs_tools_image())
    version, _ = kernel()
    assert f"found an image for debugging: /boot/initrd.img-{version}" in said, said
    ours = menu.partition("BEGIN /etc/grub.d/99_gdbdebug")[2].partition("END /etc/grub.d/99_gdbdebug")[0]
    assert "1.0.0-plain" not in ours and ours.count("gdbdebug_value='ttyS1,wait'") >= 1, ours

    with GrubMachine(directory, disc, memory=1024, devices=generators.root_disk()) as machine:
        machine.choose(TITLE)
        assert_debugged(machine, gdb)
        assert machine.report(120)["argv"][0] == "/sbin/init"
        assert machine.wait_end() == "poweroff"
        command_line = re.search(r"Command line: (.*)", machine.console.text).group(1)
        assert "rd.gdbdebug=ttyS1,wait" in command_line and "root=/dev/vda" in command_line, command_line
    assert "error:" not in machine.console.text


def test_the_overlay_is_typed_at_the_prompt_behind_an_image_that_nobody_rebuilt(lacking, directory, gdb, helper):
    try:
        archive = overlay(directory)
    except Unavailable as why:
        pytest.skip(str(why))
    disc, _, _ = make_disk(directory, generators.initramfs_tools_image(with_gdbdebug=False), archive)
    version, _ = kernel()
    with GrubMachine(directory, disc, memory=1024, devices=generators.root_disk()) as machine:
        machine.wait_for("Press enter to boot", 60)
        machine.type("c")
        for command in (f"linux /boot/vmlinuz-{version} rdinit=/gdbdebug/init rd.gdbdebug=ttyS1,wait console=ttyS0 "
                        "loglevel=7 panic=-1 root=/dev/vda rootfstype=ext4",
                        f"initrd /boot/initrd.img-{version} /boot/gdbdebug.img", "boot"):
            machine.wait_for(r"grub> ?(\x1b\[[\d;]*\w)*$", 30)
            machine.type(f"{command}\r")
        assert_debugged(machine, gdb)
        assert machine.report(120)["argv"][0] == "/sbin/init"
        assert machine.wait_end() == "poweroff"
    assert "error:" not in machine.console.text
