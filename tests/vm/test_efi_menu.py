# SPDX-License-Identifier: GPL-2.0-or-later
"""systemd-boot on a real firmware (OVMF): a unified kernel image with an add-on of ours, and entries that a real
kernel-install has made. The images know nothing of gdbdebug."""

import os
import re
import shutil

import pytest
from harness import generators, image, kernel
from harness.disk import (EFI_PACKAGES, EFI_SUITE, FIRMWARE, DiskMachine, Unavailable, assert_debugged, debian,
                          efi_disk, in_efi_debian, overlay_maker)

COMMAND_LINE = "console=ttyS0 loglevel=7 panic=-1 root=/dev/vda rootfstype=ext4 rw"
MACHINE_ID = "0123456789abcdef0123456789abcdef"

# A machine that was started by systemd-boot and has a second serial port. bootctl has no variables to write to here:
# what it would choose, loader.conf says.
MACHINE = r"""
mkdir -p /sys/firmware/efi/efivars /sys/class/tty/ttyS1 /boot/loader/entries /boot/EFI/BOOT /boot/EFI/Linux
cp /usr/lib/systemd/boot/efi/systemd-bootx64.efi /boot/EFI/BOOT/BOOTX64.EFI
{ printf '\6\0\0\0'; printf %s 'systemd-boot 257' | sed 's/./&\x00/g'; } \
    >/sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f
echo 4 >/sys/class/tty/ttyS1/type
printf '%s\n' '#!/bin/sh' '[ "$1" = set-oneshot ] && printf "timeout 0\ndefault %s\n" "$2" >/boot/loader/loader.conf' \
    >/usr/local/bin/bootctl
chmod 755 /usr/local/bin/bootctl
printf 'timeout 0\n' >/boot/loader/loader.conf
"""
UKI = MACHINE + r"""
ukify build --linux=/boot/vmlinuz --initrd=/boot/initrd --cmdline="$line" --uname="$version" \
    --output=/boot/EFI/Linux/test-$version.efi
"""
ENTRIES = MACHINE + r"""
mkdir -p /etc/kernel "/boot/$id"
printf '%s\n' layout=bls BOOT_ROOT=/boot "MACHINE_ID=$id" initrd_generator=none >/etc/kernel/install.conf
[ -z "$line" ] || echo "$line" >/etc/kernel/cmdline
# In a container kernel-install does not look at /proc/cmdline; this is to be a machine.
printf '%s\n' '#!/bin/sh' 'exit 1' >/usr/local/bin/systemd-detect-virt
chmod 755 /usr/local/bin/systemd-detect-virt
"""


@pytest.fixture(scope="module")
def able_efi():
    """Skips, with the reason, where this machine has no firmware or cannot make the disk."""
    lacks = [f"{program} ({name})" for program, name in (
        ("mkinitramfs", "initramfs-tools-core"), ("mcopy", "mtools"), ("mkfs.vfat", "dosfstools"))
        if not shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")]
    lacks += [] if (FIRMWARE / "OVMF_CODE_4M.fd").exists() else [f"{FIRMWARE}/OVMF_CODE_4M.fd (ovmf)"]
    if lacks or os.geteuid():
        pytest.skip("needs " + ", ".join(lacks or ["root, for a chroot"]))
    try:
        overlay_maker()
        debian(EFI_SUITE, EFI_PACKAGES)
    except Unavailable as why:
        pytest.skip(str(why))


def prepare(directory, script, line=COMMAND_LINE):
    """Runs the script where /boot has this machine's kernel and an image without gdbdebug. Returns what it printed."""
    version, kernel_image = kernel()
    boot = directory / "boot"
    boot.mkdir()
    shutil.copy(kernel_image, boot / "vmlinuz")
    shutil.copy(generators.initramfs_tools_image(with_gdbdebug=False), boot / "initrd")
    head = f"version={version}\nline='{line}'\nid={MACHINE_ID}\nexport GDBDEBUG_KERNEL=$version\n"
    return in_efi_debian(directory, head + script + "\nrm /boot/vmlinuz /boot/initrd\n", image.install_tree())


def start(directory, name):
    """The machine, with the probe's root as its first disk."""
    folder = directory / name
    folder.mkdir()
    return DiskMachine(folder, [*generators.root_disk(), *efi_disk(folder, directory / "boot")], memory=1024)


def debug(machine, gdb):
    """gdb stands at the first instruction of the image's own init; then the boot goes on to its end."""
    assert_debugged(machine, gdb)
    assert machine.report(120)["argv"][0] == "/sbin/init"
    assert machine.wait_end() == "poweroff"
    return command_line(machine)


def everyday(machine):
    """The boot goes to its end without us."""
    assert machine.report(180)["argv"][0] == "/sbin/init"
    assert machine.wait_end() == "poweroff"
    line = command_line(machine)
    assert "gdbdebug" not in line, line
    return line


def command_line(machine):
    return re.search(r"Command line: (.*?)\r?\n", machine.console.text).group(1)


def test_a_unified_image_is_debugged_by_an_addon_beside_a_copy_and_boots_as_ever_itself(
        able_efi, directory, gdb, helper):
    said = prepare(directory, UKI + "gdbdebug-boot once ttyS1,wait=60; gdbdebug-boot status")
    assert "1 entry for debugging" in said, said
    with start(directory, "debug") as machine:
        line = debug(machine, gdb)
        assert line.endswith("rdinit=/gdbdebug/init rd.gdbdebug=ttyS1,wait=60"), line

    # The same disk, and the firmware's own choice.
    loader = directory / "boot/loader/loader.conf"
    loader.write_text("timeout 0\n")
    with start(directory, "everyday") as machine:
        everyday(machine)

    # Without the add-on our entry is an everyday boot.
    version, _ = kernel()
    loader.write_text(f"timeout 0\ndefault a-gdbdebug-test-{version}.conf\n")
    shutil.rmtree(directory / f"boot/EFI/gdbdebug/test-{version}.efi.extra.d")
    with start(directory, "lost") as machine:
        everyday(machine)


def test_an_entry_of_kernel_install_is_debugged_once_and_an_inherited_command_line_is_cleaned(
        able_efi, directory, gdb, helper):
    # A kernel that is installed in a boot from the overlay: /proc/cmdline is all that kernel-install has.
    script = ENTRIES + r"""
echo "rdinit=/gdbdebug/init rd.gdbdebug=ttyS1,wait $inherited" >/boot/cmdline
mount --bind /boot/cmdline /proc/cmdline
gdbdebug-overlay /boot/gdbdebug.img
kernel-install add $version /boot/vmlinuz /boot/initrd
gdbdebug-boot once ttyS1,wait=60
umount /proc/cmdline
rm /boot/cmdline
cat /boot/loader/entries/*.conf
"""
    said = prepare(directory, f"inherited='{COMMAND_LINE}'\n{script}", "")
    version, _ = kernel()
    own = (directory / f"boot/loader/entries/{MACHINE_ID}-{version}.conf").read_text()
    assert "removed the words of this debug boot" in said and "gdbdebug" not in own, said
    with start(directory, "debug") as machine:
        line = debug(machine, gdb)
        assert "rdinit=/gdbdebug/init rd.gdbdebug=ttyS1,wait=60 " in line, line
    (directory / "boot/loader/loader.conf").write_text("timeout 0\n")
    with start(directory, "everyday") as machine:
        assert COMMAND_LINE in everyday(machine)
