#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Images made by the real dracut of this machine, taken apart. Needs root, dracut, gdbserver and an installed kernel.
# shellcheck disable=SC2154  # source_dir is generators.bash's

bats_require_minimum_version 1.5.0
load generators

setup_file() {
    export lacks=
    local file kernels
    export GDBDEBUG_HELPER=$BATS_FILE_TMPDIR/gdbdebug-init
    export GDBDEBUG_CONF=$BATS_FILE_TMPDIR/gdbdebug.conf
    [[ $(id -u) == 0 ]] || { lacks="root, for chroot"; return 0; }
    type -P dracut >/dev/null || { lacks="dracut (dracut-core)"; return 0; }
    type -P gdbserver >/dev/null || { lacks="gdbserver"; return 0; }
    type -P lsinitrd >/dev/null || { lacks="lsinitrd"; return 0; }
    kernels=(/lib/modules/*/modules.dep)
    [[ -e ${kernels[0]} ]] || { lacks="a kernel in /lib/modules"; return 0; }
    the_helper "$GDBDEBUG_HELPER"

    kernel=${kernels[-1]%/modules.dep}
    export kernel=${kernel##*/}
    # dracut's own folder, with our module in it.
    export dracutbasedir=$BATS_FILE_TMPDIR/dracut
    mkdir -p "$dracutbasedir/modules.d" "$BATS_FILE_TMPDIR/confdir"
    for file in /usr/lib/dracut/* /usr/lib/dracut/modules.d/*; do
        [[ $file == */modules.d || $file == */99gdbdebug ]] || ln -s "$file" "$dracutbasedir/${file#/usr/lib/dracut/}"
    done
    ln -s "$source_dir/dracut/99gdbdebug" "$dracutbasedir/modules.d/99gdbdebug"
}

setup() {
    [[ -z $lacks ]] || skip "needs $lacks"
}

# dracut_image NAME OPTION... : makes $BATS_TEST_TMPDIR/NAME.img, with nothing of this machine's configuration.
dracut_image() {
    local name=$1
    shift
    timeout 300 dracut --force --conf /dev/null --confdir "$BATS_FILE_TMPDIR/confdir" "$@" \
        "$BATS_TEST_TMPDIR/$name.img" "$kernel"
}

# unpack NAME: takes NAME.img apart below $BATS_TEST_TMPDIR/NAME.
unpack() {
    mkdir "$BATS_TEST_TMPDIR/$1"
    (cd "$BATS_TEST_TMPDIR/$1" && lsinitrd --unpack "../$1.img")
}

@test "dracut: a real image with systemd has the helper, and a manifest that gdbserver can live on" {
    run dracut_image systemd --no-hostonly --no-kernel --modules "systemd systemd-initrd base gdbdebug"
    assert_success
    unpack systemd
    assert_swapped "$BATS_TEST_TMPDIR/systemd" "$GDBDEBUG_HELPER"
    assert_symlink_to "$BATS_TEST_TMPDIR/systemd/usr/lib/systemd/systemd" "$BATS_TEST_TMPDIR/systemd/usr/lib/gdbdebug/init"
    assert_manifest_is_enough "$BATS_TEST_TMPDIR/systemd"
}

@test "dracut: a real image with the shell init has the helper, its kernel modules and a manifest" {
    run dracut_image shell --no-hostonly --modules "base rootfs-block gdbdebug" --drivers ext4
    assert_success
    unpack shell
    assert_swapped "$BATS_TEST_TMPDIR/shell" "$GDBDEBUG_HELPER"
    assert_file_contains "$BATS_TEST_TMPDIR/shell/usr/lib/gdbdebug/init" '^#!/bin/sh'
    assert_manifest_is_enough "$BATS_TEST_TMPDIR/shell"
    assert_exists "$BATS_TEST_TMPDIR/shell/usr/sbin/modprobe"
    # Built into some kernels; then the image's own list says so.
    run find "$BATS_TEST_TMPDIR/shell/usr/lib/modules/$kernel/" -name 'virtio[_-]console.ko*'
    [[ -n $output ]] || assert_file_contains "/lib/modules/$kernel/modules.builtin" virtio_console.ko
}

