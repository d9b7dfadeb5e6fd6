# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# shellcheck disable=SC2154  # root: of common.sh
# grub.sh: GRUB's menu and its environment, which is how one boot is chosen. common.sh has been sourced before.

# grub_tool NAME: prints the name that grub-NAME has here; fails if it is not installed.
grub_tool() {
    local name

    for name in "grub-$1" "grub2-$1"; do
        if command -v "$name" >/dev/null; then
            printf '%s\n' "$name"
            return 0
        fi
    done
    return 1
}

# grub_cfg: prints the path of the menu, or fails.
grub_cfg() {
    local path

    for path in "$root/boot/grub/grub.cfg" "$root/boot/grub2/grub.cfg"; do
        if [ -s "$path" ]; then
            printf '%s\n' "$path"
            return 0
        fi
    done
    return 1
}

# grub_reads_bls CFG: true if the menu's entries are those of /boot/loader/entries.
grub_reads_bls() {
    grep -qE '^[[:space:]]*blscfg' "$1"
}

# grub_entry CFG: prints what GRUB has to choose for the first entry of ours, with the submenu that it is in; fails if
# there is none, or only one of a version that does not know gdbdebug_once.
grub_entry() {
    grep -q gdbdebug_once "$1" || return 1
    awk '
        function id(line) {
            if (!match(line, /\047gdbdebug-[^\047]*\047/)) return ""
            return substr(line, RSTART + 1, RLENGTH - 2)
        }
        $1 == "submenu" { submenu = id($0) }
        # A submenu closes at a brace in the first column.
        /^}/ { submenu = "" }
        $1 == "menuentry" && id($0) != "" {
            print (submenu == "" ? "" : submenu ">") id($0)
            found = 1
            exit
        }
        END { exit !found }' "$1"
}

# grub_update CFG: makes the menu again.
grub_update() {
    local mkconfig

    if [ -z "$root" ] && command -v update-grub >/dev/null; then
        run update-grub
    elif mkconfig=$(grub_tool mkconfig); then
        run "$mkconfig" -o "$1"
    else
        return 1
    fi
}

# grub_environment CFG: prints the path of GRUB's environment block.
grub_environment() {
    printf '%s/grubenv\n' "${1%/*}"
}

# grub_fault CFG: prints why GRUB could not forget a choice after one boot, and fails if it can: then the machine would
# start the same entry again and again.
grub_fault() {
    local probe folder=${1%/*} below fs

    if ! grep -q next_entry "$1"; then
        printf '%s\n' "'$1' does not read next_entry from GRUB's environment"
        return 0
    fi
    if ! grub_tool editenv >/dev/null || ! probe=$(grub_tool probe); then
        printf '%s\n' "grub-editenv or grub-probe is not installed"
        return 0
    fi
    if ! below=$("$probe" --target=abstraction "$folder" 2>/dev/null) ||
        ! fs=$("$probe" --target=fs "$folder" 2>/dev/null); then
        printf '%s\n' "grub-probe does not know what file system '$folder' is on"
        return 0
    fi
    # Encryption is fine: GRUB writes through it.
    case " $below " in
    *lvm* | *raid* | *diskfilter* | *ldm*)
        printf '%s\n' "'$folder' is on $below, where GRUB cannot write"
        return 0
        ;;
    esac
    case $fs in
    ext2 | xfs | fat | f2fs | jfs | minix*) return 1 ;;
    *) printf '%s\n' "'$folder' is on $fs, where GRUB cannot write" ;;
    esac
}

# grub_armed CFG: prints what the next boot will start if that is ours.
grub_armed() {
    local editenv

    editenv=$(grub_tool editenv) || return 1
    "$editenv" "$(grub_environment "$1")" list 2>/dev/null | sed -n 's/^next_entry=//p' | grep gdbdebug
}

# grub_value CFG: prints the value that our entry will use instead of its own, if any.
grub_value() {
    local editenv

    editenv=$(grub_tool editenv) || return 1
    "$editenv" "$(grub_environment "$1")" list 2>/dev/null | sed -n 's/^gdbdebug_once=//p'
}

# grub_arm CFG ENTRY [VALUE]
grub_arm() {
    local block

    block=$(grub_environment "$1")
    [ -e "$block" ] || run "$(grub_tool editenv)" "$block" create || return 1
    set -- "$(grub_tool editenv)" "$block" set "next_entry=$2" ${3:+"gdbdebug_once=$3"}
    run "$@"
}

# grub_disarm CFG
grub_disarm() {
    local editenv block

    editenv=$(grub_tool editenv) || return 0
    block=$(grub_environment "$1")
    [ -e "$block" ] || return 0
    ! grub_armed "$1" >/dev/null || run "$editenv" "$block" unset next_entry || return 1
    [ -z "$(grub_value "$1")" ] || run "$editenv" "$block" unset gdbdebug_once
}
