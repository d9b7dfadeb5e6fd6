#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What the generator modules have in common, generators/image.sh, on a generator of a few lines: gdbdebug.conf(5), and what
# lines=net and lines=ssh put into an image.
# shellcheck disable=SC2154  # source_dir is generators.bash's; gdbdebug_* are image.sh's

bats_require_minimum_version 1.5.0
load generators

gdbdebug_error() { echo "error: $*" >&2; }
gdbdebug_warning() { echo "warning: $*" >&2; }
gdbdebug_note() { echo "note: $*" >&2; }
gdbdebug_find() { PATH=${programs:-$PATH} type -P "$1"; }
gdbdebug_add_program() { gdbdebug_add_file "$1" "$1"; }
gdbdebug_add_file() {
    mkdir -p "$root${2%/*}"
    cp -pL "$1" "$root$2"
}

setup_file() {
    export GDBDEBUG_HELPER=$BATS_FILE_TMPDIR/gdbdebug-init
    stand_in_helper "$GDBDEBUG_HELPER"
}

setup() {
    type -P gdbserver >/dev/null || skip "needs gdbserver"
    # shellcheck source=../../generators/layout.sh
    . "$source_dir/generators/layout.sh"
    # shellcheck source=../../generators/image.sh
    . "$source_dir/generators/image.sh"
    conf=$BATS_TEST_TMPDIR/gdbdebug.conf
    root=$BATS_TEST_TMPDIR/root
    mkdir "$root"
    echo original >"$root/init"
}

needs_dropbear() {
    type -P dropbear dropbearconvert >/dev/null || skip "needs dropbear (dropbear-bin)"
    PATH=$PATH:/usr/sbin
}

# a_key FILE: a private key in dropbear's format, and the public one in FILE.pub.
a_key() {
    dropbearkey -t ed25519 -f "$1" >/dev/null 2>&1
    dropbearkey -y -f "$1" | grep ^ssh-ed25519 >"$1.pub"
}

# make_image LINE... : with these lines in gdbdebug.conf.
make_image() {
    printf '%s\n' "$@" >"$conf"
    gdbdebug_read_conf "$conf" && gdbdebug_install "$root" "$conf" /nowhere
}

assert_untouched() {
    assert_equal "$(cat "$root/init")" original
    assert_not_exists "$root/usr/lib/gdbdebug/init"
}

@test "conf: keys, comments, quotes and white space are read as gdbdebug.conf(5) says" {
    printf '# a comment\n\n  lines = "usb net"  \r\nmodules=a b\nauthorized_keys=/x y\nhost_key="/k"\nlines=vsock' >"$conf"
    gdbdebug_read_conf "$conf"
    assert_equal "$gdbdebug_lines" vsock
    assert_equal "$gdbdebug_modules" "a b"
    assert_equal "$gdbdebug_authorized_keys" "/x y"
    assert_equal "$gdbdebug_host_key" /k
}

@test "conf: no file and an empty file mean the defaults" {
    gdbdebug_read_conf "$conf"
    assert_equal "$gdbdebug_lines" "serial virtio"
    : >"$conf"
    gdbdebug_read_conf "$conf"
    assert_equal "$gdbdebug_lines" "serial virtio"
}

@test "conf: include= is always or asked" {
    gdbdebug_read_conf "$conf"
    assert_equal "$gdbdebug_include" asked
    echo 'include = "always"' >"$conf"
    gdbdebug_read_conf "$conf"
    assert_equal "$gdbdebug_include" always
    echo include=yes >"$conf"
    run -1 gdbdebug_read_conf "$conf"
    assert_output --partial "include='yes' is neither always nor asked"
}

@test "conf: what is wrong is named with its line, and a * is no list of files" {
    printf 'lines=serial nett\n' >"$conf"
    run -1 gdbdebug_read_conf "$conf"
    assert_output --partial "unknown word 'nett'"
    printf 'ok=1\nmodules\n' >"$conf"
    run -1 gdbdebug_read_conf "$conf"
    assert_output --partial ":2: 'modules' has no '='"
    assert_output --partial "warning: $conf:1: unknown key 'ok'"
    printf 'default="ttyS1\n' >"$conf"
    run -1 gdbdebug_read_conf "$conf"
    assert_output --partial "has no end"
    printf 'lines=*\n' >"$conf"
    run -1 gdbdebug_read_conf "$conf"
    assert_output --partial "unknown word '*'"
}

@test "ssh: without authorized_keys= no image is made" {
    needs_dropbear
    run -1 make_image "lines=ssh"
    assert_output --partial "lines=ssh needs authorized_keys=FILE"
    assert_untouched
}

@test "ssh: authorized keys that are none, or a private key, are refused" {
    needs_dropbear
    a_key "$BATS_TEST_TMPDIR/user"
    sed 's/^/# /' "$BATS_TEST_TMPDIR/user.pub" >"$BATS_TEST_TMPDIR/commented"
    for file in /nowhere /dev/null "$BATS_TEST_TMPDIR/commented" "$BATS_TEST_TMPDIR/user"; do
        run -1 make_image "lines=ssh" "authorized_keys=$file"
        assert_output --partial "authorized_keys='$file' has no public key"
        assert_untouched
    done
}

