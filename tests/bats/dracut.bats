#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The dracut module with stand-ins for dracut's functions. dracut-real.bats has the real dracut.
# shellcheck disable=SC2154,SC2317,SC2329  # source_dir is generators.bash's; the stand-ins are called by the module
# shellcheck disable=SC2030,SC2031  # each test is a subshell, and changes its own copy of a variable

bats_require_minimum_version 1.5.0
load generators

setup_file() {
    export GDBDEBUG_HELPER=$BATS_FILE_TMPDIR/gdbdebug-init
    stand_in_helper "$GDBDEBUG_HELPER"
}

setup() {
    moddir=$source_dir/dracut/99gdbdebug
    initdir=$BATS_TEST_TMPDIR/image
    mkdir -p "$initdir/usr/lib/systemd" "$initdir/etc"
    echo systemd >"$initdir/usr/lib/systemd/systemd"
    ln -s usr/lib/systemd/systemd "$initdir/init"
    export GDBDEBUG_CONF=$BATS_TEST_TMPDIR/gdbdebug.conf
    dracutsysrootdir=
    # A program of this machine with libraries stands in for gdbserver, so the tests do not need one.
    program=$(type -P gdbserver || type -P bash)
    instmods_calls=$BATS_TEST_TMPDIR/instmods

    # shellcheck source=../../dracut/99gdbdebug/module-setup.sh
    . "$moddir/module-setup.sh"
}

# Only functions that every dracut from 059 to 112 has. Messages go to the standard error, as the real ones do.
dfatal() { echo "fatal: $*" >&2; }
dwarn() { echo "warning: $*" >&2; }
find_binary() { if [[ $1 == gdbserver ]]; then echo "$program"; else type -P "$1"; fi; }
dinfo() { echo "info: $*" >&2; }
inst_simple() {
    [[ -e $initdir${2:-$1} ]] && return 0
    command install -D "$1" "$initdir${2:-$1}" # install alone is the module's function
}
inst_binary() { inst_simple "$@"; }
instmods() {
    [[ -z $hostonly ]] || fail "instmods was called with hostonly"
    echo "$*" >>"$instmods_calls"
}

@test "dracut: check() asks to be named" {
    run check
    assert_equal "$status" 255
    assert_output ""
}

@test "dracut: with include=always check() says yes, and no longer when an image of named modules is made" {
    echo include=always >"$GDBDEBUG_CONF"
    run check
    assert_equal "$status" 0
    # gdbserver's libraries in another root are not known, and nobody asked for gdbdebug in this image.
    dracutsysrootdir=/somewhere
    run check
    assert_equal "$status" 255
}

@test "dracut: include=always without gdbserver names the package, and the image is made without gdbdebug" {
    echo include=always >"$GDBDEBUG_CONF"
    find_binary() { [[ $1 != gdbserver ]] && type -P "$1"; }
    run check
    assert_equal "$status" 255
    assert_output --partial "the image is made without gdbdebug; install the package gdbserver"
}

@test "dracut: named on a command line or in a configuration, without gdbserver, check() names the package" {
    local variable
    find_binary() { [[ $1 != gdbserver ]] && type -P "$1"; }
    for variable in dracutmodules add_dracutmodules force_add_dracutmodules; do
        (
            printf -v "$variable" ' base gdbdebug '
            run check
            assert_equal "$status" 1
            assert_output --partial "'gdbserver' is not installed on this machine; install the package gdbserver"
        )
    done
    run check
    assert_equal "$status" 255
    assert_output ""
}

@test "dracut: check() of an installation that is not whole asks to be named, and is silent" {
    gdbdebug_load() { gdbdebug_error nothing there; return 1; }
    run check
    assert_equal "$status" 255
    assert_output ""
}

@test "dracut: the helper is /init, and the kept link leads to the same file" {
    install
    assert_swapped "$initdir" "$GDBDEBUG_HELPER"
    assert_symlink_to "$initdir/usr/lib/systemd/systemd" "$initdir/usr/lib/gdbdebug/init"
    run readlink "$initdir/usr/lib/gdbdebug/init"
    assert_output ../../../usr/lib/systemd/systemd
}

