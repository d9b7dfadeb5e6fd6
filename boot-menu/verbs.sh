# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# shellcheck disable=SC2154  # root, overlay_name, overlay_word, bls_prefix, loader and so on: of the other parts
# verbs.sh: what gdbdebug-boot does. All other parts have been sourced before.

by_hand="choose the entry in the boot loader's menu by hand, as gdbdebug-boot(8) has it under BY HAND"

must_be_root() {
    [ -n "$dry_run" ] || [ -n "$root" ] || [ "$(id -u)" = 0 ] ||
        refuse "only root can change the next boot" "use sudo"
}

verb_once() {
    must_be_root
    refuse_value "$1"
    refuse_line "$1"
    refuse_kexec
    refuse_sealed_disk
    read_default
    find_loader
    case $loader in
    grub) once_grub "$1" ;;
    grub-bls | systemd-boot) once_entry "$1" ;;
    uki) once_uki "$1" ;;
    *)
        refuse "found neither GRUB's menu, nor systemd-boot with entries or unified images" \
            "other boot loaders are set up by hand, as gdbdebug-boot(8) has it under BY HAND"
        ;;
    esac
    note_kdump
    [ -n "$dry_run" ] || sync
    [ -n "$dry_run" ] || say "the next boot, and only that one, has rd.gdbdebug=$1; cancel it with: gdbdebug-boot off"
}

# forgets_or_refuse: GRUB must be able to forget.
forgets_or_refuse() {
    local fault

    if fault=$(grub_fault "$cfg"); then
        refuse "GRUB could not forget this choice, and would start every boot with it: $fault" "$by_hand"
    fi
}

once_grub() {
    local entry

    forgets_or_refuse
    if [ -z "$RD_GDBDEBUG" ]; then
        refuse "the menu has no entry for debugging: RD_GDBDEBUG in /etc/default/gdbdebug is empty or wrong" \
            "set it, for instance RD_GDBDEBUG=ttyS1,wait"
    fi
    refuse_kernel "$(running_kernel)"
    make_overlay "$boot/$overlay_name"
    # A menu from before the overlay offers only images with the helper.
    if ! grub_entry "$cfg" >/dev/null || ! grep -qF "$overlay_name" "$cfg"; then
        grub_update "$cfg" >&2 || refuse "making GRUB's menu failed" "see the message above"
    fi
    if ! entry=$(grub_entry "$cfg"); then
        [ -z "$dry_run" ] || entry=gdbdebug-simple
        [ -n "$entry" ] || refuse "'$cfg' has no entry of this version of gdbdebug after it was made" \
            "look for '99_gdbdebug' in /etc/grub.d: it must be executable, and that of this version"
    fi
    grub_arm "$cfg" "$entry" "$1" || refuse "writing GRUB's environment failed" "see the message above"
}

once_entry() {
    local ours

    [ -n "$source" ] || refuse "'$boot/loader/entries' has no entry of a kernel" "$by_hand"
    [ "$loader" != grub-bls ] || forgets_or_refuse
    refuse_kernel "$(running_kernel)"
    make_overlay "$boot/$overlay_name"
    ours=$(bls_our_entry "$source")
    if [ -n "$dry_run" ]; then
        printf 'would write: %s\n' "$ours"
    else
        bls_make "$source" "$boot" "$1" || refuse "'$source' loads no initramfs" "$by_hand"
    fi
    if [ "$loader" = grub-bls ]; then
        grub_arm "$cfg" "$(basename "$ours" .conf)"
    else
        run bootctl set-oneshot "${ours##*/}"
    fi || refuse "choosing '${ours##*/}' for the next boot failed" "see the message above"
}