@test "ssh: a machine without dropbear is told its package" {
    programs=$BATS_TEST_TMPDIR/bin
    mkdir "$programs"
    ln -s "$(type -P gdbserver)" "$programs/"
    run -1 make_image "lines=ssh" "authorized_keys=/x"
    assert_output --partial "'dropbear' on this machine; install dropbear (on Debian dropbear-bin)"
    assert_untouched
}

@test "ssh: a host key of OpenSSH's is converted, and the fingerprint is the one that ssh-keygen shows" {
    needs_dropbear
    type -P ssh-keygen >/dev/null || skip "needs ssh-keygen (openssh-client)"
    a_key "$BATS_TEST_TMPDIR/user"
    ssh-keygen -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/host"
    fingerprint=$(ssh-keygen -lf "$BATS_TEST_TMPDIR/host" | cut -d' ' -f2)
    run -0 make_image "lines=ssh" "authorized_keys=$BATS_TEST_TMPDIR/user.pub" "host_key=$BATS_TEST_TMPDIR/host"
    assert_output --partial "note: the image's SSH host key has the fingerprint $fingerprint"
    assert_equal "$(cat "$root/usr/lib/gdbdebug/ssh/fingerprint")" "$fingerprint"
    assert_equal "$(stat -c %a "$root/usr/lib/gdbdebug/ssh" "$root/usr/lib/gdbdebug/ssh/host_key")" $'700\n600'
    dropbearkey -y -f "$root/usr/lib/gdbdebug/ssh/host_key"
}

@test "ssh: a host key with a passphrase is refused, and the image keeps its own /init" {
    needs_dropbear
    type -P ssh-keygen >/dev/null || skip "needs ssh-keygen (openssh-client)"
    a_key "$BATS_TEST_TMPDIR/user"
    ssh-keygen -q -t ed25519 -N secret -f "$BATS_TEST_TMPDIR/host"
    run -1 make_image "lines=ssh" "authorized_keys=$BATS_TEST_TMPDIR/user.pub" "host_key=$BATS_TEST_TMPDIR/host"
    assert_output --partial "host_key='$BATS_TEST_TMPDIR/host' is not a private key that dropbear can use"
    assert_untouched
}

@test "ssh: without host_key= the image has one of its own, which a second run keeps" {
    needs_dropbear
    a_key "$BATS_TEST_TMPDIR/user"
    run -0 make_image "lines=ssh" "authorized_keys=$BATS_TEST_TMPDIR/user.pub"
    assert_output --partial "warning: no host_key= in gdbdebug.conf"
    first=$(cat "$root/usr/lib/gdbdebug/ssh/fingerprint")
    run -0 make_image "lines=ssh" "authorized_keys=$BATS_TEST_TMPDIR/user.pub"
    assert_output --partial "fingerprint $first"
    assert_equal "$(cat "$root/usr/lib/gdbdebug/ssh/fingerprint")" "$first"
    run manifest_paths "$root"
    for file in dropbear authorized_keys host_key fingerprint; do
        assert_line "/usr/lib/gdbdebug/ssh/$file"
        assert_exists "$root/usr/lib/gdbdebug/ssh/$file"
    done
}

@test "net: busybox comes along as the DHCP client, with its libraries in the manifest" {
    type -P busybox >/dev/null && busybox --list | grep -qx udhcpc || skip "needs a busybox with udhcpc"
    run -0 make_image "lines=net"
    assert_exists "$root/usr/lib/gdbdebug/busybox"
    run manifest_paths "$root"
    assert_line /usr/lib/gdbdebug/busybox
    while read -r library; do assert_line "$library"; done < <(gdbdebug_libraries "$(type -P busybox)")
}

@test "net: the agent is the one with network code, and for other lines the small one" {
    mkdir "$BATS_TEST_TMPDIR/libexec"
    for name in gdbdebug-init gdbdebug-agent gdbdebug-agent-net; do
        cp "$GDBDEBUG_HELPER" "$BATS_TEST_TMPDIR/libexec/$name"
    done
    unset GDBDEBUG_HELPER
    run -0 gdbdebug_find_helper /nowhere "$BATS_TEST_TMPDIR/libexec"
    assert_output "$BATS_TEST_TMPDIR/libexec/gdbdebug-init"
    for row in "serial virtio:gdbdebug-agent" "net:gdbdebug-agent-net" "serial ssh:gdbdebug-agent-net"; do
        echo "lines=${row%:*}" >"$conf"
        gdbdebug_read_conf "$conf"
        run -0 gdbdebug_find_agent "$BATS_TEST_TMPDIR/libexec/gdbdebug-init"
        assert_output "$BATS_TEST_TMPDIR/libexec/${row#*:}"
    done
    rm "$BATS_TEST_TMPDIR/libexec/gdbdebug-agent-net"
    run -1 gdbdebug_find_agent "$BATS_TEST_TMPDIR/libexec/gdbdebug-init"
    assert_output --partial "gdbdebug-agent-net' is not an executable file"
}

@test "net: without a busybox that has udhcpc it says what will not work" {
    programs=$BATS_TEST_TMPDIR/bin
    mkdir "$programs"
    ln -s "$(type -P gdbserver)" "$(PATH=$PATH:/usr/sbin:/sbin type -P modprobe)" "$programs/"
    run -0 make_image "lines=net"
    assert_output --partial "warning: no busybox with udhcpc"
    assert_not_exists "$root/usr/lib/gdbdebug/busybox"
    assert_file_not_exist "$root/usr/lib/gdbdebug/ssh/dropbear"
}
