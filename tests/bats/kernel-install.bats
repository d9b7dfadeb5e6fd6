#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The plugin for kernel-install: first by itself with machines that are folders, then under a real kernel-install with its
# own 90-loaderentry.
# shellcheck disable=SC2154  # source_dir is generators.bash's

bats_require_minimum_version 1.5.0
load generators
load boot_machine

setup() {
    make_machine
    bls_machine
    entries=$machine/boot/loader/entries
    echo archive >"$machine/boot/gdbdebug.img"
    export KERNEL_INSTALL_BOOT_ROOT=$machine/boot KERNEL_INSTALL_CONF_ROOT=$machine/etc/kernel GDBDEBUG_ROOT=$machine
    export GDBDEBUG_CMDLINE=$machine/proc/cmdline
}

plugin() {
    "$source_dir/boot-menu/95-gdbdebug.install" "$@"
}

@test "kernel-install: a kernel that is added has an entry of ours, others are not touched" {
    cp -a "$entries" "$BATS_TEST_TMPDIR/before"
    run -0 plugin add 2 /boot/id/2
    assert_output ""
    run diff -r "$BATS_TEST_TMPDIR/before" "$entries"
    assert_output "Only in $entries: a-gdbdebug-id-2.conf"
    assert_file_contains "$entries/a-gdbdebug-id-2.conf" "^options rdinit=/gdbdebug/init rd.gdbdebug=ttyS1,wait root=x quiet$"
    refute_file_contains "$entries/a-gdbdebug-id-2.conf" sort-key
    # A second time there is the same one.
    run -0 plugin add 2 /boot/id/2
    run diff -r "$BATS_TEST_TMPDIR/before" "$entries"
    assert_output "Only in $entries: a-gdbdebug-id-2.conf"
}

@test "kernel-install: an entry whose boots are counted is known, and ours is not counted" {
    mv "$entries/id-2.conf" "$entries/id-2+3.conf"
    run -0 plugin add 2 /boot/id/2
    assert_exists "$entries/a-gdbdebug-id-2.conf"
    run -0 plugin remove 2
    assert_not_exists "$entries/a-gdbdebug-id-2.conf"
    assert_exists "$entries/id-2+3.conf"
}

@test "kernel-install: a kernel that is removed takes its entry, its copy and its add-on with it" {
    plugin add 1 /boot/id/1
    plugin add 2 /boot/id/2
    uki_machine 257
    mkdir -p "$machine/boot/EFI/gdbdebug/linux-2-id-build.efi.extra.d"
    mv "$machine/boot/EFI/Linux/linux-2.efi" "$machine/boot/EFI/gdbdebug/linux-2-id-build.efi"
    run -0 plugin remove 1
    assert_exists "$machine/boot/EFI/gdbdebug/linux-2-id-build.efi"
    plugin add 1 /boot/id/1
    run -0 plugin remove 2
    assert_not_exists "$entries/a-gdbdebug-id-2.conf"
    assert_exists "$entries/a-gdbdebug-id-1.conf"
    assert_not_exists "$machine/boot/EFI/gdbdebug"
}

@test "kernel-install: without overlay and helper, or with an empty value, there is no entry" {
    rm "$machine/boot/gdbdebug.img"
    run -0 plugin add 2 /boot/id/2
    assert_not_exists "$entries/a-gdbdebug-id-2.conf"
    fake lsinitramfs 'echo usr/lib/gdbdebug/init'
    run -0 plugin add 2 /boot/id/2
    assert_file_contains "$entries/a-gdbdebug-id-2.conf" "^options rd.gdbdebug=ttyS1,wait root=x quiet$"
    refute_file_contains "$entries/a-gdbdebug-id-2.conf" gdbdebug.img
    echo archive >"$machine/boot/gdbdebug.img"
    echo RD_GDBDEBUG= >"$machine/etc/default/gdbdebug"
    run -0 plugin add 3 /boot/id/3
    assert_not_exists "$entries/a-gdbdebug-id-3.conf"
}

@test "kernel-install: an entry that inherited a debug boot's command line loses our words and nothing else" {
    sed -i 's|^options.*|options rdinit=/gdbdebug/init rd.gdbdebug=ttyS1,wait=60 root=x quiet|' "$entries/id-2.conf"
    run -0 plugin add 2 /boot/id/2
    assert_output --partial "removed the words of this debug boot"
    assert_file_contains "$entries/id-2.conf" "^options root=x quiet$"
    assert_file_contains "$entries/a-gdbdebug-id-2.conf" "^options rdinit=/gdbdebug/init rd.gdbdebug=ttyS1,wait root=x quiet$"
}

