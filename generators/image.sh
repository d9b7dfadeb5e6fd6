# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# shellcheck disable=SC2034  # variables for the sourcing module
# shellcheck disable=SC2154  # gdbdebug_path_*: of layout.sh
# image.sh: what the modules for dracut, mkinitcpio and initramfs-tools have in common.
# Runs on the building machine only, never in the image. Sourced by bash and by dash, so it keeps to what both know.
# A function that fails has said why through gdbdebug_error, and has not changed the image's /init.
# layout.sh, with the paths in the image, has been sourced before.
#
# The sourcing module says how its generator does things:
#   gdbdebug_error TEXT, gdbdebug_warning TEXT, gdbdebug_note TEXT    one message, not to the standard output
#   gdbdebug_find NAME             prints the path of a program of this machine, or fails
#   gdbdebug_add_program PATH      takes a program along, to the same path in the image
#   gdbdebug_add_file PATH DEST    takes a file along, to DEST in the image; DEST may be there already

gdbdebug_known_lines="serial virtio usb vsock net ssh"

# gdbdebug_find_helper DIR... : prints the path of gdbdebug-init: GDBDEBUG_HELPER if it is set, else the first in a DIR.
gdbdebug_find_helper() {
    local helper=${GDBDEBUG_HELPER-} dir

    for dir in "$@"; do
        [ -z "$helper" ] || break
        [ ! -e "$dir/gdbdebug-init" ] || helper=$dir/gdbdebug-init
    done
    gdbdebug_check_program "${helper:-$1/gdbdebug-init}"
}

# gdbdebug_find_agent HELPER: prints the path of the agent, which lies beside the helper. For lines=net and ssh it is
# the one with network code, gdbdebug-agent-net. After gdbdebug_read_conf.
gdbdebug_find_agent() {
    local name=gdbdebug-agent

    ! gdbdebug_wants net ssh || name=gdbdebug-agent-net
    gdbdebug_check_program "${1%/*}/$name"
}

# gdbdebug_check_program FILE: prints FILE if it is a static executable. A dynamic one is refused: it would need
# libraries before anybody can have checked that they are there.
gdbdebug_check_program() {
    if [ ! -f "$1" ] || [ ! -x "$1" ]; then
        gdbdebug_error "'$1' is not an executable file; install gdbdebug, or set GDBDEBUG_HELPER"
        return 1
    fi
    if ! gdbdebug_is_elf "$1"; then
        gdbdebug_error "'$1' is not an ELF executable; install gdbdebug, or set GDBDEBUG_HELPER"
        return 1
    fi
    if [ -n "$(gdbdebug_libraries "$1")" ]; then
        gdbdebug_error "'$1' is dynamically linked; in an image it must be static"
        return 1
    fi
    printf '%s\n' "$1"
}

# gdbdebug_is_elf FILE: true if FILE begins like an ELF file.
gdbdebug_is_elf() {
    [ "$(head -c 4 "$1" 2>/dev/null | tail -c 3)" = ELF ]
}

# gdbdebug_is_helper FILE HELPER: true if FILE is the helper, also when it was stripped or comes from another build of
# it. HELPER is the helper on the building machine. The name of the parameter is a string that no other /init contains.
gdbdebug_is_helper() {
    [ -f "$1" ] && [ ! -L "$1" ] || return 1
    cmp -s "$1" "$2" && return 0
    gdbdebug_is_elf "$1" && grep -qaF rd.gdbdebug "$1"
}

# gdbdebug_libraries PROGRAM: prints what the dynamic linker loads for PROGRAM, one absolute path a line, and
# the dynamic linker itself under the very name that the program asks for (PT_INTERP). Nothing for a static program.
gdbdebug_libraries() {
    local found missing

    # ldd fails for a static program, and says so in words that differ between C libraries.
    # Variables of the builder's shell must not change what is found: they are not there in the image.
    found=$(env -u LD_PRELOAD -u LD_LIBRARY_PATH LC_ALL=C "${DRACUT_LDD:-ldd}" "$1" 2>/dev/null) || found=
    missing=$(printf '%s\n' "$found" | awk '/=> not found/ { print $1 }' | tr '\n' ' ')
    if [ -n "$missing" ]; then
        gdbdebug_error "'$1' needs libraries that are not there: $missing"
        return 1
    fi
    # Three forms: "name => path (address)", "path (address)", and on some systems "path => path (address)" for the
    # dynamic linker, where the first is the name that the kernel looks up. The vdso is a name without a slash.
    printf '%s\n' "$found" | awk '
        $1 ~ /^\// { print $1; next }
        $2 == "=>" && $3 ~ /^\// { print $3 }'
}

