# SPDX-License-Identifier: GPL-2.0-or-later
"""An image that was made without us, gdbdebug-overlay's archive beside it, and rdinit=/gdbdebug/init: all works as
with the module, and with debugging off the real init sees nothing but the folder and the word on the command line."""

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import BUILD, ROOT, Image, dracut_image, generators, image, probe_image
from harness.checks import assert_at_start, assert_same, comparable
from harness.image import HELPER

READY = r"gdbdebug: ready on ttyS1 at 115200n8; PID 1 is held"
OVERLAY = "rdinit=/gdbdebug/init"
PROBE = BUILD / "tests" / "vm" / "probe"
BUSYBOX = shutil.which("busybox")
SYSTEMD = Path("/usr/lib/systemd/systemd")


def linker():
    return next(file for name, file in image.libraries_of(PROBE) if "/ld-linux" in name)


def bare(image_):
    """The least that an image has."""
    for path in ("/proc", "/sys", "/dev", "/run", "/root", "/tmp"):
        image_.directory(path)
    image_.character_device("/dev/console", 5, 1)
    image_.character_device("/dev/kmsg", 1, 11)
    return image_


def plain():
    """/init is a link to the probe, as dracut leaves it for systemd."""
    tree = bare(Image())
    tree.program("/usr/bin/probe", PROBE)
    tree.link("/init", "usr/bin/probe")
    return tree.save()


def static():
    """One static program, and nothing else: no /usr, no library."""
    tree = bare(Image())
    tree.add("/init", (BUILD / "tests/vm/probe-static").read_bytes(), 0o755)
    return tree.save()


def nix():
    """In the manner of NixOS: /init is a link into /nix/store; there is no /usr and no /lib64."""
    tree = bare(Image())
    store = "/nix/store/0c1k-probe"
    tree.add(f"{store}/bin/init", (BUILD / "tests/vm/probe-static").read_bytes(), 0o755)
    tree.link("/init", f"{store}/bin/init")
    return tree.save()


def mkosi_initrd(folder):
    """In the manner of mkosi-initrd: systemd is /init, everything is in /usr, and zstd has packed it."""
    tree = bare(Image())
    for name in ("bin", "sbin", "lib", "lib64"):
        tree.link(f"/{name}", f"usr/{name}")
    programs = [str(SYSTEMD), "/usr/lib/systemd/systemd-executor", BUSYBOX]
    for program in (Path(name) for name in programs if Path(name).exists()):
        tree.add(str(program), program.read_bytes(), 0o755)
        for name, file in image.libraries_of(program):
            tree.add(name if name.startswith("/usr/") else f"/usr{name}", Path(file).read_bytes(), 0o755)
    tree.link("/init", "usr/lib/systemd/systemd")
    tree.add("/etc/initrd-release", "ID=test\n")
    units = "/usr/lib/systemd/system"
    tree.add(f"{units}/initrd.target", "[Unit]\nWants=end.service\n")
    tree.add(f"{units}/end.service", "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\n"
             f"ExecStart={BUSYBOX} sh -c 'echo there: /* >/dev/kmsg'\nExecStart={BUSYBOX} poweroff -f\n")
    packed = folder / "initrd.zst"
    subprocess.run(["zstd", "-q", "-1", tree.save(), "-o", packed], check=True, timeout=60)
    return packed


def usr_is_a_link():
    """A folder of ours in /usr would be lost, or make the image's own one unreachable."""
    tree = bare(Image())
    tree.add("/store/bin/init", (BUILD / "tests/vm/probe-static").read_bytes(), 0o755)
    tree.link("/usr", "store")
    tree.link("/init", "usr/bin/init")
    return tree.save()


@pytest.mark.parametrize("tree", [plain, static, nix, usr_is_a_link], ids=lambda tree: tree.__name__)
def test_off_leaves_nothing_but_the_folder(boot, overlay, tree):
    # The overlay is there both times: the limits of a process depend on the memory that the archives leave.
    file = overlay(tree())
    without = boot(file, "one two=2 rd.gdbdebugx=1", name="without")
    with_us = boot(file, f"{OVERLAY} one two=2 rd.gdbdebugx=1", name="with")
    expected, got = without.report(), with_us.report()
    assert got["argv"][0] == "/init"
    assert got["kernel_log"] == []
    assert_same(comparable(expected), comparable(got))


