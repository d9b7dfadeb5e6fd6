#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# gdbdebug-boot with machines that are folders: what it does for each boot loader, and everything that it refuses.
# tests/vm/test_boot_menu.py boots what it has done.
# shellcheck disable=SC2154  # source_dir is generators.bash's

bats_require_minimum_version 1.5.0
load generators
load boot_machine

setup() {
    make_machine
}

# --- The value --------------------------------------------------------------------------------------------------------

@test "boot: a value with a character of a boot loader's language is refused" {
    grub_machine
    # shellcheck disable=SC2016
    for value in "ttyS1 wait" "ttyS1'" 'ttyS1;reboot' '$root' 'a\b'; do
        run -1 boot once "$value"
        assert_output --partial "has a character that no value"
    done
    assert_untouched
}

@test "boot: a wait without an end is refused, and accepted with --forever" {
    grub_machine
    for value in ttyS1,wait ttyS1,wait=5,wait ttyS1,at=root; do
        run -1 boot once "$value"
        assert_output --partial "waits for a debugger for ever"
        assert_output --partial "--forever"
    done
    assert_untouched
    run -0 boot once ttyS1,wait,wait=5
    run -0 boot once --forever ttyS1,wait
    run -0 grub_environment
    assert_line "gdbdebug_once=ttyS1,wait"
}

@test "boot: 'off' and a value without a line are refused" {
    grub_machine
    run -1 boot once off
    assert_output --partial "gdbdebug-boot off"
    run -1 boot once ,wait=60
    assert_output --partial "names no line"
    assert_untouched
}

@test "boot: a serial port that does not exist is refused, with those that do" {
    grub_machine
    terminal ttyS0 4
    terminal ttyS2 0
    run -1 boot once ttyS9,wait=60
    assert_output --partial "no terminal 'ttyS9'; choose one of:"
    assert_output --partial "ttyS0 ttyS1"
    run -1 boot once ttyS2,wait=60
    assert_output --partial "no serial port behind 'ttyS2'"
    refute_output --partial "ttyS1 ttyS2"
    assert_untouched
}

@test "boot: a line of the network is refused where the image would not have what it needs" {
    grub_machine
    run -1 boot once tcp:4000,wait=60,from=10.0.0.0/8
    assert_output --partial "lines=net"
    assert_untouched
    echo "lines=serial net" >"$machine/etc/gdbdebug.conf"
    run -0 boot once tcp:4000,wait=60,from=10.0.0.0/8
}

@test "boot: a virtio-serial port that does not exist is refused" {
    grub_machine
    run -1 boot once virtio:debug,wait=60
    assert_output --partial "no virtio-serial port 'debug'"
    mkdir -p "$machine/sys/class/virtio-ports/vport1p1"
    echo debug >"$machine/sys/class/virtio-ports/vport1p1/name"
    run -0 boot once virtio:debug,wait=60
}

# --- The machine ------------------------------------------------------------------------------------------------------

@test "boot: without a boot loader that it knows it refuses, and names the page" {
    run -1 boot once
    assert_output --partial "neither GRUB's menu, nor systemd-boot"
    assert_output --partial "gdbdebug-boot(8)"
}

@test "boot: a kernel that is loaded for kexec, or a reboot that always does that, is refused" {
    grub_machine
    echo 1 >"$machine/sys/kernel/kexec_loaded"
    run -1 boot once
    assert_output --partial "kexec --unload"
    echo 0 >"$machine/sys/kernel/kexec_loaded"
    echo 'LOAD_KEXEC=true' >"$machine/etc/default/kexec"
    run -1 boot once
    assert_output --partial "LOAD_KEXEC=false"
    assert_untouched
    echo 'LOAD_KEXEC=false' >"$machine/etc/default/kexec"
    run -0 boot once
}