# gdbdebug_thread_db LIBRARY... : prints the path of libthread_db beside the C library among the arguments.
# gdbserver opens it by name while it runs, so no list of dependencies has it. musl has none.
gdbdebug_thread_db() {
    local library

    for library in "$@"; do
        case $library in
        */libc.so.*)
            if [ -e "${library%/*}/libthread_db.so.1" ]; then
                printf '%s\n' "${library%/*}/libthread_db.so.1"
            else
                gdbdebug_warning "no '${library%/*}/libthread_db.so.1': gdb will not know the threads of a program"
            fi
            return 0
            ;;
        esac
    done
}

# gdbdebug_name_service LIBRARY... : prints the path of what the C library among the arguments opens by name to read
# /etc/passwd. glibc has it inside from 2.34 on, and then perhaps an empty one for old programs.
gdbdebug_name_service() {
    local library

    for library in "$@"; do
        case $library in
        */libc.so.*) [ ! -e "${library%/*}/libnss_files.so.2" ] || printf '%s\n' "${library%/*}/libnss_files.so.2" ;;
        esac
    done
}

# gdbdebug_library_cache LIBRARY... : prints the path of the dynamic linker's cache if one of the libraries is found
# only through it. In the agent's own root there is nothing but what the manifest names.
gdbdebug_library_cache() {
    local library libc=

    for library in "$@"; do
        case $library in */libc.so.*) libc=${library%/*} ;; esac
    done
    for library in "$@"; do
        case ${library%/*} in
        /lib | /lib64 | /usr/lib | /usr/lib64 | "$libc" | "/usr$libc" | "${libc#/usr}") ;;
        *)
            printf '%s\n' /etc/ld.so.cache
            return 0
            ;;
        esac
    done
}

# gdbdebug_write_manifest ROOT: writes the manifest of the image under ROOT from the paths on standard input.
# Each path once, in the order given: the first is gdbserver.
gdbdebug_write_manifest() {
    if ! mkdir -p "$1${gdbdebug_path_manifest%/*}" || ! {
        echo "# What gdbdebug's agent copies into its own root: one path of this image a line."
        awk 'NF && !seen[$0]++'
    } >"$1$gdbdebug_path_manifest"; then
        gdbdebug_error "writing '$gdbdebug_path_manifest' to the image failed"
        return 1
    fi
}

# gdbdebug_swap ROOT HELPER: keeps what is /init in the image under ROOT as /usr/lib/gdbdebug/init, and puts HELPER
# there. Does nothing if that has been done. Call it last: up to its final rename the image has its own /init.
gdbdebug_swap() {
    local init=$1/init kept=$1$gdbdebug_path_real_init staged=$1/init.gdbdebug target

    if gdbdebug_is_helper "$init" "$2"; then
        # A generator may run a module twice. A second swap would make the helper its own real init.
        if [ -e "$kept" ] || [ -L "$kept" ]; then
            return 0
        fi
        gdbdebug_error "'/init' is gdbdebug's helper already, but '$gdbdebug_path_real_init' is missing from the image"
        return 1
    fi

    if ! mkdir -p "${kept%/*}" || ! rm -f "$kept" "$staged" || ! cp "$2" "$staged" || ! chmod 0755 "$staged"; then
        gdbdebug_error "copying the helper '$2' into the image failed"
        rm -f "$staged"
        return 1
    fi
    if [ -L "$init" ]; then
        # A relative target counts from the link's own directory, which is now three levels further down.
        target=$(readlink "$init")
        case $target in
        /*) ;;
        *) target=../../../$target ;;
        esac
        ln -s "$target" "$kept"
    else
        cp -p "$init" "$kept"
    fi || {
        gdbdebug_error "keeping the image's '/init' as '$gdbdebug_path_real_init' failed"
        rm -f "$kept" "$staged"
        return 1
    }
    mv -f "$staged" "$init" || {
        gdbdebug_error "putting the helper in the place of the image's '/init' failed"
        rm -f "$kept" "$staged"
        return 1
    }
}

# gdbdebug_trim TEXT: prints TEXT without white space at its ends.
gdbdebug_trim() {
    local text=$1

    text=${text#"${text%%[![:space:]]*}"}
    text=${text%"${text##*[![:space:]]}"}
    printf '%s\n' "$text"
}

# gdbdebug_read_conf FILE: sets gdbdebug_include, gdbdebug_lines, gdbdebug_modules, gdbdebug_authorized_keys and
# gdbdebug_host_key. No file is no error: then they have their defaults. The format is that of gdbdebug.conf(5).
gdbdebug_read_conf() {
    local line key value number=0 failed=0

    gdbdebug_include=asked
    gdbdebug_lines="serial virtio"
    gdbdebug_modules=
    gdbdebug_authorized_keys=
    gdbdebug_host_key=
    [ -e "$1" ] || return 0
    if [ ! -f "$1" ] || [ ! -r "$1" ]; then
        gdbdebug_error "'$1' is not a file that can be read"
        return 1
    fi

    while IFS= read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        line=$(gdbdebug_trim "$line")
        case $line in
        '' | '#'*) continue ;;
        *=*) ;;
        *)
            gdbdebug_error "$1:$number: '$line' has no '='; a line is key=value, or a comment after #"
            failed=1
            continue
            ;;
        esac
        key=$(gdbdebug_trim "${line%%=*}")
        value=$(gdbdebug_trim "${line#*=}")
        case $value in
        '"'*'"')
            if [ "$value" = '"' ]; then
                gdbdebug_error "$1:$number: the quoted value of '$key' has no end; a second \" is missing"
                failed=1
                continue
            fi
            value=${value#\"}
            value=${value%\"}
            ;;
        '"'*)
            gdbdebug_error "$1:$number: the quoted value of '$key' has no end; a second \" is missing"
            failed=1
            continue
            ;;
        esac
        case $key in
        default) ;; # for the helper: the value of a bare rd.gdbdebug
        include) gdbdebug_include=$value ;;
        lines) gdbdebug_lines=$value ;;
        modules) gdbdebug_modules=$value ;;
        authorized_keys) gdbdebug_authorized_keys=$value ;;
        host_key) gdbdebug_host_key=$value ;;
        *)
            # A later gdbdebug may know it.
            gdbdebug_warning "$1:$number: unknown key '$key' ignored; the keys are default, include, lines, modules, \
authorized_keys and host_key"
            ;;
        esac
    done <"$1"

    case $gdbdebug_include in
    always | asked) ;;
    *)
        gdbdebug_error "$1: include='$gdbdebug_include' is neither always nor asked"
        failed=1
        ;;
    esac
    gdbdebug_check_lines "$1" || failed=1
    return "$failed"
}

# gdbdebug_check_lines WHERE: true if every word of $gdbdebug_lines is known. WHERE is named in the messages.
gdbdebug_check_lines() {
    local line failed=0

    set -f # a * among the words is a wrong word, not a list of files
    for line in $gdbdebug_lines; do
        case " $gdbdebug_known_lines " in
        *" $line "*) ;;
        *)
            gdbdebug_error "$1: unknown word '$line' in lines=; known are $gdbdebug_known_lines"
            failed=1
            ;;
        esac
    done
    set +f
    return "$failed"
}

# gdbdebug_find_gdbserver: prints the path of gdbserver, or names the package that has it.
gdbdebug_find_gdbserver() {
    gdbdebug_find gdbserver || {
        gdbdebug_error "'gdbserver' is not installed on this machine; install the package gdbserver (on Fedora \
gdb-gdbserver, on Arch gdb)"
        return 1
    }
}

# gdbdebug_in_every_image CONF: true if CONF says include=always. Says nothing about the rest of CONF: images that have
# nothing to do with gdbdebug are made here too, and gdbdebug_read_conf says it where it matters.
gdbdebug_in_every_image() {
    (
        gdbdebug_read_conf "$1" >/dev/null 2>&1
        [ "$gdbdebug_include" = always ]
    ) || return 1
    # Nobody asked for gdbdebug in this very image, so a lack of gdbserver must not cost the machine its image.
    gdbdebug_find gdbserver >/dev/null || {
        gdbdebug_warning "$1 has include=always, but 'gdbserver' is not installed on this machine: the image is made \
without gdbdebug; install the package gdbserver (on Fedora gdb-gdbserver, on Arch gdb)"
        return 1
    }
}

# gdbdebug_wants LINE... : true if gdbdebug.conf asks for one of these kinds of line.
gdbdebug_wants() {
    local line

    for line in "$@"; do
        case " $gdbdebug_lines " in *[[:space:]]"$line"[[:space:]]*) return 0 ;; esac
    done
    return 1
}

# gdbdebug_kernel_modules: prints the kernel modules that the wanted lines can need, one a line: a name, or a directory
# of the kernel's tree as =drivers/DIR. Any of them can be built in or not exist in this kernel.
gdbdebug_kernel_modules() {
    # Most kernels have the 8250 family itself built in, but not every card's driver; then the UARTs of other machines
    # than the PC. Not the whole directory: some of the rest asks for firmware, and every build would warn of it.
    ! gdbdebug_wants serial || printf '%s\n' 8250_pci 8250_exar 8250_lpss 8250_mid 8250_dw 8250_of 8250_fintek \
        8250_pericom amba-pl011 fsl_lpuart imx meson_uart msm_serial qcom_geni_serial samsung_tty sh-sci sifive \
        stm32-usart xilinx_uartps
    ! gdbdebug_wants virtio || printf '%s\n' virtio_pci virtio_mmio virtio_console
    ! gdbdebug_wants usb || printf '%s\n' =drivers/usb/host usbserial ftdi_sio cp210x pl2303 ch341 cdc_acm
    ! gdbdebug_wants vsock || printf '%s\n' vmw_vsock_virtio_transport vsock_loopback hv_sock vmw_vsock_vmci_transport
    # Ethernet cards look for the driver of their PHY by themselves. udhcpc needs packet sockets.
    ! gdbdebug_wants net ssh || printf '%s\n' =drivers/net/ethernet =drivers/net/phy =drivers/net/mdio \
        virtio_net vmxnet3 hv_netvsc xen_netfront af_packet ipv6
}

# gdbdebug_module_names DIRECTORY: prints the names of the kernel modules below DIRECTORY, one a line.
gdbdebug_module_names() {
    [ ! -d "$1" ] || find "$1" -name '*.ko*' -printf '%f\n' | sed 's/\.ko.*//'
}

