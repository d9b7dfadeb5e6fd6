#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The generator of boot menu entries, with a stand-in for 10_linux. grub-real.bats has the real grub-mkconfig.
# shellcheck disable=SC2154  # source_dir is generators.bash's

bats_require_minimum_version 1.5.0
load generators

setup() {
    grub_d=$BATS_TEST_TMPDIR/grub.d
    boot=$BATS_TEST_TMPDIR/boot
    mkdir -p "$grub_d" "$boot" "$BATS_TEST_TMPDIR/bin"
    ln -s "$source_dir/boot-menu/99_gdbdebug" "$grub_d/99_gdbdebug"
    # boot-menu/ lies in the source tree as it does in libexec/gdbdebug.
    export GDBDEBUG_LIBEXECDIR=$source_dir GDBDEBUG_BOOT=$boot GDBDEBUG_DEFAULTS=$BATS_TEST_TMPDIR/defaults
    touch "$boot/initrd-2" "$boot/initrd-1" "$boot/ucode"

    # An image here is a list of its files.
    # shellcheck disable=SC2016
    printf '%s\n' '#!/bin/sh' 'cat "$1"' >"$BATS_TEST_TMPDIR/bin/lsinitramfs"
    chmod +x "$BATS_TEST_TMPDIR/bin/lsinitramfs"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
    has_helper initrd-2

    cat >"$grub_d/10_linux" <<SCRIPT
#!/bin/sh
echo "Found linux image: whatever" >&2
cat <<'ENTRIES'
function gfxmode {
	set gfxpayload="\${1}"
}
menuentry 'It'\\''s Linux' --class os \$menuentry_id_option 'gnulinux-simple-UUID' {
	savedefault
	insmod gzio
	linux	/vmlinuz-2 root=UUID=x ro quiet
	initrd	$boot/ucode $boot/initrd-2
}
submenu 'Advanced options for Linux' \$menuentry_id_option 'gnulinux-advanced-UUID' {
	menuentry 'Linux, with 2' --class os \$menuentry_id_option 'gnulinux-2-advanced-UUID' {
		linux	/vmlinuz-2 root=UUID=x ro quiet
		initrd	$boot/ucode $boot/initrd-2
	}
	menuentry 'Linux, with 2 (sysvinit)' --class os \$menuentry_id_option 'gnulinux-2-init-sysvinit-UUID' {
		linux	/vmlinuz-2 root=UUID=x ro quiet init=/lib/sysvinit/init
		initrd	$boot/initrd-2
	}
	menuentry 'Linux, with 2 (recovery mode)' --class os \$menuentry_id_option 'gnulinux-2-recovery-UUID' {
		linux	/vmlinuz-2 root=UUID=x ro single
		initrd	$boot/initrd-2
	}
	menuentry 'Linux, with 1' --class os \$menuentry_id_option 'gnulinux-1-advanced-UUID' {
		linux	/vmlinuz-1 root=UUID=x ro quiet
		initrd	$boot/initrd-1
	}
}
ENTRIES
SCRIPT
    chmod +x "$grub_d/10_linux"
}

has_helper() { echo usr/lib/gdbdebug/init >"$boot/$1"; }

# The menu alone: what the script says goes to the standard error.
menu() { "$grub_d/99_gdbdebug" 2>/dev/null; }

check_syntax() {
    type -P grub-script-check >/dev/null || return 0
    menu >"$BATS_TEST_TMPDIR/menu"
    run -0 grub-script-check "$BATS_TEST_TMPDIR/menu"
}

@test "grub: the newest kernel has its entry at the top, and again in a submenu" {
    run -0 menu
    assert_line --index 0 "export gdbdebug_once"
    assert_line --index 1 "menuentry 'It'\\''s Linux, debugging PID 1 of the initramfs' --class os \$menuentry_id_option 'gdbdebug-simple-UUID' {"
    assert_line "submenu 'Advanced options for Linux, debugging PID 1 of the initramfs' \$menuentry_id_option 'gdbdebug-advanced-UUID' {"
    assert_line --partial "menuentry 'Linux, with 2, debugging PID 1 of the initramfs'"
    check_syntax
}

@test "grub: every entry has the parameter, and the rest of its command line" {
    has_helper initrd-1
    run -0 menu
    assert_equal "$(grep -c "set gdbdebug_value='ttyS1,wait'" <<<"$output")" 3
    # shellcheck disable=SC2016
    assert_equal "$(grep -c '^[[:space:]]*linux.*root=UUID=x ro quiet rd.gdbdebug="${gdbdebug_value}"$' <<<"$output")" 3
    check_syntax
}

@test "grub: a kernel whose image has no helper has no entry" {
    run -0 menu
    refute_output --partial "with 1,"
}

@test "grub: entries for recovery and for another init are not repeated" {
    run -0 menu
    refute_output --partial "recovery"
    refute_output --partial "sysvinit"
}

