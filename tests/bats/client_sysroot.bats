#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# gdbdebug sysroot: images of every make unpack, and hostile ones leave nothing behind.
# shellcheck disable=SC2154  # gdbdebug: set by client_setup; stderr: set by bats' run --separate-stderr

setup() {
    load client_common
    client_setup
    printf '%s\n' 'dir .' 'dir bin' 'file bin/tool tool' 'dir usr' 'dir usr/lib' 'link lib usr/lib' 'link init bin/tool' |
        newc >plain.cpio
}

# What setup's archive holds must be in $1.
assert_unpacked() {
    assert_equal "$(cat "$1/bin/tool")" tool
    assert_equal "$(readlink "$1/init")" bin/tool
    assert_equal "$(readlink "$1/lib")" usr/lib
}

# Unpacking image $1 must fail with message $2, and leave neither the directory nor anything else behind.
assert_refused() {
    local before
    before=$(everything)
    run -1 --separate-stderr "$gdbdebug" sysroot "$1" out
    assert_regex "$stderr" "$2"
    assert_not_exist out
    assert_equal "$(everything)" "$before"
}

# All names here but those of bats' own files.
everything() {
    find . "$TMPDIR" -mindepth 1 ! -name 'separate-stderr-*' | sort
}

@test "sysroot: an archive that is not compressed" {
    run -0 "$gdbdebug" sysroot plain.cpio out
    assert_output --partial "1 files from 'plain.cpio' (not compressed"
    assert_unpacked out
}

@test "sysroot: every compression that the kernel knows" {
    local method
    for method in 'gzip -c' 'bzip2 -c' 'xz -c --check=crc32' 'xz -c --check=sha256' 'xz -c --threads=2 --block-size=4096' \
        'lzma -c' 'zstd -c -q' 'zstd -c -q --no-check' 'lz4 -c -q -l' 'lz4 -c -q'; do
        need "${method%% *}"
        echo "# $method"
        rm -rf out
        $method <plain.cpio >image
        run -0 "$gdbdebug" sysroot image out
        assert_unpacked out
    done
}

@test "sysroot: archives in a row, in every pair of compressions, with zeros between them and without" {
    local first second padding
    printf '%s\n' 'dir etc' 'file etc/second two' | newc >second.cpio
    for first in cat 'gzip -c' 'bzip2 -c' 'xz -c' 'lzma -c' 'zstd -c -q' 'lz4 -c -q -l'; do
        for second in cat 'gzip -nc' 'bzip2 -c' 'xz -c' 'lzma -c' 'zstd -c -q' 'lz4 -c -q -l'; do
            for padding in 0 4 509; do
                echo "# $first, $padding zeros, $second"
                rm -rf out
                $first <plain.cpio >image
                if [[ $second == cat ]]; then pad4 image; fi
                {
                    head -c $((padding / 4 * 4)) /dev/zero
                    $second <second.cpio
                    head -c "$padding" /dev/zero
                } >>image
                run -0 "$gdbdebug" sysroot image out
                assert_unpacked out
                assert_equal "$(cat out/etc/second)" two
            done
        done
    done
}

@test "sysroot: two archives that were compressed together" {
    printf '%s\n' 'dir etc' 'file etc/second two' | newc >second.cpio
    { cat plain.cpio; head -c 512 /dev/zero; cat second.cpio; } | gzip -c >image
    run -0 "$gdbdebug" sysroot image out
    assert_unpacked out
    assert_equal "$(cat out/etc/second)" two
}

@test "sysroot: early microcode in front, whose directories no archive makes" {
    printf '%s\n' 'file kernel/x86/microcode/GenuineIntel.bin code' | newc >image
    head -c 512 /dev/zero >>image
    gzip -c <plain.cpio >>image
    run -0 --separate-stderr "$gdbdebug" sysroot image out
    assert_unpacked out
    assert_equal "$(cat out/kernel/x86/microcode/GenuineIntel.bin)" code
    assert_regex "$stderr" 'directories that no archive makes'
}