@test "boot: a disk key that is sealed to what this boot changes is refused, one that is sealed to Secure Boot alone is not" {
    grub_machine
    echo 'root UUID=1 none tpm2-device=auto' >"$machine/etc/crypttab"
    fake cryptsetup 'echo "{ \"tokens\": { \"0\": { \"type\": \"systemd-tpm2\", \"tpm2-pcrs\": [ 7, 9 ] } } }"'
    run -1 boot once
    assert_output --partial "sealed to the TPM's PCRs (7 9)"
    assert_output --partial "--passphrase"
    assert_untouched
    run -0 boot once --passphrase
    fake cryptsetup 'echo "{ \"tokens\": { \"0\": { \"type\": \"systemd-tpm2\", \"tpm2-pcrs\": [ 7 ] } } }"'
    run -0 boot once
    fake cryptsetup 'echo "{ \"tokens\": { \"0\": { \"type\": \"clevis\" } } }"'
    run -1 boot once
    assert_output --partial "(unknown)"
    fake cryptsetup 'exit 1'
    run -1 boot once
    assert_output --partial "(unknown)"
    echo 'root UUID=1 none luks' >"$machine/etc/crypttab"
    run -0 boot once
}

@test "boot: a kernel that ignores other archives, or does not unpack them, is refused" {
    grub_machine
    printf '%s\n' CONFIG_BLK_DEV_INITRD=y CONFIG_RD_GZIP=y CONFIG_INITRAMFS_FORCE=y >"$machine/boot/config-2"
    run -1 boot once
    assert_output --partial CONFIG_INITRAMFS_FORCE
    printf '%s\n' CONFIG_BLK_DEV_INITRD=y >"$machine/boot/config-2"
    run -1 boot once
    assert_output --partial CONFIG_RD_GZIP
    : >"$machine/boot/config-2"
    run -1 boot once
    assert_output --partial CONFIG_BLK_DEV_INITRD
    assert_untouched
    printf '%s\n' CONFIG_BLK_DEV_INITRD=y CONFIG_RD_GZIP=y >"$machine/boot/config-2"
    run -0 boot once
}

@test "boot: an overlay that cannot be made, or has no room, is an error and nothing is armed" {
    grub_machine
    fake gdbdebug-overlay 'echo "no gdbserver" >&2; exit 1'
    run -1 boot once
    assert_output --partial "making the overlay"
    assert_untouched
    fake df 'printf "x\nx 1 1 100 1 x\n"'
    run -1 boot once
    assert_output --partial "has 100 KiB left"
    rm "$bin/gdbdebug-overlay"
    run -1 boot once
    assert_output --partial "gdbdebug-overlay is not installed"
    assert_untouched
}

@test "boot: kdump's kernel, which inherits the command line without the overlay, is named with the remedy" {
    grub_machine
    printf '%s\n' USE_KDUMP=1 'KDUMP_CMDLINE_APPEND="irqpoll"' >"$machine/etc/default/kdump-tools"
    run -0 boot once
    assert_output --partial "add rdinit=/init to KDUMP_CMDLINE_APPEND in '/etc/default/kdump-tools'"
    echo 'KDUMP_CMDLINE_APPEND="irqpoll rdinit=/init"' >"$machine/etc/default/kdump-tools"
    run -0 boot once
    refute_output --partial "rdinit=/init to"
}

# --- GRUB -------------------------------------------------------------------------------------------------------------

@test "boot: once makes overlay and menu, and GRUB starts our entry once" {
    grub_machine
    run -0 boot once ttyS1,wait=30
    assert_output --partial "only that one"
    assert_exists "$machine/boot/gdbdebug.img"
    run -0 grub_environment
    assert_line "next_entry=gdbdebug-simple-UUID"
    assert_line "gdbdebug_once=ttyS1,wait=30"
    run -0 boot status
    assert_line --regexp "^next boot: *into the debugger: gdbdebug-simple-UUID with rd.gdbdebug=ttyS1,wait=30$"
    run -0 boot off
    run -0 grub_environment
    refute_output --partial gdbdebug
    run -0 boot status
    assert_line --regexp "^next boot: *everyday$"
}

@test "boot: the value is ttyS1,wait=60 unless one is given" {
    grub_machine
    run -0 boot once
    run -0 grub_environment
    assert_line "gdbdebug_once=ttyS1,wait=60"
}

