# SPDX-License-Identifier: GPL-2.0-or-later
"""What dracut can do to an image beside making it: squash it, build it again, put microcode in front, make a UEFI
program of it, suit it to one machine, bake a command line in. Each ends in gdb at _start, and then at the PID 1 of a
real root."""

import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from harness import generators, image, kernel
from harness.checks import assert_at_start

SYSTEMD = Path("/usr/lib/systemd/systemd")
MODULES = Path("/usr/lib/dracut/modules.d")
WAIT = "rd.gdbdebug=ttyS1,wait"


def make(modules, *arguments, again=None, firmware=False):
    """The image of one corner. `again`: arguments for a second run, which gets the first one's image as IMAGE."""
    if not shutil.which("dracut"):
        pytest.skip("dracut is not installed")
    tree = image.install_tree()

    def build(scratch, result):
        (scratch / "none").mkdir()
        environment = generators.product_environment(tree, "", scratch)
        environment["dracutbasedir"] = str(image.dracut_base(scratch, tree))
        common = ["--conf", "/dev/null", "--confdir", scratch / "none", "--tmpdir", scratch]
        command = ["dracut", "--force", *common, "--no-hostonly-cmdline", "--compress", "gzip -1",
                   "--kver", kernel()[0], "--modules", f"{modules} gdbdebug",
                   "--drivers", " ".join(generators.ROOT_MODULES), *arguments]
        if firmware:
            # A microcode that is for no processor: the kernel finds it, and passes it over.
            (scratch / "firmware/intel-ucode").mkdir(parents=True)
            (scratch / "firmware/intel-ucode/06-01-01").write_bytes(bytes(2048))
            command += ["--early-microcode", "--fwdir", scratch / "firmware"]
        try:
            generators.run([*command, result], environment)
            if again:
                first = scratch / "first"
                os.rename(result, first)
                generators.run([first if word == "IMAGE" else word for word in again] + [result], environment)
        except subprocess.CalledProcessError as error:
            pytest.fail(f"expected: dracut to make an image\ngot: status {error.returncode}\n{error.output}")

    return generators.cached(build, "dracut corner 1", modules, *arguments, *(again or ()), str(firmware), tree.name)


def meet(boot, gdb, initrd, command_line, program, **options):
    """Boots it, meets PID 1 at the first instruction of `program`, and lets it go on to the probe in the real root."""
    machine = boot(initrd, f"{command_line} {generators.ROOT_COMMAND_LINE}".strip(), memory=1024,
                   devices=generators.root_disk(), **options)
    machine.wait_for("gdbdebug: ready on ttyS1", 90)
    debugger = gdb()
    debugger.command("set sysroot /")
    debugger.connect(machine.debug)
    assert_at_start(debugger, next(file for name, file in image.libraries_of(program) if "/ld-linux" in name))
    debugger.command("detach")
    report = machine.report(180)
    assert report["argv"][0].endswith("/init"), report["argv"]
    return machine


def shell():
    return Path("/bin/sh").resolve()


def squashed():
    # One module up to version 059, later three.
    names = [name for name in ("squash", "squash-lib", "squash-squashfs") if list(MODULES.glob(f"[0-9][0-9]{name}"))]
    if not names or not shutil.which("mksquashfs"):
        pytest.skip("dracut's squash module is not installed (Debian: dracut-squash)")
    if not SYSTEMD.exists():
        pytest.skip("systemd is not installed")
    return make(f"{image.SYSTEMD_MODULES} rootfs-block {' '.join(names)}", "--no-hostonly")


def test_a_squashed_image(boot, gdb, helper):
    machine = meet(boot, gdb, squashed(), WAIT, SYSTEMD)
    assert "squashfs: version" in machine.console.text


def test_a_squashed_image_with_the_overlay_beside_it_is_held_once(boot, gdb, overlay):
    """The overlay's helper comes first, and PID 1 is the outer image's script; the inner image has a helper too."""
    machine = meet(boot, gdb, overlay(squashed()), f"rdinit=/gdbdebug/init {WAIT}", shell())
    assert "squashfs: version" in machine.console.text
    assert machine.console.text.count("gdbdebug: ready on") == 1, machine.console.tail()


def test_an_image_built_again_from_itself(boot, gdb, helper):
    """--rebuild takes the arguments out of the image: gdbdebug among them."""
    initrd = make(image.SHELL_MODULES, "--no-hostonly", again=("dracut", "--force", "--rebuild", "IMAGE"))
    meet(boot, gdb, initrd, WAIT, shell())


def test_an_image_with_microcode_in_front(boot, gdb, helper):
    initrd = make(image.SHELL_MODULES, "--no-hostonly", firmware=True)
    # The first of two archives is not compressed and begins with the folders of kernel/x86/microcode.
    with open(initrd, "rb") as file:
        head = file.read(4096)
    assert head.startswith(b"070701") and b"kernel/x86/microcode" in head, head[:200]
    meet(boot, gdb, initrd, WAIT, shell())


def test_an_image_for_this_machine_alone_with_a_command_line_baked_in(boot, gdb, helper):
    """The image's /etc/cmdline.d has the parameter; the boot loader does not know of it."""
    initrd = make(image.SHELL_MODULES, "--hostonly", "--kernel-cmdline", WAIT)
    machine = meet(boot, gdb, initrd, "", shell())
    assert "rd.gdbdebug" not in machine.command_line


def test_the_boot_loader_has_the_last_word_over_a_baked_in_command_line(boot, helper):
    initrd = make(image.SHELL_MODULES, "--hostonly", "--kernel-cmdline", WAIT)
    machine = boot(initrd, f"rd.gdbdebug=off {generators.ROOT_COMMAND_LINE}", memory=1024,
                   devices=generators.root_disk())
    machine.report(120)
    assert "gdbdebug:" not in machine.console.text


def sections(program):
    """{name: content} of the sections of a UEFI program (PE/COFF: Microsoft's specification, "COFF File Header")."""
    data = program.read_bytes()
    header = struct.unpack_from("<I", data, 0x3C)[0]
    assert data[header:header + 4] == b"PE\0\0"
    count, optional = struct.unpack_from("<H", data, header + 6)[0], struct.unpack_from("<H", data, header + 20)[0]
    found = {}
    for number in range(count):
        at = header + 24 + optional + 40 * number
        name, size, _, raw_size, raw = struct.unpack_from("<8sIIII", data, at)
        found[name.rstrip(b"\0").decode()] = data[raw:raw + min(size, raw_size)]
    return found


def test_a_unified_kernel_image(boot, gdb, directory, helper):
    """Taken apart as its stub does it: the kernel, the initramfs and the command line that are in it are what boots."""
    stub = Path("/usr/lib/systemd/boot/efi/linuxx64.efi.stub")
    if not stub.exists():
        pytest.skip(f"no UEFI stub: {stub} (Debian: systemd-boot-efi)")
    if not shutil.which("objcopy"):
        pytest.skip("objcopy is not installed (binutils)")
    program = make(image.SHELL_MODULES, "--no-hostonly", "--uefi", "--uefi-stub", str(stub), "--kernel-image",
                   str(kernel()[1]), "--kernel-cmdline", WAIT)
    parts = sections(program)
    (directory / "initrd").write_bytes(parts[".initrd"])
    (directory / "linux").write_bytes(parts[".linux"])
    command_line = parts[".cmdline"].rstrip(b"\0\n").decode()
    assert WAIT in command_line
    meet(boot, gdb, directory / "initrd", command_line, shell(), kernel_image=directory / "linux")