@test "sysroot: a later archive changes what an earlier one made, as in the kernel" {
    printf '%s\n' 'file bin/tool new' 'dir lib' 'file lib/x y' | newc >second.cpio
    cat plain.cpio second.cpio >image
    run -0 "$gdbdebug" sysroot image out
    assert_equal "$(cat out/bin/tool)" new
    assert_not_symlink_to usr/lib out/lib
    assert_equal "$(cat out/lib/x)" y
}

@test "sysroot: several files in boot order are as their archives in one, and a damaged one is named" {
    printf '%s\n' 'file bin/tool new' 'dir lib' 'file lib/x y' | newc | gzip -c >second.img
    run -0 "$gdbdebug" sysroot plain.cpio second.img out
    assert_output --partial "'plain.cpio + second.img'"
    assert_equal "$(cat out/bin/tool)" new
    assert_equal "$(cat out/lib/x)" y
    truncate -s -9 second.img
    run -1 "$gdbdebug" sysroot plain.cpio second.img other
    assert_output --partial "'second.img'"
}

@test "sysroot: a name is followed through a link inside the image" {
    printf '%s\n' 'file lib/x y' 'dir deep' 'link deep/abs /usr' 'file deep/abs/z w' | newc >second.cpio
    cat plain.cpio second.cpio >image
    run -0 "$gdbdebug" sysroot image out
    assert_equal "$(cat out/usr/lib/x)" y
    assert_equal "$(cat out/usr/z)" w
}

@test "sysroot: hard links are one file, wherever the archive keeps its data" {
    printf '%s\n' 'hard a 7' 'hard b 7:data' 'hard c 8:first' 'hard d 8' | newc >image
    run -0 "$gdbdebug" sysroot image out
    assert_equal "$(cat out/a out/b)" datadata
    assert_equal "$(cat out/c out/d)" firstfirst
    assert_equal "$(stat -c %i out/a)" "$(stat -c %i out/b)"
}

@test "sysroot: links that lead out of the image lead inside the copy" {
    printf '%s\n' 'dir sbin' 'link sbin/init /lib/systemd' 'link sbin/up ../../../../etc/passwd' 'link top /' \
        'link round round' | newc >image
    run -0 "$gdbdebug" sysroot image out
    assert_equal "$(readlink out/sbin/init)" ../lib/systemd
    assert_equal "$(readlink out/sbin/up)" ../etc/passwd
    assert_equal "$(readlink out/top)" .
}

@test "sysroot: a link that uses up the budget of links does not lead out where it is cheaper" {
    local target
    printf -v target '%0.sp/' {1..20}
    printf -v target '%s%s' "$target" '../../../../../../../../../../../etc/hostname'
    printf '%s\n' 'dir d' 'link s .' 'link d/p /s/s/s/d' "link d/L $target" | newc >image
    run -0 "$gdbdebug" sysroot image out
    run ! cat out/d/L
    assert_output --partial 'Too many levels of symbolic links'
}

@test "sysroot: names that would be commands or move a terminal are refused" {
    printf 'file bad\033[2J x\n' | newc >image
    assert_refused image "'bad\?\[2J': it has a control character in it"
    printf 'link bad a\033[2J\n' | newc >image
    assert_refused image "'bad': it is a link to 'a\?\[2J', which has a control character in it"
}

@test "sysroot: device nodes are skipped with a message" {
    printf '%s\n' 'dir dev' 'node dev/null' 'node dev/console' | newc >image
    run -0 "$gdbdebug" sysroot image out
    assert_output --partial "skipped 2 device nodes, FIFOs or sockets, such as 'dev/console'"
    assert_not_exist out/dev/null
}

@test "sysroot: what an ordinary user unpacks can be read and removed" {
    [[ $EUID == 0 ]] || skip "not root, so every other test shows it"
    need setpriv
    chmod 0777 . "$TMPDIR"
    run -0 setpriv --reuid 65534 --regid 65534 --clear-groups "$gdbdebug" sysroot plain.cpio out
    assert_file_owner nobody out/bin/tool
    run -0 setpriv --reuid 65534 --regid 65534 --clear-groups rm -r out
}

