#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What `cmake --install` puts where. Needs a build: GDBDEBUG_BUILD_DIR, or build/dev of the source tree.
# shellcheck disable=SC2154  # source_dir, build_dir are generators.bash's

bats_require_minimum_version 1.5.0
load generators

setup() {
    [[ -f $build_dir/cmake_install.cmake ]] || skip "needs a build in $build_dir (cmake --preset dev)"
    [[ -x $build_dir/helper/gdbdebug-init ]] || skip "needs a build with the helper in $build_dir"
    # Another prefix and another libexec folder, without building anything: the install rules are made when configuring.
    where=$BATS_TEST_TMPDIR/root
}

installed() {
    (cd "$where" && find . ! -type d -printf '%m %P\n' | sort -k 2)
}

@test "install: DESTDIR gets every ecosystem its files, in the places and with the modes it expects" {
    DESTDIR=$where run -0 cmake --install "$build_dir" --component target
    run -0 installed
    assert_line "755 usr/libexec/gdbdebug/gdbdebug-init"
    assert_line "755 usr/libexec/gdbdebug/gdbdebug-agent"
    assert_line "755 usr/libexec/gdbdebug/gdbdebug-agent-net"
    assert_line "644 usr/libexec/gdbdebug/layout.sh"
    assert_line "644 usr/libexec/gdbdebug/image.sh"
    assert_line --regexp "^755 usr/lib/dracut/modules.d/99gdbdebug/module-setup.sh$"
    assert_line "755 usr/lib/initcpio/install/gdbdebug"
    assert_line --regexp "^755 usr/s?bin/gdbdebug-overlay$"
    assert_line "644 etc/mkinitcpio.conf.d/zz-gdbdebug.conf"
    assert_line "755 usr/share/initramfs-tools/hooks/gdbdebug"
    assert_line "644 usr/share/initramfs-tools/conf-hooks.d/gdbdebug"
    assert_line "755 etc/grub.d/99_gdbdebug"
    assert_line "644 etc/default/gdbdebug"
    assert_line "644 usr/share/bash-completion/completions/gdbdebug-boot"
    assert_line "644 usr/share/zsh/site-functions/_gdbdebug-boot"
    assert_line "644 usr/share/fish/vendor_completions.d/gdbdebug-boot.fish"
    assert_line "755 usr/sbin/gdbdebug-boot"
    assert_line "755 usr/lib/kernel/install.d/95-gdbdebug.install"
    assert_line "755 usr/libexec/gdbdebug/boot-menu/grub-entries"
    assert_line "644 usr/libexec/gdbdebug/boot-menu/grub-entries.awk"
    for part in "$source_dir"/boot-menu/*.sh; do
        assert_line "644 usr/libexec/gdbdebug/boot-menu/${part##*/}"
    done
    if type -P scdoc >/dev/null; then
        assert_line "644 usr/share/man/man7/gdbdebug.7.gz"
        assert_line "644 usr/share/man/man7/gdbdebug-howto.7.gz"
        assert_line "644 usr/share/man/man8/gdbdebug-init.8.gz"
        assert_line "644 usr/share/man/man8/gdbdebug-overlay.8.gz"
        assert_line "644 usr/share/man/man8/gdbdebug-boot.8.gz"
        assert_line "644 usr/share/man/man5/gdbdebug.conf.5.gz"
    fi
    # The host command belongs to the other package.
    refute_output --partial " usr/bin/"
}

@test "install: gdbdebug-init, which every boot runs, has at most 24 KiB and nothing of the agent in it" {
    is_static "$build_dir/helper/gdbdebug-init" || skip "this build is not static"
    run -0 strings "$build_dir/helper/gdbdebug-init"
    refute_output --partial qSupported # RSP
    refute_output --partial vsock      # lines
    refute_output --partial from=      # the value of rd.gdbdebug=
    grep -qx 'GDBDEBUG_LIBC:.*=host' "$build_dir/CMakeCache.txt" && skip "this build is not with musl"
    (($(stat -c %s "$build_dir/helper/gdbdebug-init") <= 24 * 1024)) ||
        fail "expected: at most 24576 bytes; got: $(stat -c %s "$build_dir/helper/gdbdebug-init")"
}

@test "install: with the usual prefix the scripts are those of the source tree" {
    DESTDIR=$where run -0 cmake --install "$build_dir" --component target
    assert_files_equal "$where/usr/libexec/gdbdebug/image.sh" "$source_dir/generators/image.sh"
    assert_files_equal "$where/usr/share/initramfs-tools/hooks/gdbdebug" "$source_dir/initramfs-tools/hooks/gdbdebug"
    assert_files_equal "$where/etc/grub.d/99_gdbdebug" "$source_dir/boot-menu/99_gdbdebug"
    assert_files_equal "$where/usr/sbin/gdbdebug-boot" "$source_dir/boot-menu/gdbdebug-boot"
}

@test "install: with another libexec folder, as Arch has it, the modules look there" {
    local other=$BATS_TEST_TMPDIR/build generator=()
    ! type -P ninja >/dev/null || generator=(-G Ninja)
    run -0 cmake -S "$source_dir" -B "$other" "${generator[@]}" -DCMAKE_INSTALL_PREFIX=/usr \
        -DCMAKE_INSTALL_LIBEXECDIR=lib -DGDBDEBUG_CLIENT=OFF -DCMAKE_BUILD_TYPE=Release
    # The helper and the pages need not be built for this.
    cp "$build_dir"/helper/gdbdebug-{init,agent,agent-net} "$other/helper/"
    mkdir -p "$other/man"
    for page in gdbdebug.7 gdbdebug-howto.7 gdbdebug-init.8 gdbdebug-overlay.8 gdbdebug-boot.8 gdbdebug.conf.5; do
        : >"$other/man/$page.gz"
    done
    DESTDIR=$where run -0 cmake --install "$other" --component target
    assert_exists "$where/usr/lib/gdbdebug/gdbdebug-init"
    assert_exists "$where/usr/lib/gdbdebug/image.sh"
    for script in usr/lib/initcpio/install/gdbdebug etc/mkinitcpio.conf.d/zz-gdbdebug.conf usr/share/initramfs-tools/hooks/gdbdebug \
        usr/sbin/gdbdebug-boot usr/lib/kernel/install.d/95-gdbdebug.install etc/grub.d/99_gdbdebug \
        usr/lib/dracut/modules.d/99gdbdebug/module-setup.sh; do
        assert_file_contains "$where/$script" /usr/lib/gdbdebug
        refute_file_contains "$where/$script" /usr/libexec/gdbdebug
    done
}