@test "dracut: a real build without being asked has nothing of gdbdebug in it" {
    run dracut_image plain --no-hostonly --no-kernel --modules "base"
    assert_success
    unpack plain
    assert_not_exists "$BATS_TEST_TMPDIR/plain/usr/lib/gdbdebug"
    assert_file_contains "$BATS_TEST_TMPDIR/plain/init" '^#!/bin/sh'
}

@test "dracut: a real build without the helper fails and writes no image" {
    GDBDEBUG_HELPER=/nowhere/gdbdebug-init run dracut_image broken --no-hostonly --no-kernel --modules "base gdbdebug"
    assert_failure
    assert_output --partial "/nowhere/gdbdebug-init"
    assert_not_exists "$BATS_TEST_TMPDIR/broken.img"
}

# Links to all other programs in a folder of their own: dracut 112, which looks in PATH, takes that folder into the image.
need_dracut_path() {
    grep -q DRACUT_PATH "$(type -P dracut)" || skip "needs a dracut with DRACUT_PATH, to hide gdbserver from it"
}

@test "dracut: a real build without gdbserver fails and writes no image" {
    need_dracut_path
    mkdir "$BATS_TEST_TMPDIR/bin"
    for file in /usr/sbin/* /usr/bin/*; do
        [[ $file == */gdbserver ]] || ln -sf "$file" "$BATS_TEST_TMPDIR/bin/"
    done
    # dracut looks for programs in DRACUT_PATH alone.
    printf 'export DRACUT_PATH="%s"\n' "$BATS_TEST_TMPDIR/bin" >"$BATS_TEST_TMPDIR/dracut.conf"
    run timeout 300 dracut --force --conf "$BATS_TEST_TMPDIR/dracut.conf" --confdir "$BATS_FILE_TMPDIR/confdir" \
        --no-hostonly --no-kernel --modules base --add gdbdebug "$BATS_TEST_TMPDIR/broken.img" "$kernel"
    assert_failure
    assert_output --partial "'gdbserver' is not installed on this machine; install the package gdbserver"
    assert_not_exists "$BATS_TEST_TMPDIR/broken.img"
}

@test "dracut: with include=always every real build has the helper, as long as there are module and gdbserver" {
    # dracut looks at modules that nobody has named only where all of them are wanted: that takes a while, so the other
    # ones are left out.
    local omit
    omit=$(find "$dracutbasedir/modules.d/" -mindepth 1 -printf '%f\n' | sed 's/^[0-9]*//' | grep -vx -e base -e udev-rules -e gdbdebug |
        tr '\n' ' ')
    echo include=always >"$BATS_TEST_TMPDIR/conf"
    GDBDEBUG_CONF=$BATS_TEST_TMPDIR/conf run dracut_image always --no-hostonly --no-kernel --omit "$omit"
    assert_success
    unpack always
    assert_swapped "$BATS_TEST_TMPDIR/always" "$GDBDEBUG_HELPER"

    need_dracut_path
    mkdir "$BATS_TEST_TMPDIR/bin"
    for file in /usr/sbin/* /usr/bin/*; do
        [[ $file == */gdbserver ]] || ln -sf "$file" "$BATS_TEST_TMPDIR/bin/"
    done
    printf 'export DRACUT_PATH="%s"\n' "$BATS_TEST_TMPDIR/bin" >"$BATS_TEST_TMPDIR/dracut.conf"
    GDBDEBUG_CONF=$BATS_TEST_TMPDIR/conf run timeout 300 dracut --force --conf "$BATS_TEST_TMPDIR/dracut.conf" \
        --confdir "$BATS_FILE_TMPDIR/confdir" --no-hostonly --no-kernel --omit "$omit" \
        "$BATS_TEST_TMPDIR/without.img" "$kernel"
    assert_success
    assert_output --partial "install the package gdbserver"
    unpack without
    assert_not_exists "$BATS_TEST_TMPDIR/without/usr/lib/gdbdebug"

    # The package removed, its configuration left behind.
    cp -a "$dracutbasedir" "$BATS_TEST_TMPDIR/basedir"
    rm "$BATS_TEST_TMPDIR/basedir/modules.d/99gdbdebug"
    dracutbasedir=$BATS_TEST_TMPDIR/basedir GDBDEBUG_CONF=$BATS_TEST_TMPDIR/conf run dracut_image removed \
        --no-hostonly --no-kernel --omit "$omit"
    assert_success
}
