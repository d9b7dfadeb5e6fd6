#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes a newc archive, the kernel's initramfs format, on standard output: also ones that no cpio would write.

Standard input has one entry a line: KIND NAME [ARGUMENT]
  dir NAME             file NAME TEXT            link NAME TARGET
  node NAME            zeros NAME BYTES          hard NAME INODE[:TEXT]
  copy NAME FILE       exec NAME FILE            claim NAME BYTES  (a size with nothing behind it)
"""
import sys

MODES = {"dir": 0o40755, "file": 0o100644, "link": 0o120777, "node": 0o20600, "zeros": 0o100644, "hard": 0o100644,
         "copy": 0o100644, "exec": 0o100755, "claim": 0o100644}


def entry(name, mode, size, inode, links=1, rdev=(0, 0)):
    name = name.encode() + b"\0"
    fields = [inode, mode, 0, 0, links, 0, size, 0, 0, *rdev, len(name), 0]
    header = b"070701" + b"".join(b"%08x" % field for field in fields) + name
    return header + b"\0" * (-len(header) % 4)


def padded(data):
    return data + b"\0" * (-len(data) % 4)


def main():
    out = sys.stdout.buffer
    for inode, line in enumerate(sys.stdin, start=1000):
        kind, name, *rest = line.rstrip("\n").split(" ", 2)
        argument = rest[0] if rest else ""
        links, rdev = 1, (0, 0)
        if kind == "zeros":
            size = int(argument)
            out.write(entry(name, MODES[kind], size, inode))
            for _ in range(size // 65536):
                out.write(bytes(65536))
            out.write(bytes(size % 65536 + -size % 4))
            continue
        if kind == "claim":
            out.write(entry(name, MODES[kind], int(argument), inode))
            return
        if kind == "hard":
            number, _, argument = argument.partition(":")
            inode, links = int(number), 2
        if kind == "node":
            rdev = (1, 3)
        if kind in ("copy", "exec"):
            with open(argument, "rb") as file:
                data = file.read()
        else:
            data = argument.encode()
        out.write(entry(name, MODES[kind], len(data), inode, links, rdev) + padded(data))
    out.write(entry("TRAILER!!!", 0, 0, 0))


main()