@test "kernel-install: an inherited wait without the overlay is removed too, one of /etc/kernel/cmdline stays" {
    echo "rd.gdbdebug=ttyS1,wait root=x quiet" >"$machine/proc/cmdline"
    sed -i 's|^options.*|options rd.gdbdebug=ttyS1,wait root=x quiet|' "$entries"/id-[23].conf
    run -0 plugin add 2 /boot/id/2
    assert_file_contains "$entries/id-2.conf" "^options root=x quiet$"
    mkdir -p "$machine/etc/kernel"
    echo "rd.gdbdebug=ttyS1,wait root=x quiet" >"$machine/etc/kernel/cmdline"
    run -0 plugin add 3 /boot/id/3
    assert_file_contains "$entries/id-3.conf" "^options rd.gdbdebug=ttyS1,wait root=x quiet$"
}

@test "kernel-install: where ukify has built the inherited word in, it warns and says what to do" {
    uki_machine 257
    mv "$machine/boot/EFI/Linux/linux-2.efi" "$machine/boot/EFI/Linux/id-2.efi"
    run -0 plugin add 2 /boot/id/2
    refute_output --partial WARNING
    /usr/bin/python3 - "$machine/boot/EFI/Linux/id-2.efi" <<'PYTHON'
import sys
data = open(sys.argv[1], "rb").read()
at = data.index(b"root=x\0")
new = b"rdinit=/gdbdebug/init root=x\0"
head = data.index(b".cmdline")
data = data[:at] + new + data[at + len(new):]
data = data[:head + 8] + len(new).to_bytes(4, "little") + data[head + 12:]
open(sys.argv[1], "wb").write(data)
PYTHON
    run -0 plugin add 2 /boot/id/2
    assert_output --partial "WARNING: the unified image of Linux 2 has 'rdinit=/gdbdebug/init'"
    assert_output --partial "/etc/kernel/cmdline"
    assert_output --partial "kernel-install add 2"
}

@test "kernel-install: once the package is removed, or with no boot folder, it does nothing" {
    GDBDEBUG_LIBEXECDIR=$BATS_TEST_TMPDIR/nowhere run -0 plugin add 2 /boot/id/2
    assert_output ""
    KERNEL_INSTALL_BOOT_ROOT='' GDBDEBUG_ROOT=$BATS_TEST_TMPDIR/nowhere run -0 plugin add 2 /boot/id/2
    assert_output ""
}

@test "kernel-install: GRUB's names for a /boot that is a folder or a subvolume are kept" {
    local prefix
    for prefix in /boot /root/boot ''; do
        touch "$machine/boot/vmlinuz-4" "$machine/boot/initramfs-4.img"
        # shellcheck disable=SC2016
        printf '%s\n' "title Linux 4" "version 4" "linux $prefix/vmlinuz-4" "initrd $prefix/initramfs-4.img" \
            'options $kernelopts' >"$entries/id-4.conf"
        run -0 plugin add 4 /nowhere
        assert_file_contains "$entries/a-gdbdebug-id-4.conf" "^initrd $prefix/gdbdebug.img$"
        # shellcheck disable=SC2016
        assert_file_contains "$entries/a-gdbdebug-id-4.conf" '^options rdinit=/gdbdebug/init rd.gdbdebug=ttyS1,wait $kernelopts$'
    done
}

@test "kernel-install: a kernel in a folder of its own, on a /boot that is a folder, has the overlay beside the folders" {
    mkdir -p "$machine/boot/ostree/hash"
    touch "$machine/boot/ostree/hash/"{vmlinuz-5,initramfs-5.img}
    printf '%s\n' "title Linux 5" "version 5" "options x" "linux /boot/ostree/hash/vmlinuz-5" \
        "initrd /boot/ostree/hash/initramfs-5.img" >"$entries/ostree-5.conf"
    run -0 plugin add 5 /nowhere
    assert_file_contains "$entries/a-gdbdebug-ostree-5.conf" "^initrd /boot/gdbdebug.img$"
}

