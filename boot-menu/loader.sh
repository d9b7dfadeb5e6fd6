# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# shellcheck disable=SC2154  # root, overlay_name: of common.sh; lib, dry_run: of gdbdebug-boot
# shellcheck disable=SC2034  # variables for the verbs
# loader.sh: which boot loader starts this machine, and the overlay that it is to load.
# common.sh, bls.sh, uki.sh, grub.sh and refusals.sh have been sourced before.

efi_variables=sys/firmware/efi/efivars

# efi_variable NAME-GUID: prints the text in an EFI variable, without its attributes and the zeros of UTF-16.
efi_variable() {
    tail -c +5 "$root/$efi_variables/$1" 2>/dev/null | tr -d '\000'
}

# secure_boot: true if the firmware starts signed programs only.
secure_boot() {
    [ "$(uki_number "$root/$efi_variables/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c" 4 1 2>/dev/null)" = 1 ]
}

# running_kernel: prints the version of the kernel that runs.
running_kernel() {
    printf '%s\n' "${GDBDEBUG_KERNEL:-$(uname -r)}"
}

# find_loader: sets loader to systemd-boot, uki (unified images under systemd-boot), grub, grub-bls or nothing; boot to
# the folder with its entries, cfg to GRUB's menu, source to the entry or image to be copied.
find_loader() {
    loader='' boot='' cfg='' source=''
    case $(efi_variable LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f) in
    *systemd-boot*)
        boot=$(bls_boot_root) || return 0
        if source=$(newest_entry "$boot") && [ -n "$source" ]; then
            loader=systemd-boot
        elif source=$(newest_uki "$boot") && [ -n "$source" ]; then
            loader=uki
        fi
        return 0
        ;;
    esac
    cfg=$(grub_cfg) || return 0
    loader=grub
    boot=$root/boot
    if grub_reads_bls "$cfg" && [ -d "$boot/loader/entries" ]; then
        loader=grub-bls
        source=$(newest_entry "$boot")
    fi
}

# newest_entry BOOT: prints the path of the entry of the running kernel, which is known to boot, else of the newest.
newest_entry() {
    {
        bls_entries "$1" | sort -V
        bls_entries "$1" "$(running_kernel)"
    } | tail -n 1
}

# newest_uki BOOT: the same for unified images.
newest_uki() {
    local uki

    for uki in "$1"/EFI/Linux/*.efi; do
        [ ! -e "$uki" ] || printf '%s\n' "$uki"
    done | sort -V | {
        found=
        while IFS= read -r uki; do
            # One that is for the running kernel is better than one that is newer.
            case $found in *"$(running_kernel)"*) case $uki in *"$(running_kernel)"*) ;; *) continue ;; esac ;; esac
            found=$uki
        done
        printf '%s\n' "$found"
    }
}

# overlay_is_fresh FILE: true if it is newer than what it was made of.
overlay_is_fresh() {
    local part

    [ -s "$1" ] || return 1
    for part in "${lib%/*}"/gdbdebug-init "${lib%/*}"/gdbdebug-agent "$root/etc/gdbdebug.conf"; do
        [ ! -e "$part" ] || [ -z "$(find "$part" -newer "$1")" ] || return 1
    done
}

# make_overlay FILE: makes the overlay unless it is there and fresh. Ends the program if it cannot be made.
make_overlay() {
    local as_root=''

    ! overlay_is_fresh "$1" || return 0
    if ! command -v gdbdebug-overlay >/dev/null; then
        refuse "gdbdebug-overlay is not installed" "install the package gdbdebug again"
    fi
    [ -s "$1" ] || refuse_room "${1%/*}" 4194304
    [ -z "$root" ] || as_root=--root=$root
    run gdbdebug-overlay ${as_root:+"$as_root"} "$1" >&2 ||
        refuse "making the overlay '$1' failed" "see the message above"
}