def test_wait_stands_at_the_first_instruction(boot, connected, overlay):
    machine = boot(overlay(plain()), f"{OVERLAY} rd.gdbdebug=ttyS1,wait one")
    machine.wait_for(READY)
    debugger = connected(machine)
    assert_at_start(debugger, linker())
    assert machine.probe.text == "", "the real init has run before gdb came"
    debugger.command("detach")
    report = machine.report()
    assert report["argv"] == ["/init", "one"]
    assert machine.wait_end() == "poweroff"


@pytest.mark.parametrize("options,front", [(("--compress", "none"), False), (("--compress", "xz"), False), ((), True)],
                         ids=["none", "xz", "front"])
def test_every_form_of_the_archive(boot, overlay, options, front):
    """Behind an image that gzip has packed, and in front of it."""
    packed = overlay(plain()).with_name("packed.gz")
    packed.write_bytes(gzip.compress(plain().read_bytes()))
    machine = boot(overlay(packed, *options, front=front), f"{OVERLAY} rd.gdbdebug=ttyS1,wait=1")
    machine.wait_for(READY)
    assert machine.report()["argv"] == ["/init"]


def test_crash_and_on_demand(boot, connected, overlay):
    machine = boot(overlay(static()), f"{OVERLAY} rd.gdbdebug=ttyS1,crash REPORT=no PROBE=segv")
    machine.wait_for(r"gdbdebug: report: end .*\n")
    assert machine.ask_hello()["state"] == "crashed"

    machine = boot(overlay(static()), f"{OVERLAY} rd.gdbdebug=ttyS1 REPORT=no PROBE=spin", name="demand")
    machine.wait_for("gdbdebug: ready on ttyS1.*PID 1 runs")
    debugger = connected(machine, str(BUILD / "tests/vm/probe-static"))
    debugger.command("break tick")
    assert debugger.resume()["frame"]["func"] == "tick"
    debugger.command("detach")


def test_an_image_with_our_module_is_held_once(boot, connected, overlay):
    machine = boot(overlay(probe_image()), f"{OVERLAY} rd.gdbdebug=ttyS1,wait")
    machine.wait_for(READY)
    debugger = connected(machine)
    debugger.command("detach")
    report = machine.report()
    assert report["argv"][0] == "/init"
    assert machine.console.text.count("gdbdebug: ready on") == 1
    agents = [one for one in report["processes"] if "gdbdebug-agent" in str(one["argv"])]
    assert len(agents) == 1, agents


@pytest.mark.skipif(not BUSYBOX, reason="no busybox")
def test_a_busybox_script_finds_its_applets(boot, connected, overlay):
    """In the manner of Buildroot: /init is busybox's own applet by its name, which is argv[0]."""
    tree = bare(Image())
    tree.program("/bin/busybox", BUSYBOX)
    for applet in ("sh", "echo", "poweroff", "mount"):
        tree.link(f"/bin/{applet}", "busybox")
    tree.add("/init", '#!/bin/sh\necho "argv0=$0 args=$*" >/dev/kmsg\npoweroff -f\n', 0o755)
    machine = boot(overlay(tree.save()), f"{OVERLAY} rd.gdbdebug=ttyS1,wait one")
    machine.wait_for(READY)
    debugger = connected(machine)
    debugger.command("detach")
    machine.wait_for("argv0=/init args=one")
    assert machine.wait_end() == "poweroff"


@pytest.mark.skipif(not BUSYBOX or not SYSTEMD.exists() or not shutil.which("zstd"),
                    reason="no busybox, systemd or zstd")
def test_systemd_is_init_in_an_image_that_zstd_has_packed(boot, connected, overlay, tmp_path):
    machine = boot(overlay(mkosi_initrd(tmp_path)), f"{OVERLAY} rd.gdbdebug=ttyS1,wait systemd.log_target=kmsg")
    machine.wait_for(READY)
    debugger = connected(machine, sysroot="/")
    assert_at_start(debugger, next(file for name, file in image.libraries_of(SYSTEMD) if "/ld-linux" in name))
    debugger.command("detach")
    assert machine.wait_end() == "poweroff"
    there = re.search(r"there: (.*)", machine.console.text).group(1).split()
    assert "/init" in there and "/gdbdebug" not in there, there