@test "dracut: an absolute link is kept as it is" {
    ln -sfn /usr/lib/systemd/systemd "$initdir/init"
    install
    run readlink "$initdir/usr/lib/gdbdebug/init"
    assert_output /usr/lib/systemd/systemd
}

@test "dracut: a shell script that was /init keeps its content and its mode" {
    rm "$initdir/init"
    printf '%s\n' '#!/bin/sh' 'echo hello' >"$initdir/init"
    chmod 0755 "$initdir/init"
    install
    assert_swapped "$initdir" "$GDBDEBUG_HELPER"
    assert_file_contains "$initdir/usr/lib/gdbdebug/init" "echo hello"
    assert_file_executable "$initdir/usr/lib/gdbdebug/init"
}

@test "dracut: installing twice swaps once" {
    install
    install
    assert_swapped "$initdir" "$GDBDEBUG_HELPER"
    assert_symlink_to "$initdir/usr/lib/systemd/systemd" "$initdir/usr/lib/gdbdebug/init"
}

@test "dracut: installing twice swaps once, also when the helper was stripped or built anew in between" {
    install
    printf 'x' >>"$initdir/init"
    install
    assert_symlink_to "$initdir/usr/lib/systemd/systemd" "$initdir/usr/lib/gdbdebug/init"
}

@test "dracut: an /init that came back after the first swap is swapped again" {
    install
    ln -sfn usr/lib/other "$initdir/init"
    install
    assert_swapped "$initdir" "$GDBDEBUG_HELPER"
    run readlink "$initdir/usr/lib/gdbdebug/init"
    assert_output ../../../usr/lib/other
}

