#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The hook for mkinitcpio with stand-ins for its functions. mkinitcpio-real.bats has a real mkinitcpio.
# shellcheck disable=SC2154,SC2317,SC2329  # source_dir is generators.bash's; the stand-ins are called by the hook
# shellcheck disable=SC2030,SC2031,SC2034  # each test is a subshell; the variables are for the hook

bats_require_minimum_version 1.5.0
load generators

setup_file() {
    export GDBDEBUG_HELPER=$BATS_FILE_TMPDIR/gdbdebug-init
    stand_in_helper "$GDBDEBUG_HELPER"
}

setup() {
    BUILDROOT=$BATS_TEST_TMPDIR/image
    export GDBDEBUG_CONF=$BATS_TEST_TMPDIR/gdbdebug.conf
    KERNELVERSION=0.0-test
    _optmoduleroot=$BATS_TEST_TMPDIR/modules
    _d_install=$BATS_TEST_TMPDIR/install
    _hooks=(base gdbdebug)
    _builderrors=0
    modules_added=$BATS_TEST_TMPDIR/added
    mkdir -p "$BUILDROOT/usr/lib/systemd" "$_d_install" \
        "$_optmoduleroot/lib/modules/$KERNELVERSION/kernel/drivers/net/ethernet/some"
    touch "$_optmoduleroot/lib/modules/$KERNELVERSION/kernel/drivers/net/ethernet/some/some_card.ko.zst"
    printf '%s\n' '#!/usr/bin/ash' 'echo real init' >"$BUILDROOT/init"
    chmod 0755 "$BUILDROOT/init"
    # A machine with gdbserver, whatever this one has.
    mkdir "$BATS_TEST_TMPDIR/bin"
    type -P gdbserver >/dev/null || cp "$(type -P bash)" "$BATS_TEST_TMPDIR/bin/gdbserver"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH

    # shellcheck source=../../mkinitcpio/install/gdbdebug
    . "$source_dir/mkinitcpio/install/gdbdebug"
}

# shellcheck disable=SC2059  # as the real ones: a format and its arguments
error() {
    printf "ERROR: $1\n" "${@:2}" >&2
    return 1
}
# shellcheck disable=SC2059
warning() { printf "WARNING: $1\n" "${@:2}" >&2; }
add_module() { echo "$1" >>"$modules_added"; }
add_file() { command install -D "$1" "$BUILDROOT${2:-$1}"; }
add_binary() { add_file "$(type -P "$1")" "$1"; }

# Runs build() in a subshell, as a test needs it, and prints the count that mkinitcpio ends with.
build_and_count() {
    build
    echo "errors: $_builderrors"
}

assert_own_init() {
    assert_file_contains "$BUILDROOT/init" "echo real init"
}

@test "mkinitcpio: the helper is /init, and the script of the busybox flavour is kept" {
    run build_and_count
    assert_line "errors: 0"
    assert_swapped "$BUILDROOT" "$GDBDEBUG_HELPER"
    assert_file_contains "$BUILDROOT/usr/lib/gdbdebug/init" "echo real init"
    assert_file_executable "$BUILDROOT/usr/lib/gdbdebug/init"
    while read -r path; do
        assert_exists "$BUILDROOT$path"
    done < <(manifest_paths "$BUILDROOT")
}

@test "mkinitcpio: the link of the systemd flavour still leads to systemd" {
    echo systemd >"$BUILDROOT/usr/lib/systemd/systemd"
    ln -sfn usr/lib/systemd/systemd "$BUILDROOT/init"
    run build_and_count
    assert_line "errors: 0"
    assert_swapped "$BUILDROOT" "$GDBDEBUG_HELPER"
    assert_symlink_to "$BUILDROOT/usr/lib/systemd/systemd" "$BUILDROOT/usr/lib/gdbdebug/init"
}

@test "mkinitcpio: HOOKS is not de-duplicated, and the hook run twice swaps once" {
    _hooks=(base gdbdebug strip gdbdebug)
    build
    printf x >>"$BUILDROOT/init" # as after strip
    run build_and_count
    assert_line "errors: 0"
    assert_file_contains "$BUILDROOT/usr/lib/gdbdebug/init" "echo real init"
}

@test "mkinitcpio: a hook that makes /init and comes after is named, and the image keeps its own /init" {
    local line
    # shellcheck disable=SC2016  # lines of a hook
    for line in 'add_symlink "/init" "usr/lib/systemd/systemd"' 'add_initcpio_binary "init" "/init" 755' \
        'add_file /some/init /init' 'cp x "$BUILDROOT/init"'; do
        printf '%s\n' 'build() {' "    $line" '}' >"$_d_install/other"
        chmod +x "$_d_install/other"
        _hooks=(base gdbdebug other)
        run build_and_count
        assert_output --partial "the hook 'other' comes after gdbdebug"
        refute_line "errors: 0"
        assert_own_init
    done
}

