#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The boot menu as the real grub-mkconfig makes it. Needs root, GRUB's tools, overlayfs, a kernel in /boot.
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
    mkdir -p "$BATS_FILE_TMPDIR/image/usr/lib/gdbdebug" "$BATS_FILE_TMPDIR/out"
    touch "$BATS_FILE_TMPDIR/image/usr/lib/gdbdebug/init" "$BATS_FILE_TMPDIR/image/init"
    (cd "$BATS_FILE_TMPDIR/image" && find . | cpio -o -H newc --quiet) >"$BATS_FILE_TMPDIR/out/initrd.img-$version"
    # Some scripts of grub.d want GRUB to be installed.
    touch "$BATS_FILE_TMPDIR/out/grubenv"
    lay_over "$source_dir/grub/11_gdbdebug" /etc/grub.d "$BATS_FILE_TMPDIR/out/grubenv" /boot/grub \
        "$BATS_FILE_TMPDIR/out/initrd.img-$version" /boot
    in_overlay grub-probe / >/dev/null 2>&1 || { lacks="a file system that grub-probe knows, at /"; return 0; }
}

setup() {
    [[ -z $lacks ]] || skip "needs $lacks"
}

@test "grub: the real grub-mkconfig adds an entry for the newest kernel, in GRUB's own syntax" {
    in_overlay grub-mkconfig >"$BATS_TEST_TMPDIR/grub.cfg"
    run -0 grub-script-check "$BATS_TEST_TMPDIR/grub.cfg"
    run cat "$BATS_TEST_TMPDIR/grub.cfg"
    assert_output --partial "### BEGIN /etc/grub.d/11_gdbdebug ###"
    assert_line --regexp "^menuentry '.*, debugging PID 1 of the initramfs'"
    assert_line --regexp "^[[:space:]]+linux[[:space:]].*vmlinuz-$version root=.* 'rd.gdbdebug=ttyS1,wait'$"
}