@test "dracut: the manifest has gdbserver first, the dynamic linker by the name in the program, and the agent last" {
    install
    run manifest_paths "$initdir"
    assert_line --index 0 "$program"
    assert_line --index $((${#lines[@]} - 1)) /usr/lib/gdbdebug/gdbdebug-agent
    assert_line "$(LC_ALL=C readelf -l "$program" | sed -n 's/.*interpreter: \(.*\)\]/\1/p')"
    assert_line --regexp '^/.*/libc\.so\.6$'
    assert_line --regexp '^/.*/libthread_db\.so\.1$'
    refute_line --regexp '^[^/]'
    assert_equal "$(printf '%s\n' "${lines[@]}" | sort | uniq -d)" ""
    while read -r path; do
        assert_exists "$initdir$path"
    done < <(manifest_paths "$initdir")
}

@test "dracut: without gdbserver the image keeps its own /init" {
    find_binary() { [[ $1 != gdbserver ]] && type -P "$1"; }
    run -1 install
    assert_output --partial "'gdbserver' is not installed on this machine; install the package gdbserver"
    assert_output --partial "no image is made"
    assert_symlink_to "$initdir/usr/lib/systemd/systemd" "$initdir/init"
}

@test "dracut: when gdbserver cannot be installed the image keeps its own /init" {
    rm "$initdir/init"
    echo original >"$initdir/init"
    inst_binary() { return 1; }
    run -1 install
    assert_file_contains "$initdir/init" original
}

@test "dracut: when a library cannot be installed the image keeps its own /init" {
    inst_simple() { [[ $1 != */libc.so.* ]] && command install -D "$1" "$initdir${2:-$1}"; }
    run -1 install
    assert_output --partial "libc.so"
    assert_symlink_to "$initdir/usr/lib/systemd/systemd" "$initdir/init"
}

@test "dracut: a gdbserver with a missing library is named, and the image keeps its own /init" {
    DRACUT_LDD=$BATS_TEST_TMPDIR/ldd
    # shellcheck disable=SC2016
    printf '%s\n' '#!/bin/sh' 'case $1 in *gdbdebug-init) exit 1 ;; esac' \
        'echo "	libgone.so.9 => not found"' >"$DRACUT_LDD"
    chmod +x "$DRACUT_LDD"
    run -1 install
    assert_output --partial libgone.so.9
    assert_symlink_to "$initdir/usr/lib/systemd/systemd" "$initdir/init"
}

@test "dracut: without the helper the image keeps its own /init" {
    GDBDEBUG_HELPER=$BATS_TEST_TMPDIR/absent
    run -1 install
    assert_output --partial "'$GDBDEBUG_HELPER' is not an executable file"
    assert_symlink_to "$initdir/usr/lib/systemd/systemd" "$initdir/init"
}

@test "dracut: a dynamically linked helper is refused" {
    GDBDEBUG_HELPER=$(type -P bash)
    run -1 install
    assert_output --partial "must be static"
    assert_symlink_to "$initdir/usr/lib/systemd/systemd" "$initdir/init"
}

@test "dracut: a script in the helper's place is refused" {
    GDBDEBUG_HELPER=$BATS_TEST_TMPDIR/script
    printf '%s\n' '#!/bin/sh' >"$GDBDEBUG_HELPER"
    chmod +x "$GDBDEBUG_HELPER"
    run -1 install
    assert_output --partial "is not an ELF executable"
    assert_symlink_to "$initdir/usr/lib/systemd/systemd" "$initdir/init"
}

@test "dracut: an image without /init is an error, before anything is installed" {
    rm "$initdir/init"
    run -1 install
    assert_output --partial "no '/init' yet"
    assert_not_exists "$initdir$program"
}

@test "dracut: a helper in /init with no real init beside it is an error" {
    rm "$initdir/init"
    cp "$GDBDEBUG_HELPER" "$initdir/init"
    run -1 install
    assert_output --partial "'/usr/lib/gdbdebug/init' is missing"
}

@test "dracut: the image gets the building machine's gdbdebug.conf" {
    echo 'default="ttyS0,wait=5"' >"$GDBDEBUG_CONF"
    install
    assert_file_contains "$initdir/etc/gdbdebug.conf" 'default="ttyS0,wait=5"'
}

@test "dracut: without a gdbdebug.conf the image has none" {
    install
    assert_not_exists "$initdir/etc/gdbdebug.conf"
}

@test "dracut: a wrong word in gdbdebug.conf is named, and the image keeps its own /init" {
    echo 'lines=serial virtual' >"$GDBDEBUG_CONF"
    run -1 install
    assert_output --partial "unknown word 'virtual'"
    assert_output --partial "serial virtio usb vsock net ssh"
    assert_symlink_to "$initdir/usr/lib/systemd/systemd" "$initdir/init"
}

@test "dracut: by default the modules for serial and virtio lines come along, and no network's" {
    hostonly=-h
    installkernel
    assert_file_contains "$instmods_calls" virtio_console
    assert_file_contains "$instmods_calls" 8250_exar
    refute_file_contains "$instmods_calls" drivers/net
    refute_file_contains "$instmods_calls" usbserial
}

@test "dracut: lines= chooses the kernel modules" {
    local row words expected
    for row in "usb:cp210x" "vsock:vsock_loopback" "net:=drivers/net/ethernet" "ssh:=drivers/net/ethernet" \
        '"usb vsock":cdc_acm'; do
        words=${row%%:*} expected=${row#*:}
        rm -f "$instmods_calls"
        echo "lines=$words" >"$GDBDEBUG_CONF"
        installkernel
        assert_file_contains "$instmods_calls" "$expected"
        refute_file_contains "$instmods_calls" virtio_console
    done
}

@test "dracut: modules= adds kernel modules, and a missing one stops the build" {
    echo 'modules=  my_uart other_uart' >"$GDBDEBUG_CONF"
    installkernel
    assert_file_contains "$instmods_calls" "^-c my_uart other_uart$"
    instmods() { [[ $1 != -c ]]; }
    run -1 installkernel
    assert_output --partial "my_uart"
}

@test "dracut: lines= with nothing takes no kernel module and no modprobe along" {
    echo 'lines=' >"$GDBDEBUG_CONF"
    installkernel
    install
    assert_not_exists "$instmods_calls"
    assert_not_exists "$initdir$(type -P modprobe || echo /usr/sbin/modprobe)"
}

@test "dracut: an image from another root is refused, because its gdbserver's libraries are unknown" {
    dracutsysrootdir=/somewhere
    run -1 install
    assert_output --partial /somewhere
}
