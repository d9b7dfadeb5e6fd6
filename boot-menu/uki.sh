# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# shellcheck disable=SC2154  # root, overlay_word, title_suffix: of common.sh; bls_prefix: of bls.sh
# uki.sh: unified kernel images. common.sh and bls.sh have been sourced before.
# An add-on works on every boot of the image beside which it lies. So that the everyday entry stays as it is, ours has a
# copy of the image in BOOT/EFI/gdbdebug, with gdbdebug.addon.efi in NAME.efi.extra.d beside it.

# uki_number FILE OFFSET BYTES: prints a little-endian number.
uki_number() {
    od -An -v -tu1 -j "$2" -N "$3" "$1" 2>/dev/null |
        awk '{ for (i = NF; i >= 1; i--) n = n * 256 + $i } END { print n + 0 }'
}

# uki_sections FILE: prints name, offset and size of each section of a PE file.
uki_sections() {
    local at count options

    at=$(uki_number "$1" 60 4)
    [ "$(uki_number "$1" "$at" 4)" = 17744 ] || return 1 # "PE", 0, 0
    count=$(uki_number "$1" $((at + 6)) 2)
    options=$(uki_number "$1" $((at + 20)) 2)
    od -An -v -tu1 -j $((at + 24 + options)) -N $((40 * count)) "$1" | LC_ALL=C awk '
        function number(at) { return byte[at] + 256 * (byte[at + 1] + 256 * (byte[at + 2] + 256 * byte[at + 3])) }
        { for (i = 1; i <= NF; i++) byte[n++] = $i }
        END {
            for (at = 0; at + 40 <= n; at += 40) {
                name = ""
                for (i = 0; i < 8 && byte[at + i]; i++) name = name sprintf("%c", byte[at + i])
                size = number(at + 8) < number(at + 16) ? number(at + 8) : number(at + 16)
                print name, number(at + 20), size
            }
        }'
}

# uki_read FILE SECTION: prints the content of the first section of that name; fails if there is none.
uki_read() {
    local place

    place=$(uki_sections "$1" | awk -v name="$2" '$1 == name { print $2 + 1, $3; exit }')
    [ -n "$place" ] || return 1
    # 2>: head is done before tail is.
    tail -c "+${place% *}" "$1" 2>/dev/null | head -c "${place#* }"
}

# uki_text FILE SECTION: the same for text, without the zeros at its end.
uki_text() {
    uki_read "$1" "$2" | tr -d '\000'
}

# uki_stub FILE: prints the number of the version of systemd-stub in it; nothing if it is another stub.
uki_stub() {
    uki_text "$1" .sdmagic | sed -n 's/.*systemd-stub \([0-9][0-9]*\).*/\1/p'
}

# uki_initrd_is_lz4 FILE: true if the last archive of the image's initramfs is compressed by LZ4. The kernel loses what
# follows directly behind it (FACTS: "Decoding failed", then no /init).
uki_initrd_is_lz4() {
    local initrd at=0 magic next tries=0 lz4=1

    initrd=$(mktemp) || return 0
    uki_read "$1" .initrd >"$initrd" || :
    # Archives that are not compressed (microcode) stand in front of the one that is.
    while [ "$tries" -lt 16 ]; do
        tries=$((tries + 1))
        magic=$(od -An -v -tx1 -j "$at" -N 4 "$initrd" | tr -d ' ')
        case $magic in
        02214c18) lz4=0 && break ;;
        3037????) ;;
        *) break ;;
        esac
        next=$(LC_ALL=C grep -abo 'TRAILER!!!' "$initrd" | awk -F : -v at="$at" '$1 > at { print $1 + 11; exit }')
        [ -n "$next" ] || break
        # Zeros up to the next archive.
        at=$(tail -c "+$((next + 1))" "$initrd" | head -c 65536 | od -An -v -tu1 |
            awk -v at="$next" '{ for (i = 1; i <= NF; i++) { if ($i) { print at + n; exit } n++ } }')
        [ -n "$at" ] || break
    done
    rm -f "$initrd"
    return "$lz4"
}

# uki_fault FILE: prints why an add-on of ours would not work with FILE, and fails if it would.
uki_fault() {
    local stub

    stub=$(uki_stub "$1")
    if [ -z "$stub" ]; then
        printf '%s\n' "its stub is not systemd's; only systemd-stub 257 and newer loads an initramfs from an add-on"
    elif [ "$stub" -lt 257 ]; then
        printf '%s\n' "its stub is systemd $stub, which takes an add-on's command line but not its archive: that is a \
kernel panic; it must be 257 or newer"
    elif uki_initrd_is_lz4 "$1"; then
        printf '%s\n' "its initramfs is compressed by lz4, and the kernel loses every archive behind that"
    else
        return 1
    fi
}

# uki_our_copy FILE: prints the path of our copy, BOOT/EFI/gdbdebug/NAME.efi.
uki_our_copy() {
    local boot=${1%/EFI/Linux/*}

    printf '%s/EFI/gdbdebug/%s\n' "$boot" "${1##*/}"
}

# uki_our_entry FILE: prints the path of our entry.
uki_our_entry() {
    local boot=${1%/EFI/Linux/*} name=${1##*/}

    printf '%s/loader/entries/%s%s.conf\n' "$boot" "$bls_prefix" "$(bls_id "${name%.efi}.conf")"
}

# uki_remove FILE: removes our copy, its add-on and its entry.
uki_remove() {
    local copy

    copy=$(uki_our_copy "$1")
    rm -rf "$copy" "$copy.extra.d" "$(uki_our_entry "$1")"
    rmdir "${copy%/*}" 2>/dev/null || :
}

# uki_make FILE OVERLAY VALUE: makes copy, add-on and entry. SIGN_KEY and SIGN_CERTIFICATE (/etc/default/gdbdebug) sign
# the add-on. A failure leaves nothing.
uki_make() {
    local uki=$1 copy entry

    copy=$(uki_our_copy "$uki")
    entry=$(uki_our_entry "$uki")
    set -- build --cmdline="$overlay_word rd.gdbdebug=$3" --initrd="$2" --uname="$(uki_text "$uki" .uname)" \
        --stub="$(uki_addon_stub)" --output="$copy.extra.d/gdbdebug.addon.efi"
    if [ -n "${SIGN_KEY-}" ]; then
        set -- "$@" --secureboot-private-key="$SIGN_KEY" --secureboot-certificate="${SIGN_CERTIFICATE-}"
    fi
    # The entry comes last: without it nothing is started.
    if mkdir -p "$copy.extra.d" "${entry%/*}" && ukify "$@" >&2 && cp "$uki" "$copy" && {
        printf 'title %s%s\n' "$(uki_text "$uki" .osrel | sed -n 's/^PRETTY_NAME="*\([^"]*\)"*$/\1/p')" "$title_suffix"
        printf 'version %s\n' "$(uki_text "$uki" .uname)"
        printf 'efi /EFI/gdbdebug/%s\n' "${copy##*/}"
    } >"$entry.new" && mv -f "$entry.new" "$entry"; then
        return 0
    fi
    rm -f "$entry.new"
    uki_remove "$uki"
    return 1
}

# uki_addon_stub: prints the path of the stub for add-ons of this machine.
uki_addon_stub() {
    local stub

    for stub in "$root"/usr/lib/systemd/boot/efi/addon*.efi.stub; do
        [ ! -e "$stub" ] || printf '%s\n' "$stub"
    done | head -n 1
}