@test "boot: the menu and a fresh overlay are not made again, an old overlay is" {
    grub_machine
    run -0 boot once
    : >"$BATS_TEST_TMPDIR/log"
    run -0 boot once
    refute_file_contains "$BATS_TEST_TMPDIR/log" "grub-mkconfig\|gdbdebug-overlay"
    touch -d '+1 minute' "$machine/etc/gdbdebug.conf"
    run -0 boot once
    assert_file_contains "$BATS_TEST_TMPDIR/log" gdbdebug-overlay
    refute_file_contains "$BATS_TEST_TMPDIR/log" grub-mkconfig
}

@test "boot: an entry in a submenu is chosen with it" {
    grub_machine
    cat >"$machine/boot/grub/grub.cfg" <<'CFG'
next_entry gdbdebug.img
export gdbdebug_once
submenu 'Advanced' $menuentry_id_option 'gdbdebug-advanced-UUID' {
	menuentry 'Linux' $menuentry_id_option 'gdbdebug-1-advanced-UUID' {
	}
}
CFG
    run -0 boot once
    run -0 grub_environment
    assert_line "next_entry=gdbdebug-advanced-UUID>gdbdebug-1-advanced-UUID"
}

@test "boot: GRUB that cannot write its environment is refused: LVM, RAID, btrfs, ZFS" {
    grub_machine
    local where
    for where in "lvm ext2" "diskfilter ext2" "mdraid1x ext2" " btrfs" " zfs" " iso9660"; do
        abstraction=${where% *} fs=${where#* } run -1 boot once
        assert_output --partial "GRUB could not forget this choice"
        assert_output --partial "where GRUB cannot write; choose the entry"
    done
    abstraction=cryptodisk fs=xfs run -0 boot once
}

@test "boot: a menu that ignores the choice is refused, and so is a GRUB without its tools" {
    grub_machine
    echo "# a menu" >"$machine/boot/grub/grub.cfg"
    run -1 boot once
    assert_output --partial "does not read next_entry"
    grub_machine
    fake grub-probe 'exit 1'
    run -1 boot once
    assert_output --partial "grub-probe does not know"
    assert_untouched
}

@test "boot: a menu without our entry, after it was made, is refused" {
    grub_machine
    fake grub-mkconfig 'echo "gdbdebug: no entries" >&2'
    run -1 boot once
    assert_output --partial "99_gdbdebug"
    assert_not_exists "$machine/boot/grub/grubenv"
    grub_machine
    echo 'RD_GDBDEBUG=' >"$machine/etc/default/gdbdebug"
    run -1 boot once
    assert_output --partial "RD_GDBDEBUG in /etc/default/gdbdebug is empty"
}

@test "boot: --dry-run shows it all and does none of it" {
    grub_machine
    run -0 boot --dry-run once
    assert_output --partial "would run: gdbdebug-overlay"
    assert_output --partial "would run: grub-mkconfig"
    assert_output --partial "next_entry="
    assert_untouched
    assert_not_exists "$machine/boot/gdbdebug.img"
}

@test "boot: remove leaves neither overlay nor choice, and makes the menu without our entries" {
    grub_machine
    run -0 boot once
    : >"$BATS_TEST_TMPDIR/log"
    run -0 boot remove
    assert_not_exists "$machine/boot/gdbdebug.img"
    assert_file_contains "$BATS_TEST_TMPDIR/log" grub-mkconfig
    run -0 grub_environment
    refute_output --partial gdbdebug
    # A second time there is nothing to do.
    : >"$BATS_TEST_TMPDIR/log"
    grub_machine
    run -0 boot remove
    assert_equal "$(cat "$BATS_TEST_TMPDIR/log")" ""
}

@test "boot: GRUB with entries of the Boot Loader Specification (Fedora) is given one of ours" {
    grub_machine
    echo blscfg >>"$machine/boot/grub/grub.cfg"
    bls_machine
    run -0 boot once
    run -0 grub_environment
    assert_line "next_entry=a-gdbdebug-id-2"
    refute_output --partial gdbdebug_once
    assert_file_contains "$machine/boot/loader/entries/a-gdbdebug-id-2.conf" "options rdinit=/gdbdebug/init rd.gdbdebug=ttyS1,wait=60 root=x quiet"
    abstraction=lvm run -1 boot once
    assert_output --partial "could not forget"
}

# --- systemd-boot -----------------------------------------------------------------------------------------------------

@test "boot: systemd-boot starts a copy of the running kernel's entry once" {
    bls_machine
    systemd_boot
    run -0 boot once
    assert_file_contains "$BATS_TEST_TMPDIR/log" "bootctl set-oneshot a-gdbdebug-id-2.conf"
    run -0 cat "$machine/boot/loader/entries/a-gdbdebug-id-2.conf"
    assert_output "title Linux 2, debugging PID 1 of the initramfs
version 2
options rdinit=/gdbdebug/init rd.gdbdebug=ttyS1,wait=60 root=x quiet
linux /id/2/linux
initrd /id/2/initrd
initrd /gdbdebug.img"
    # Our entry for one boot becomes an everyday one again.
    variable LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f a-gdbdebug-id-2.conf
    run -0 boot status
    assert_line --partial "into the debugger: a-gdbdebug-id-2.conf"
    run -0 boot off
    assert_file_contains "$BATS_TEST_TMPDIR/log" "bootctl set-oneshot $"
    assert_file_contains "$machine/boot/loader/entries/a-gdbdebug-id-2.conf" "rd.gdbdebug=ttyS1,wait root=x"
    assert_exists "$machine/boot/loader/entries/a-gdbdebug-id-1.conf"
}

@test "boot: a choice of somebody else's is not cancelled" {
    bls_machine
    systemd_boot
    variable LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f id-1.conf
    run -0 boot off
    refute_file_contains "$BATS_TEST_TMPDIR/log" bootctl
}

@test "boot: an error of bootctl is an error" {
    bls_machine
    systemd_boot
    fake bootctl 'exit 1'
    run -1 boot once
    assert_output --partial "choosing 'a-gdbdebug-id-2.conf' for the next boot failed"
}

# --- Unified kernel images --------------------------------------------------------------------------------------------

@test "boot: a unified image is copied, and the add-on lies beside the copy" {
    uki_machine 257
    systemd_boot
    run -0 boot once
    assert_exists "$machine/boot/EFI/gdbdebug/linux-2.efi"
    assert_exists "$machine/boot/EFI/gdbdebug/linux-2.efi.extra.d/gdbdebug.addon.efi"
    assert_not_exists "$machine/boot/EFI/Linux/linux-2.efi.extra.d"
    assert_file_contains "$machine/boot/loader/entries/a-gdbdebug-linux-2.conf" "efi /EFI/gdbdebug/linux-2.efi"
    assert_file_contains "$BATS_TEST_TMPDIR/log" "bootctl set-oneshot a-gdbdebug-linux-2.conf"
    assert_file_contains "$BATS_TEST_TMPDIR/log" "ukify build --cmdline=rdinit=/gdbdebug/init rd.gdbdebug=ttyS1,wait=60 --initrd=.* --uname=2 "
    refute_file_contains "$BATS_TEST_TMPDIR/log" secureboot
    run -0 boot off
    assert_not_exists "$machine/boot/EFI/gdbdebug"
    assert_not_exists "$machine/boot/loader/entries/a-gdbdebug-linux-2.conf"
}

@test "boot: a stub before 257, another's stub and an lz4 image are refused" {
    systemd_boot
    uki_machine 256
    run -1 boot once
    assert_output --partial "its stub is systemd 256"
    uki_machine ""
    run -1 boot once
    assert_output --partial "its stub is not systemd's"
    uki_machine 257 lz4
    run -1 boot once
    assert_output --partial "compressed by lz4"
    uki_machine 257 microcode-lz4
    run -1 boot once
    assert_output --partial "compressed by lz4"
    uki_machine 257 microcode-gzip
    run -0 boot once
}

@test "boot: with Secure Boot an add-on without a key is refused, and with one it is signed" {
    uki_machine 257
    systemd_boot
    printf '\6\0\0\0\1' >"$machine/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    run -1 boot once
    assert_output --partial "SIGN_KEY"
    printf '%s\n' SIGN_KEY=/key SIGN_CERTIFICATE=/cert >"$machine/etc/default/gdbdebug"
    run -0 boot once
    assert_file_contains "$BATS_TEST_TMPDIR/log" " --secureboot-private-key=/key --secureboot-certificate=/cert"
}

@test "boot: without ukify, its stub or room for the copy a unified image is refused, and nothing is left" {
    uki_machine 257
    systemd_boot
    fake df 'printf "x\nx 1 1 100 1 x\n"'
    run -1 boot once
    assert_output --partial "KiB left"
    rm "$bin/df"
    fake ukify 'exit 1'
    run -1 boot once
    assert_output --partial "making the add-on failed"
    assert_not_exists "$machine/boot/EFI/gdbdebug"
    rm "$bin/ukify"
    run -1 boot once
    assert_output --partial "ukify is not installed"
    fake ukify
    rm -r "$machine/usr/lib/systemd"
    run -1 boot once
    assert_output --partial "systemd-boot-efi"
}

# --- What it says -----------------------------------------------------------------------------------------------------

@test "boot: status names the image, the overlay, the menu and this boot" {
    grub_machine
    echo "root=x rdinit=/gdbdebug/init rd.gdbdebug=ttyS1,wait" >"$machine/proc/cmdline"
    run -0 boot once
    run -0 boot status
    assert_line --regexp "^boot loader: GRUB \(.*/boot/grub/grub.cfg\)$"
    assert_line --regexp "^this boot: *from the overlay, rd.gdbdebug=ttyS1,wait$"
    assert_line --regexp "^image: .*initrd.img-2 has no helper, which the overlay brings$"
    assert_line --regexp "^overlay: .*/boot/gdbdebug.img, [0-9]+ KiB$"
    assert_line --regexp "^menu: *1 entry for debugging$"
}

@test "boot: status names what has inherited the word without the overlay" {
    grub_machine
    mkdir -p "$machine/etc/kernel"
    echo "root=x rdinit=/gdbdebug/init" >"$machine/etc/kernel/cmdline"
    run -0 boot status
    refute_output --partial kexec
    assert_output --partial "WARNING:     '$machine/etc/kernel/cmdline' has 'rdinit=/gdbdebug/init'"
}

@test "boot: status warns of entries whose overlay is gone, and off removes them" {
    bls_machine
    systemd_boot
    run -0 boot once
    run -0 boot status
    refute_output --partial WARNING
    rm "$machine/boot/gdbdebug.img"
    run -0 boot status
    assert_output --partial "need the overlay, which is missing"
    run -0 boot off
    run -0 boot status
    refute_output --partial WARNING
    assert_output --partial "no entry for debugging"
}

@test "boot: status names a kernel that kexec may start with the command line of a boot from the overlay" {
    grub_machine
    echo 1 >"$machine/sys/kernel/kexec_loaded"
    run -0 boot status
    refute_output --partial kexec
    echo "root=x rdinit=/gdbdebug/init rd.gdbdebug=ttyS1,wait" >"$machine/proc/cmdline"
    run -0 boot status
    assert_output --partial "kexec --unload"
}

@test "boot: wrong usage ends with status 2" {
    run -2 boot
    run -2 boot twice
    run -2 boot status more
    run -2 boot --what
    run -2 boot --root
    run -0 boot --help
    assert_output --partial "once [VALUE]"
}

@test "boot: help, page and the completions of three shells know every command and option" {
    local word
    run -0 boot --help
    for word in $(grep -oE -- '--[a-z-]+' <<<"$output" | sort -u) status once off remove; do
        assert_file_contains "$source_dir/man/gdbdebug-boot.8.scd" "\*$word\*"
        for file in gdbdebug-boot.bash _gdbdebug-boot gdbdebug-boot.fish; do
            assert_file_contains "$source_dir/boot-menu/completions/$file" "${word#--}"
        done
        # A terminal's Tab.
        # shellcheck disable=SC2016
        run -0 bash -c 'source "$1"; COMP_WORDS=(gdbdebug-boot "$2"); COMP_CWORD=1; compopt() { :; }
            _gdbdebug_boot; printf "%s\n" "${COMPREPLY[@]}"' - "$source_dir/boot-menu/completions/gdbdebug-boot.bash" "$word"
        assert_line "$word"
        run -0 boot --help
    done
}
