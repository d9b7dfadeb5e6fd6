#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# gdbdebug check: says what an image has of gdbdebug, and names each thing that is missing.
# shellcheck disable=SC2154  # gdbdebug: set by client_setup

setup() {
    load client_common
    client_setup
    need gdbserver cc
    # A helper as check knows one: static, with the name of the parameter in it.
    cat >helper.c <<'C'
#include <unistd.h>
int main(void) { return (int)write(1, "rd.gdbdebug\n", 12); }
C
    cc -static -Wl,--build-id=sha1 -o helper helper.c
    [[ -e $BATS_FILE_TMPDIR/libraries ]] ||
        ldd "$(command -v gdbserver)" | grep -o '/[^ ]*' | sort -u >"$BATS_FILE_TMPDIR/libraries"
    mapfile -t libraries <"$BATS_FILE_TMPDIR/libraries"
    thread_db=$(dirname "$(printf '%s\n' "${libraries[@]}" | grep libc.so.6)")/libthread_db.so.1
    # shellcheck disable=SC2034  # what a test can change before it calls image
    {
        manifest=(/usr/bin/gdbserver "${libraries[@]}" "$thread_db" /init)
        files=("${libraries[@]}" "$thread_db")
        init_link='link usr/lib/gdbdebug/init ../systemd/systemd'
    }
}

