#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The boot menu as the real grub-mkconfig makes it. Needs root, GRUB's tools, a kernel with an image in /boot.
# shellcheck disable=SC2154  # source_dir is generators.bash's

bats_require_minimum_version 1.5.0
load generators

setup_file() {
    export lacks=
    local kernels
    [[ $(id -u) == 0 ]] || { lacks="root, for a mount namespace"; return 0; }
    type -P grub-mkconfig >/dev/null || { lacks="grub-mkconfig (grub-common)"; return 0; }
    type -P grub-script-check >/dev/null || { lacks="grub-script-check (grub-common)"; return 0; }
    [[ -x /etc/grub.d/10_linux ]] || { lacks="/etc/grub.d/10_linux"; return 0; }
    kernels=(/boot/vmlinuz-*)
    [[ -e ${kernels[0]} ]] || { lacks="a kernel in /boot"; return 0; }
    export version=${kernels[-1]#/boot/vmlinuz-}
    type -P cpio >/dev/null || { lacks="cpio"; return 0; }
    [[ -n $(type -P lsinitramfs lsinitrd lsinitcpio) ]] || { lacks="lsinitramfs, lsinitrd or lsinitcpio"; return 0; }

    # An image with the helper's names in it stands for the real one of this kernel.
    export image=/boot/initrd.img-$version
    [[ -f $image ]] || { lacks="$image"; return 0; }
    mkdir -p "$BATS_FILE_TMPDIR/image/usr/lib/gdbdebug" "$BATS_FILE_TMPDIR/grub.d"
    touch "$BATS_FILE_TMPDIR/image/usr/lib/gdbdebug/init" "$BATS_FILE_TMPDIR/image/init"
    (cd "$BATS_FILE_TMPDIR/image" && find . | cpio -o -H newc --quiet) >"$BATS_FILE_TMPDIR/initrd"
    # Without the themes and foreign systems of this machine, which want an installed GRUB.
    cp -p /etc/grub.d/00_header /etc/grub.d/10_linux "$BATS_FILE_TMPDIR/grub.d"
    ln -s "$source_dir/boot-menu/99_gdbdebug" "$BATS_FILE_TMPDIR/grub.d/"
}

setup() {
    [[ -z $lacks ]] || skip "needs $lacks"
}

teardown() {
    [[ -z ${folder-} ]] || rm -r "$folder"
}

@test "grub: the real grub-mkconfig adds an entry for the newest kernel, in GRUB's own syntax" {
    # shellcheck disable=SC2016
    unshare --mount --propagation private env GDBDEBUG_LIBEXECDIR="$source_dir" bash -c 'mount --bind "$1/grub.d" /etc/grub.d &&
        mount --bind "$1/initrd" "$2" && exec grub-mkconfig' bash "$BATS_FILE_TMPDIR" "$image" \
        >"$BATS_TEST_TMPDIR/grub.cfg"
    run -0 grub-script-check "$BATS_TEST_TMPDIR/grub.cfg"
    run cat "$BATS_TEST_TMPDIR/grub.cfg"
    assert_output --partial "### BEGIN /etc/grub.d/99_gdbdebug ###"
    assert_line --regexp "^menuentry '.*, debugging PID 1 of the initramfs'"
    # The version can have a +, so it is no part of an expression.
    run -0 grep -F "vmlinuz-$version root=" <<<"$output"
    # shellcheck disable=SC2016
    assert_line --regexp '^[[:space:]]+linux[[:space:]].* rd.gdbdebug="\$\{gdbdebug_value\}"$'
}

@test "grub: with an overlay the real grub-mkconfig has entries that test for it, and gdbdebug-boot finds one to start" {
    # /boot with nothing but the kernel and an image without the helper; not in /tmp, which can be a tmpfs, where GRUB
    # finds no file system.
    folder=$(mktemp -d "$build_dir/grub-boot.XXXXXX")
    mkdir -p "$folder/boot/grub"
    cp /boot/vmlinuz-* "$folder/boot"
    echo image >"$folder/boot/initrd.img-$version"
    echo archive >"$folder/boot/gdbdebug.img"
    # shellcheck disable=SC2016
    unshare --mount --propagation private env GDBDEBUG_LIBEXECDIR="$source_dir" bash -c 'mount --bind "$1/grub.d" /etc/grub.d &&
        mount --bind "$2/boot" /boot && exec grub-mkconfig -o /boot/grub/grub.cfg' bash "$BATS_FILE_TMPDIR" "$folder"
    run -0 grub-script-check "$folder/boot/grub/grub.cfg"
    run -0 grep -c "rdinit=/gdbdebug/init rd.gdbdebug=" "$folder/boot/grub/grub.cfg"
    assert [ "$output" -ge 2 ]
    # shellcheck disable=SC2016
    run -0 sh -c 'root=; . "$0/boot-menu/common.sh"; . "$0/boot-menu/grub.sh"; grub_entry "$1"' "$source_dir" \
        "$folder/boot/grub/grub.cfg"
    assert_output --regexp "^gdbdebug-simple-"
}
