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

# Sources what all generators have in common: from this module's source tree, or where it is installed, by the helper.
gdbdebug_load() {
    local here place
    here=$(readlink -f "${BASH_SOURCE[0]}")
    gdbdebug_places=(/usr/libexec/gdbdebug /usr/lib/gdbdebug /usr/local/libexec/gdbdebug)
    for place in "${here%/*/*/*}/generators" "${gdbdebug_places[@]}"; do
        [[ -f $place/image.sh ]] || continue
        # shellcheck source=../../generators/image.sh
        . "$place/image.sh"
        return 0
    done
    gdbdebug_error "'image.sh' is in none of ${gdbdebug_places[*]}; install gdbdebug again"
    return 1
}

# 255: only when asked for by name. A debug stub has no place in an everyday image.
check() {
    require_binaries gdbserver || return 1
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
    gdbdebug_read_conf "${GDBDEBUG_CONF:-/etc/gdbdebug.conf}" || return 1

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
    local helper gdbserver conf path
    local -a files

    # First everything that can be known without touching the image.
    gdbdebug_load || gdbdebug_fail
    if [[ ${dracutsysrootdir-} ]]; then
        gdbdebug_error "an image from '--sysroot $dracutsysrootdir' cannot be made: its gdbserver's libraries are unknown"
        gdbdebug_fail
    fi
    conf=${GDBDEBUG_CONF:-/etc/gdbdebug.conf}
    gdbdebug_read_conf "$conf" || gdbdebug_fail
    helper=$(gdbdebug_find_helper "${gdbdebug_places[@]}") || gdbdebug_fail
    if ! gdbserver=$(find_binary gdbserver); then
        gdbdebug_error "there is no 'gdbserver' on this machine; install the package gdbserver (or gdb-gdbserver, or gdb)"
        gdbdebug_fail
    fi
    files=$(gdbdebug_gdbserver "$gdbserver") || gdbdebug_fail
    mapfile -t files <<<"$files"
    if [[ ! -e $initdir/init && ! -L $initdir/init ]]; then
        gdbdebug_error "the image has no '/init' yet; add dracut's module base or systemd"
        gdbdebug_fail
    fi

    # dracut would find the libraries by itself, but only after all modules, and not libthread_db.
    if ! inst_binary "$gdbserver"; then
        gdbdebug_error "installing '$gdbserver' failed"
        gdbdebug_fail
    fi
    for path in "${files[@]:1}"; do
        # The dynamic linker's cache is made by dracut itself when all modules have run.
        [[ $path == /etc/ld.so.cache ]] && continue
        if ! inst_library "$path"; then
            gdbdebug_error "installing '$path' failed"
            gdbdebug_fail
        fi
    done
    if [[ -n "$(gdbdebug_kernel_modules)$gdbdebug_modules" ]] && ! inst_multiple kmod modprobe; then
        gdbdebug_error "installing 'modprobe' failed; the debug line's kernel modules could not be loaded"
        gdbdebug_fail
    fi
    if [[ -e $conf ]] && ! inst_simple "$conf" "$gdbdebug_image_conf"; then
        gdbdebug_error "installing '$conf' failed"
        gdbdebug_fail
    fi
    printf '%s\n' "${files[@]}" /init | gdbdebug_write_manifest "$initdir" || gdbdebug_fail

    # From here on /init is the helper.
    gdbdebug_swap "$initdir" "$helper" || gdbdebug_fail
}
