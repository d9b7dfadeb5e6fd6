# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# shellcheck disable=SC2034  # variables for the programs that source this
# common.sh: what the programs of the boot menu share: where things are, the value of rd.gdbdebug=, messages.
# $root is put before every path of the machine; it is empty but for gdbdebug-boot --root.

root=${GDBDEBUG_ROOT-}
overlay_name=gdbdebug.img
# The kernel discards those arguments of init that stand before rdinit=, so it comes first on our command lines.
overlay_word=rdinit=/gdbdebug/init
title_suffix=", debugging PID 1 of the initramfs"

say() {
    printf 'gdbdebug: %s\n' "$*" >&2
}

# value_is_clean VALUE: true if VALUE has no character that a boot loader's script or the kernel's command line gives a
# meaning to. No value of rd.gdbdebug= needs one.
value_is_clean() {
    case $1 in
    '' | *[!]A-Za-z0-9_.:,=/%@+[-]*) return 1 ;;
    esac
}

# read_default: sets RD_GDBDEBUG to the value of entries that stay in the menu. Empty: there are to be none.
read_default() {
    RD_GDBDEBUG=ttyS1,wait
    defaults=${GDBDEBUG_DEFAULTS:-$root/etc/default/gdbdebug}
    if [ -r "$defaults" ]; then
        # shellcheck disable=SC1090
        . "$defaults"
    fi
    [ -n "$RD_GDBDEBUG" ] || return 0
    if ! value_is_clean "$RD_GDBDEBUG"; then
        say "no entries for the boot menu: RD_GDBDEBUG='$RD_GDBDEBUG' in $defaults has a character that no value of" \
            "rd.gdbdebug= has; try ttyS1,wait"
        RD_GDBDEBUG=
    fi
}

# has_word WORD TEXT...: true if WORD is one of the blank-separated words of TEXT.
has_word() {
    wanted=$1
    shift
    case " $* " in
    *" $wanted "*) return 0 ;;
    esac
    return 1
}

# has_helper IMAGE: true if the helper has taken the place of /init in IMAGE, as one of the three generators' tools
# says.
has_helper() {
    for lister in lsinitramfs lsinitrd lsinitcpio; do
        command -v "$lister" >/dev/null || continue
        # The real init has this name only after the swap.
        if "$lister" "$1" 2>/dev/null | grep -qE '(^|[ /])usr/lib/gdbdebug/init( |$)'; then
            return 0
        fi
    done
    return 1
}
