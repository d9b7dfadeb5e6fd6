# SPDX-License-Identifier: GPL-2.0-or-later
"""Where things are, which kernel to boot, and how patient to be."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("GDBDEBUG_BUILD", ROOT / "build" / "dev"))
CACHE = Path(os.environ.get("GDBDEBUG_CACHE") or
             Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gdbdebug")


def scaled(seconds):
    """A time limit. GDBDEBUG_PATIENCE=3 makes each three times as long, for a slow or a busy machine."""
    return seconds * float(os.environ.get("GDBDEBUG_PATIENCE", "1"))


def version_key(text):
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text)]


def kernel():
    """(version, image) of the newest kernel here that has modules and an image that may be read; else (None, why)."""
    unreadable = None
    for modules in sorted(Path("/lib/modules").glob("*"), key=lambda path: version_key(path.name), reverse=True):
        for image in (Path("/boot") / f"vmlinuz-{modules.name}", modules / "vmlinuz"):
            if image.exists():
                if os.access(image, os.R_OK):
                    return modules.name, image
                unreadable = image
    if unreadable:
        return None, f"{unreadable} may only be read by root"
    return None, "no kernel with modules is installed in /boot and /lib/modules"