# gdbdebug_dhcp_busybox: prints the path of a busybox that can be a DHCP client, or nothing.
gdbdebug_dhcp_busybox() {
    local busybox

    if busybox=$(gdbdebug_find busybox) && "$busybox" --list 2>/dev/null | grep -qx udhcpc; then
        printf '%s\n' "$busybox"
    else
        gdbdebug_warning "no busybox with udhcpc on this machine: rd.gdbdebug.ip=dhcp will not work, a static address \
and IPv6 link-local will"
    fi
}

# gdbdebug_check_ssh: true if this machine has all that an image needs for `ssh`. Nobody could log in without a key,
# and with a key that is no key nobody would know until the machine hangs.
gdbdebug_check_ssh() {
    local program

    for program in dropbear dropbearkey dropbearconvert; do
        if ! gdbdebug_find "$program" >/dev/null; then
            gdbdebug_error "lines=ssh needs '$program' on this machine; install dropbear (on Debian dropbear-bin)"
            return 1
        fi
    done
    if [ -z "$gdbdebug_authorized_keys" ]; then
        gdbdebug_error "lines=ssh needs authorized_keys=FILE in gdbdebug.conf; without a key nobody could log in"
        return 1
    fi
    if ! grep -qE '^[^#]*(ssh-(rsa|ed25519)|ecdsa-sha2-[a-z0-9]+|sk-[a-z0-9-]+@openssh\.com) +AAAA' \
        "$gdbdebug_authorized_keys" 2>/dev/null; then
        gdbdebug_error "authorized_keys='$gdbdebug_authorized_keys' has no public key that can be read; a line of it \
begins like ssh-ed25519 AAAA..."
        return 1
    fi
    if [ -n "$gdbdebug_host_key" ] && [ ! -r "$gdbdebug_host_key" ]; then
        gdbdebug_error "host_key='$gdbdebug_host_key' cannot be read; make one with: dropbearkey -t ed25519 -f \
$gdbdebug_host_key"
        return 1
    fi
}

