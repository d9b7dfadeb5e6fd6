# SPDX-License-Identifier: GPL-2.0-or-later
"""The helper's size, and what an image grows by, by part."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from harness.image import GDBSERVER, HELPER, libraries_of, thread_db
from table import Unavailable


def zstd(files):
    """Bytes of these files together, compressed as dracut compresses (zstd -15)."""
    content = b"".join(Path(file).read_bytes() for file in files)
    run = subprocess.run(["zstd", "-15", "-q", "-c"], input=content, capture_output=True, check=True)
    return len(run.stdout)


def measure(table, _rounds):
    if not HELPER.exists():
        raise Unavailable("the helper is not built")
    if not shutil.which("zstd"):
        raise Unavailable("zstd is not installed")
    with tempfile.TemporaryDirectory() as folder:
        stripped = Path(folder) / "helper"
        subprocess.run(["strip", "-o", str(stripped), str(HELPER)], check=True)
        parts = {"helper": [stripped], "gdbserver": [GDBSERVER],
                 "gdbserver's libraries": [file for _, file in libraries_of(GDBSERVER)]}
        if thread_db():
            parts["libthread_db"] = [thread_db()[1]]
        table.add("helper-size", "helper, stripped", "KiB", [stripped.stat().st_size / 1024], None, "",
                  lambda a, _: a <= 64, "64")
        for name, files in parts.items():
            raw = sum(Path(file).stat().st_size for file in files)
            table.add(f"raw-{name}", f"in the image: {name}, raw", "KiB", [raw / 1024])
            table.add(f"zstd-{name}", f"in the image: {name}, zstd", "KiB", [zstd(files) / 1024])
        everything = [file for files in parts.values() for file in files]
        table.add("zstd-all", "all of it (libc and ld.so, which most images have, included), zstd", "MB",
                  [zstd(everything) / 1e6], None, "", lambda a, _: a <= 2.1, "2.1")
