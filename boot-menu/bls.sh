# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# shellcheck disable=SC2154  # root, overlay_name, overlay_word, title_suffix: of common.sh
# bls.sh: entries of the Boot Loader Specification, in BOOT/loader/entries. common.sh has been sourced before.
# Ours is a copy of the kernel's own entry with another title, our words first on its command line and the overlay
# behind its images. No other entry is touched, but one that has inherited our words from the command line of a debug
# boot.

# Sorts behind every other entry in systemd-boot and in GRUB, whatever a machine ID or a distribution's name begins
# with: 'a' is the lowest letter, letters are lower than digits, and what has a sort-key comes before what has none.
bls_prefix=a-gdbdebug-

# bls_boot_root: prints the folder that has loader/entries or unified kernel images, or fails.
bls_boot_root() {
    local place

    for place in "${KERNEL_INSTALL_BOOT_ROOT-}" "$root/boot" "$root/efi" "$root/boot/efi"; do
        [ -n "$place" ] || continue
        set -- "$place"/loader/entries/*.conf
        [ ! -e "$1" ] || { printf '%s\n' "$place" && return 0; }
        set -- "$place"/EFI/Linux/*.efi
        [ ! -e "$1" ] || { printf '%s\n' "$place" && return 0; }
    done
    return 1
}

# bls_entries BOOT [VERSION]: prints the paths of the entries that are not ours; with VERSION those of that kernel.
bls_entries() {
    local entry

    for entry in "$1"/loader/entries/*.conf; do
        [ -e "$entry" ] || continue
        case ${entry##*/} in "$bls_prefix"*) continue ;; esac
        [ -z "${2-}" ] || [ "$(bls_field "$entry" version)" = "$2" ] || case ${entry##*/} in
        *"-$2.conf" | *"-$2+"[0-9]*.conf) ;;
        *) continue ;;
        esac
        printf '%s\n' "$entry"
    done
}

# bls_field ENTRY KEY: prints the value of the last line with KEY.
bls_field() {
    awk -v key="$2" '$1 == key { sub(/^[ \t]*[^ \t]+[ \t]+/, ""); value = $0 } END { print value }' "$1"
}

# bls_id ENTRY: prints its name without what counts the boots (+3-0) and without .conf.
bls_id() {
    local name=${1##*/}

    name=${name%.conf}
    printf '%s\n' "$name" | sed 's/+[0-9][0-9]*\(-[0-9][0-9]*\)\{0,1\}$//'
}

# bls_our_entry ENTRY: prints the path of ours that belongs to it.
bls_our_entry() {
    printf '%s/%s%s.conf\n' "${1%/*}" "$bls_prefix" "$(bls_id "$1")"
}

# bls_folder ENTRY BOOT: prints by which name the boot loader knows BOOT, with no slash at its end: GRUB can count from
# a file system on which /boot is a folder or a subvolume.
bls_folder() {
    local kernel

    kernel=$(bls_field "$1" linux)
    if [ -f "$2/${kernel##*/}" ]; then
        printf '%s\n' "${kernel%/*}"
    elif [ ! -f "$2$kernel" ] && [ -f "$root$kernel" ]; then
        printf '%s\n' "${2#"$root"}"
    fi
}

# bls_make ENTRY BOOT VALUE: writes our entry beside ENTRY. Fails, and leaves none, if ENTRY loads no initramfs, or
# there is neither an overlay nor a helper in its images.
bls_make() {
    local entry=$1 boot=$2 value=$3 ours overlay='' words image found=''

    ours=$(bls_our_entry "$entry")
    images=$(awk '$1 == "initrd" { for (i = 2; i <= NF; i++) print $i }' "$entry")
    words="rd.gdbdebug=$value"
    if [ -z "$images" ]; then
        rm -f "$ours"
        return 1
    elif [ -s "$boot/$overlay_name" ]; then
        overlay=$(bls_folder "$entry" "$boot")/$overlay_name
        words="$overlay_word $words"
    else
        for image in $images; do
            if has_helper "$boot/${image##*/}" || has_helper "$boot$image"; then
                found=yes
            fi
        done
        if [ -z "$found" ]; then
            rm -f "$ours"
            return 1
        fi
    fi
    if ! WORDS="$words" OVERLAY="$overlay" SUFFIX="$title_suffix" awk '
        # Their own sort-key would put the entry among the others.
        $1 == "sort-key" || $1 == "id" { next }
        $1 == "title" { $0 = $0 ENVIRON["SUFFIX"] }
        $1 == "options" && !done {
            match($0, /^[ \t]*options[ \t]+/)
            $0 = substr($0, 1, RLENGTH) ENVIRON["WORDS"] " " substr($0, RLENGTH + 1)
            done = 1
        }
        { print }
        END {
            if (!done) print "options " ENVIRON["WORDS"]
            if (ENVIRON["OVERLAY"] != "") print "initrd " ENVIRON["OVERLAY"]
        }' "$entry" >"$ours.new" || ! mv -f "$ours.new" "$ours"; then
        rm -f "$ours.new"
        say "writing '$ours' failed; the menu has no entry for debugging this kernel"
        return 1
    fi
}

# bls_refresh BOOT VALUE: makes our entry for every kernel, and removes ours whose kernel has none any more.
bls_refresh() {
    local entry id

    bls_entries "$1" | while IFS= read -r entry; do
        bls_make "$entry" "$1" "$2" || :
    done
    for entry in "$1/loader/entries/$bls_prefix"*.conf; do
        [ -e "$entry" ] || continue
        [ -z "$(bls_field "$entry" efi)" ] || continue
        id=$(bls_id "$entry")
        bls_has_source "$1" "${id#"$bls_prefix"}" || rm -f "$entry"
    done
}

# bls_has_source BOOT ID: true if there is an entry with that name, counted or not.
bls_has_source() {
    local entry

    for entry in "$1/loader/entries/$2.conf" "$1/loader/entries/$2"+[0-9]*.conf; do
        [ ! -e "$entry" ] || return 0
    done
    return 1
}

# bls_disinherit ENTRY [ALSO-VALUE]: removes the words of a debug boot from ENTRY, which kernel-install has made of
# /proc/cmdline. ALSO-VALUE: rd.gdbdebug too where it stands without the overlay's word.
bls_disinherit() {
    if ! WORD="$overlay_word" ALSO="${2-}" awk '
        function without(line,    i, n, word, kept, head) {
            match(line, /^[ \t]*options[ \t]*/)
            head = substr(line, 1, RLENGTH)
            n = split(substr(line, RLENGTH + 1), word, /[ \t]+/)
            for (i = 1; i <= n; i++) {
                if (word[i] == ENVIRON["WORD"] || word[i] ~ /^rd\.gdbdebug(=|$)/) continue
                kept = kept (kept == "" ? "" : " ") word[i]
            }
            return head kept
        }
        $1 == "options" && (ENVIRON["ALSO"] != "" || index(" " $0 " ", " " ENVIRON["WORD"] " ")) { $0 = without($0) }
        { print }' "$1" >"$1.gdbdebug-new"; then
        rm -f "$1.gdbdebug-new"
        return 1
    fi
    if cmp -s "$1" "$1.gdbdebug-new"; then
        rm -f "$1.gdbdebug-new"
    else
        mv -f "$1.gdbdebug-new" "$1"
        say "removed the words of this debug boot from '$1', which had inherited them from /proc/cmdline"
    fi
}
