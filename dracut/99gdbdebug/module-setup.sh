#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154  # moddir, initdir, dracutsysrootdir: set by dracut before it sources this file
# shellcheck disable=SC2317  # everything here is called by dracut
# gdbdebug: puts the helper in the place of the image's /init, with all it needs to hold PID 1 under gdbserver.
# Runs on the building machine, in dracut's own shell: what is not a function of dracut's begins with gdbdebug_.
# The number 99 matters: whatever makes /init (systemd, base) has to have run, in every dracut from 059 on.

# dracut takes no notice of install()'s status. Only an exit keeps it from writing an image that lacks what was asked
# for; the image that is in place stays.
gdbdebug_fail() {
    dfatal "gdbdebug: no image is made"
    exit 1
}

gdbdebug_error() { dfatal "gdbdebug: $*"; }
gdbdebug_warning() { dwarn "gdbdebug: $*"; }
gdbdebug_note() { dinfo "gdbdebug: $*"; }

gdbdebug_find() { find_binary "$1"; }
gdbdebug_add_program() { inst_binary "$1"; }

# A link comes with what it leads to. (Not inst_library, which dracut 106 no longer has.)
gdbdebug_add_file() { inst_simple "$1" "$2"; }

# Sources what all generators have in common: from this module's source tree, or where it is installed, by the helper:
# GDBDEBUG_LIBEXECDIR if that is set.
gdbdebug_load() {
    local here place
    here=$(readlink -f "${BASH_SOURCE[0]}")
    gdbdebug_conf=${GDBDEBUG_CONF:-/etc/gdbdebug.conf}
    if [[ ${GDBDEBUG_LIBEXECDIR-} ]]; then
        gdbdebug_places=("$GDBDEBUG_LIBEXECDIR")
    else
        gdbdebug_places=(/usr/libexec/gdbdebug /usr/lib/gdbdebug /usr/local/libexec/gdbdebug)
    fi
    for place in "${here%/*/*/*}/generators" "${gdbdebug_places[@]}"; do
        [[ -f $place/image.sh ]] || continue
        # shellcheck source=../../generators/layout.sh
        . "$place/layout.sh"
        # shellcheck source=../../generators/image.sh
        . "$place/image.sh"
        return 0
    done
    gdbdebug_error "'image.sh' is in none of ${gdbdebug_places[*]}; install gdbdebug again"
    return 1
}

# gdbdebug_is_named: true if a command line or a configuration of dracut names this module.
gdbdebug_is_named() {
    [[ " ${dracutmodules-} ${add_dracutmodules-} ${force_add_dracutmodules-} " == *\ gdbdebug\ * ]]
}

# 255: only when asked for by name; 0: in every image, if gdbdebug.conf says so. A debug stub has no place in an
# everyday image. 1: named, but gdbserver is missing: dracut then ends with an error, and makes no image.
check() {
    # Without what all generators share nothing can be known. Where the module is named install() says so.
    gdbdebug_load 2>/dev/null || return 255
    if gdbdebug_is_named; then
        gdbdebug_find_gdbserver >/dev/null || return 1
    elif [[ -z ${dracutsysrootdir-} ]] && gdbdebug_in_every_image "$gdbdebug_conf"; then
        return 0
    fi
    return 255
}

depends() {
    return 0
}

# Kernel modules for the lines that gdbdebug.conf asks for. hostonly is put aside because the line may be one that
# this machine has not used since it started. A module that does not exist in this kernel is usually built in.
installkernel() {
    local -a modules extra
    gdbdebug_load || return 1
    gdbdebug_read_conf "$gdbdebug_conf" || return 1

    mapfile -t modules < <(gdbdebug_kernel_modules)
    if ((${#modules[@]})); then
        hostonly='' instmods "${modules[@]}"
    fi
    # These were named one by one, so a wrong name is an error.
    read -ra extra <<<"$gdbdebug_modules"
    if ((${#extra[@]})) && ! hostonly='' instmods -c "${extra[@]}"; then
        gdbdebug_error "a module of modules=$gdbdebug_modules is not in this kernel; correct gdbdebug.conf"
        return 1
    fi
}

install() {
    gdbdebug_load || gdbdebug_fail
    if [[ ${dracutsysrootdir-} ]]; then
        gdbdebug_error "an image from '--sysroot $dracutsysrootdir' cannot be made: its gdbserver's libraries are not" \
            "known here"
        gdbdebug_fail
    fi
    gdbdebug_read_conf "$gdbdebug_conf" || gdbdebug_fail
    # dracut finds libraries by itself, but only after all modules, and not libthread_db.
    gdbdebug_install "$initdir" "$gdbdebug_conf" "${gdbdebug_places[@]}" || gdbdebug_fail
}
