# SPDX-License-Identifier: GPL-2.0-or-later
"""Hostile neighbours: kernels that forbid what we need, machines that are short of something, files and lines at whose
other end nobody is. In each the real init runs, and the console says what was wrong and what happens next."""

import gzip
import re
import shutil
import socket
import stat
import threading

import pytest
from harness import BUILD, probe_image, scaled
from harness.image import CACHE, REAL_INIT
from test_lines import line_image, need, port_devices

PROBE = BUILD / "tests" / "vm" / "probe"
READY = "gdbdebug: ready on ttyS1 at 115200n8; PID 1 is held"
SOON = "rd.gdbdebug=ttyS1,wait=1"
BOOTED_ON = "gdbdebug: no debugger came within 1 seconds; booting on"


def boots_on(boot, append, tree=None, expect=(READY, BOOTED_ON), **options):
    """Boots; the real init must run and switch the machine off, and the console show each expression of `expect`.
    Returns what the probe found."""
    machine = boot(tree or probe_image(), append, **options)
    report = machine.report()
    assert machine.wait_end() == "poweroff"
    for expression in expect:
        machine.wait_for(expression, 1)
    return report


def pipe(tree, path, mode=0o644):
    """Whoever opens it for reading waits for ever: nobody writes to it."""
    tree.directory(path.rpartition("/")[0])
    tree.entries[path] = (stat.S_IFIFO | mode, b"", 0)


# ---- what a kernel can be told to forbid ----

@pytest.mark.parametrize("value", ["ttyS1,wait", "ttyS1"])
def test_yama_forbids_every_attach(boot, helper, value):
    """By a sysctl on the command line, set before the first process runs (kernel: do_sysctl_args() in init/main.c). It
    is said at once, and no line is called ready for a debugger that could not attach."""
    machine = boot(probe_image(), f"rd.gdbdebug={value} sysctl.kernel.yama.ptrace_scope=3 PROBE=spin:20")
    machine.wait_for(r"gdbdebug: attaching gdbserver to PID 1: Yama forbids it .*ptrace_scope is 3.*; "
                     r"booting without a debugger")
    assert machine.wait_end() == "poweroff"
    said, began = machine.time_of("gdbdebug: attaching"), machine.time_of("probe: main", machine.probe)
    assert abs(began - said) < scaled(5), f"{began - said:.1f} s between the message and the real init"
    assert "ready on" not in machine.console.text


def test_lockdown_selinux_and_watchdogs_mind_nothing(boot, connected, helper):
    """Lockdown at its strictest, SELinux without a policy, Yama at 2, and detectors that panic when a task hangs for a
    second: gdb reads and writes PID 1, and it may be held for longer than that."""
    machine = boot(probe_image(), "rd.gdbdebug=ttyS1,wait PROBE=spin REPORT=no lockdown=confidentiality "
                   "lsm=lockdown,yama,selinux sysctl.kernel.yama.ptrace_scope=2 hung_task_panic=1 softlockup_panic=1 "
                   "sysctl.kernel.hung_task_panic=1 sysctl.kernel.hung_task_timeout_secs=1")
    machine.wait_for(READY)
    with pytest.raises(AssertionError):
        machine.wait_for("Kernel panic|blocked for more than", 3)
    debugger = connected(machine, str(PROBE))
    debugger.command("break tick")
    assert debugger.resume()["frame"]["func"] == "tick"
    debugger.command("set var finish = 1")
    debugger.command("detach")
    assert machine.wait_end() == "poweroff"
    assert "Kernel is locked down from command line" in machine.console.text
    assert re.search(r"SELinux: +Initializing", machine.console.text)


