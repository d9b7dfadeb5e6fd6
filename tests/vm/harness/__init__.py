# SPDX-License-Identifier: GPL-2.0-or-later
"""The VM tests' tools: images, machines, debuggers. Python's standard library and nothing else."""

from .environment import BUILD, CACHE, MACHINE, ROOT, SYSROOT, kernel, scaled
from .gdb import Gdb, GdbError, gdb_batch
from .image import Image, dracut_image, probe_image
from .machine import Machine, Timeout
from .rsp import Rsp
from .tap import Tap
from .target import FOREIGN, TARGET

__all__ = ["BUILD", "CACHE", "FOREIGN", "MACHINE", "ROOT", "SYSROOT", "TARGET", "Gdb", "GdbError", "Image",
           "Machine", "Rsp", "Tap", "Timeout", "dracut_image", "gdb_batch", "kernel", "probe_image", "scaled"]