once_uki() {
    local fault

    if fault=$(uki_fault "$source"); then
        refuse "an add-on would not work with '$source': $fault" \
            "rebuild the image with gdbdebug in it, as gdbdebug(7) has it under MAKING AN IMAGE"
    fi
    command -v ukify >/dev/null || refuse "ukify is not installed" "install it (systemd-ukify)"
    [ -n "$(uki_addon_stub)" ] || refuse "systemd's stub for add-ons is not installed" "install systemd-boot-efi"
    if secure_boot && [ -z "${SIGN_KEY-}" ]; then
        refuse "Secure Boot is on, and the add-on would not be signed" \
            "set SIGN_KEY and SIGN_CERTIFICATE in /etc/default/gdbdebug to a key that the firmware or shim trusts"
    fi
    refuse_kernel "$(uki_text "$source" .uname)"
    refuse_room "$boot" $(($(wc -c <"$source") + 8388608))
    if [ -n "$dry_run" ]; then
        printf 'would write: %s\n' "$(uki_our_copy "$source")" "$(uki_our_copy "$source").extra.d/gdbdebug.addon.efi" \
            "$(uki_our_entry "$source")"
    else
        scratch=$(mktemp -d) || exit 1
        trap 'rm -rf "$scratch"' EXIT # not local: it is used after the function
        make_overlay "$scratch/$overlay_name"
        uki_make "$source" "$scratch/$overlay_name" "$1" || refuse "making the add-on failed" "see the message above"
    fi
    run bootctl set-oneshot "$(basename "$(uki_our_entry "$source")")" ||
        refuse "choosing the entry for the next boot failed" "see the message above"
}

# disarm: the next boot is the everyday one.
disarm() {
    find_loader
    case $loader in
    grub | grub-bls) grub_disarm "$cfg" ;;
    systemd-boot | uki)
        case $(one_shot) in
        "$bls_prefix"*) run bootctl set-oneshot '' ;;
        esac
        ;;
    esac
}

# one_shot: prints the entry that systemd-boot starts next, if one was chosen.
one_shot() {
    efi_variable LoaderEntryOneShot-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f
}

verb_off() {
    must_be_root
    read_default
    disarm || exit 1
    case $loader in
    # An entry that `once` wrote gets its everyday value back; a copy of an image has done its service.
    grub-bls | systemd-boot)
        if [ -n "$dry_run" ]; then
            echo "would write: $boot/loader/entries/$bls_prefix*.conf"
        elif [ -n "$RD_GDBDEBUG" ]; then
            bls_refresh "$boot" "$RD_GDBDEBUG"
        else
            rm -f "$boot/loader/entries/$bls_prefix"*.conf
        fi
        ;;
    uki) remove_ukis ;;
    esac
    [ -n "$dry_run" ] || say "the next boot is an everyday one"
}

remove_ukis() {
    local copy

    for copy in "$boot/EFI/gdbdebug/"*.efi; do
        [ ! -e "$copy" ] || run uki_remove "$boot/EFI/Linux/${copy##*/}"
    done
}

verb_remove() {
    local file

    must_be_root
    disarm || exit 1
    if boot=$(bls_boot_root); then
        remove_ukis
        for file in "$boot/loader/entries/$bls_prefix"*.conf "$boot/$overlay_name"; do
            [ ! -e "$file" ] || run rm -f "$file"
        done
    fi
    [ ! -e "$root/boot/$overlay_name" ] || run rm -f "$root/boot/$overlay_name"
    # The entries with the overlay boot plainly without it; still they are better gone.
    if [ -n "$cfg" ] && grep -qF "$overlay_name" "$cfg"; then
        grub_update "$cfg" >&2 ||
            say "GRUB's menu keeps its entries until it is rebuilt (update-grub, or grub-mkconfig)"
    fi
}

