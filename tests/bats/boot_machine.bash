# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2016  # scripts of the stand-ins
# shellcheck disable=SC2154  # source_dir: of generators.bash
# boot_machine.bash: machines that are folders, for the tests of the boot menu. Each program of a boot loader is a stand-in
# that writes its arguments to $BATS_TEST_TMPDIR/log.

make_machine() {
    machine=$BATS_TEST_TMPDIR/machine
    bin=$BATS_TEST_TMPDIR/bin
    lib=$BATS_TEST_TMPDIR/lib
    mkdir -p "$machine"/{boot,proc,etc/default,sys/kernel,sys/class/tty} "$bin" "$lib"
    ln -s "$source_dir/boot-menu" "$lib/boot-menu"
    touch -d '-1 hour' "$lib/gdbdebug-init" "$lib/gdbdebug-agent"
    terminal ttyS1 4
    echo "root=x quiet" >"$machine/proc/cmdline"
    : >"$BATS_TEST_TMPDIR/log"
    fake gdbdebug-overlay 'for out; do :; done; echo archive >"$out"'
    fake lsinitramfs
    export GDBDEBUG_LIBEXECDIR=$lib GDBDEBUG_KERNEL=2 machine bin
    PATH=$bin:/usr/sbin:/usr/bin:/sbin:/bin
}

# fake NAME [SCRIPT]: a program of the machine, which does SCRIPT.
fake() {
    printf '%s\n' '#!/bin/sh' "echo \"$1 \$*\" >>'$BATS_TEST_TMPDIR/log'" "${2-}" >"$bin/$1"
    chmod +x "$bin/$1"
}

boot() {
    "$source_dir/boot-menu/gdbdebug-boot" --root "$machine" "$@"
}

# terminal NAME TYPE: a serial port as /sys has it; type 0 is one that does not exist.
terminal() {
    mkdir -p "$machine/sys/class/tty/$1"
    echo "$2" >"$machine/sys/class/tty/$1/type"
}

grub_machine() {
    mkdir -p "$machine/boot/grub"
    touch "$machine/boot/initrd.img-2"
    echo 'if [ "${next_entry}" ]; then' >"$machine/boot/grub/grub.cfg"
    export abstraction='' fs=ext2
    fake grub-probe 'case $1 in *abstraction) echo $abstraction ;; *) echo $fs ;; esac'
    fake grub-mkconfig 'while [ "$1" != -o ]; do shift; done
printf "%s\n" next_entry gdbdebug.img "export gdbdebug_once" \
    "menuentry '\''Linux, debugging'\'' --class os \$menuentry_id_option '\''gdbdebug-simple-UUID'\'' {" >"$2"'
    type -P grub-editenv >/dev/null || skip "needs grub-editenv (grub-common)"
}

grub_environment() {
    grub-editenv "$machine/boot/grub/grubenv" list
}

# assert_untouched: nothing will start our entry.
assert_untouched() {
    assert_not_exists "$machine/boot/grub/grubenv"
}

bls_machine() {
    local version
    mkdir -p "$machine/boot/loader/entries"
    for version in 1 2 3; do
        mkdir -p "$machine/boot/id/$version"
        touch "$machine/boot/id/$version/"{linux,initrd}
        printf '%s\n' "title Linux $version" "version $version" "sort-key debian" "options root=x quiet" \
            "linux /id/$version/linux" "initrd /id/$version/initrd" >"$machine/boot/loader/entries/id-$version.conf"
    done
}

systemd_boot() {
    mkdir -p "$machine/sys/firmware/efi/efivars"
    variable LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f "systemd-boot 252"
    fake bootctl
}

# variable NAME TEXT: an EFI variable: four bytes of attributes, UTF-16.
variable() {
    {
        printf '\6\0\0\0'
        printf %s "$2" | sed 's/./&\x00/g'
        printf '\0\0'
    } >"$machine/sys/firmware/efi/efivars/$1"
}

# uki_machine STUB [IMAGE]: a unified image with systemd-stub of that version, or another stub; IMAGE: gzip, lz4, and
# microcode- in front of them.
uki_machine() {
    mkdir -p "$machine/boot/EFI/Linux" "$machine/usr/lib/systemd/boot/efi"
    touch "$machine/usr/lib/systemd/boot/efi/addonx64.efi.stub"
    fake ukify 'for word; do case $word in --output=*) touch "${word#*=}" ;; esac; done'
    /usr/bin/python3 - "$machine/boot/EFI/Linux/linux-2.efi" "$1" "${2:-gzip}" <<'PYTHON'
import struct, sys
path, stub, image = sys.argv[1:]
initrd = {"gzip": b"\x1f\x8b\x08\0", "lz4": b"\x02\x21\x4c\x18"}[image.split("-")[-1]] + b"x" * 50
if image.startswith("microcode-"):
    initrd = b"070701" + b"0" * 104 + b"TRAILER!!!\0" + b"\0" * 391 + initrd
sections = [(b".uname", b"2\0"), (b".cmdline", b"root=x\0"), (b".initrd", initrd),
            (b".osrel", b'PRETTY_NAME="Test Linux"\n'), (b".linux", b"MZ")]
if stub:
    sections.append((b".sdmagic", b"#### LoaderInfo: systemd-stub %s.1-1 ####\0" % stub.encode()))
head = b"MZ" + b"\0" * 58 + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, len(sections), 0, 0, 0, 16, 0)
head += b"\0" * 16
at = 1024
table, body = b"", b""
for name, content in sections:
    raw = (len(content) + 511) // 512 * 512
    table += name.ljust(8, b"\0") + struct.pack("<IIIIIIHHI", len(content), 0, raw, at + len(body), 0, 0, 0, 0, 0)
    body += content.ljust(raw, b"\0")
with open(path, "wb") as file:
    file.write((head + table).ljust(at, b"\0") + body)
PYTHON
}