# gdbdebug_make_host_key FILE: writes the SSH host key for the image to FILE, in dropbear's format.
gdbdebug_make_host_key() {
    if [ -z "$gdbdebug_host_key" ]; then
        gdbdebug_warning "no host_key= in gdbdebug.conf: this image has a host key of its own, and the next one another"
        dropbearkey -t ed25519 -f "$1" >/dev/null 2>&1 && return 0
        gdbdebug_error "making an SSH host key with dropbearkey failed"
        return 1
    fi
    # A key of OpenSSH's has a line of text in front, one of dropbear's has not.
    if grep -qa '^-----BEGIN' "$gdbdebug_host_key"; then
        dropbearconvert openssh dropbear "$gdbdebug_host_key" "$1" >/dev/null 2>&1
    else
        cat "$gdbdebug_host_key" >"$1"
    fi
    # Either way dropbear itself says whether it is one. A key with a passphrase is not.
    if ! dropbearkey -y -f "$1" >/dev/null 2>&1; then
        gdbdebug_error "host_key='$gdbdebug_host_key' is not a private key that dropbear can use; it must be \
dropbear's or OpenSSH's, without a passphrase"
        return 1
    fi
}

# gdbdebug_fingerprint FILE: prints the fingerprint of the private key in FILE (dropbear's format) as ssh(1) shows it:
# SHA256:... from dropbear 2020.79 on, sha1!! ... before.
gdbdebug_fingerprint() {
    dropbearkey -y -f "$1" 2>/dev/null | sed -n 's/^Fingerprint: *//p' | grep .
}