# An image as the generator modules make it, from the variables of setup and the entries in "$@".
image() {
    printf '%s\n' "${manifest[@]}" >files.txt
    {
        printf '%s\n' 'exec init helper' 'dir usr/lib/systemd' 'exec usr/lib/systemd/systemd /bin/true' "$init_link" \
            "exec usr/bin/gdbserver $(command -v gdbserver)" 'copy usr/lib/gdbdebug/files files.txt'
        local file
        for file in "${files[@]}"; do printf 'exec %s %s\n' "${file#/}" "$file"; done
        if (($# > 0)); then printf '%s\n' "$@"; fi
    } | newc | gzip -c >image
}

# check must end with 3 and name the fault $1.
assert_fault() {
    run -3 "$gdbdebug" check image
    assert_line --regexp "^fault +.*$1"
}

@test "check: a whole image has no fault, and each part is named" {
    image
    run -0 "$gdbdebug" check image
    assert_line --regexp '^helper +/init, x86_64 \(build ID [0-9a-f]{40}\)$'
    assert_line --regexp '^real init +/usr/lib/gdbdebug/init -> /usr/lib/systemd/systemd \(build ID [0-9a-f]+\)$'
    assert_line --regexp '^gdbserver +/usr/bin/gdbserver '
    assert_line --regexp '^libthread_db +/.*libthread_db.so.1$'
    assert_line --regexp '^default +ttyS1,wait '
    assert_line --regexp '^result +this image can be debugged$'
    refute_line --regexp '^fault'
    local library
    for library in "${libraries[@]}"; do assert_output --partial "$library"; done
}

@test "check: the build IDs are those that readelf finds" {
    need readelf
    image
    run -0 "$gdbdebug" check --json image
    local id
    id=$(readelf -n helper | sed -n 's/.*Build ID: //p')
    assert_output --partial "\"build_id\":\"$id\""
    id=$(readelf -n /bin/true | sed -n 's/.*Build ID: //p')
    assert_output --partial "\"build_id\":\"$id\""
}

@test "check --json: is JSON with the same facts, for a good image and a bad one" {
    image
    run -0 "$gdbdebug" check --json image
    echo "$output" | /usr/bin/python3 -c '
import json, sys
facts = json.load(sys.stdin)
assert facts["ok"] is True and facts["faults"] == [], facts
assert facts["real_init"]["file"] == "/usr/lib/systemd/systemd", facts
assert facts["gdbserver"]["path"] == "/usr/bin/gdbserver", facts
assert all(library["path"] for library in facts["gdbserver"]["libraries"]), facts
assert {line["name"] for line in facts["lines"]} == {"serial", "virtio", "usb", "vsock", "net", "ssh"}, facts
assert facts["growth"] > 400000, facts'
    printf '%s\n' 'file init text' | newc >image
    run -3 "$gdbdebug" check --json image
    echo "$output" | /usr/bin/python3 -c '
import json, sys
facts = json.load(sys.stdin)
assert facts["ok"] is False and facts["helper"] is None and len(facts["faults"]) == 1, facts'
}

@test "check: an image without the helper says how to build one with it" {
    printf '%s\n' 'dir usr/lib/systemd' 'exec usr/lib/systemd/systemd /bin/true' 'link init usr/lib/systemd/systemd' | newc >image
    assert_fault "gdbdebug is not in the image: '/init' is a link to 'usr/lib/systemd/systemd'; build it with .dracut --add gdbdebug"
}

@test "check: each missing part is a fault of its own" {
    init_link='link usr/lib/gdbdebug/init ../systemd/nothing'
    image
    assert_fault "the real init is missing: '/usr/lib/gdbdebug/init' leads to '../systemd/nothing'"
    init_link='link usr/lib/gdbdebug/init /init'
    image
    assert_fault "is the helper itself"
    init_link='file usr/lib/gdbdebug/init #!/bin/sh'
    image
    assert_fault "is not executable"
    assert_fault "('/bin/sh' is not there)"
}

@test "check: a missing library of gdbserver is named, with who needs it" {
    local kept=()
    for file in "${files[@]}"; do [[ $file == *libstdc++* ]] || kept+=("$file"); done
    files=("${kept[@]}")
    image
    assert_fault "libstdc\+\+.*' is in the manifest, but not in the image"
    assert_fault "'/usr/bin/gdbserver' needs 'libstdc\+\+.so.6', which is not in the image"
}

@test "check: a library that the manifest forgets is named" {
    local kept=()
    for file in "${manifest[@]}"; do [[ $file == *libgcc_s* ]] || kept+=("$file"); done
    manifest=("${kept[@]}")
    image
    assert_fault "libgcc_s.so.1' is not in the manifest, but '.*' needs it"
}

@test "check: no gdbserver, no libthread_db, no helper in the manifest" {
    manifest=(/init)
    image
    assert_fault "there is no gdbserver in the manifest"
    manifest=(/usr/bin/gdbserver "${libraries[@]}")
    image
    assert_fault "'/init' is not in the manifest"
    run -3 "$gdbdebug" check image
    assert_line --regexp '^warning +there is no libthread_db'
}

@test "check: the lines follow the kernel modules in the image, and the configuration says which matter" {
    local modules=usr/lib/modules/6.99.0-test
    printf 'kernel/drivers/tty/serial/8250/8250.ko\n' >builtin
    printf 'lines="serial usb"\ndefault=ttyS0,crash\n' >conf
    image "copy $modules/modules.builtin builtin" "file $modules/kernel/drivers/virtio/virtio_pci.ko.xz x" \
        "file $modules/kernel/drivers/char/virtio_console.ko x" 'copy etc/gdbdebug.conf conf'
    run -0 "$gdbdebug" check image
    assert_line --regexp '^kernel +6.99.0-test$'
    assert_line --regexp '^default +ttyS0,crash '
    assert_line --regexp '^line serial +can work: 8250 is built into the kernel$'
    assert_line --regexp '^line virtio +can work: virtio_pci is in the image, virtio_console is in the image$'
    assert_line --regexp '^line usb +cannot work: none of'
    assert_line --regexp "^warning +gdbdebug.conf asks for the line 'usb', but none of"
    refute_output --partial "asks for the line 'virtio'"
}

@test "check: what other programs need too does not count as growth" {
    image
    run -0 "$gdbdebug" check --json image
    local alone shared libc_size
    alone=$(echo "$output" | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["growth"])')
    need awk
    image "exec usr/bin/awk $(readlink -f "$(command -v awk)")"
    run -0 "$gdbdebug" check --json image
    shared=$(echo "$output" | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["growth"])')
    libc_size=$(stat -Lc %s /lib/x86_64-linux-gnu/libm.so.6)
    # /bin/true, the real init here, needs libc already; awk needs libm besides.
    assert [ $((alone - shared)) -ge "$libc_size" ]
}
