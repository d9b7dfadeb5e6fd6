#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The hook for initramfs-tools with stand-ins for its functions. initramfs-tools-real.bats has the real mkinitramfs.
# shellcheck disable=SC2154  # source_dir is generators.bash's
# shellcheck disable=SC2030,SC2031  # each test is a subshell, and changes its own copy of a variable

bats_require_minimum_version 1.5.0
load generators

setup_file() {
    export GDBDEBUG_HELPER=$BATS_FILE_TMPDIR/gdbdebug-init
    stand_in_helper "$GDBDEBUG_HELPER"
    # What the hook sources: functions of the same names that write down what they were asked for.
    export GDBDEBUG_HOOK_FUNCTIONS=$BATS_FILE_TMPDIR/hook-functions
    cat >"$GDBDEBUG_HOOK_FUNCTIONS" <<'FUNCTIONS'
copy_file() {
    case $1:$2 in *"${FAIL_COPY:-nothing}") return 2 ;; esac
    [ ! -e "$DESTDIR$3" ] || return 1
    mkdir -p "$DESTDIR${3%/*}" && cp "$2" "$DESTDIR$3"
}
copy_exec() { copy_file binary "$1" "$1" || [ $? -eq 1 ]; }
manual_add_modules() { echo "$*" >>"$MODULES_ADDED"; }
copy_modules_dir() { echo "$*" >>"$MODULES_ADDED"; }
FUNCTIONS
}

setup() {
    hook=$source_dir/initramfs-tools/hooks/gdbdebug
    export DESTDIR=$BATS_TEST_TMPDIR/image version=0.0-test MODULES_ADDED=$BATS_TEST_TMPDIR/modules
    export GDBDEBUG_CONF=$BATS_TEST_TMPDIR/gdbdebug.conf GDBDEBUG=y
    mkdir -p "$DESTDIR"
    printf '%s\n' '#!/bin/sh' 'echo real init' >"$DESTDIR/init"
    chmod 0755 "$DESTDIR/init"
    # A machine with gdbserver, whatever this one has.
    export PATH=$BATS_TEST_TMPDIR/bin:$PATH
    mkdir "$BATS_TEST_TMPDIR/bin"
    type -P gdbserver >/dev/null || cp "$(type -P bash)" "$BATS_TEST_TMPDIR/bin/gdbserver"
}

assert_own_init() {
    assert_file_contains "$DESTDIR/init" "echo real init"
}

@test "initramfs-tools: the hook says that it has no prerequisites" {
    run -0 "$hook" prereqs
    assert_output ""
}

@test "initramfs-tools: unless asked the hook does nothing" {
    local value
    for value in "" n no 0; do
        GDBDEBUG=$value run -0 "$hook"
        assert_output ""
        assert_own_init
        assert_not_exists "$DESTDIR/usr"
    done
}

@test "initramfs-tools: with include=always every image has the helper, unless this one is made without" {
    echo include=always >"$GDBDEBUG_CONF"
    GDBDEBUG=n run -0 "$hook"
    assert_own_init
    GDBDEBUG='' run -0 "$hook"
    assert_swapped "$DESTDIR" "$GDBDEBUG_HELPER"
}

@test "initramfs-tools: include=always without gdbserver names the package, and the image is made without gdbdebug" {
    local program
    for program in sh readlink awk head tail grep cat; do ln -s "$(type -P "$program")" "$BATS_TEST_TMPDIR/bin/"; done
    rm -f "$BATS_TEST_TMPDIR/bin/gdbserver"
    echo include=always >"$GDBDEBUG_CONF"
    GDBDEBUG='' PATH=$BATS_TEST_TMPDIR/bin run -0 "$hook"
    assert_output --partial "the image is made without gdbdebug; install the package gdbserver"
    assert_own_init
}

@test "initramfs-tools: an image that nobody wants to debug is made whatever is wrong in gdbdebug.conf" {
    printf '%s\n' 'lines=nonsense' 'what' >"$GDBDEBUG_CONF"
    GDBDEBUG='' run -0 "$hook"
    assert_output ""
    assert_own_init
}

@test "initramfs-tools: a GDBDEBUG that is neither y nor n is named" {
    GDBDEBUG=maybe run -1 "$hook"
    assert_output --partial "GDBDEBUG='maybe'"
    assert_own_init
}

@test "initramfs-tools: the switch reaches the hook through the configuration's hook" {
    # mkinitramfs sources the one and runs the other.
    unset GDBDEBUG
    # shellcheck disable=SC2016
    run -0 sh -c 'GDBDEBUG=y; . "$1"; "$2"' sh "$source_dir/initramfs-tools/conf-hooks.d/gdbdebug" "$hook"
    assert_swapped "$DESTDIR" "$GDBDEBUG_HELPER"
}

@test "initramfs-tools: the helper is /init, and the script is kept" {
    run -0 "$hook"
    assert_swapped "$DESTDIR" "$GDBDEBUG_HELPER"
    assert_file_contains "$DESTDIR/usr/lib/gdbdebug/init" "echo real init"
    run manifest_paths "$DESTDIR"
    assert_line --index 0 --regexp '/gdbserver$'
    assert_line /usr/lib/gdbdebug/gdbdebug-agent
    while read -r path; do
        assert_exists "$DESTDIR$path"
    done < <(manifest_paths "$DESTDIR")
}

@test "initramfs-tools: the hook run twice swaps once" {
    run -0 "$hook"
    run -0 "$hook"
    assert_file_contains "$DESTDIR/usr/lib/gdbdebug/init" "echo real init"
}

@test "initramfs-tools: without the helper the build fails and the image keeps its own /init" {
    GDBDEBUG_HELPER=/nowhere/gdbdebug-init run -1 "$hook"
    assert_output --partial "/nowhere/gdbdebug-init"
    assert_own_init
}

@test "initramfs-tools: without gdbserver the build fails and the image keeps its own /init" {
    local file
    mkdir "$BATS_TEST_TMPDIR/few"
    for file in sh env readlink ldd awk tr head tail cmp grep cat umask; do
        ! type -P "$file" >/dev/null || ln -s "$(type -P "$file")" "$BATS_TEST_TMPDIR/few/$file"
    done
    # The hook looks in /usr/sbin and /sbin too, where no gdbserver is.
    PATH=$BATS_TEST_TMPDIR/few run -1 "$hook"
    assert_output --partial "'gdbserver' is not installed on this machine; install the package gdbserver"
    assert_own_init
}

@test "initramfs-tools: when copying a library fails the build fails and the image keeps its own /init" {
    FAIL_COPY=libc.so.6 run -1 "$hook"
    assert_output --partial "libc.so.6' to the image failed"
    assert_own_init
}

@test "initramfs-tools: lines= chooses the kernel modules, and modules= a wrong one stops the build" {
    echo 'lines="usb net"' >"$GDBDEBUG_CONF"
    run -0 "$hook"
    assert_file_contains "$MODULES_ADDED" '^kernel/drivers/usb/host$'
    assert_file_contains "$MODULES_ADDED" '^kernel/drivers/net/ethernet$'
    assert_file_contains "$MODULES_ADDED" '^cp210x$'
    refute_file_contains "$MODULES_ADDED" virtio_console

    printf '%s\n' '#!/bin/sh' 'exit 1' >"$BATS_TEST_TMPDIR/bin/modprobe"
    chmod +x "$BATS_TEST_TMPDIR/bin/modprobe"
    echo 'modules=no_such_uart' >"$GDBDEBUG_CONF"
    run -1 "$hook"
    assert_output --partial "'no_such_uart'"
    assert_output --partial "0.0-test"
}