# gdbdebug_add_ssh ROOT DROPBEAR: takes along the program, the authorized keys, the host key and its fingerprint.
gdbdebug_add_ssh() {
    local staging failed=0

    staging=$(umask 077 && mktemp -d) || return 1
    # A hook that runs twice must not print the fingerprint of a key that is not in the image.
    if [ -e "$1$gdbdebug_path_host_key" ]; then
        cp "$1$gdbdebug_path_host_key" "$staging/host_key"
    else
        (umask 077 && gdbdebug_make_host_key "$staging/host_key")
    fi &&
        (umask 077 && cat "$gdbdebug_authorized_keys" >"$staging/authorized_keys") &&
        gdbdebug_fingerprint "$staging/host_key" >"$staging/fingerprint" &&
        gdbdebug_add_file "$2" "$gdbdebug_path_dropbear" &&
        gdbdebug_add_file "$staging/authorized_keys" "$gdbdebug_path_authorized_keys" &&
        gdbdebug_add_file "$staging/host_key" "$gdbdebug_path_host_key" &&
        gdbdebug_add_file "$staging/fingerprint" "$gdbdebug_path_fingerprint" &&
        chmod 0700 "$1$gdbdebug_path_ssh_home" &&
        gdbdebug_note "the image's SSH host key has the fingerprint $(cat "$staging/fingerprint")" ||
        failed=1
    rm -rf "$staging"
    [ "$failed" -eq 0 ] || gdbdebug_error "including what lines=ssh needs failed"
    return "$failed"
}

# gdbdebug_install ROOT CONF DIR... : the whole of it but the kernel modules, for the image under ROOT. CONF is the
# gdbdebug.conf of this machine, which has been read; the helper is looked for in the DIRs. First everything that can be
# known without touching the image, then what is added to it, last the swap.
gdbdebug_install() {
    local root=$1 conf=$2 helper
    shift 2

    helper=$(gdbdebug_find_helper "$@") || return 1
    gdbdebug_find_agent "$helper" >/dev/null && gdbdebug_find_gdbserver >/dev/null || return 1
    if [ ! -e "$root/init" ] && [ ! -L "$root/init" ]; then
        gdbdebug_error "the image has no '/init' yet; gdbdebug must come after the module that makes it"
        return 1
    fi
    gdbdebug_add_all "$root" "$conf" "$helper" || return 1

    # From here on /init is the helper.
    gdbdebug_swap "$root" "$helper"
}