verb_status() {
    local line file entry age

    find_loader
    line=$(cat "$root/proc/cmdline" 2>/dev/null)
    echo "boot loader: $(loader_words)"
    # shellcheck disable=SC2086  # one word a word
    if has_word "$overlay_word" $line; then
        echo "this boot:   from the overlay, $(words_of_debug "$line")"
    elif [ -n "$(words_of_debug "$line")" ]; then
        echo "this boot:   $(words_of_debug "$line")"
    else
        echo "this boot:   without gdbdebug"
    fi
    status_image
    if [ -n "$boot" ] && [ -s "$boot/$overlay_name" ]; then
        age=
        overlay_is_fresh "$boot/$overlay_name" || age=", older than this gdbdebug or its configuration"
        echo "overlay:     $boot/$overlay_name, $(($(wc -c <"$boot/$overlay_name") / 1024)) KiB$age"
    else
        echo "overlay:     none"
    fi
    status_menu
    case $loader in
    grub | grub-bls) entry=$(grub_armed "$cfg") ;;
    systemd-boot | uki) entry=$(one_shot) ;;
    *) entry= ;;
    esac
    case $entry in
    *gdbdebug*)
        [ "$loader" != grub ] || [ -z "$(grub_value "$cfg")" ] || entry="$entry with rd.gdbdebug=$(grub_value "$cfg")"
        echo "next boot:   into the debugger: $entry"
        ;;
    *) echo "next boot:   everyday" ;;
    esac
    if [ -n "$boot" ] && [ ! -s "$boot/$overlay_name" ] &&
        grep -qsF "/$overlay_name" "$boot/loader/entries/$bls_prefix"*.conf; then
        echo "WARNING:     the entries for debugging need the overlay, which is missing; gdbdebug-boot off removes them"
    fi
    # What has inherited the word without the overlay will not boot.
    for file in "$root/etc/kernel/cmdline" "$root/etc/default/grub" "$boot"/loader/entries/*.conf; do
        case ${file##*/} in "$bls_prefix"*) continue ;; esac
        if grep -qsF "$overlay_word" "$file"; then
            echo "WARNING:     '$file' has '$overlay_word', which is a kernel panic without the overlay; remove it"
        fi
    done
    # shellcheck disable=SC2086
    if has_word "$overlay_word" $line && [ "$(cat "$root/sys/kernel/kexec_loaded" 2>/dev/null)" = 1 ]; then
        echo "WARNING:     a kernel is loaded for kexec; if it was given the command line of this boot, it panics:" \
            "kexec --unload"
    fi
    note_kdump 2>&1
}

loader_words() {
    case $loader in
    grub) echo "GRUB ($cfg)" ;;
    grub-bls) echo "GRUB with entries in $boot/loader/entries" ;;
    systemd-boot) echo "systemd-boot with entries in $boot/loader/entries" ;;
    uki) echo "systemd-boot with unified images in $boot/EFI/Linux" ;;
    *) echo "none that gdbdebug-boot knows" ;;
    esac
}

# words_of_debug LINE: those words of the kernel command line that are ours.
words_of_debug() {
    printf '%s\n' "$1" | tr ' ' '\n' | grep -E '^rd\.gdbdebug(\.|=|$)' | tr '\n' ' ' | sed 's/ $//'
}

status_image() {
    local image any=''

    for image in "$root"/boot/initrd.img-* "$root"/boot/initramfs-*.img "$root"/boot/initrd-*; do
        [ -f "$image" ] || continue
        any=yes
        if has_helper "$image"; then
            echo "image:       $image has the helper"
        else
            echo "image:       $image has no helper, which the overlay brings"
        fi
    done
    [ -n "$any" ] || echo "image:       none in $root/boot"
}

status_menu() {
    local entry count=0

    case $loader in
    grub)
        count=$(grep -cE "^[[:space:]]*menuentry .*'gdbdebug-" "$cfg")
        ;;
    grub-bls | systemd-boot | uki)
        for entry in "$boot/loader/entries/$bls_prefix"*.conf; do
            [ ! -e "$entry" ] || count=$((count + 1))
        done
        ;;
    esac
    case $count in
    0) echo "menu:        no entry for debugging" ;;
    1) echo "menu:        1 entry for debugging" ;;
    *) echo "menu:        $count entries for debugging" ;;
    esac
}
