# SPDX-License-Identifier: GPL-2.0-or-later
"""Real images of the other generators than dracut, with our modules as they are installed; and a real root for their
boots to go on to. All of it is kept in the cache, as in image.py."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .environment import BUILD, CACHE, kernel, scaled
from .image import install_tree, key_of, prune

# What a machine of QEMU's needs to find the root of root_disk(); some kernels have part of it built in.
ROOT_MODULES = ("virtio_pci", "virtio_blk", "ext4")
ROOT_COMMAND_LINE = "root=/dev/vda rootfstype=ext4 rw"
MKINITCPIO_ROOT = os.environ.get("MKINITCPIO_ROOT")


def root_disk():
    """QEMU's options for a disk with a root file system whose /sbin/init is the probe: what it reports was written by
    the PID 1 of the real root."""
    probe = BUILD / "tests" / "vm" / "probe-static"
    path = CACHE / "images" / f"{key_of(probe, 'root 1')}.ext4"
    if path.exists():
        os.utime(path)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        prune(path.parent)
        with tempfile.TemporaryDirectory(prefix="gdbdebug-root-") as scratch:
            tree = Path(scratch) / "tree"
            for folder in ("proc", "sys", "dev", "run", "tmp", "etc", "usr/bin", "usr/lib", "usr/sbin"):
                (tree / folder).mkdir(parents=True)
            for link in ("bin", "lib", "sbin"):
                (tree / link).symlink_to(f"usr/{link}")
            shutil.copy2(probe, tree / "usr/sbin/init")
            # systemd goes to no root without it.
            (tree / "etc/os-release").write_text("ID=probe\nNAME=probe\n")
            image = Path(scratch) / "root.ext4"
            run(["/sbin/mke2fs", "-q", "-t", "ext4", "-d", tree, image, "16M"])
            shutil.copyfile(image, f"{path}.{os.getpid()}")
            os.replace(f"{path}.{os.getpid()}", path)
    # Changes are thrown away with the machine.
    return ["-drive", f"file={path},if=none,id=root,format=raw,snapshot=on", "-device", "virtio-blk-pci,drive=root"]


def run(command, environment=None, statuses=(0,)):
    """Runs a command to its end; returns what it printed. Raises CalledProcessError, with that, on another status."""
    done = subprocess.run([str(word) for word in command], env=environment, text=True, errors="replace",
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=scaled(300), check=False)
    if done.returncode not in statuses:
        raise subprocess.CalledProcessError(done.returncode, done.args, done.stdout)
    return done.stdout


def cached(make, *parts):
    """The image that make(scratch folder, result) writes, under a key of `parts` and of this machine's packages."""
    packages = Path("/var/lib/dpkg/status")
    path = CACHE / "images" / f"{key_of(kernel()[0], *parts, packages if packages.exists() else '')}.img"
    if path.exists():
        os.utime(path)
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    prune(path.parent)
    with tempfile.TemporaryDirectory(prefix="gdbdebug-image-") as scratch:
        result = Path(scratch) / "image"
        make(Path(scratch), result)
        os.chmod(result, 0o644)
        shutil.copyfile(result, f"{path}.{os.getpid()}")
        os.replace(f"{path}.{os.getpid()}", path)
    return path


def product_environment(tree, configuration=None, scratch=None):
    """The environment in which an installed module finds its own files below `tree` instead of in /usr."""
    environment = {**os.environ, "LC_ALL": "C", "GDBDEBUG_LIBEXECDIR": f"{tree}/usr/libexec/gdbdebug",
                   "GDBDEBUG_CONF": str(Path(scratch or "/nonexistent") / "gdbdebug.conf")}
    if configuration is not None:
        (Path(scratch) / "gdbdebug.conf").write_text(configuration)
    return environment


def initramfs_tools_image(configuration=None, with_gdbdebug=True):
    """An image of mkinitramfs, with our hook or without, for root_disk()."""
    tree = install_tree() if with_gdbdebug else None

    def make(scratch, result):
        settings = scratch / "settings"
        shutil.copytree("/etc/initramfs-tools", settings)
        for folder in ("hooks", "conf.d"):
            shutil.rmtree(settings / folder, ignore_errors=True)
            (settings / folder).mkdir()
        (settings / "initramfs.conf").write_text("MODULES=list\nBUSYBOX=y\nCOMPRESS=gzip\nCOMPRESSLEVEL=1\n")
        (settings / "modules").write_text("\n".join(ROOT_MODULES) + "\n")
        environment = product_environment(tree, configuration, scratch)
        if tree:
            shutil.copy2(tree / "usr/share/initramfs-tools/hooks/gdbdebug", settings / "hooks")
        environment |= {"GDBDEBUG": "y" if tree else "", "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
                        "TMPDIR": str(scratch)}
        run(["mkinitramfs", "-d", settings, "-o", result, kernel()[0]], environment)

    return cached(make, "initramfs-tools 1", tree.name if tree else "", configuration or "")