@test "grub: a boot into the debugger is not saved as the default" {
    run -0 menu
    refute_output --partial savedefault
}

@test "grub: with no helper in any image there is no entry, and a line says so" {
    : >"$boot/initrd-2"
    run -0 menu
    assert_output ""
    run -0 "$grub_d/99_gdbdebug"
    assert_output --partial "no initramfs in it has gdbdebug's helper"
}

@test "grub: only the older kernel's image has the helper: nothing at the top" {
    : >"$boot/initrd-2"
    has_helper initrd-1
    run -0 menu
    assert_line --index 1 --partial submenu
    assert_equal "$(grep -c menuentry\  <<<"$output")" 1
    check_syntax
}

@test "grub: the value comes from /etc/default/gdbdebug" {
    echo 'RD_GDBDEBUG="tcp:[fe80::1]:4000,wait=60,from=10.0.0.0/8"' >"$GDBDEBUG_DEFAULTS"
    run -0 menu
    assert_output --partial "set gdbdebug_value='tcp:[fe80::1]:4000,wait=60,from=10.0.0.0/8'"
    check_syntax
}

@test "grub: the file as it is installed gives the same value as none" {
    local without
    without=$(menu)
    GDBDEBUG_DEFAULTS=$source_dir/boot-menu/gdbdebug.default run -0 menu
    assert_output "$without"
}

@test "grub: an empty value means no entries" {
    echo 'RD_GDBDEBUG=' >"$GDBDEBUG_DEFAULTS"
    run -0 "$grub_d/99_gdbdebug"
    assert_output ""
}

@test "grub: a value with a quote, a space or a dollar is named and makes no entry" {
    local value
    # shellcheck disable=SC2016
    for value in "ttyS1 wait" "ttyS1'" 'ttyS1;reboot' '$root' 'a\b'; do
        printf 'RD_GDBDEBUG=%q\n' "$value" >"$GDBDEBUG_DEFAULTS"
        run -0 menu
        assert_output ""
        run -0 "$grub_d/99_gdbdebug"
        assert_output --partial "RD_GDBDEBUG='$value'"
    done
}

@test "grub: without 10_linux, or with one that fails, the menu is made without our entries" {
    printf '%s\n' '#!/bin/sh' 'exit 1' >"$grub_d/10_linux"
    run -0 "$grub_d/99_gdbdebug"
    assert_output --partial "10_linux' failed"
    chmod -x "$grub_d/10_linux"
    run -0 "$grub_d/99_gdbdebug"
    assert_output --partial "10_linux' is not there or not executable"
}

overlay() {
    echo archive >"$boot/gdbdebug.img"
}

@test "grub: with the overlay every kernel has its entry, rebuilt image or not, and no image is looked into" {
    : >"$boot/initrd-2"
    overlay
    printf '%s\n' '#!/bin/sh' "touch $BATS_TEST_TMPDIR/looked" >"$BATS_TEST_TMPDIR/bin/lsinitramfs"
    run -0 menu
    assert_equal "$(grep -c 'menuentry ' <<<"$output")" 3
    assert_not_exists "$BATS_TEST_TMPDIR/looked"
    check_syntax
}

@test "grub: with the overlay rdinit= stands first and the archive last, both only where the file is there" {
    overlay
    run -0 menu
    run -0 awk '/menuentry/ { n++ } n == 1' <<<"$output"
    assert_output --partial "	if [ -s '$boot/gdbdebug.img' ]; then
	linux	/vmlinuz-2 rdinit=/gdbdebug/init rd.gdbdebug=\"\${gdbdebug_value}\" root=UUID=x ro quiet
	else
	linux	/vmlinuz-2 root=UUID=x ro quiet
	fi
	if [ -s '$boot/gdbdebug.img' ]; then
	initrd	$boot/ucode $boot/initrd-2 $boot/gdbdebug.img
	else
	initrd	$boot/ucode $boot/initrd-2
	fi"
}

@test "grub: an image that is not beside the overlay has no entry with it" {
    overlay
    mkdir "$BATS_TEST_TMPDIR/elsewhere"
    mv "$boot/initrd-1" "$BATS_TEST_TMPDIR/elsewhere/initrd-1"
    sed -i "s|$boot/initrd-1|$BATS_TEST_TMPDIR/elsewhere/initrd-1|" "$grub_d/10_linux"
    run -0 menu
    refute_output --partial "with 1,"
}

@test "grub: a value for one boot is used once, in the submenu too" {
    run -0 menu
    assert_line "export gdbdebug_once"
    # shellcheck disable=SC2016
    assert_line '	if [ -n "${gdbdebug_once}" ]; then'
    assert_line "		save_env gdbdebug_once"
}

@test "grub: once the package is removed its configuration adds nothing" {
    GDBDEBUG_LIBEXECDIR=$BATS_TEST_TMPDIR/nowhere run -0 "$grub_d/99_gdbdebug"
    assert_output ""
}
