#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Images made by a real mkinitcpio, taken apart: the one on PATH, or one installed below MKINITCPIO_ROOT (as by
# DESTDIR=$MKINITCPIO_ROOT), which is laid over this machine for the time of a build. Needs root, gdbserver, a kernel.
# shellcheck disable=SC2154  # source_dir is generators.bash's

bats_require_minimum_version 1.5.0
load generators

setup_file() {
    export lacks=
    local kernels file
    export GDBDEBUG_HELPER=$BATS_FILE_TMPDIR/gdbdebug-init GDBDEBUG_CONF=$BATS_FILE_TMPDIR/gdbdebug.conf
    [[ $(id -u) == 0 ]] || { lacks="root, for chroot and a mount namespace"; return 0; }
    if [[ -n ${MKINITCPIO_ROOT-} ]]; then
        [[ -x $MKINITCPIO_ROOT/usr/bin/mkinitcpio ]] ||
            { lacks="usr/bin/mkinitcpio in MKINITCPIO_ROOT=$MKINITCPIO_ROOT"; return 0; }
        while read -r file; do
            lay_over "$MKINITCPIO_ROOT$file" "${file%/*}"
        done < <(cd "$MKINITCPIO_ROOT" && find usr/bin usr/lib/initcpio etc -type f -printf '/%p\n')
    else
        type -P mkinitcpio >/dev/null || { lacks="mkinitcpio on PATH, or installed below MKINITCPIO_ROOT"; return 0; }
    fi
    type -P gdbserver >/dev/null || { lacks="gdbserver"; return 0; }
    [[ -n $(type -P unmkinitramfs lsinitcpio) ]] || [[ -n ${MKINITCPIO_ROOT-} ]] ||
        { lacks="lsinitcpio or unmkinitramfs"; return 0; }
    kernels=(/lib/modules/*/modules.dep)
    [[ -e ${kernels[0]} ]] || { lacks="a kernel in /lib/modules"; return 0; }
    kernel=${kernels[-1]%/modules.dep}
    export kernel=${kernel##*/}
    the_helper "$GDBDEBUG_HELPER"
    lay_over "$source_dir/mkinitcpio/install/gdbdebug" /usr/lib/initcpio/install
    in_overlay true || { lacks="overlayfs in a mount namespace"; return 0; }
}

setup() {
    [[ -z $lacks ]] || skip "needs $lacks"
}

# mkinitcpio_image NAME HOOK... : makes NAME.img. On a machine that is not Arch some files of the udev and systemd hooks
# are elsewhere: mkinitcpio says so, writes the image and ends with 1. So what counts is what it says of our hook.
mkinitcpio_image() {
    local name=$1
    shift
    # shellcheck disable=SC2016  # mkinitcpio sources it
    printf '%s\n' 'PATH=$PATH:/usr/sbin:/sbin' 'MODULES=()' 'BINARIES=()' 'FILES=()' 'COMPRESSION=gzip' "HOOKS=($*)" \
        >"$BATS_TEST_TMPDIR/$name.conf"
    run in_overlay timeout 300 mkinitcpio -c "$BATS_TEST_TMPDIR/$name.conf" -k "$kernel" "${options[@]}" \
        -g "$BATS_TEST_TMPDIR/$name.img"
    mkdir "$BATS_TEST_TMPDIR/$name"
    root=$BATS_TEST_TMPDIR/$name
    (
        cd "$root" || exit
        if type -P unmkinitramfs >/dev/null; then
            unmkinitramfs "../$name.img" .
        else
            in_overlay lsinitcpio -x "../$name.img"
        fi
    )
    [[ ! -d $root/main ]] || root=$root/main
}

needs_systemd_hook() {
    in_overlay test -e /usr/lib/initcpio/install/systemd || in_overlay test -e /etc/initcpio/install/systemd ||
        skip "needs mkinitcpio's systemd hook; before version 38 it came with systemd"
}

@test "mkinitcpio: a real image of the busybox flavour has the helper, and a manifest that gdbserver can live on" {
    mkinitcpio_image busybox base udev gdbdebug
    refute_output --partial "gdbdebug:"
    assert_swapped "$root" "$GDBDEBUG_HELPER"
    assert_file_contains "$root/usr/lib/gdbdebug/init" '^#!/usr/bin/ash'
    assert_manifest_is_enough "$root"
    assert_exists "$root/usr/bin/modprobe"
}

@test "mkinitcpio: a real image of the systemd flavour has the helper, and the link still leads to systemd" {
    needs_systemd_hook
    mkinitcpio_image systemd base systemd gdbdebug
    refute_output --partial "gdbdebug:"
    assert_swapped "$root" "$GDBDEBUG_HELPER"
    assert_symlink_to "$root/usr/lib/systemd/systemd" "$root/usr/lib/gdbdebug/init"
    assert_manifest_is_enough "$root"
}

@test "mkinitcpio: the hook in HOOKS and asked for again, with strip between, swaps once" {
    options=(-A gdbdebug)
    mkinitcpio_image twice base gdbdebug strip
    refute_output --partial "gdbdebug:"
    assert_swapped "$root" "$GDBDEBUG_HELPER"
    assert_file_contains "$root/usr/lib/gdbdebug/init" '^#!/usr/bin/ash'
}

@test "mkinitcpio: the systemd hook after ours is refused, and the image has its own /init" {
    needs_systemd_hook
    mkinitcpio_image order base gdbdebug systemd
    assert_failure
    assert_output --partial "'systemd' comes after gdbdebug"
    assert_not_exists "$root/usr/lib/gdbdebug"
    assert_equal "$(readlink "$root/init")" usr/lib/systemd/systemd
}

@test "mkinitcpio: a real build without the helper fails, and the image has its own /init" {
    GDBDEBUG_HELPER=/nowhere/gdbdebug-init
    mkinitcpio_image broken base gdbdebug
    assert_failure
    assert_output --partial "/nowhere/gdbdebug-init"
    assert_file_contains "$root/init" '^#!/usr/bin/ash'
}

@test "mkinitcpio: its own help shows the hook's" {
    run in_overlay mkinitcpio -H gdbdebug
    assert_output --partial "rd.gdbdebug=ttyS1,wait"
}
