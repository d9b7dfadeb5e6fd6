# SPDX-License-Identifier: GPL-2.0-or-later
"""Where things are, which machine is tested and with which kernel, and how patient to be."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("GDBDEBUG_BUILD", ROOT / "build" / "dev"))
CACHE = Path(os.environ.get("GDBDEBUG_CACHE") or
             Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gdbdebug")

# What is booted: a machine as this one with this one's files, or another kind with the files in a folder. Then BUILD is
# a cross build for it (tests/matrix sets all three).
MACHINE = os.environ.get("GDBDEBUG_MACHINE", "x86_64")
SYSROOT = Path(os.environ.get("GDBDEBUG_SYSROOT", "/"))


def scaled(seconds):
    """A time limit. GDBDEBUG_PATIENCE=3 makes each three times as long, for a slow or a busy machine."""
    return seconds * float(os.environ.get("GDBDEBUG_PATIENCE", "1"))


def version_key(text):
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text)]


def kernel():
    """(version, image) of the newest kernel that has modules and an image that may be read; else (None, why)."""
    unreadable = None
    for modules in sorted((SYSROOT / "lib/modules").glob("*"), key=lambda path: version_key(path.name), reverse=True):
        for image in (SYSROOT / "boot" / f"vmlinuz-{modules.name}", modules / "vmlinuz"):
            if image.exists():
                if os.access(image, os.R_OK):
                    return modules.name, image
                unreadable = image
    if unreadable:
        return None, f"{unreadable} may only be read by root"
    return None, f"no kernel with modules is installed in {SYSROOT / 'boot'} and {SYSROOT / 'lib/modules'}"
