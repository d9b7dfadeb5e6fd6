#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Images made by the real mkinitramfs, taken apart. Needs root, initramfs-tools, gdbserver, an installed kernel, overlayfs.
# shellcheck disable=SC2154  # source_dir is generators.bash's

bats_require_minimum_version 1.5.0
load generators

setup_file() {
    export lacks=
    local kernels
    export GDBDEBUG_HELPER=$BATS_FILE_TMPDIR/gdbdebug-init GDBDEBUG_CONF=$BATS_FILE_TMPDIR/gdbdebug.conf
    [[ $(id -u) == 0 ]] || { lacks="root, for chroot and a mount namespace"; return 0; }
    type -P mkinitramfs >/dev/null || { lacks="mkinitramfs (initramfs-tools)"; return 0; }
    type -P gdbserver >/dev/null || { lacks="gdbserver"; return 0; }
    kernels=(/lib/modules/*/modules.dep)
    [[ -e ${kernels[0]} ]] || { lacks="a kernel in /lib/modules"; return 0; }
    kernel=${kernels[-1]%/modules.dep}
    export kernel=${kernel##*/}
    the_helper "$GDBDEBUG_HELPER"

    # Our hooks over those of this machine, seen by one mkinitramfs only; and a configuration with few modules.
    export confdir=$BATS_FILE_TMPDIR/confdir
    lay_over "$source_dir/initramfs-tools/hooks/gdbdebug" /usr/share/initramfs-tools/hooks \
        "$source_dir/initramfs-tools/conf-hooks.d/gdbdebug" /usr/share/initramfs-tools/conf-hooks.d
    in_overlay true || { lacks="overlayfs in a mount namespace"; return 0; }
    cp -r /etc/initramfs-tools "$confdir"
    rm -f "$confdir"/hooks/* "$confdir"/conf.d/*
    sed -i 's/^MODULES=.*/MODULES=list/' "$confdir/initramfs.conf"
    : >"$confdir/modules"
}

setup() {
    [[ -z $lacks ]] || skip "needs $lacks"
}

initramfs() {
    in_overlay timeout 300 mkinitramfs -d "$confdir" -o "$BATS_TEST_TMPDIR/$1.img" "$kernel"
}

unpack() {
    unmkinitramfs "$BATS_TEST_TMPDIR/$1.img" "$BATS_TEST_TMPDIR/$1"
    root=$BATS_TEST_TMPDIR/$1
    [[ ! -d $root/main ]] || root=$root/main # there was microcode in front
}

@test "initramfs-tools: a real image has the helper, and a manifest that gdbserver can live on" {
    echo "GDBDEBUG=y" >"$confdir/conf.d/gdbdebug"
    run -0 initramfs asked
    unpack asked
    assert_swapped "$root" "$GDBDEBUG_HELPER"
    assert_file_contains "$root/usr/lib/gdbdebug/init" '^#!/bin/sh'
    assert_manifest_is_enough "$root"
    assert_exists "$root/sbin/modprobe"
}

@test "initramfs-tools: a real image has nothing of gdbdebug in it unless asked" {
    rm -f "$confdir/conf.d/gdbdebug"
    run -0 initramfs plain
    unpack plain
    assert_not_exists "$root/usr/lib/gdbdebug"
    assert_file_contains "$root/init" '^#!/bin/sh'
}

@test "initramfs-tools: the environment asks as well" {
    rm -f "$confdir/conf.d/gdbdebug"
    GDBDEBUG=y run -0 initramfs environment
    unpack environment
    assert_swapped "$root" "$GDBDEBUG_HELPER"
}

@test "initramfs-tools: a real build without the helper fails, and the old image stays as it was" {
    echo "GDBDEBUG=y" >"$confdir/conf.d/gdbdebug"
    # As update-initramfs does it: into a new file that replaces the old one only at the end.
    GDBDEBUG_HELPER=/nowhere/gdbdebug-init run initramfs broken
    assert_failure
    assert_output --partial "/nowhere/gdbdebug-init"
    assert_size_zero "$BATS_TEST_TMPDIR/broken.img"
}

@test "initramfs-tools: lines=ssh takes dropbear and its keys along, and they are in the manifest" {
    type -P dropbearconvert >/dev/null || skip "needs dropbear (dropbear-bin)"
    echo "GDBDEBUG=y" >"$confdir/conf.d/gdbdebug"
    dropbearkey -t ed25519 -f "$BATS_TEST_TMPDIR/user" >/dev/null 2>&1
    dropbearkey -y -f "$BATS_TEST_TMPDIR/user" | grep ^ssh-ed25519 >"$BATS_TEST_TMPDIR/keys"
    dropbearkey -t ed25519 -f "$BATS_TEST_TMPDIR/host" >/dev/null 2>&1
    printf '%s\n' "lines=ssh" "authorized_keys=$BATS_TEST_TMPDIR/keys" "host_key=$BATS_TEST_TMPDIR/host" >"$GDBDEBUG_CONF"
    run -0 initramfs ssh
    fingerprint=$(dropbearkey -y -f "$BATS_TEST_TMPDIR/host" | sed -n 's/^Fingerprint: *//p')
    assert_output --partial "fingerprint $fingerprint"
    rm "$GDBDEBUG_CONF"
    unpack ssh
    assert_files_equal "$root/usr/lib/gdbdebug/ssh/authorized_keys" "$BATS_TEST_TMPDIR/keys"
    assert_files_equal "$root/usr/lib/gdbdebug/ssh/host_key" "$BATS_TEST_TMPDIR/host"
    assert_equal "$(stat -c %a "$root/usr/lib/gdbdebug/ssh/host_key")" 600
    assert_equal "$(cat "$root/usr/lib/gdbdebug/ssh/fingerprint")" "$fingerprint"
    run manifest_paths "$root"
    assert_line /usr/lib/gdbdebug/ssh/dropbear
    assert_line /usr/lib/gdbdebug/ssh/host_key
    assert_line /usr/lib/gdbdebug/ssh/authorized_keys
    assert_line /usr/lib/gdbdebug/ssh/fingerprint
    assert_line --partial libtomcrypt
    assert_manifest_is_enough "$root"
    run -0 chroot "$BATS_TEST_TMPDIR"/alone.* /usr/lib/gdbdebug/ssh/dropbear -V
    assert_output --partial Dropbear
    # DHCP, and the name by which the helper loads modules.
    run -0 chroot "$BATS_TEST_TMPDIR"/alone.* /usr/lib/gdbdebug/busybox udhcpc --help
    assert_output --partial "Usage: udhcpc"
    run -0 chroot "$root" /sbin/modprobe --version
    assert_output --partial kmod
}
