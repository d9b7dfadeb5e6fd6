# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks that start by themselves: a whole Debian with GRUB in its first sectors, and EFI system partitions."""

import os
import shutil
import struct
import tempfile
from pathlib import Path

from .checks import assert_at_start
from .environment import BUILD, CACHE, kernel
from .generators import initramfs_tools_image, run
from .image import install_tree, key_of, libraries_of
from .machine import Machine
from .realroot import Unavailable, bare_root

SUITE = "bookworm"
PACKAGES = "systemd systemd-sysv udev kmod grub-common grub2-common initramfs-tools gdbserver busybox zstd"
GRUB = Path("/usr/lib/grub/i386-pc")
SECTOR = 512
FIRST = 2048  # the partition's first sector; GRUB lies in front of it

# A shell on the console, as root. What a test types is answered after "> ".
SHELL = """[Unit]
After=multi-user.target
[Service]
Environment=PS1=shell> HOME=/root TERM=dumb
WorkingDirectory=/root
ExecStart=/bin/sh -i
StandardInput=tty-force
StandardOutput=tty
TTYPath=/dev/ttyS0
KillSignal=SIGKILL
[Install]
WantedBy=multi-user.target
"""


# What makes and starts unified kernel images, from the first systemd whose stub loads an add-on's initramfs.
EFI_SUITE = "trixie"
EFI_PACKAGES = "systemd systemd-ukify systemd-boot-efi gdbserver kmod cpio"
FIRMWARE = Path("/usr/share/OVMF")


class DiskMachine(Machine):
    """Starts from its disk unless it is given an image."""

    def __init__(self, directory, disk_options, initrd=None, **options):
        super().__init__(directory, initrd or "", **options)
        if not initrd:
            at = self.command.index("-kernel")
            del self.command[at:at + 6]  # -kernel, -initrd and -append, with their values
        self.command += disk_options

    def shell(self, command, seconds=300):
        """Types a command for the shell of SHELL; returns what it printed. Its status must be 0."""
        sent = len(self.console.text)
        # The echo of these words has a quote where the output has none, wherever it stands beside the prompt.
        self.type(f"echo 'begun='now; {command}; echo 'status='$?\n")
        match = self.wait_for(r"(?s)begun=now\r?\n(.*)status=(\d+)\r?\n", seconds, after=sent)
        text, status = match.groups()
        if status != "0":
            raise AssertionError(self.describe(f"'{command}' to succeed", f"status {status}", [self.console]))
        return text


def assert_debugged(machine, gdb):
    """gdb stands at the first instruction of the shell that initramfs-tools has as /init; then it detaches."""
    machine.wait_for("gdbdebug: ready on ttyS1", 180)
    debugger = gdb()
    debugger.command("set sysroot /")
    debugger.connect(machine.debug)
    linker = [file for name, file in libraries_of(shutil.which("busybox")) if "/ld-linux" in name]
    if linker:
        assert_at_start(debugger, linker[0])
    debugger.command("detach")