# gdbdebug_add_modprobe ROOT: takes modprobe along, if a line can need kernel modules.
gdbdebug_add_modprobe() {
    local path

    [ -n "$(gdbdebug_kernel_modules)$gdbdebug_modules" ] || return 0
    if ! path=$(gdbdebug_find modprobe) || ! gdbdebug_add_program "$path"; then
        gdbdebug_error "adding 'modprobe' to the image failed; it has to load the kernel modules of the debug line"
        return 1
    fi
    # The agent calls it by the name that the kernel itself uses (CONFIG_MODPROBE_PATH), wherever it is here.
    if [ ! -e "$1/sbin/modprobe" ] && ! gdbdebug_add_file "$path" /sbin/modprobe; then
        gdbdebug_error "adding '/sbin/modprobe' to the image failed"
        return 1
    fi
}

# gdbdebug_add_all ROOT CONF HELPER: what the agent needs, the agent, the configuration and the manifest.
gdbdebug_add_all() {
    local root=$1 conf=$2 agent gdbserver libraries busybox='' dropbear='' more path

    agent=$(gdbdebug_find_agent "$3") || return 1
    gdbserver=$(gdbdebug_find_gdbserver) || return 1
    libraries=$(gdbdebug_libraries "$gdbserver") || return 1
    # shellcheck disable=SC2046,SC2086  # here and below, one word a library
    libraries="$libraries $(gdbdebug_thread_db $libraries)"
    if gdbdebug_wants net ssh; then
        busybox=$(gdbdebug_dhcp_busybox)
    fi
    if gdbdebug_wants ssh; then
        gdbdebug_check_ssh || return 1
        dropbear=$(gdbdebug_find dropbear)
    fi
    for path in $busybox $dropbear; do
        more=$(gdbdebug_libraries "$path") || return 1
        libraries="$libraries $more"
    done
    # dropbear looks up who logs in. Other programs of ours do not.
    # shellcheck disable=SC2046,SC2086
    [ -z "$dropbear" ] || libraries="$libraries $(gdbdebug_name_service $libraries)"

    if ! gdbdebug_add_program "$gdbserver"; then
        gdbdebug_error "adding '$gdbserver' to the image failed"
        return 1
    fi
    if ! gdbdebug_add_file "$agent" "$gdbdebug_path_agent"; then
        gdbdebug_error "adding '$agent' to the image failed"
        return 1
    fi
    for path in $libraries; do
        if ! gdbdebug_add_file "$path" "$path"; then
            gdbdebug_error "adding '$path' to the image failed"
            return 1
        fi
    done
    gdbdebug_add_modprobe "$root" || return 1
    if [ -n "$busybox" ] && ! gdbdebug_add_file "$busybox" "$gdbdebug_path_busybox"; then
        gdbdebug_error "adding '$busybox' to the image failed"
        return 1
    fi
    if [ -n "$dropbear" ]; then
        gdbdebug_add_ssh "$root" "$dropbear" || return 1
    fi
    if [ -e "$conf" ] && ! gdbdebug_add_file "$conf" "$gdbdebug_path_configuration"; then
        gdbdebug_error "adding '$conf' to the image failed"
        return 1
    fi

    {
        # shellcheck disable=SC2046,SC2086
        printf '%s\n' "$gdbserver" $libraries $(gdbdebug_library_cache $libraries)
        [ -z "$busybox" ] || printf '%s\n' "$gdbdebug_path_busybox"
        [ -z "$dropbear" ] || printf '%s\n' "$gdbdebug_path_dropbear" "$gdbdebug_path_authorized_keys" \
            "$gdbdebug_path_host_key" "$gdbdebug_path_fingerprint"
        printf '%s\n' "$gdbdebug_path_agent"
    } | gdbdebug_write_manifest "$root"
}
