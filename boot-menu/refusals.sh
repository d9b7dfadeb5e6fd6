# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# shellcheck disable=SC2154  # root: of common.sh; forever, passphrase, overlay: of gdbdebug-boot
# refusals.sh: what could not work, whatever the boot loader: found before anything is changed.
# common.sh has been sourced before, and refuse() ends the program: refuse REASON REMEDY.

# may_wait_for_ever VALUE: true if PID 1 could be held without an end while nobody comes. The last wait counts; at=
# implies one.
may_wait_for_ever() {
    local rest=$1, word limit=''

    while [ -n "$rest" ]; do
        word=${rest%%,*}
        rest=${rest#*,}
        case $word in
        wait) limit=none ;;
        wait=*) limit=${word#*=} ;;
        at=*) limit=${limit:-none} ;;
        esac
    done
    [ "$limit" = none ]
}

refuse_value() {
    value_is_clean "$1" || refuse "'$1' has a character that no value of rd.gdbdebug= has" "try ttyS1,wait=60"
    case $1 in
    off) refuse "'off' turns debugging off" "to cancel a boot into the debugger: gdbdebug-boot off" ;;
    ,*) refuse "'$1' names no line" "try ttyS1,wait=60" ;;
    esac
    if [ -z "$forever" ] && may_wait_for_ever "$1"; then
        refuse "with '$1' the machine waits for a debugger for ever" "set a limit, as in wait=60, or add --forever"
    fi
}

# refuse_line VALUE: a line that this machine does not have. Of lines that come with a module nothing can be known here.
refuse_line() {
    local line=${1%%,*} name=''

    case $line in
    tty* | hvc* | console)
        name=${line#/dev/}
        [ "$name" != console ] || return 0
        if [ ! -e "$root/sys/class/tty/$name" ]; then
            refuse "this machine has no terminal '$name'" \
                "choose one of: $(terminals)"
        elif [ "$(cat "$root/sys/class/tty/$name/type" 2>/dev/null)" = 0 ]; then
            # The kernel has nodes for four serial ports whether they exist or not.
            refuse "there is no serial port behind '$name'" "choose one of: $(terminals)"
        fi
        ;;
    tcp:* | ssh | ssh:*)
        if ! grep -qsE '^[[:space:]]*lines[[:space:]]*=.*(net|ssh)' "$root/etc/gdbdebug.conf"; then
            refuse "'$line' needs what lines=net or lines=ssh in /etc/gdbdebug.conf includes" \
                "set it there, see gdbdebug.conf(5)"
        fi
        ;;
    virtio:*)
        if ! cat "$root"/sys/class/virtio-ports/*/name 2>/dev/null | grep -qxF "${line#virtio:}"; then
            refuse "this machine has no virtio-serial port '${line#virtio:}'" "add it to the virtual machine"
        fi
        ;;
    esac
}

# terminals: prints the serial ports of this machine.
terminals() {
    local path names=''

    for path in "$root"/sys/class/tty/ttyS* "$root"/sys/class/tty/ttyAMA* "$root"/sys/class/tty/ttyUSB* \
        "$root"/sys/class/tty/ttyACM* "$root"/sys/class/tty/hvc*; do
        [ -e "$path" ] || continue
        [ "$(cat "$path/type" 2>/dev/null)" != 0 ] || continue
        names="$names ${path##*/}"
    done
    printf '%s\n' "${names:-none was found; see gdbdebug(7) for other lines}"
}

# refuse_kexec: the next boot would not come past the boot loader, or another one would inherit the command line.
refuse_kexec() {
    if [ "$(cat "$root/sys/kernel/kexec_loaded" 2>/dev/null)" = 1 ]; then
        refuse "a kernel is loaded for kexec, so a reboot can bypass the boot loader" "unload it: kexec --unload"
    fi
    if grep -qsE '^[[:space:]]*LOAD_KEXEC=["'\'']?(true|yes|1)' "$root/etc/default/kexec"; then
        refuse "'reboot' starts the kernel by kexec here, without the boot loader, and the boot after the debugger \
would inherit '$overlay_word' without the overlay: a kernel panic" "set LOAD_KEXEC=false in /etc/default/kexec"
    fi
}