@test "mkinitcpio: hooks that come after and leave /init alone are no error" {
    printf '%s\n' 'build() {' '    # makes no /init' '    add_file /usr/lib/initcpio/init_other /x/init' '}' \
        >"$_d_install/strip"
    chmod +x "$_d_install/strip"
    _hooks=(base gdbdebug strip)
    run build_and_count
    assert_line "errors: 0"
    assert_swapped "$BUILDROOT" "$GDBDEBUG_HELPER"
}

@test "mkinitcpio: without the helper the error is counted and the image keeps its own /init" {
    GDBDEBUG_HELPER=/nowhere/gdbdebug-init
    run build_and_count
    assert_output --partial "/nowhere/gdbdebug-init"
    refute_line "errors: 0"
    assert_own_init
}

@test "mkinitcpio: without gdbserver the error is counted and the image keeps its own /init" {
    gdbdebug_find() { return 1; }
    run build_and_count
    assert_output --partial "'gdbserver' is not installed on this machine; install the package gdbserver"
    refute_line "errors: 0"
    assert_own_init
}

@test "mkinitcpio: when a library cannot be added the error is counted and the image keeps its own /init" {
    add_file() { [[ $1 != */libc.so.6 ]] && command install -D "$1" "$BUILDROOT${2:-$1}"; }
    run build_and_count
    assert_output --partial "libc.so.6"
    refute_line "errors: 0"
    assert_own_init
}

@test "mkinitcpio: before the hook that makes /init it is an error" {
    rm "$BUILDROOT/init"
    run build_and_count
    assert_output --partial "no '/init' yet"
    refute_line "errors: 0"
}

@test "mkinitcpio: lines= chooses the kernel modules, and none has to exist" {
    echo 'lines=net usb' >"$GDBDEBUG_CONF"
    build
    assert_file_contains "$modules_added" '^some_card?$'
    assert_file_contains "$modules_added" '^cp210x?$'
    refute_file_contains "$modules_added" virtio_console
    refute_file_contains "$modules_added" '[^?]$'
}

@test "mkinitcpio: a wrong word in modules= is named, and the image keeps its own /init" {
    modinfo() { return 1; }
    echo 'modules=no_such_uart' >"$GDBDEBUG_CONF"
    run build_and_count
    assert_output --partial "'no_such_uart'"
    refute_line "errors: 0"
    assert_own_init
}

@test "mkinitcpio: an image for no kernel gets no kernel modules" {
    KERNELVERSION=none
    echo 'modules=no_such_uart' >"$GDBDEBUG_CONF"
    run build_and_count
    assert_line "errors: 0"
    assert_not_exists "$modules_added"
}

@test "mkinitcpio: help() tells the parameter, the place in HOOKS and the man page" {
    run -0 help
    assert_output --partial "rd.gdbdebug=ttyS1,wait"
    assert_output --partial "last in HOOKS"
    assert_output --partial "gdbdebug(7)"
}

# configured WORD... : prints HOOKS as they are after our part of the configuration, with HOOKS from the WORDs.
configured() {
    mkdir -p "$BATS_TEST_TMPDIR/libexec"
    cp "$source_dir/generators/image.sh" "$BATS_TEST_TMPDIR/libexec"
    local HOOKS=("$@") GDBDEBUG_LIBEXECDIR=$BATS_TEST_TMPDIR/libexec
    # shellcheck disable=SC2178
    [[ ! -v as_string ]] || { unset HOOKS; HOOKS=$*; }
    # shellcheck source=../../mkinitcpio/conf.d/zz-gdbdebug.conf
    . "$source_dir/mkinitcpio/conf.d/zz-gdbdebug.conf"
    declare -p HOOKS
}

@test "mkinitcpio: with include=always the hook is the last of all, once" {
    cp "$source_dir/mkinitcpio/install/gdbdebug" "$_d_install"
    run -0 configured base udev
    assert_output 'declare -a HOOKS=([0]="base" [1]="udev")'
    echo include=always >"$GDBDEBUG_CONF"
    run -0 configured base udev
    assert_output 'declare -a HOOKS=([0]="base" [1]="udev" [2]="gdbdebug")'
    run -0 configured base gdbdebug strip
    assert_output 'declare -a HOOKS=([0]="base" [1]="gdbdebug" [2]="strip")'
    as_string=1 run -0 configured base udev
    assert_output 'declare -- HOOKS="base udev gdbdebug"'
}

@test "mkinitcpio: include=always with the hook, its files or gdbserver gone fails nothing" {
    echo include=always >"$GDBDEBUG_CONF"
    run -0 configured base udev
    assert_output 'declare -a HOOKS=([0]="base" [1]="udev")'
    cp "$source_dir/mkinitcpio/install/gdbdebug" "$_d_install"
    gone_for_good() {
        type() { [[ ${*: -1} != gdbserver ]] && builtin type "$@"; }
        configured base udev
    }
    run -0 gone_for_good
    assert_line 'declare -a HOOKS=([0]="base" [1]="udev")'
    assert_output --partial "the image is made without gdbdebug; install the package gdbserver"
}