def test_a_watchdog_is_told_of_before_it_bites(boot, connected, helper):
    """One that PID 1 has started resets the machine when PID 1 is held: who debugs it is told in time, at the console,
    by the hello and by `gdbdebug attach`. One that nobody has started is none."""
    warning = "gdbdebug: a watchdog runs that nobody feeds while PID 1 is held: it resets the machine after 3 seconds; "
    machine = boot(line_image(["i6300esb"]), "rd.gdbdebug=ttyS1,wait,crash,modules=i6300esb PROBE=watchdog REPORT=no",
                   devices=["-device", "i6300esb"])
    machine.wait_for(READY)
    assert "watchdog" not in machine.ask_hello()
    debugger = connected(machine, str(PROBE))
    debugger.command("detach")
    machine.wait_probe("probe: watchdog: 3\n")
    assert machine.ask_hello()["watchdog"] == "3"
    assert warning not in machine.console.text

    debugger = connected(machine, str(PROBE))
    machine.wait_for(warning)
    debugger.command("set var finish = 1")
    debugger.command("detach")
    machine.wait_for(r"gdbdebug: report: end .*\n")
    machine.wait_for(warning, after=machine.console.text.index("report: end"))
    machine.wait_for('"event": "WATCHDOG"', stream=machine.events)


def test_a_watchdog_of_pid_1_is_fed_while_it_is_held(boot, connected, helper):
    """With `feed` a session is longer than the watchdog's three seconds, and so is a hold at the end of PID 1."""
    machine = boot(line_image(["i6300esb"]),
                   "rd.gdbdebug=ttyS1,wait,crash,feed,modules=i6300esb PROBE=watchdog REPORT=no",
                   devices=["-device", "i6300esb"])
    machine.wait_for(READY)
    debugger = connected(machine, str(PROBE))
    debugger.command("detach")
    machine.wait_probe("probe: watchdog: 3\n")
    debugger = connected(machine, str(PROBE))
    machine.wait_for("gdbdebug: a watchdog of 3 seconds runs; it is fed while PID 1 is held")
    with pytest.raises(AssertionError):
        machine.wait_for('"event": "WATCHDOG"', 9, stream=machine.events)
    debugger.command("set var finish = 1")
    debugger.command("detach")
    machine.wait_for(r"gdbdebug: report: end .*\n")
    with pytest.raises(AssertionError):
        machine.wait_for('"event": "WATCHDOG"', 9, stream=machine.events)
    assert machine.ask_hello()["state"] == "crashed"
    debugger = connected(machine, str(PROBE))
    debugger.command("detach")
    machine.wait_for("Kernel panic")


@pytest.mark.parametrize("setting,message", [
    ("user.max_mnt_namespaces=0", "making a mount namespace: No space left on device"),
    ("kernel.threads-max=20", "forking the agent: Resource temporarily unavailable"),
])
def test_a_kernel_that_grants_nothing_more(boot, helper, setting, message):
    report = boots_on(boot, f"{SOON} sysctl.{setting}", expect=[f"gdbdebug: {message}; booting without a debugger"])
    assert not [one for one in report["processes"] if one["parent"] == 1 and one["state"] != "Z"]


def test_a_kernel_that_takes_no_messages(boot, helper):
    """printk.devkmsg=off: they go to the console, also the agent's. The image has no folder for anything to be mounted
    on, and its real init is a script without its interpreter."""
    def change(tree):
        for name in ("/proc", "/sys", "/dev", "/dev/kmsg", "/dev/console", "/run", "/root", "/tmp", REAL_INIT):
            tree.entries.pop(name)
        tree.add(REAL_INIT, "#!/usr/bin/bash\n", 0o755)
        tree.link("/sbin/init", "../usr/bin/probe")
    boots_on(boot, "printk.devkmsg=off quiet rd.gdbdebug=ttyS1,115200n8r,wiat,wait=1", probe_image(change=change),
             ["^gdbdebug: reading rd.gdbdebug 'wiat': unknown option",
              f"^gdbdebug: executing '{REAL_INIT}': it is there, but the interpreter .* is not in the image; trying",
              "^gdbdebug: executing '/sbin/init' instead",
              "^gdbdebug: ready on ttyS1 at 115200n8r; PID 1 is held", f"^{BOOTED_ON}"], loglevel=4)


# ---- what an image can have in it ----

