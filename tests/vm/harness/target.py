# SPDX-License-Identifier: GPL-2.0-or-later
"""The kinds of machine that are tested: QEMU's words for each, its debugger, and the libraries of its programs."""

import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from .environment import MACHINE, SYSROOT


class Target(NamedTuple):
    """`serial` and `probe`: the devices behind a chardev, `{}`; the first serial port is ttyS0 everywhere. pc_number:
    the program counter's in gdb's remote protocol. first_argument: the register with a function's first one."""
    qemu: list
    serial: list
    probe: list
    libraries: tuple
    debugger: str
    pc_number: int
    first_argument: str


TARGETS = {
    "x86_64": Target(["qemu-system-x86_64", "-machine", "pc"], ["-serial", "chardev:{}"],
                     ["-device", "isa-debugcon,iobase=0xe9,chardev={}"],
                     ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"), "gdb", 16, "rdi"),
    # impdef: an algorithm for authenticated pointers that QEMU computes fast.
    "aarch64": Target(["qemu-system-aarch64", "-machine", "virt", "-cpu", "max,pauth-impdef=on"],
                      ["-device", "pci-serial,chardev={}"],
                      ["-semihosting-config", "enable=on,userspace=on,target=native,chardev={}"],
                      ("/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu"), "gdb-multiarch", 32, "x0"),
}
TARGET = TARGETS[MACHINE]
FOREIGN = SYSROOT != Path("/")


def device(words, chardev):
    return [word.format(chardev) for word in words]


def libraries_of(program):
    """[(name in the image, file on this machine)] of all that the dynamic linker would load, itself included. The
    linker has the very name that the program asks for (PT_INTERP), as the kernel will look for it."""
    return foreign_libraries_of(program) if FOREIGN else own_libraries_of(program)


def own_libraries_of(program):
    run = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False)
    found = []
    for line in run.stdout.splitlines():
        match = re.match(r"\s*(?:\S+ => )?(/\S+) \(0x", line)
        if match:
            found.append((match.group(1), os.path.realpath(match.group(1))))
    return found


def foreign_libraries_of(program):
    """Without running it: what its headers ask for, where the dynamic linker looks unless told (ld.so(8))."""
    found, files = {}, [str(program)]
    for file in files:
        text = subprocess.run(["readelf", "--wide", "--program-headers", "--dynamic", file], capture_output=True,
                              text=True, check=True, env={**os.environ, "LC_ALL": "C"}).stdout
        names = re.findall(r"program interpreter: (/\S+)\]", text)
        names += [f"{folder}/{needed}" for needed in re.findall(r"\(NEEDED\).*\[(.+)\]", text)
                  for folder in TARGET.libraries if (SYSROOT / f"{folder}/{needed}".lstrip("/")).exists()]
        for name in names:
            real = os.path.realpath(SYSROOT / name.lstrip("/"))
            if real not in found.values():
                found[name] = real
                files.append(real)
    return list(found.items())
