# SPDX-License-Identifier: GPL-2.0-or-later
"""The VM tests' tools: images, machines, debuggers. Python's standard library and nothing else."""

from .environment import BUILD, CACHE, ROOT, kernel, scaled  # noqa: F401
from .gdb import Gdb, gdb_batch  # noqa: F401
from .image import Image, dracut_image, probe_image  # noqa: F401
from .machine import Machine, Timeout  # noqa: F401