@test "sysroot: the squash image of dracut" {
    need mksquashfs unsquashfs
    "$gdbdebug" sysroot plain.cpio inner
    mksquashfs inner squash-root.img -quiet -no-progress
    { printf '%s\n' 'file init script' 'copy squash-root.img squash-root.img' | newc; } | gzip -c >image
    run -0 "$gdbdebug" sysroot image out
    assert_output --partial squashfs
    assert_unpacked out
    assert_not_exist out/squash-root.img
}

@test "sysroot: a squash image without unsquashfs names what to install" {
    need mksquashfs
    "$gdbdebug" sysroot plain.cpio inner
    mksquashfs inner squash-root.img -quiet -no-progress
    { printf '%s\n' 'copy squash-root.img squash-root.img' | newc; } >image
    mkdir empty
    run -1 --separate-stderr env PATH="$PWD/empty" "$gdbdebug" sysroot image out
    assert_regex "$stderr" "install squashfs-tools"
}

@test "sysroot: the .initrd section of a UKI" {
    need objcopy
    gzip -c <plain.cpio >initrd
    # Any PE file will do as a stub: one section, as small as they come.
    /usr/bin/python3 - <<'PY'
import struct
initrd = open("initrd", "rb").read()
header = b"MZ" + bytes(58) + struct.pack("<I", 64)
pe = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 2, 0, 0, 0, 0, 0)
start = 64 + len(pe) + 80
def section(name, size, raw, offset):
    return name.ljust(8, b"\0") + struct.pack("<IIII", size, 0, raw, offset) + bytes(16)
table = section(b".linux", 4, 4, start) + section(b".initrd", len(initrd), len(initrd) + 7, start + 4)
open("uki", "wb").write(header + pe + table + b"core" + initrd + bytes(7))
open("kernel", "wb").write(header + pe + section(b".text", 4, 4, start) * 2 + b"core")
PY
    run -0 "$gdbdebug" sysroot uki out
    assert_output --partial "in a UKI"
    assert_unpacked out
    rm -rf out
    assert_refused kernel "without an .initrd section"
}

@test "sysroot: a bootconfig at the end is no part of the archives" {
    gzip -c <plain.cpio >image
    printf 'a=b\n\0\0\0\0' >config
    { cat config; printf '\x08\0\0\0\0\0\0\0#BOOTCONFIG\n'; } >>image
    run -0 "$gdbdebug" sysroot image out
    assert_unpacked out
}

@test "sysroot: an empty directory is filled, and keeps its own mode" {
    mkdir -m 0711 out
    run -0 "$gdbdebug" sysroot plain.cpio out
    assert_unpacked out
    assert_equal "$(stat -c %a out)" 711
    assert_equal "$(find out -maxdepth 1 -name '.*' | wc -l)" 0
}

@test "sysroot: a directory with something in it stays as it is" {
    mkdir out
    echo mine >out/file
    run -1 --separate-stderr "$gdbdebug" sysroot plain.cpio out
    assert_regex "$stderr" "unpacking into 'out': Directory not empty; name a directory that is empty"
    assert_equal "$(find out -type f)" out/file
}

@test "sysroot: an image that fails leaves an empty directory empty" {
    mkdir out
    printf '%s\n' 'file ok ok' 'file ../escaped no' | newc >image
    run -1 "$gdbdebug" sysroot image out
    assert_equal "$(find out)" out
}

@test "sysroot: names with '..' are refused" {
    printf '%s\n' 'file a ok' 'file ../escaped no' | newc >image
    assert_refused image "reading the name '../escaped': it has '..' in it"
    printf '%s\n' 'dir a' 'file a/../../escaped no' | newc >image
    assert_refused image "it has '..' in it"
}

@test "sysroot: absolute names are refused" {
    printf '%s\n' "file $PWD/escaped no" | newc >image
    assert_refused image "it is absolute"
    assert_not_exist escaped
}

@test "sysroot: a name that a link leads out of the image is refused" {
    mkdir outside
    printf '%s\n' "link evil $PWD/outside" 'file evil/escaped no' | newc >image
    assert_refused image "leads to nothing in the image"
    printf '%s\n' 'link evil ../outside' 'file evil/escaped no' | newc >image
    assert_refused image "leads out of the image"
    printf '%s\n' 'link one two' 'link two ../outside' 'file one/escaped no' | newc >image
    assert_refused image "leads out of the image"
    printf '%s\n' 'link one two' 'link two one' 'file one/escaped no' | newc >image
    assert_refused image "leads to nothing"
    assert_equal "$(find outside)" outside
}

