# SPDX-License-Identifier: GPL-2.0-or-later
"""The helper's size, and what an image grows by, by part."""

import gzip
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from harness import dracut_image, kernel
from harness.generators import ROOT_MODULES, initramfs_tools_image
from harness.image import AGENT, GDBSERVER, HELPER, SHELL_MODULES, libraries_of, thread_db
from table import Unavailable


def zstd(files):
    """Bytes of these files together, compressed."""
    return compressed(b"".join(Path(file).read_bytes() for file in files))


def compressed(content):
    """Bytes, as dracut compresses them (zstd -15)."""
    run = subprocess.run(["zstd", "-15", "-q", "-c"], input=content, capture_output=True, check=True)
    return len(run.stdout)


def contents(image):
    """An image's archive without its compression (gzip, as the tests make them)."""
    with gzip.open(image) as file:
        return file.read()


def add_generators(table):
    """What an image of each generator grows by, with the default lines."""
    version, _ = kernel()
    images = {}
    if shutil.which("dracut"):
        images["dracut"] = [contents(dracut_image(modules=SHELL_MODULES, with_gdbdebug=with_us))
                            for with_us in (True, False)]
    if shutil.which("mkinitramfs"):
        images["initramfs-tools"] = [contents(initramfs_tools_image()), plain_initramfs_tools(version)]
    for name, (with_us, without) in images.items():
        table.add(f"grows-raw-{name}", f"a slim image of {name} grows by, raw", "KiB",
                  [(len(with_us) - len(without)) / 1024])
        table.add(f"grows-zstd-{name}", f"a slim image of {name} grows by, zstd", "MB",
                  [(compressed(with_us) - compressed(without)) / 1e6], None, "", lambda a, _: a < 2.1, "2.1")


def plain_initramfs_tools(version):
    """The contents of the same image without us: as initramfs_tools_image() makes it, without the hook."""
    with tempfile.TemporaryDirectory(prefix="gdbdebug-bench-") as scratch:
        settings, result = Path(scratch) / "settings", Path(scratch) / "image"
        shutil.copytree("/etc/initramfs-tools", settings)
        for folder in ("hooks", "conf.d"):
            shutil.rmtree(settings / folder, ignore_errors=True)
            (settings / folder).mkdir()
        (settings / "initramfs.conf").write_text("MODULES=list\nBUSYBOX=y\nCOMPRESS=gzip\nCOMPRESSLEVEL=1\n")
        (settings / "modules").write_text("\n".join(ROOT_MODULES) + "\n")
        subprocess.run(["mkinitramfs", "-d", str(settings), "-o", str(result), version], check=True, timeout=300,
                       env={**os.environ, "TMPDIR": scratch, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"},
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return contents(result)


def measure(table, _rounds):
    if not HELPER.exists():
        raise Unavailable("the helper is not built")
    if not shutil.which("zstd"):
        raise Unavailable("zstd is not installed")
    parts = {"helper": [HELPER], "agent": [AGENT], "gdbserver": [GDBSERVER],
             "gdbserver's libraries": [file for _, file in libraries_of(GDBSERVER)]}
    if thread_db():
        parts["libthread_db"] = [thread_db()[1]]
    table.add("helper-size", "gdbdebug-init, as installed", "KiB", [HELPER.stat().st_size / 1024], None, "",
              lambda a, _: a <= 24, "24")
    for name, files in parts.items():
        raw = sum(Path(file).stat().st_size for file in files)
        table.add(f"raw-{name}", f"in the image: {name}, raw", "KiB", [raw / 1024])
        table.add(f"zstd-{name}", f"in the image: {name}, zstd", "KiB", [zstd(files) / 1024])
    everything = [file for files in parts.values() for file in files]
    table.add("zstd-all", "all of it (libc and ld.so, which most images have, included), zstd", "MB",
              [zstd(everything) / 1e6])
    add_generators(table)
