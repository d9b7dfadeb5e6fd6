#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The packages that cpack makes of this build, the PKGBUILD, and the man pages.
# shellcheck disable=SC2154  # source_dir, build_dir are generators.bash's

bats_require_minimum_version 1.5.0
load generators

setup() {
    packages=$BATS_TEST_TMPDIR/packages
}

needs_build() {
    [[ -f $build_dir/CPackConfig.cmake ]] || skip "needs a build in $build_dir (cmake --preset dev)"
    is_static "$build_dir/helper/gdbdebug-init" || skip "needs a build with a static helper in $build_dir"
}

# make_packages GENERATOR: makes packages of the build under test.
make_packages() {
    (cd "$build_dir" && timeout 300 cpack -G "$1" -B "$packages")
}

@test "package: the .deb pair has no lintian errors" {
    type -P dpkg-deb dpkg-shlibdeps lintian >/dev/null || skip "needs dpkg-dev and lintian"
    needs_build
    run -0 make_packages DEB
    run -0 lintian --allow-root --fail-on error "$packages"/*.deb
    run -0 dpkg-deb -c "$packages"/gdbdebug_*.deb
    assert_line --regexp '^-rwxr-xr-x root/root .* \./usr/libexec/gdbdebug/gdbdebug-init$'
    run -0 dpkg-deb -f "$packages"/gdbdebug_*.deb Depends
    assert_output --partial gdbserver
    # gdbdebug-overlay's.
    assert_output --partial cpio
    # dpkg asks before it overwrites what the administrator has changed.
    run -0 dpkg-deb -I "$packages"/gdbdebug_*.deb conffiles
    assert_line /etc/default/gdbdebug
    assert_line /etc/grub.d/99_gdbdebug
    assert_line /etc/mkinitcpio.conf.d/zz-gdbdebug.conf
}

@test "package: cpack, with no generator named, makes packages of this machine's kind" {
    needs_build
    # shellcheck disable=SC2016
    run -0 timeout 300 bash -c 'cd "$1" && cpack -B "$2"' bash "$build_dir" "$packages"
    if type -P dpkg-shlibdeps >/dev/null && [[ -e /etc/debian_version ]]; then
        assert_exists "$packages"/gdbdebug_[0-9]*.deb
        assert_exists "$packages"/gdbdebug-client_[0-9]*.deb
    elif type -P rpmbuild >/dev/null; then
        assert_exists "$packages"/gdbdebug-[0-9]*.rpm
    else
        assert_exists "$packages"/gdbdebug-*.tar.gz
    fi
}

@test "package: no generator of cpack installs anything on this machine" {
    needs_build
    local generator
    [[ $(id -u) == 0 ]] || skip "needs root, for a mount namespace"
    for generator in TGZ STGZ DEB; do
        [[ $generator != DEB ]] || type -P dpkg-shlibdeps >/dev/null || continue
        # A user cannot write to these folders, and root is not to.
        # shellcheck disable=SC2016
        run -0 timeout 300 unshare --mount --propagation private bash -c 'for folder in /etc /usr /opt; do
            mount --bind "$folder" "$folder" && mount -o remount,bind,ro "$folder" || exit 99
            done; cd "$1" && exec cpack -G "$2" -B "$3"' bash "$build_dir" "$generator" "$packages"
    done
    run -0 tar -tzf "$packages"/gdbdebug-*-Linux-*.tar.gz
    assert_line --regexp '/etc/grub.d/99_gdbdebug$'
    assert_line --regexp '/usr/libexec/gdbdebug/gdbdebug-init$'
    refute_line --regexp '/usr/etc/'
}

@test "package: removal names the configuration that would make the generators fail" {
    [[ $(id -u) == 0 ]] || skip "needs root, for a mount namespace"
    # shellcheck disable=SC2016
    run -0 unshare --mount --propagation private bash -ec 'mount -t tmpfs tmpfs /etc && mkdir -p /etc/dracut.conf.d
        echo "add_dracutmodules+=\" gdbdebug \"" >/etc/dracut.conf.d/gdbdebug.conf
        echo "#add_dracutmodules+=\" gdbdebug \"" >/etc/dracut.conf.d/comment.conf
        echo "HOOKS=(base gdbdebug)" >/etc/mkinitcpio.conf
        mkdir /etc/mkinitcpio.conf.d
        cp "$1/mkinitcpio/conf.d/zz-gdbdebug.conf" /etc/mkinitcpio.conf.d
        echo "[[ ! -e /usr/lib/initcpio/install/gdbdebug ]] || HOOKS+=(gdbdebug)" >/etc/mkinitcpio.conf.d/old.conf
        exec sh -ec ". $1/packaging/arch/gdbdebug.install; post_remove"' bash "$source_dir"
    assert_line --regexp "until they are rebuilt: (update-initramfs|dracut|mkinitcpio)"
    assert_line --partial "WARNING: '/etc/dracut.conf.d/gdbdebug.conf' still names 'gdbdebug'"
    assert_line --partial "WARNING: '/etc/mkinitcpio.conf' still names 'gdbdebug'"
    assert_equal "$(grep -c WARNING <<<"$output")" 2
}

@test "package: nothing of the building machine's folders is in the .deb pair" {
    type -P dpkg-deb dpkg-shlibdeps >/dev/null || skip "needs dpkg-dev"
    needs_build
    run -0 make_packages DEB
    for package in "$packages"/*.deb; do
        run -0 dpkg-deb -c "$package"
        refute_output --partial _CPack_Packages
        dpkg-deb -x "$package" "$BATS_TEST_TMPDIR/x"
    done
    run grep -rlF "$build_dir" "$BATS_TEST_TMPDIR/x"
    assert_output ""
}

@test "package: the .rpm has the helper and says what it needs" {
    type -P rpmbuild rpm >/dev/null || skip "needs rpmbuild (rpm)"
    needs_build
    run -0 make_packages RPM
    run -0 rpm -qpl "$packages"/gdbdebug-0*.rpm
    assert_line /usr/libexec/gdbdebug/gdbdebug-init
    assert_line --regexp '/99gdbdebug/module-setup.sh$'
    run -0 rpm -qpR "$packages"/gdbdebug-0*.rpm
    assert_line /usr/bin/gdbserver
    assert_line cpio
    run -0 rpm -qpc "$packages"/gdbdebug-0*.rpm
    assert_line /etc/default/gdbdebug
    assert_line /etc/mkinitcpio.conf.d/zz-gdbdebug.conf
    run -0 rpm -qp --scripts "$packages"/gdbdebug-0*.rpm
    assert_output --partial "postuninstall scriptlet"
    assert_output --partial "preuninstall scriptlet"
    assert_output --partial "post_remove"
}

@test "package: the source archive has one folder, from which the release preset configures" {
    type -P cmake >/dev/null || skip "needs cmake"
    needs_build
    (cd "$build_dir" && timeout 300 cpack --config CPackSourceConfig.cmake -B "$packages")
    mkdir "$BATS_TEST_TMPDIR/source"
    tar -C "$BATS_TEST_TMPDIR/source" -xzf "$packages"/gdbdebug-*.tar.gz
    cd "$BATS_TEST_TMPDIR/source"/gdbdebug-[0-9]*
    assert_not_exists .git
    assert_not_exists build
    run -0 timeout 300 cmake -B "$BATS_TEST_TMPDIR/build" --preset release
}

@test "package: makepkg reads the PKGBUILD" {
    type -P makepkg >/dev/null || skip "needs makepkg"
    mkdir "$BATS_TEST_TMPDIR/arch"
    cp "$source_dir"/packaging/arch/* "$BATS_TEST_TMPDIR/arch"
    # makepkg refuses to run as root, and looks for a pacman even where it asks it nothing.
    local as=()
    if [[ $(id -u) == 0 ]]; then
        as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
        chown -R 65534 "$BATS_TEST_TMPDIR/arch"
        chmod a+rx "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
    fi
    type -P pacman >/dev/null || install -D "$(type -P false)" "$BATS_TEST_TMPDIR/arch/bin/pacman"
    cd "$BATS_TEST_TMPDIR/arch"
    run -0 env HOME="$PWD" PATH="$PATH:$PWD/bin" "${as[@]}" makepkg --printsrcinfo
    assert_line "pkgbase = gdbdebug"
    assert_line "pkgname = gdbdebug-client"
    assert_line --regexp "pkgver = $(sed -n 's/.*project(gdbdebug VERSION \([0-9.]*\).*/\1/p' "$source_dir/CMakeLists.txt")"
}