def test_noise_by_the_megabyte_and_pipes_for_files(boot, helper):
    """The setting stands at the end of 4 MB of a drop-in; the kernel's own line is at its limit (2047 bytes on x86) and
    ends within a quotation. Files that would be read are pipes."""
    def change(tree):
        tree.add("/etc/cmdline.d/50-noise.conf", "noise.of.a.long.line=0123456789\n" * 131072 + SOON + "\n")
        for path in ("/etc/cmdline", "/etc/cmdline.d/10-pipe.conf", "/etc/cmdline.d/90-pipe.conf"):
            pipe(tree, path)
        for path in (REAL_INIT, "/sbin/init"):
            pipe(tree, path, 0o755)
        tree.link("/bin/init", "../usr/bin/probe")
    noise = " ".join(f'noise.n{number}="a b=\'c\' \\"' for number in range(78))
    boots_on(boot, noise + ' noise.end="and it', probe_image(change=change),
             [READY, BOOTED_ON, f"gdbdebug: executing '{REAL_INIT}': Permission denied; trying",
              "gdbdebug: executing '/sbin/init': Permission denied; trying"])


def test_a_root_file_system_without_a_free_byte(boot, helper):
    """rootfs is a tmpfs of half the memory, and the image's last file is larger than that."""
    tree = probe_image(change=lambda tree: tree.add("/zzz", bytes(130 << 20)))
    packed = CACHE / "images" / f"{tree.stem}.full.gz"
    if not packed.exists():
        packed.write_bytes(gzip.compress(tree.read_bytes(), 1))
    tree.unlink()
    boots_on(boot, SOON, packed, [READY, BOOTED_ON, "Initramfs unpacking failed: write error"], memory=224)


READ_ONLY = """#!/bin/sh
PATH=/bin
busybox mkdir /new
busybox mount -t tmpfs -o mode=755 tmpfs /new
busybox mount -t proc proc /proc
for name in usr lib lib64 etc dev init; do
    [ ! -e /$name ] || busybox cp -a /$name /new/
done
busybox mount -o remount,ro /new
busybox umount /proc
umask 077
ulimit -n 24
LIMIT
trap '' PIPE HUP CONT
exec busybox switch_root /new /init
"""


@pytest.mark.parametrize("limit,expected", [
    (":", [READY, BOOTED_ON]),
    ("ulimit -f 0", ["gdbdebug: waiting for the agent: it was killed by signal 25; booting without a debugger"]),
])
def test_a_read_only_root_and_narrow_limits(boot, helper, limit, expected):
    """Another program was PID 1 before us: it leaves a root that is not the rootfs and cannot be written to, few
    descriptors, ignored signals, and even a limit that kills whoever copies a file (SIGXFSZ)."""
    need("busybox")

    def change(tree):
        tree.program("/bin/busybox", shutil.which("busybox"))
        tree.link("/bin/sh", "busybox")
        tree.add("/first", READ_ONLY.replace("LIMIT", limit), 0o755)
    report = boots_on(boot, f"rdinit=/first {SOON}", probe_image(change=change), expected)
    assert report["umask"] == "077" and " / ro," in report["mountinfo"], report["mountinfo"]


# ---- what a machine can lack ----

def test_a_line_whose_other_end_never_reads(boot, directory, helper):
    """It asks for the hello again and again, and takes no answer: neither the wait nor the hold at PID 1's end may last
    longer for that."""
    path, devices = port_devices(directory, ["-device", "virtio-serial-pci", "-device",
                                             "virtserialport,chardev=line,name=gdb"])
    machine = boot(line_image(["virtio_pci", "virtio_console"]),
                   "rd.gdbdebug=virtio:gdb,wait=2,crash=1 REPORT=no PROBE=segv", devices=devices)
    machine.wait_for("gdbdebug: ready on virtio:gdb; PID 1 is held")
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(path)

        def ask():
            try:
                for _ in range(1000):
                    line.sendall(b"\n" * 1000)
            except OSError:
                pass  # the machine is off, or nobody takes more
        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        machine.wait_for("gdbdebug: no debugger came within 2 seconds; booting on")
        machine.wait_for("gdbdebug: no debugger came in time; PID 1 now dies as it would have without gdbdebug")
        assert machine.wait_end() == "panic"
        asking.join(scaled(10))
    assert not asking.is_alive()
