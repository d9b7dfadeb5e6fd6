#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# gdbdebug check: says what an image has of gdbdebug, and names each thing that is missing.
# shellcheck disable=SC2016  # what is in single quotes is for another bash
# shellcheck disable=SC2034,SC2154  # gdbdebug: set by client_setup; manifest, files, init_link: read by image

setup() {
    load client_common
    client_setup
    need gdbserver cc
    image_setup
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

# An image that was made without gdbdebug.
unmodified_image() {
    { echo 'exec init /bin/true'; for file in "${libraries[@]}"; do printf 'exec %s %s\n' "${file#/}" "$file"; done; } |
        newc | gzip -c >image
}

@test "check: an image with an overlay behind it can be debugged, and what is in which is told" {
    unmodified_image
    overlay >overlay.img
    run -3 "$gdbdebug" check image
    assert_line --regexp '^fault .*or leave it as it is and load the archive of gdbdebug-overlay'
    run -0 "$gdbdebug" check image overlay.img
    assert_line --regexp '^image +image \+ overlay.img \('
    assert_line --regexp '^helper +/gdbdebug/init, x86_64 '
    assert_line --regexp '^overlay .*must begin with rdinit=/gdbdebug/init$'
    assert_line --regexp '^real init +/init '
    assert_line --regexp '^gdbserver +/usr/bin/gdbserver '
    assert_line --regexp '^result +this image can be debugged$'
    run -3 "$gdbdebug" check overlay.img
    assert_line --regexp '^fault +there is an overlay and no image'
    agent_entry='' overlay >overlay.img
    run -3 "$gdbdebug" check image overlay.img
    assert_line --regexp "^fault +'/gdbdebug/gdbdebug-agent' is missing; make the overlay again"
}

@test "check: the overlay and the command line must belong together" {
    unmodified_image
    overlay >overlay.img
    run -0 "$gdbdebug" check image overlay.img --cmdline 'rdinit=/gdbdebug/init quiet rd.gdbdebug=ttyS1,wait'
    run -3 "$gdbdebug" check image overlay.img --cmdline 'quiet rd.gdbdebug=ttyS1,wait'
    assert_line --regexp "^fault +the overlay is loaded, but without rdinit=/gdbdebug/init "
    run -3 "$gdbdebug" check image --cmdline 'rdinit=/gdbdebug/init rd.gdbdebug=ttyS1,wait'
    assert_line --regexp "^fault .*the kernel would panic"
}

@test "check: an archive right behind one that LZ4 has packed is lost, and eight zero bytes save it" {
    need lz4
    printf 'exec init /bin/true\n' | newc | lz4 -l -q >image
    overlay >overlay.img
    tail -c +9 overlay.img >bare.img
    run "$gdbdebug" check image overlay.img
    refute_output --partial "LZ4"
    run "$gdbdebug" check image bare.img
    assert_line --regexp "^warning .* of 'bare.img' stands right behind one that LZ4 has packed"
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

# A program that needs the library libsl.so, which needs the library libdeep.so: init, libsl.so and libdeep.so here. The
# further arguments are the linker's, for the program.
make_needy() {
    echo 'int deep(void) { return 1; }' >deep.c
    echo 'int deep(void); int sl(void) { return deep(); }' >sl.c
    echo 'int sl(void); int main(void) { return sl(); }' >needy.c
    cc -shared -o libdeep.so deep.c
    cc -shared -o libsl.so sl.c -L. -ldeep
    cc -o needy needy.c -L. -lsl -Wl,-rpath-link,. "$@"
    real_init=needy
}

@test "check: a missing library of the real init is a fault, with who needs it" {
    make_needy
    image
    assert_fault "'/usr/lib/systemd/systemd' needs 'libsl.so', which is not in the image, so the real init ends before its main"
    assert_line --regexp '^ +libsl.so: missing$'
    refute_output --partial 'can be debugged'
    image 'exec usr/lib/libsl.so libsl.so'
    assert_fault "'/(usr/)?lib/libsl.so' needs 'libdeep.so', which is not in the image"
    image 'exec usr/lib/libsl.so libsl.so' 'exec usr/lib/libdeep.so libdeep.so'
    run -0 "$gdbdebug" check image
    assert_line --regexp '^result +this image can be debugged$'
    run -0 "$gdbdebug" check --json image
    echo "$output" | /usr/bin/python3 -c '
import json, sys
libraries = json.load(sys.stdin)["real_init"]["libraries"]
assert {"libsl.so", "libdeep.so", "libc.so.6"} <= {one["name"] for one in libraries}, libraries
assert all(one["path"] for one in libraries), libraries'
}

@test "check: libraries are looked for where the dynamic linker looks" {
    make_needy -Wl,--disable-new-dtags,-rpath,/opt/a:\$ORIGIN/../b
    # DT_RPATH holds for what libsl.so needs too, DT_RUNPATH does not.
    image 'exec opt/a/libsl.so libsl.so' 'exec usr/lib/b/libdeep.so libdeep.so'
    run -0 "$gdbdebug" check image
    make_needy -Wl,--enable-new-dtags,-rpath,/opt/a:\$ORIGIN/../b
    image 'exec opt/a/libsl.so libsl.so' 'exec usr/lib/b/libdeep.so libdeep.so'
    assert_fault "'/opt/a/libsl.so' needs 'libdeep.so'"
    make_needy -Wl,-rpath,/usr/\$LIB/sl
    image "exec usr/lib/$(cc -print-multiarch)/sl/libsl.so libsl.so" 'exec usr/lib/libdeep.so libdeep.so'
    run -0 "$gdbdebug" check image
}

@test "check: a name of a library with a control character is a missing one" {
    echo 'int sl(void) { return 1; }' >sl.c
    echo 'int sl(void); int main(void) { return sl(); }' >needy.c
    cc -shared -Wl,-soname,$'x\nshell id' -o libx.so sl.c
    cc -o needy needy.c ./libx.so
    real_init=needy
    image
    assert_fault "needs 'x\?shell id', which is not in the image"
}

@test "check: a level of the processor that the real init or its library needs is named" {
    [[ $(uname -m) == x86_64 ]] || skip "the levels are those of x86-64"
    make_needy
    image 'exec usr/lib/libsl.so libsl.so' 'exec usr/lib/libdeep.so libdeep.so'
    run -0 "$gdbdebug" check image
    refute_output --partial x86-64-v
    cc -shared -Wl,-z,x86-64-v3 -o libdeep.so deep.c || skip "this linker does not mark libraries"
    image 'exec usr/lib/libsl.so libsl.so' 'exec usr/lib/libdeep.so libdeep.so'
    run -0 "$gdbdebug" check image
    assert_line --regexp '^processor +x86-64-v3 or newer$'
    assert_line --regexp "^warning +'/usr/lib/libdeep.so' needs a processor of level x86-64-v3; on another one"
    run -0 "$gdbdebug" check --json image
    assert_output --partial '"processor":"x86-64-v3"'
    make_needy -Wl,-z,x86-64-v2
    image 'exec usr/lib/libsl.so libsl.so' 'exec usr/lib/libdeep.so libdeep.so'
    run -0 "$gdbdebug" check image
    assert_line --regexp "^warning +'/usr/lib/systemd/systemd' needs a processor of level x86-64-v2"
}

# A UKI around the file image, with the command line $1.
make_uki() {
    /usr/bin/python3 - "$1" <<'PY'
import struct, sys
parts = [(b".linux", b"core"), (b".cmdline", sys.argv[1].encode() + b"\n\0"), (b".initrd", open("image", "rb").read())]
header = b"MZ" + bytes(58) + struct.pack("<I", 64)
pe = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, len(parts), 0, 0, 0, 0, 0)
table, data, at = b"", b"", 64 + len(pe) + 40 * len(parts)
for name, content in parts:
    table += name.ljust(8, b"\0") + struct.pack("<IIII", len(content), 0, len(content), at + len(data)) + bytes(16)
    data += content
open("uki", "wb").write(header + pe + table + data)
PY
}

@test "check: a UKI's own command line is read" {
    image
    make_uki 'root=/dev/sda1 rd.gdbdebug=ttyS1,wait'
    run -0 "$gdbdebug" check uki
    assert_line "The UKI's own command line:"
    assert_line --partial 'meaning: the line is ttyS1 at 115200n8; PID 1 is held at its first instruction'
    make_uki 'rd.gdbdebug=tcp:1234,wait'
    run -3 "$gdbdebug" check uki
    assert_line --regexp "^fault +the UKI's own command line: tcp is in the clear"
    refute_output --partial 'can be debugged'
    run -3 "$gdbdebug" check --json uki
    echo "$output" | /usr/bin/python3 -c '
import json, sys
facts = json.load(sys.stdin)
assert facts["ok"] is False and facts["uki_cmdline"]["remarks"][0]["fault"] is True, facts'
    make_uki 'rd.gdbdebug=tcp:1234,wait,insecure'
    run -3 "$gdbdebug" check uki
    assert_line --regexp "^fault +the command line wants the line 'net', but the agent for network lines"
    make_uki 'quiet'
    run -0 "$gdbdebug" check uki
    assert_line --regexp "^warning +the UKI's own command line has no rd.gdbdebug=: 'quiet'"
    run -0 "$gdbdebug" check uki --cmdline ttyS1,wait
    assert_line --regexp '^warning +the UKI has a command line of its own; with Secure Boot'
}

@test "check: rdinit= beside rd.gdbdebug= is a fault, for /init would not run" {
    assert_pointed_at 'rdinit=/bin/sh rd.gdbdebug=ttyS1,wait' /bin/sh 'in the place of /init, so the helper does not run'
    assert_line 'meaning: the machine boots as if debugging were off'
    run -0 "$gdbdebug" check --cmdline 'rdinit=/init rd.gdbdebug=ttyS1,wait'
    image
    make_uki 'rdinit=/bin/sh rd.gdbdebug=ttyS1,wait'
    run -3 "$gdbdebug" check uki
    assert_line --regexp "^fault +the UKI's own command line: rdinit= makes the kernel run this"
}

@test "check: the modules of modules= are looked for, as modprobe would, and a wrong default= is a fault" {
    local modules=usr/lib/modules/6.99.0-test
    printf 'kernel/drivers/tty/serial/8250/8250.ko\n' >builtin
    printf '# made\nalias net-pf-40 vsock\nalias pci:v00001AF4d* virtio_pci\n' >aliases
    image "copy $modules/modules.builtin builtin" "copy $modules/modules.alias aliases" \
        "file $modules/kernel/drivers/char/virtio-console.ko.xz x"
    run -0 "$gdbdebug" check image --cmdline ttyS1,modules=virtio_console:8250:net-pf-40
    refute_output --partial 'wants the module'
    run -0 "$gdbdebug" check image --cmdline ttyS1,modules=8250:no_such
    assert_line --regexp "^warning +the command line wants the module 'no_such', which is not in the image; add it"
    printf 'default=tcp:1234\n' >conf
    image 'copy etc/gdbdebug.conf conf'
    assert_fault "in the image's default 'tcp:1234', 'tcp:1234': tcp is in the clear"
}

@test "check: what an image says cannot move the terminal's cursor" {
    printf 'default="ttyS1,\033[2Jwait,\302\2332J"\n' >conf
    image 'copy etc/gdbdebug.conf conf'
    run "$gdbdebug" check image
    assert_line --regexp '^default +ttyS1,\?\[2Jwait,\?2J '
    refute_output --partial $'\033'
}

@test "check: a network line without busybox has no DHCP, which is told" {
    printf 'lines=net\n' >conf
    image 'copy etc/gdbdebug.conf conf'
    run -0 "$gdbdebug" check image
    assert_line --regexp "^warning +there is no '/usr/lib/gdbdebug/busybox' in the image, so no DHCP"
    image 'copy etc/gdbdebug.conf conf' 'exec usr/lib/gdbdebug/busybox /bin/true'
    run -0 "$gdbdebug" check image
    refute_output --partial DHCP
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
    manifest=(/usr/lib/gdbdebug/gdbdebug-agent)
    image
    assert_fault "there is no gdbserver in the manifest"
    manifest=(/usr/bin/gdbserver "${libraries[@]}")
    image
    assert_fault "'/usr/lib/gdbdebug/gdbdebug-agent' is not in the manifest"
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

# lint VALUE must end with 3 and point with a caret at the word $2, whose fault or warning is $3.
assert_pointed_at() {
    run -3 "$gdbdebug" check --cmdline "$1"
    local before=${1%%"$2"*}
    assert_line --index 0 "$1"
    assert_line --index 1 --regexp "^ {${#before}}\\^(~{$((${#2} - 1))})?\$"
    assert_line --regexp "^(fault|warning): '$2': .*$3"
}

@test "check --cmdline: a caret stands under the word that is wrong" {
    assert_pointed_at 'quiet rd.gdbdebug=ttyS1,wat' wat 'unknown option'
    assert_pointed_at 'rd.gdbdebug=ttyS1,wait=soon' wait=soon 'whole number'
    assert_pointed_at 'tcp:1234,wait' tcp:1234 'say who may connect'
    assert_line 'meaning: the machine boots as if debugging were off'
}

@test "check --cmdline: a line that is a console is one wire for both, and no mistake" {
    run -0 "$gdbdebug" check --cmdline 'console=tty0 console=ttyS0,9600 rd.gdbdebug=ttyS0,wait'
    refute_line --partial warning
    assert_line 'meaning: the line is ttyS0, which stays a console; PID 1 is held at its first instruction, for as long as it takes'
    run -0 "$gdbdebug" check --cmdline 'console,wait=30'
    refute_line --partial warning
    assert_line --partial 'the line is the last console that has a serial terminal, which stays a console; PID 1 is held'
    run -0 "$gdbdebug" check --cmdline 'console=hvc0 rd.gdbdebug=hvc0'
    refute_line --partial 'starts a getty'
}

@test "check --cmdline: a good one is told in words, with standard input closed" {
    run -0 "$gdbdebug" check --cmdline 'root=/dev/sda1 rd.gdbdebug=ttyS1,57600,wait=30,crash' <&-
    assert_line 'meaning: the line is ttyS1 at 57600n8; PID 1 is held at its first instruction, for 30 seconds at most; PID 1 is held when a fatal signal is about to end it, for as long as it takes'
}

@test "check --cmdline: with an image, a line that the image has no driver for is a fault" {
    printf 'kernel/drivers/tty/serial/8250/8250.ko\n' >builtin
    printf 'default=ttyS0,crash\n' >conf
    image "copy usr/lib/modules/6.99.0-test/modules.builtin builtin" 'copy etc/gdbdebug.conf conf'
    run -3 "$gdbdebug" check image --cmdline rd.gdbdebug=ttyUSB0,wait
    assert_line --regexp "^fault +the command line wants the line 'usb', but none of"
    run -0 "$gdbdebug" check image --cmdline rd.gdbdebug
    assert_line --regexp "^meaning: as ttyS0,crash, the image's default: the line is ttyS0"
}

# An image with the parts of lines=ssh in their places but $1, and what else there is in "$@".
ssh_image() {
    local kind name source part parts=('exec usr/lib/gdbdebug/gdbdebug-agent agent-net') left_out=$1
    shift
    printf 'kernel/drivers/net/virtio_net.ko\n' >builtin
    printf '# who may\n\nssh-ed25519 AAAA you\n' >keys
    for part in 'exec dropbear /bin/true' 'copy authorized_keys keys' 'file host_key secret'; do
        read -r kind name source <<<"$part"
        [[ $name == "$left_out" ]] || parts+=("$kind usr/lib/gdbdebug/ssh/$name $source")
    done
    image "copy usr/lib/modules/6.99.0-test/modules.builtin builtin" "${parts[@]}" "$@"
}

@test "check: ssh can work with what lines=ssh puts into the image, and each part that is missing is named" {
    local part
    ssh_image nothing
    run -0 "$gdbdebug" check image --cmdline rd.gdbdebug=ssh,wait
    assert_line --regexp '^line ssh +can work: virtio_net is built into the kernel$'
    for part in dropbear authorized_keys host_key; do
        ssh_image "$part"
        run -3 "$gdbdebug" check image --cmdline rd.gdbdebug=ssh,wait
        assert_line --regexp "^fault +the command line wants the line 'ssh', but there is no '/usr/lib/gdbdebug/ssh/$part'"
    done
    ssh_image authorized_keys 'file usr/lib/gdbdebug/ssh/authorized_keys # nobody'
    run -3 "$gdbdebug" check image --cmdline rd.gdbdebug=ssh,wait
    assert_line --regexp "^fault .*there is no key in '/usr/lib/gdbdebug/ssh/authorized_keys'"
}

@test "check: a network line needs the agent for it, whatever drivers there are" {
    [[ -x $build/helper/gdbdebug-agent-net ]] || skip "this build has no helper"
    printf 'kernel/drivers/net/virtio_net.ko\n' >builtin
    local drivers='copy usr/lib/modules/6.99.0-test/modules.builtin builtin'
    image "$drivers" "exec usr/lib/gdbdebug/gdbdebug-agent $build/helper/gdbdebug-agent"
    run -3 "$gdbdebug" check image --cmdline rd.gdbdebug=tcp:1234,wait,insecure
    assert_line --regexp '^line net +cannot work: the agent for network lines is not in the image; build it with lines=net$'
    assert_line --regexp "^fault +the command line wants the line 'net', but the agent for network lines is not"
    image "$drivers" "exec usr/lib/gdbdebug/gdbdebug-agent $build/helper/gdbdebug-agent-net"
    run "$gdbdebug" check image --cmdline rd.gdbdebug=tcp:1234,wait,insecure # one with sanitizers is not static: a fault
    assert_line --regexp '^line net +can work: virtio_net is built into the kernel$'
    refute_output --partial 'wants the line'
}

@test "check: an image of gdbdebug 0.1, with one program, works and is said to be old" {
    sed 's# /usr/lib/gdbdebug/gdbdebug-agent##' helper.c >helper-0.1.c
    cc -static -Wl,--build-id=sha1 -o helper-0.1 helper-0.1.c
    old_image 'exec init helper-0.1'
    run -0 "$gdbdebug" check image
    assert_line --regexp '^warning +the image was made by gdbdebug 0.1; it works, but build it again to get what is new$'
    assert_line --partial 'can be debugged'
}

@test "check: an image without the agent is a fault" {
    agent_entry='dir usr/lib/gdbdebug'
    image
    run -3 "$gdbdebug" check image
    assert_line --regexp "^fault +'/usr/lib/gdbdebug/gdbdebug-agent' is missing; build the image again$"
}

@test "check: what only the kernel's own list could tell is a warning, and no fault" {
    image
    run -0 "$gdbdebug" check image --cmdline ttyS1,wait
    assert_line --regexp '^line serial +may work: none of 8250 '
    assert_line --regexp "^warning +the command line wants the line 'serial', which works only if the kernel has its driver"
    # A kernel that this machine knows nothing of.
    image 'file usr/lib/modules/6.99.0-test/kernel/drivers/char/virtio_console.ko x'
    run -0 "$gdbdebug" check image --cmdline ttyS1,wait
    assert_line --regexp "^warning +gdbdebug.conf asks for the line 'serial', but none of"
    # What does not depend on the kernel is known, whatever kernel that is.
    run -3 "$gdbdebug" check image --cmdline tcp:1234,wait,insecure
    assert_line --regexp '^line net +cannot work: the agent'
}

@test "check: an empty default= is the built-in one, as it is for the helper" {
    printf 'kernel/drivers/tty/serial/8250/8250.ko\n' >builtin
    printf 'default=\n' >conf
    image "copy usr/lib/modules/6.99.0-test/modules.builtin builtin" 'copy etc/gdbdebug.conf conf'
    run -0 "$gdbdebug" check image --cmdline 'quiet rd.gdbdebug'
    assert_line --regexp '^default +ttyS1,wait '
    assert_line --regexp "^meaning: as ttyS1,wait, the image's default: the line is ttyS1"
}

@test "check --cmdline --json: says the same to programs" {
    run -3 "$gdbdebug" check --json --cmdline 'rd.gdbdebug=ttyS1,wat'
    echo "$output" | /usr/bin/python3 -c '
import json, sys
facts = json.load(sys.stdin)
(remark,) = facts["cmdline"]["remarks"]
assert facts["ok"] is False and remark["fault"] is False, facts
text, column = facts["cmdline"]["text"], remark["column"]
assert text[column:column + remark["length"]] == "wat", facts
assert facts["cmdline"]["line"] == "serial", facts
'
}

@test "check: with nothing to look at is a fault of the command line" {
    run -2 "$gdbdebug" check
    assert_output --partial 'neither an IMAGE nor a --cmdline'
}

@test "command line: a wrong verb is named, with the one that was meant" {
    run -2 "$gdbdebug" chekc --cmdline ttyS1
    assert_output --partial "'chekc': unknown verb; did you mean 'check'? verbs: sysroot, check, attach"
    run -2 "$gdbdebug" elephant
    assert_output --partial "'elephant': unknown verb; verbs: sysroot"
    refute_output --partial 'did you mean'
}

@test "command line: numbers below zero are named" {
    run -2 "$gdbdebug" attach --timeout -1 ./sock
    assert_output --partial "--timeout: '-1' is not a number of seconds"
    run -2 "$gdbdebug" attach --timeout 1.5 ./sock
    assert_output --partial "'1.5' is not a number of seconds"
    run -2 "$gdbdebug" check --max-size -1 --cmdline ttyS1
    assert_output --partial "'-1' is not a size"
    run -0 "$gdbdebug" check --max-size 4G --cmdline ttyS1
}

@test "command line: -- ends the options of a verb that starts no other program" {
    run -1 "$gdbdebug" check --cmdline ttyS1,wait -- --no-such.img
    assert_output --partial "'--no-such.img': No such file"
    run -1 "$gdbdebug" check -- one two
    assert_output --partial "'one': No such file"
    run -2 timeout 20 "$gdbdebug" serve --timeout 1 ./sock -- -batch
    assert_output --partial batch
}

@test "command line: output that cannot be written is an error" {
    run -1 bash -c '"$1" check --json --cmdline ttyS1,wait >/dev/full' - "$gdbdebug"
    assert_output --partial "to 'standard output': No space left on device"
    run -1 bash -c '"$1" --help >/dev/full' - "$gdbdebug"
    assert_output --partial 'standard output'
    run -1 bash -c '"$1" check --help >/dev/full' - "$gdbdebug"
}