@test "package: the version is the same everywhere" {
    local version
    version=$(sed -n 's/.*project(gdbdebug VERSION \([0-9.]*\).*/\1/p' "$source_dir/CMakeLists.txt")
    assert_file_contains "$source_dir/packaging/arch/PKGBUILD" "^pkgver=$version$"
    assert_file_contains "$source_dir/boot-menu/gdbdebug-boot" "gdbdebug-boot $version\"$"
    assert_file_contains "$source_dir/packaging/debian/changelog" "^gdbdebug ($version-1) "
    assert_file_contains "$source_dir/CHANGELOG.md" "^## $version"
}

@test "man: every page is clean" {
    type -P scdoc mandoc >/dev/null || skip "needs scdoc and mandoc"
    local page
    for page in "$source_dir"/man/*.scd; do
        scdoc <"$page" | awk -f "$source_dir/man/tidy.awk" >"$BATS_TEST_TMPDIR/page"
        run mandoc -T lint -W warning "$BATS_TEST_TMPDIR/page"
        # scdoc 1.11.4 writes the date as 2026\-11\-25.
        assert_equal "$(grep -v 'cannot parse date, using it verbatim: TH [0-9]*\\-' <<<"$output")" ""
    done
}

@test "man: gdbdebug(7) has every option that the helper knows, and gdbdebug.conf(5) every key" {
    local word
    for word in wait crash exit handled feed modules= from= insecure virtio: vsock: tcp: ssh; do
        assert_file_contains "$source_dir/man/gdbdebug.7.scd" "^\*$word"
    done
    for word in default include lines modules authorized_keys host_key; do
        assert_file_contains "$source_dir/man/gdbdebug.conf.5.scd" "^\*$word="
    done
    # shellcheck source=../../generators/layout.sh
    . "$source_dir/generators/layout.sh"
    # shellcheck source=../../generators/image.sh
    . "$source_dir/generators/image.sh"
    for word in $gdbdebug_known_lines; do
        assert_file_contains "$source_dir/man/gdbdebug.conf.5.scd" "^[[:space:]]\*$word\*$"
    done
}
