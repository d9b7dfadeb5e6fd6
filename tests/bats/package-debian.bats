#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The .deb pair on a Debian 12 that has never seen gdbdebug: installed by apt, an image by each of Debian's generators,
# purged. The bare system (debootstrap) is kept in the cache, with the packages that ours need; tests change a copy in
# memory. Needs root, and the network when the cache has none yet.
# shellcheck disable=SC2154  # build_dir is generators.bash's

bats_require_minimum_version 1.5.0
load generators

# make_base DIRECTORY: a minimal Debian 12 with both generators, and what our packages depend on ready to be installed.
# Status 1: it could not be had; 2: our packages do not fit it. DIRECTORY.log has the whole of it.
make_base() {
    local mirror
    # The mirror that this machine uses, if it is a Debian 12; else the one that debootstrap knows.
    # shellcheck disable=SC2016
    mirror=$(apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI)' 2>/dev/null |
        awk '$1 == "Debian" && $2 == "bookworm" { print $3; exit }')
    timeout 400 debootstrap --variant=minbase bookworm "$1" ${mirror:+"$mirror"} >"$1.log" 2>&1 </dev/null || return 1
    cp /etc/resolv.conf "$1/etc/resolv.conf"
    mkdir "$1/packages"
    cp "$packages"/*.deb "$1/packages"
    # Debian's images of itself throw packages away once they are installed; here they are wanted.
    # shellcheck disable=SC2016
    timeout 400 unshare --mount --pid --fork --propagation private bash -c 'mount -t proc proc "$1/proc" &&
        export DEBIAN_FRONTEND=noninteractive && chroot "$1" apt-get -q update &&
        chroot "$1" apt-get -qy --no-install-recommends install dracut-core initramfs-tools-core busybox' bash "$1" \
        >>"$1.log" 2>&1 </dev/null || return 1
    # Whatever goes wrong now is the packages' fault: they want something that Debian 12 has not.
    timeout 400 chroot "$1" sh -c 'apt-get -qy --no-install-recommends --download-only install /packages/*.deb' \
        >>"$1.log" 2>&1 </dev/null || return 2
    rm -r "$1/packages"
}

setup_file() {
    export lacks='' packages=$BATS_FILE_TMPDIR/packages base
    local program key kernels
    [[ $(id -u) == 0 ]] || { lacks="root, for chroot"; return 0; }
    # shellcheck disable=SC1091
    [[ $(. /etc/os-release && echo "$ID $VERSION_ID") == "debian 12" ]] ||
        { lacks="Debian 12: a package built elsewhere depends on that system's libraries"; return 0; }
    for program in debootstrap dpkg-deb dpkg-shlibdeps unshare; do
        type -P "$program" >/dev/null || { lacks="$program"; return 0; }
    done
    [[ -f $build_dir/CPackConfig.cmake ]] || { lacks="a build in $build_dir (cmake --preset dev)"; return 0; }
    is_static "$build_dir/helper/gdbdebug-init" || { lacks="a build with a static helper in $build_dir"; return 0; }
    kernels=(/lib/modules/*/modules.dep)
    [[ -e ${kernels[0]} ]] || { lacks="a kernel in /lib/modules"; return 0; }
    kernel=${kernels[-1]%/modules.dep}
    export kernel=${kernel##*/}
    (cd "$build_dir" && timeout 300 cpack -G DEB -B "$packages") >"$BATS_FILE_TMPDIR/cpack.log" 2>&1 || {
        cat "$BATS_FILE_TMPDIR/cpack.log" >&2
        return 1
    }

    key=$({ declare -f make_base; for package in "$packages"/*.deb; do dpkg-deb -f "$package" Depends; done; } | sha256sum)
    base=${GDBDEBUG_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gdbdebug}/roots/debian-12-${key:0:16}
    if [[ ! -d $base ]]; then
        mkdir -p "${base%/*}"
        rm -rf "$base".new*
        make_base "$base.new" || {
            local status=$?
            tail -n 5 "$base.new.log" >&2
            ((status == 1)) || return 1
            lacks="a Debian 12 from the network, which could not be had: $(tail -n 1 "$base.new.log")"
            return 0
        }
        mv "$base.new" "$base"
    fi
}

setup() {
    [[ -z $lacks ]] || skip "needs $lacks"
    cp "$packages"/*.deb "$BATS_TEST_TMPDIR"
}

# in_debian COMMANDS: runs them by sh in a fresh copy of the bare system, without the network. /out is this test's folder,
# and this machine's kernel is there.
in_debian() {
    # shellcheck disable=SC2016
    timeout 400 unshare --mount --pid --fork --net --propagation private bash -c 'set -e
        mount -t tmpfs tmpfs "$2"
        mkdir "$2/upper" "$2/work" "$2/root"
        mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
        mkdir -p "$2/root/out" "$2/root/lib/modules"
        mount --bind "$3" "$2/root/out"
        mount --bind /lib/modules "$2/root/lib/modules"
        mount --bind /boot "$2/root/boot"
        mount -t proc proc "$2/root/proc"
        mount -t devtmpfs dev "$2/root/dev" 2>/dev/null || mount --rbind /dev "$2/root/dev"
        export DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin kernel=$5
        exec chroot "$2/root" sh -ec "$4"' bash "$base" "$(mktemp -d "$BATS_TEST_TMPDIR/mnt.XXXXXX")" \
        "$BATS_TEST_TMPDIR" "$1" "$kernel" </dev/null
}

install="apt-get -qy --no-install-recommends install /out/gdbdebug_*.deb"

@test "package: on a clean Debian 12 apt installs the pair with what it needs, and the programs start" {
    run -0 in_debian "apt-get -qy --no-install-recommends install /out/*.deb
        gdbdebug --version
        gdbserver --version
        test -x /usr/libexec/gdbdebug/gdbdebug-init"
    assert_output --partial "gdbdebug 0."
}

@test "package: on a clean Debian 12 dracut makes an image with the helper in it" {
    run -0 in_debian "$install
        dracut --no-hostonly --add gdbdebug --omit kernel-modules --kver \$kernel /out/image
        mkdir /out/tree && cd /out/tree && lsinitrd --unpack /out/image"
    assert_swapped "$BATS_TEST_TMPDIR/tree" "$build_dir/helper/gdbdebug-init"
    assert_manifest_is_enough "$BATS_TEST_TMPDIR/tree"
}

@test "package: on a clean Debian 12 initramfs-tools makes an image with the helper in it, once told to" {
    run -0 in_debian "$install
        echo MODULES=list >/etc/initramfs-tools/conf.d/modules
        mkinitramfs -o /out/everyday \$kernel
        echo GDBDEBUG=y >/etc/initramfs-tools/conf.d/gdbdebug
        mkinitramfs -o /out/image \$kernel
        unmkinitramfs /out/everyday /out/plain
        unmkinitramfs /out/image /out/tree"
    assert_not_exists "$BATS_TEST_TMPDIR/plain/usr/lib/gdbdebug"
    assert_file_contains "$BATS_TEST_TMPDIR/plain/init" '^#!/bin/sh'
    assert_swapped "$BATS_TEST_TMPDIR/tree" "$build_dir/helper/gdbdebug-init"
    assert_file_contains "$BATS_TEST_TMPDIR/tree/usr/lib/gdbdebug/init" '^#!/bin/sh'
    assert_manifest_is_enough "$BATS_TEST_TMPDIR/tree"
}

@test "package: purged, it leaves nothing behind" {
    run -0 in_debian "find / -xdev -not -path '/var/*' -not -path '/out/*' | sort >/out/before
        $install
        dpkg --purge gdbdebug
        apt-get -qy --purge autoremove
        find / -xdev -not -path '/var/*' -not -path '/out/*' | sort >/out/after"
    run comm -13 "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
    refute_output --partial gdbdebug
}

@test "package: with include=always, on a clean Debian 12 both generators go on when gdbserver or the package is gone" {
    local step
    run -0 in_debian "$install
        echo include=always >/etc/gdbdebug.conf
        echo MODULES=list >/etc/initramfs-tools/conf.d/modules
        # What dracut includes of itself, only small.
        omit=\$(ls /usr/lib/dracut/modules.d | sed 's/^[0-9]*//' | grep -vx -e base -e udev-rules -e gdbdebug)
        images() {
            dracut --no-hostonly --no-kernel --omit \"\$omit\" --kver \$kernel /out/dracut-\$1
            mkinitramfs -o /out/initramfs-tools-\$1 \$kernel
            mkdir /out/dracut-tree-\$1 && (cd /out/dracut-tree-\$1 && lsinitrd --unpack /out/dracut-\$1)
            unmkinitramfs /out/initramfs-tools-\$1 /out/initramfs-tools-tree-\$1
        }
        images installed
        dpkg --force-depends --remove gdbserver
        images without-gdbserver
        dpkg --force-depends --remove gdbdebug
        images removed
        dpkg --purge gdbdebug
        images purged"
    assert_line --partial "the image is made without gdbdebug; install the package gdbserver"
    assert_swapped "$BATS_TEST_TMPDIR/dracut-tree-installed" "$build_dir/helper/gdbdebug-init"
    assert_swapped "$BATS_TEST_TMPDIR/initramfs-tools-tree-installed" "$build_dir/helper/gdbdebug-init"
    for step in without-gdbserver removed purged; do
        assert_exists "$BATS_TEST_TMPDIR/dracut-tree-$step/init"
        assert_not_exists "$BATS_TEST_TMPDIR/dracut-tree-$step/usr/lib/gdbdebug"
        assert_exists "$BATS_TEST_TMPDIR/initramfs-tools-tree-$step/init"
        assert_not_exists "$BATS_TEST_TMPDIR/initramfs-tools-tree-$step/usr/lib/gdbdebug"
    done
}

@test "package: installing, upgrading and removing say what to make anew, and trigger it where every image includes us" {
    # A package that is interested in the trigger, as initramfs-tools is, and says when it comes.
    mkdir -p "$BATS_TEST_TMPDIR/watcher/DEBIAN"
    printf '%s\n' 'Package: watcher' 'Version: 1' 'Architecture: all' 'Maintainer: nobody <nobody@example.org>' \
        'Description: says when a trigger comes' >"$BATS_TEST_TMPDIR/watcher/DEBIAN/control"
    echo 'interest-noawait update-initramfs' >"$BATS_TEST_TMPDIR/watcher/DEBIAN/triggers"
    # shellcheck disable=SC2016
    printf '%s\n' '#!/bin/sh' 'echo "watcher: $*"' >"$BATS_TEST_TMPDIR/watcher/DEBIAN/postinst"
    chmod 755 "$BATS_TEST_TMPDIR/watcher/DEBIAN/postinst"
    dpkg-deb --build --root-owner-group "$BATS_TEST_TMPDIR/watcher" "$BATS_TEST_TMPDIR/watcher.deb"

    run -0 in_debian "dpkg -i /out/watcher.deb
        mkdir -p /etc/dracut.conf.d
        echo == installing; $install
        echo == upgrading; dpkg -i /out/gdbdebug_*.deb
        echo 'add_dracutmodules+=\" gdbdebug \"' >/etc/dracut.conf.d/gdbdebug.conf
        echo == removing; dpkg --remove gdbdebug
        dpkg --purge gdbdebug
        echo include=always >/etc/gdbdebug.conf
        echo == always; dpkg -i /out/gdbdebug_*.deb
        echo == purging; dpkg --purge gdbdebug"
    part() { awk -v part="$1" '$1 == "==" { wanted = $2 == part } wanted' <<<"$all"; }
    all=$output
    output=$(part installing)
    assert_output --partial "gdbdebug: no image includes it yet"
    refute_output --partial "watcher: triggered"
    output=$(part upgrading)
    assert_output --partial "gdbdebug: images that include the previous version keep it until they are rebuilt: dracut"
    refute_output --partial "watcher: triggered"
    output=$(part removing)
    assert_output --partial "images that include it keep it, and boot as before, until they are rebuilt: dracut"
    assert_output --partial "'/etc/dracut.conf.d/gdbdebug.conf' still names 'gdbdebug'"
    output=$(part always)
    assert_output --partial "every image includes gdbdebug once it is rebuilt"
    assert_output --partial "watcher: triggered update-initramfs"
    output=$(part purging)
    assert_output --partial "images that include it keep it"
    assert_output --partial "watcher: triggered update-initramfs"
}

@test "package: the menu script of an older package moves to its new place, with what the administrator changed in it" {
    # The package as it was: the script by its old name, and no maintainer scripts.
    local old=$BATS_TEST_TMPDIR/old
    dpkg-deb -R "$BATS_TEST_TMPDIR"/gdbdebug_*.deb "$old"
    mv "$old/etc/grub.d/99_gdbdebug" "$old/etc/grub.d/11_gdbdebug"
    rm -r "$old"/DEBIAN/{preinst,postinst,postrm} "$old/etc/mkinitcpio.conf.d"
    sed -i -e 's/99_gdbdebug/11_gdbdebug/' -e /mkinitcpio/d "$old/DEBIAN/conffiles"
    (cd "$old" && find . -type f ! -path './DEBIAN/*' -printf '%P\n' | xargs md5sum >DEBIAN/md5sums)
    dpkg-deb --build --root-owner-group "$old" "$BATS_TEST_TMPDIR/older.deb"

    run -0 in_debian "apt-get -qy --no-install-recommends install /out/older.deb
        dpkg -i /out/gdbdebug_*.deb
        ls -A /etc/grub.d >/out/unchanged
        dpkg --purge gdbdebug
        dpkg -i /out/older.deb
        echo '# mine' >>/etc/grub.d/11_gdbdebug
        dpkg --force-confold -i /out/gdbdebug_*.deb
        ls -A /etc/grub.d >/out/changed
        cp /etc/grub.d/99_gdbdebug /out/script
        dpkg --purge gdbdebug
        ls -A /etc/grub.d >/out/purged || :"
    run -0 grep gdbdebug "$BATS_TEST_TMPDIR/unchanged"
    assert_output 99_gdbdebug
    # dpkg keeps ours beside it; grub-mkconfig ignores that name.
    run -0 grep gdbdebug "$BATS_TEST_TMPDIR/changed"
    assert_output "99_gdbdebug
99_gdbdebug.dpkg-new"
    assert_file_contains "$BATS_TEST_TMPDIR/script" '^# mine$'
    run grep gdbdebug "$BATS_TEST_TMPDIR/purged"
    assert_output ""
}