# Skips where the real kernel-install cannot be tried. Not below `run`, where a skip would be a success that says nothing.
need_real_kernel_install() {
    local entry=/usr/lib/kernel/install.d/90-loaderentry.install
    type -P kernel-install >/dev/null || skip "needs kernel-install (systemd)"
    [[ -x $entry ]] || skip "needs 90-loaderentry.install (systemd)"
    [[ $(id -u) == 0 ]] || skip "needs root, for a mount namespace"
    # Later ones take no running kernel's command line over there.
    if grep -q -e --container "$entry" && systemd-detect-virt --container --quiet; then
        skip "needs a machine that is no container"
    fi
}

# A machine whose boot folder, kernel and plugins are in a folder, for the real kernel-install.
real_kernel_install() {
    # shellcheck disable=SC2016
    unshare --mount --propagation private bash -ec '
        mkdir -p "$machine/etc/kernel" "$BATS_TEST_TMPDIR/plugins" "$BATS_TEST_TMPDIR/run"
        mount --bind "$machine/boot" /boot
        mount --bind "$machine/etc/kernel" /etc/kernel 2>/dev/null || { mkdir -p /etc/kernel; mount --bind "$machine/etc/kernel" /etc/kernel; }
        mkdir -p /etc/kernel/install.d
        for plugin in /usr/lib/kernel/install.d/*; do ln -sf /dev/null "/etc/kernel/install.d/${plugin##*/}"; done
        cp /usr/lib/kernel/install.d/90-loaderentry.install /etc/kernel/install.d/91-loaderentry.install
        cp "$source_dir/boot-menu/95-gdbdebug.install" /etc/kernel/install.d/96-gdbdebug.install
        mount --bind "$machine/proc/cmdline" /proc/cmdline
        [ -z "$cmdline" ] || echo "$cmdline" >/etc/kernel/cmdline
        # kernel-install is a script up to systemd 253, which has these from the environment, and then a program.
        echo layout=bls >/etc/kernel/install.conf
        echo 0123456789abcdef0123456789abcdef >/etc/kernel/entry-token
        unset KERNEL_INSTALL_BOOT_ROOT KERNEL_INSTALL_CONF_ROOT GDBDEBUG_ROOT GDBDEBUG_CMDLINE
        export MACHINE_ID=0123456789abcdef0123456789abcdef BOOT_ROOT=/boot layout=bls
        mkdir -p "/boot/$MACHINE_ID"
        "$@"' real "$@"
}

@test "kernel-install: the real one makes an entry of ours, strips what it inherited, and removes both" {
    need_real_kernel_install
    echo kernel >"$BATS_TEST_TMPDIR/vmlinuz"
    echo image >"$BATS_TEST_TMPDIR/initrd"
    export source_dir BATS_TEST_TMPDIR cmdline='' id=0123456789abcdef0123456789abcdef
    echo "BOOT_IMAGE=x rdinit=/gdbdebug/init rd.gdbdebug=ttyS1,wait=60 root=/dev/vda quiet" >"$machine/proc/cmdline"
    run -0 real_kernel_install kernel-install add 6.6.6 "$BATS_TEST_TMPDIR/vmlinuz" "$BATS_TEST_TMPDIR/initrd"
    assert_output --partial "removed the words of this debug boot"
    assert_file_contains "$entries/$id-6.6.6.conf" "^options *root=/dev/vda quiet"
    refute_file_contains "$entries/$id-6.6.6.conf" gdbdebug
    assert_file_contains "$entries/a-gdbdebug-$id-6.6.6.conf" "^options *rdinit=/gdbdebug/init rd.gdbdebug=ttyS1,wait root=/dev/vda quiet"
    # /boot is a folder of this machine's root here, and kernel-install says so in its paths.
    local folder
    folder=$(sed -n "s|^linux *\(.*\)/$id/6.6.6/linux$|\1|p" "$entries/$id-6.6.6.conf")
    assert_file_contains "$entries/a-gdbdebug-$id-6.6.6.conf" "^initrd *$folder/gdbdebug.img$"
    assert_equal "$(grep -c '^initrd' "$entries/a-gdbdebug-$id-6.6.6.conf")" 2
    run -0 real_kernel_install kernel-install remove 6.6.6
    assert_not_exists "$entries/$id-6.6.6.conf"
    assert_not_exists "$entries/a-gdbdebug-$id-6.6.6.conf"
}
