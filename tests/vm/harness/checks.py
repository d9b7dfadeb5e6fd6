# SPDX-License-Identifier: GPL-2.0-or-later
"""What a real init can see of us, put side by side; and where gdb must stand."""

import re
import struct

# Lines of /proc/1/status and fields of /proc/1/stat (proc(5), counted from 1) that must not depend on who ran before.
# Left out: memory, times and counters, which differ from boot to boot.
STATUS_LINES = ("Name", "Umask", "State", "Tgid", "Ngid", "Pid", "PPid", "TracerPid", "Uid", "Gid", "FDSize", "Groups",
                "Threads", "SigQ", "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt", "CapInh", "CapPrm", "CapEff",
                "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Speculation_Store_Bypass", "Cpus_allowed",
                "Mems_allowed")
STAT_FIELDS = {5: "process group", 6: "session", 7: "terminal", 8: "foreground group", 18: "priority", 19: "nice",
               38: "exit signal", 40: "real-time priority", 41: "policy"}
AS_THEY_ARE = ("environment", "descriptors", "blocked", "pending", "dispositions", "limits", "comm", "cwd", "umask",
               "ids", "prctl", "dead_child", "has_children", "cgroup", "oom_score_adj", "tree")


def comparable(report):
    """Of a probe's report, what must be equal with and without us."""
    status = dict(line.split(":\t", 1) for line in report["status"].splitlines() if ":\t" in line)
    after_name = report["stat"].rpartition(")")[2].split()  # field 3 is the first of these
    result = {key: report[key] for key in AS_THEY_ARE}
    result["arguments"] = report["argv"][1:]
    result["status"] = {key: status.get(key) for key in STATUS_LINES}
    result["stat"] = {name: after_name[field - 3] for field, name in STAT_FIELDS.items()}
    # Mount IDs are counted for the whole machine, and a mount that is gone has used one up. The size of the rootfs is a
    # share of the memory that was free then: on arm64 a page more or less from boot to boot.
    result["mounts"] = [re.sub(r"^\d+ \d+ |(?<= rootfs rw),size=\d+k,nr_inodes=\d+", "", line)
                        for line in report["mountinfo"].splitlines()]
    result["children"] = sorted(one["argv"] for one in report["processes"] if one["parent"] == 1)
    return result


def differences(expected, got, path=""):
    """Readable differences of two nested values, one a line."""
    if isinstance(expected, dict) and isinstance(got, dict):
        return [line for key in sorted({*expected, *got}, key=str)
                for line in differences(expected.get(key), got.get(key), f"{path}.{key}".lstrip("."))]
    if isinstance(expected, list) and isinstance(got, list) and path in ("tree", "mounts"):
        return ([f"{path}: gone: {one}" for one in expected if one not in got] +
                [f"{path}: new: {one}" for one in got if one not in expected])
    return [] if expected == got else [f"{path}: expected {expected!r}, got {got!r}"]


def assert_same(expected, got, but=()):
    """Fails with every difference, except in the keys named in `but`."""
    found = [line for line in differences(expected, got) if line.split(":")[0] not in but]
    assert not found, "the real init sees what it should not:\n  " + "\n  ".join(found)


def elf_entry(file):
    """The entry point in an ELF64 file's header."""
    with open(file, "rb") as elf:
        return struct.unpack_from("<Q", elf.read(64), 24)[0]


def assert_at_start(debugger, linker, offset=0):
    """gdb stands at the entry point of the dynamic linker (`linker`, a file of this machine), `_start` where it has
    symbols; the place in memory is what the kernel told the process (AT_BASE, 7)."""
    auxv = debugger.command("info auxv")
    base = int(re.search(r"^7\s+AT_BASE\s+.*?(0x[0-9a-f]+)\s*$", auxv, re.MULTILINE).group(1), 16)
    expected = base + elf_entry(linker) + offset
    got = debugger.value("(unsigned long) $pc")
    assert got == expected, f"expected: pc at _start of the dynamic linker, {expected:#x}\ngot: {got:#x}\n{auxv}"