@test "sysroot: a file where a directory has to be is refused, and the other way round" {
    printf '%s\n' 'file a text' 'file a/b no' | newc >image
    assert_refused image "'/a' on its way is not a directory"
    printf '%s\n' 'dir a' 'file a/b text' 'file a no' | newc >image
    assert_refused image "a directory with content, and then something else"
}

@test "sysroot: names without end are refused" {
    printf 'file %s no\n' "$(printf 'a/%.0s' {1..300})x" | newc >image
    assert_refused image "more than 256 directories deep"
    printf 'file %s no\n' "$(printf 'a%.0s' {1..300})" | newc >image
    assert_refused image "longer than 255 bytes"
}

@test "sysroot: a size with nothing behind it is refused" {
    printf '%s\n' 'file a ok' 'claim huge 4294967295' | newc >image
    assert_refused image "(its files hold more than 1024 MiB|damaged or cut off)"
    printf '%s\n' 'file a ok' 'claim big 1000000' | newc >image
    assert_refused image "damaged or cut off"
}

@test "sysroot: gigabytes of zeros are refused, whatever they are wrapped in" {
    printf '%s\n' 'zeros big 1100000000' | newc | gzip -1 -c >image
    assert_refused image "unpacks to more than 1024 MiB; if that is right, raise the limit with --max-size"
    { cat plain.cpio; head -c 1100000000 /dev/zero; } | gzip -1 -c >image
    assert_refused image "unpacks to more than 1024 MiB"
    { cat plain.cpio; head -c 100000000 /dev/zero; } | gzip -1 -c >image
    assert_refused image "MiB of zeros"
    truncate -s 3G image
    assert_refused image "MiB of zeros"
}

@test "sysroot: --max-size sets the limit" {
    printf '%s\n' 'zeros big 3000000' | newc | gzip -c >image
    run -1 --separate-stderr "$gdbdebug" sysroot --max-size 2M image out
    assert_regex "$stderr" "more than 2 MiB"
    run -0 "$gdbdebug" sysroot --max-size 4M image out
}

@test "sysroot: an image that is cut off anywhere is refused, in every compression" {
    local method size cut
    head -c 20000 /dev/urandom >noise
    printf '%s\n' 'copy noise noise' | newc >big.cpio
    for method in cat 'gzip -c' 'bzip2 -c' 'xz -c' 'lzma -c' 'zstd -c -q' 'lz4 -c -q -l'; do
        $method <big.cpio >whole
        size=$(stat -c %s whole)
        for cut in $((size / 2)) $((size * 9 / 10)); do
            echo "# $method, $cut of $size bytes"
            head -c "$cut" whole >image
            assert_refused image "."
        done
    done
}

@test "sysroot: what is no image is named as such" {
    echo 'hello, world' >image
    assert_refused image "reading the image 'image': at byte 0: not an initramfs"
    : >image
    assert_refused image "empty"
    echo hello | gzip -c >image
    assert_refused image "not a newc archive"
    { cat plain.cpio; echo garbage; } >image
    assert_refused image "neither an archive, nor a known compression, nor zeros"
    mkfifo fifo
    assert_refused fifo "not a regular file"
    assert_refused nothing "opening the image 'nothing': No such file or directory"
}

@test "sysroot: works with standard input, output and error closed" {
    run -0 bash -c "'$gdbdebug' sysroot plain.cpio out <&- >&- 2>&-"
    assert_unpacked out
}

@test "gdbdebug: a wrong command line ends with 2 and says what would have been right" {
    run -2 --separate-stderr "$gdbdebug"
    assert_regex "$stderr" "gdbdebug --help"
    run -2 --separate-stderr "$gdbdebug" sysroot plain.cpio
    assert_regex "$stderr" "DIR is required"
    run -2 --separate-stderr "$gdbdebug" frobnicate
    run -0 "$gdbdebug" --version
    assert_output "gdbdebug 0.1.0"
}