def debian(suite=SUITE, packages=PACKAGES):
    """The folder with a bare Debian that has GRUB's tools, or others."""
    # debootstrap itself knows no order of configuration; apt does.
    script = ('set -e; debootstrap --variant=minbase "$1" "$3"; mount -t proc proc "$3/proc"; '
              'chroot "$3" env DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends install $2; '
              'chroot "$3" apt-get clean')
    return bare_root(f"{suite}-boot-{key_of(packages)[:8]}", suite,
                     ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", suite, packages], 900)


def grub_disk():
    """A raw disk with that Debian, this machine's kernel, an image without gdbdebug, and GRUB. Its menu is yet to be
    made: the first boot is by the kernel and the image, which are returned too."""
    bare = debian()
    version, kernel_image = kernel()
    initrd = initramfs_tools_image(with_gdbdebug=False)
    settings = ("GRUB_TIMEOUT=0\nGRUB_TERMINAL=serial\nGRUB_SERIAL_COMMAND='serial --unit=0 --speed=115200'\n"
                "GRUB_DISABLE_LINUX_UUID=true\nGRUB_DISABLE_OS_PROBER=true\nGRUB_DISTRIBUTOR=Test\n"
                "GRUB_CMDLINE_LINUX='console=ttyS0 loglevel=7 panic=-1 systemd.show_status=0'\n")
    path = CACHE / "roots" / f"{bare.name}-{key_of(settings, SHELL, version, initrd)[:12]}.disk"
    if not path.exists():
        with tempfile.TemporaryDirectory(prefix=".new-", dir=path.parent) as scratch:
            tree, partition, core = (Path(scratch) / name for name in ("tree", "partition", "core"))
            run(["cp", "-a", bare, tree])
            for unwanted in ("var/cache/apt", "var/lib/apt", "usr/share/doc", "usr/share/locale", "usr/share/man"):
                shutil.rmtree(tree / unwanted, ignore_errors=True)
            shutil.copy(kernel_image, tree / f"boot/vmlinuz-{version}")
            shutil.copy(initrd, tree / f"boot/initrd.img-{version}")
            shutil.copytree(GRUB, tree / "boot/grub/i386-pc")
            (tree / "etc/default/grub").write_text(settings)
            (tree / "etc/fstab").write_text("/dev/vda1 / ext4 rw 0 0\n")
            (tree / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
            units = tree / "etc/systemd/system"
            (units / "shell.service").write_text(SHELL)
            (units / "multi-user.target.wants").mkdir(exist_ok=True)
            (units / "multi-user.target.wants/shell.service").symlink_to("../shell.service")
            for unit in ("serial-getty@ttyS0.service", "getty@tty1.service", "apt-daily.timer",
                         "apt-daily-upgrade.timer"):
                (units / unit).unlink(missing_ok=True)
                (units / unit).symlink_to("/dev/null")
            run(["/sbin/mke2fs", "-q", "-t", "ext4", "-d", tree, partition, "800M"])
            run(["grub-mkimage", "-O", "i386-pc", "-d", GRUB, "-p", "(hd0,msdos1)/boot/grub", "-o", core,
                 "biosdisk", "part_msdos", "ext2"])
            write_disk(Path(scratch) / "disk", partition, core.read_bytes())
            os.rename(Path(scratch) / "disk", path)
    return path, kernel_image, initrd


def write_disk(path, partition, core):
    """GRUB's boot.img in the first sector, its core behind that, then the one partition."""
    size = partition.stat().st_size // SECTOR
    first = bytearray((GRUB / "boot.img").read_bytes()[:440].ljust(SECTOR, b"\0"))
    # An entry of the partition table: active, addresses of old (unused), type Linux, first sector, number of sectors.
    first[446:462] = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x83, b"\xfe\xff\xff", FIRST, size)
    first[510:512] = b"\x55\xaa"
    if len(core) > (FIRST - 1) * SECTOR:
        raise Unavailable("GRUB's core does not fit in front of the partition")
    with open(path, "wb") as disk:
        disk.write(bytes(first) + core)
        disk.truncate(FIRST * SECTOR)
    run(["dd", f"if={partition}", f"of={path}", "bs=1M", "seek=1", "conv=notrunc,sparse"])
    with open(path, "ab") as disk:
        disk.truncate((FIRST + size) * SECTOR)


def overlay_maker():
    """The installed gdbdebug-overlay."""
    path = install_tree() / "usr/sbin/gdbdebug-overlay"
    if not path.exists():
        raise Unavailable("this build has no gdbdebug-overlay")
    return path


def overlay(directory):
    """gdbdebug.img, as the installed gdbdebug-overlay makes it on this machine."""
    path = Path(directory) / "gdbdebug.img"
    run([overlay_maker(), path], {**os.environ, "GDBDEBUG_CONF": "/nonexistent"})
    return path


def package(directory):
    """The .deb of the target side, as cpack makes it of this build."""
    run(["sh", "-c", f"cd '{BUILD}' && cpack -G DEB -D CPACK_COMPONENTS_ALL=target -B '{directory}/packages'"])
    found = sorted(Path(directory).glob("packages/gdbdebug_*.deb"))
    if not found:
        raise Unavailable("cpack made no gdbdebug_*.deb")
    return found[0]


def in_efi_debian(directory, script, tree):
    """Runs a shell script in a fresh copy of a Debian with ukify and systemd's stubs, in which the package's files
    (`tree`) are installed and /boot is `directory`/boot. Nothing of it is kept but /boot. Returns what it printed."""
    bare = debian(EFI_SUITE, EFI_PACKAGES)
    boot, mount = Path(directory) / "boot", Path(directory) / "mount"
    for folder in (boot, mount):
        folder.mkdir(exist_ok=True)
    (boot / "script").write_text(script)
    inside = ('mount -t tmpfs tmpfs "$2" && mkdir "$2/upper" "$2/work" "$2/root" && '
              'mount -t overlay overlay -o "lowerdir=$4:$1,upperdir=$2/upper,workdir=$2/work" "$2/root" && '
              'mount --bind "$3" "$2/root/boot" && mount -t proc proc "$2/root/proc" && '
              'mount --rbind /dev "$2/root/dev" && exec chroot "$2/root" env -i LC_ALL=C '
              'PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin sh -ex /boot/script')
    try:
        return run(["unshare", "--mount", "--pid", "--fork", "--propagation", "private", "sh", "-c", inside, "sh",
                    bare, mount, boot, tree])
    finally:
        (boot / "script").unlink()


def efi_disk(directory, boot):
    """QEMU's options for a disk whose EFI system partition has the files of the folder `boot`, and for the firmware."""
    disk, variables = Path(directory) / "esp", Path(directory) / "variables"
    size = sum(file.stat().st_size for file in Path(boot).rglob("*")) // 2**20 + 48
    with open(disk, "wb") as file:
        first = bytearray(SECTOR)
        first[446:462] = struct.pack("<B3sB3sII", 0, b"\xfe\xff\xff", 0xEF, b"\xfe\xff\xff", FIRST,
                                     size * 2**20 // SECTOR)
        first[510:512] = b"\x55\xaa"
        file.write(first)
        file.truncate((size + 1) * 2**20)
    run(["/sbin/mkfs.vfat", "-F", "32", "--offset", str(FIRST), disk, str(size * 1024)])
    run(["mcopy", "-s", "-i", f"{disk}@@1M", *sorted(Path(boot).iterdir()), "::/"])
    shutil.copy(FIRMWARE / "OVMF_VARS_4M.fd", variables)
    return ["-drive", f"if=pflash,format=raw,readonly=on,file={FIRMWARE / 'OVMF_CODE_4M.fd'}",
            "-drive", f"if=pflash,format=raw,file={variables}",
            "-drive", f"file={disk},if=none,id=esp,format=raw,snapshot=on",
            "-device", "virtio-blk-pci,drive=esp,bootindex=1"]