# note_kdump: a crash kernel that inherits our command line has no overlay, and would panic instead of writing the dump.
# The last rdinit= counts, so naming the image's own is enough.
note_kdump() {
    local file setting

    for file in "$root/etc/default/kdump-tools:KDUMP_CMDLINE_APPEND" \
        "$root/etc/sysconfig/kdump:KDUMP_COMMANDLINE_APPEND" "$root/etc/sysconfig/kdump:KDUMP_CMDLINE_APPEND"; do
        setting=${file##*:}
        file=${file%:*}
        [ -e "$file" ] || continue
        grep -qsE '^[[:space:]]*(USE_KDUMP|KDUMP_AUTO_RESIZE)=["'\'']?0' "$file" && continue
        grep -qsE "^[[:space:]]*KDUMP_(CMDLINE|COMMANDLINE)(_APPEND)?=.*rdinit=/init" "$file" && continue
        [ "$setting" = KDUMP_CMDLINE_APPEND ] || grep -qs "^$setting=" "$file" || continue
        say "note: kdump's kernel inherits the command line, but not the overlay; so that a crash in that boot still" \
            "writes a dump, add rdinit=/init to $setting in '${file#"$root"}'"
        return 0
    done
}

# refuse_sealed_disk: a disk key that the TPM gives only to the boot that it knows. Our boot differs in PCRs 4, 8, 9 and
# 12: another archive, another command line, another image.
refuse_sealed_disk() {
    local name device rest pcrs

    [ -z "$passphrase" ] || return 0
    [ -r "$root/etc/crypttab" ] || return 0
    while read -r name device rest; do
        case $name in '' | '#'*) continue ;; esac
        case $device in
        UUID=*) device=/dev/disk/by-uuid/${device#UUID=} ;;
        PARTUUID=*) device=/dev/disk/by-partuuid/${device#PARTUUID=} ;;
        LABEL=*) device=/dev/disk/by-label/${device#LABEL=} ;;
        esac
        pcrs=$(sealed_pcrs "$device" "$rest") || continue
        if printf ' %s \n' "$pcrs" | grep -qE ' (4|8|9|12|unknown) '; then
            refuse "the key of the encrypted disk '$name' is sealed to the TPM's PCRs ($pcrs), and a boot with another \
command line or another archive changes 4, 8, 9 and 12: the TPM will not unseal it" \
                "have a passphrase or recovery key at hand (systemd-cryptenroll --recovery-key), then add --passphrase"
        fi
    done <"$root/etc/crypttab"
}

# sealed_pcrs DEVICE OPTIONS: prints the PCRs that a key in DEVICE's LUKS header is sealed to, or "unknown"; fails if
# none is.
sealed_pcrs() {
    local header

    header=$(cryptsetup luksDump --dump-json-metadata "$1" 2>/dev/null) || header=
    case $header in
    *systemd-tpm2*)
        printf '%s\n' "$header" | tr -d ' \n\t' | sed -n 's/.*"tpm2-pcrs":\[\([0-9,]*\)\].*/\1/p' | tr ',' ' ' |
            grep . || echo unknown
        ;;
    *clevis*) echo unknown ;;
    *)
        case $2 in
        *tpm2-device=*) echo unknown ;;
        *) return 1 ;;
        esac
        ;;
    esac
}

# refuse_kernel VERSION: a kernel that would not unpack the overlay.
refuse_kernel() {
    local config=$root/boot/config-$1

    [ -r "$config" ] || return 0
    if grep -qx 'CONFIG_INITRAMFS_FORCE=y' "$config"; then
        refuse "Linux $1 ignores every initramfs but its own (CONFIG_INITRAMFS_FORCE)" "use another kernel"
    elif ! grep -qx 'CONFIG_BLK_DEV_INITRD=y' "$config"; then
        refuse "Linux $1 has no support for an initramfs (CONFIG_BLK_DEV_INITRD)" "use another kernel"
    elif ! grep -qx 'CONFIG_RD_GZIP=y' "$config"; then
        refuse "Linux $1 does not unpack gzip archives (CONFIG_RD_GZIP), which the overlay is" "use another kernel"
    fi
}

# refuse_room FOLDER BYTES: no room for a file of that size, with one MiB left.
refuse_room() {
    local free

    free=$(df -Pk "$1" 2>/dev/null | awk 'NR == 2 { print $4 }')
    [ -n "$free" ] || return 0
    if [ "$free" -lt $(($2 / 1024 + 1024)) ]; then
        refuse "'$1' has $free KiB left, and $(($2 / 1024 + 1024)) are needed" "remove an old kernel"
    fi
}