@pytest.fixture
def for_a_root(overlay):
    """An image of initramfs-tools that goes on to generators.root_disk(), and the overlay."""
    if not shutil.which("mkinitramfs", path="/usr/sbin:/sbin:/usr/bin") or not BUSYBOX:
        pytest.skip("no initramfs-tools or busybox")
    return overlay(generators.initramfs_tools_image(with_gdbdebug=False))


def test_off_it_boots_on_to_the_real_root(boot, for_a_root):
    machine = boot(for_a_root, f"{OVERLAY} rd.gdbdebug=off {generators.ROOT_COMMAND_LINE}",
                   devices=generators.root_disk())
    report = machine.report(90)
    assert report["argv"][0] == "/sbin/init"
    assert [one for one in report["processes"] if one["argv"].startswith("@")] == []
    assert "gdbdebug:" not in machine.console.text
    assert machine.wait_end() == "poweroff"


def test_a_session_across_the_switch_and_the_end_of_the_real_roots_init(boot, connected, for_a_root):
    """wait, the switch to the real root and exit, by the overlay alone."""
    machine = boot(for_a_root, f"{OVERLAY} rd.gdbdebug=ttyS1,wait,exit {generators.ROOT_COMMAND_LINE} PROBE=exit:3",
                   devices=generators.root_disk())
    machine.wait_for("gdbdebug: ready on ttyS1", 90)
    debugger = connected(machine, sysroot="/")
    debugger.command("catch exec")
    programs = [debugger.resume(seconds=120)["new-exec"], debugger.resume()["new-exec"]]
    assert [Path(program).name for program in programs] == ["run-init", "init"], programs
    debugger.command("detach")
    report = machine.report()
    assert report["argv"][0] == "/sbin/init" and "PROBE=exit:3" in report["environment"], report
    machine.wait_for(r"gdbdebug: PID 1 \(init\) is held before it would die: exit", 60)
    assert machine.ask_hello()["state"] == "crashed"
    debugger = connected(machine)
    debugger.command("detach")
    machine.wait_for("Attempted to kill init! exitcode=0x00000300", 60)


@pytest.mark.skipif(not shutil.which("dracut"), reason="no dracut")
def test_systemd_in_an_unmodified_image_of_dracut(boot, connected, overlay):
    machine = boot(overlay(dracut_image(with_gdbdebug=False)), f"{OVERLAY} rd.gdbdebug=ttyS1,wait systemd.log_color=0",
                   memory=1024)
    machine.wait_for(READY, 120)
    debugger = connected(machine, sysroot="/")
    systemd = next(file for name, file in image.libraries_of("/usr/lib/systemd/systemd") if "/ld-linux" in name)
    assert_at_start(debugger, systemd)
    debugger.command("detach")
    machine.wait_for(r"Reached target.*(basic\.target|Basic System)", 180)


def test_the_overlay_is_the_same_twice_and_left_alone_when_it_fails(helper, tmp_path):
    command = [ROOT / "generators/gdbdebug-overlay", "--programs", HELPER.parent]
    made = [tmp_path / "one", tmp_path / "two"]
    for path in made:
        subprocess.run([*command, path], check=True, timeout=60)
    assert made[0].read_bytes() == made[1].read_bytes()
    before = made[0].read_bytes()
    (tmp_path / "dynamic").mkdir()
    shutil.copy("/bin/true", tmp_path / "dynamic/gdbdebug-init")
    for wrong, words in ((["--gdbserver", "/nonexistent"], "not a file"), (["--compress", "rar"], "gzip, zstd"),
                         (["--lines", "serial telex"], "telex"), (["--front", "--compress", "xz"], "in front"),
                         (["--programs", "/bin"], "gdbdebug-init"),
                         (["--root", "/.", "--programs", tmp_path / "dynamic"], "dynamically linked"),
                         (["--bogus"], "--bogus")):
        run = subprocess.run([*command, *wrong, made[0]], capture_output=True, text=True, timeout=60, check=False)
        assert run.returncode != 0 and words in run.stderr, run.stderr
        assert made[0].read_bytes() == before