# What a real mkinitcpio wants of a machine that is not Arch. Debian's busybox has an applet of its own name, so the
# hook `base` of some versions makes it a link to itself; and its shell prefers its own modprobe, which wants a text
# that mkinitcpio leaves out. A machine of Arch has neither trouble, and there this does nothing.
ELSEWHERE = r"""
build() {
    [[ ! -e /etc/arch-release ]] || return 0
    rm -f "$BUILDROOT/usr/bin/busybox" "$BUILDROOT/usr/bin/ash"
    install -m 0755 /usr/lib/initcpio/busybox "$BUILDROOT/usr/bin/busybox"
    add_binary /usr/bin/bash
    add_symlink /usr/bin/ash bash
}
"""


def mkinitcpio_lacks(flavour):
    """What is missing here for an image of this flavour by a real mkinitcpio, as a text; None if nothing is."""
    if os.geteuid():
        return "root, for a mount namespace"
    root = Path(MKINITCPIO_ROOT or "/")
    if not (root / "usr/bin/mkinitcpio").exists():
        return "a real mkinitcpio: on PATH, or installed below MKINITCPIO_ROOT"
    hook = "usr/lib/initcpio/install/systemd"
    busybox = "usr/lib/initcpio/busybox"
    if flavour == "busybox" and not ((root / busybox).exists() or Path("/", busybox).exists()):
        return f"mkinitcpio's busybox, {busybox} (Arch: mkinitcpio-busybox)"
    if flavour == "systemd" and not ((root / hook).exists() or Path("/", hook).exists()):
        return "mkinitcpio's hook systemd (before version 38 it came with systemd)"
    return None


def mkinitcpio_image(flavour, configuration=None, with_gdbdebug=True):
    """An image of mkinitcpio with our hook or without, for root_disk(): flavour "busybox" or "systemd". The mkinitcpio
    below MKINITCPIO_ROOT is laid over this machine for the time of the build, seen by nobody else. Returns the
    image."""
    tree = install_tree()
    ours = "gdbdebug" if with_gdbdebug else ""
    root = Path(MKINITCPIO_ROOT or "/")

    def make(scratch, result):
        # The files to be seen in /usr and /etc while it runs: mkinitcpio's own, our hook, and one for this machine.
        over = scratch / "over"
        for name in ("usr/bin", "usr/lib", "etc"):
            if MKINITCPIO_ROOT and (root / name).exists():
                shutil.copytree(root / name, over / name, symlinks=True)
        hooks = over / "usr/lib/initcpio/install"
        hooks.mkdir(parents=True, exist_ok=True)
        shutil.copy2(tree / "usr/lib/initcpio/install/gdbdebug", hooks)
        (hooks / "elsewhere").write_text(ELSEWHERE)
        first = ["base", "udev"] if flavour == "busybox" else ["base", "systemd"]
        if not ((hooks / first[1]).exists() or Path("/usr/lib/initcpio/install", first[1]).exists()):
            first = first[:1]
        # udev opens libkmod by name, and mkinitcpio looks for it where Arch has it.
        libraries = [str(path) for path in sorted(Path("/usr/lib").glob("*-linux-gnu/libkmod.so.2"))]
        (scratch / "mkinitcpio.conf").write_text(
            "PATH=$PATH:/usr/sbin:/sbin\n"
            f"MODULES=({' '.join(ROOT_MODULES)})\nBINARIES=({' '.join(libraries)})\nFILES=()\n"
            f"HOOKS=({' '.join(first)} elsewhere {ours})\nCOMPRESSION=gzip\nCOMPRESSION_OPTIONS=(-1)\n")
        script = ('for folder in usr/bin usr/lib etc; do [ ! -d "$0/$folder" ] || '
                  'mount -t overlay overlay -o "lowerdir=$0/$folder:/$folder" "/$folder" || exit 125; done; exec "$@"')
        environment = product_environment(tree, configuration, scratch) | {"TMPDIR": str(scratch)}
        # Status 1: a file that Arch has elsewhere was not found; the image is written all the same.
        said = run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script, over, "mkinitcpio",
                    "-c", scratch / "mkinitcpio.conf", "-k", kernel()[0], "-g", result], environment, (0, 1))
        if not result.exists() or re.search("ERROR: .*gdbdebug", said):
            raise subprocess.CalledProcessError(1, "mkinitcpio", said)

    return cached(make, "mkinitcpio 2", ELSEWHERE, flavour, ours and tree.name, configuration or "",
                  root / "usr/bin/mkinitcpio", root / "usr/lib/initcpio")
