# SPDX-License-Identifier: GPL-2.0-or-later
"""A real root file system with a real systemd, for boots that go on to it: Debian 12 by debootstrap, in the cache."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .environment import CACHE, scaled
from .image import Image, key_of, making

SUITE = "bookworm"
PACKAGES = "systemd,systemd-sysv"
COMMAND_LINE = "root=/dev/vda rootfstype=ext4 rw systemd.unit=gdbdebug-test.target systemd.show_status=0"
DRIVERS = "virtio_pci virtio_blk ext4"
# What every image for it takes along of dracut's.
ROOT_MODULE = "rootfs-block"

# Tells what is left of us after the switch, then powers off when a line is typed on the console.
REPORT = r"""#!/bin/sh
exec >/dev/ttyS0 2>&1 </dev/ttyS0
echo 3 >/proc/sys/vm/drop_caches
echo "root: report begins"
for process in /proc/[0-9]*; do
    name=$(tr '\0' ' ' 2>/dev/null <"$process/cmdline") || continue
    case $name in
        @*)
            echo "root: ours ${process#/proc/} $name"
            sed "s/^/root: mount /" "$process/mountinfo"
            ls -l "$process/fd" "$process/cwd" "$process/root" | sed "s/^/root: file /"
            sed -n 's/^VmRSS: */root: resident /p' "$process/status"
            ;;
    esac
done
sed -n 's/^\(MemAvailable\|MemFree\|Unevictable\|Shmem\|Cached\): */root: memory \1 /p' /proc/meminfo
echo "root: report ends"
while read -r line; do
    [ "$line" = poweroff ] && exec systemctl --no-block poweroff
done
"""
UNITS = {
    "gdbdebug-test.target": "[Unit]\nRequires=gdbdebug-test.service\n",
    "gdbdebug-test.service": "[Unit]\nDefaultDependencies=no\nAfter=systemd-remount-fs.service\n"
                             "[Service]\nType=simple\nExecStart=/usr/local/bin/gdbdebug-report\n",
}


class Unavailable(Exception):
    """A root file system or a disk is not there and cannot be made here; the text says why."""


def bare_root(name, suite, command, seconds):
    """The folder of that name in the cache, made by `command`, a debootstrap of `suite` into the folder that it is
    given as its last argument."""
    root = CACHE / "roots" / name
    with making(root):
        if root.exists():
            return root
        if os.geteuid() != 0 or not shutil.which("debootstrap"):
            raise Unavailable("a root file system needs debootstrap, and root to run it")
        with tempfile.TemporaryDirectory(prefix=".new-", dir=root.parent) as scratch:
            run = subprocess.run([*command, f"{scratch}/root"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True, timeout=scaled(seconds), check=False)
            if run.returncode:
                said = run.stdout.strip().splitlines() or ["no reason given"]
                raise Unavailable(f"debootstrap {suite}: {said[-1]}")
            os.rename(f"{scratch}/root", root)
    return root


def debian():
    """The folder of the bare root, from debootstrap."""
    return bare_root(f"{SUITE}-{key_of(PACKAGES)[:8]}", SUITE,
                     ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE], 600)


def root_disk():
    """QEMU's options for a disk with this root. What a machine writes there is thrown away with the machine."""
    bare = debian()
    path = CACHE / "roots" / f"{bare.name}-{key_of(REPORT, str(UNITS))[:8]}.ext4"
    if not path.exists():
        with tempfile.TemporaryDirectory(prefix=".new-", dir=path.parent) as scratch:
            tree, disk = Path(scratch) / "tree", Path(scratch) / "disk"
            subprocess.run(["cp", "-a", str(bare), str(tree)], check=True, timeout=scaled(300))
            for unwanted in ("var/cache/apt", "var/lib/apt", "usr/share/doc", "usr/share/locale", "usr/share/man"):
                shutil.rmtree(tree / unwanted, ignore_errors=True)
            script = tree / "usr/local/bin/gdbdebug-report"
            script.write_text(REPORT)
            script.chmod(0o755)
            for name, content in UNITS.items():
                (tree / "etc/systemd/system" / name).write_text(content)
            (tree / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
            (tree / "etc/fstab").write_text("")
            subprocess.run(["/sbin/mke2fs", "-q", "-t", "ext4", "-d", str(tree), str(disk), "512M"], check=True,
                           stdout=subprocess.DEVNULL, timeout=scaled(300))
            os.rename(disk, path)
    return ["-drive", f"file={path},if=none,id=root,format=raw,snapshot=on", "-device", "virtio-blk-pci,drive=root"]


def with_another(initrd, path, content):
    """An image in which one program is another: the kernel unpacks archives one after the other, and the last wins."""
    overlay = Image()
    overlay.add(path, content, 0o755)
    result = CACHE / "images" / f"{key_of(initrd, content.hex())}.img"
    if not result.exists():
        data = initrd.read_bytes()
        result.write_bytes(data + b"\0" * (-len(data) % 4) + overlay.archive())
    return result
