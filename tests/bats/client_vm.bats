#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# gdbdebug vm: what QEMU is told, and what becomes of it. The QEMU here is a script that puts a target (client_target.py)
# where QEMU's socket would be; the real one is in tests/vm.
# shellcheck disable=SC2016  # what is in single quotes is for gdb
# shellcheck disable=SC2154  # gdbdebug: set by client_setup

setup() {
    load client_common
    client_setup
    need gdb gdbserver cc readelf
    [[ $(uname -m) == x86_64 ]] || skip "the image here is for x86_64"
    make_program
    image_setup
    real_init=$PWD/program image
    echo kernel >kernel
    mkdir path
    cat >path/qemu-system-x86_64 <<SH
#!/bin/bash
printf '%s\n' "\$@" >>"$PWD/words"
if [[ " \$* " == *' kvm '* && " \$* " != *' -initrd '* ]]; then \${KVM_TRIAL:-exit 1}; fi
for word; do
    case \$word in
        file,id=console*) console=\${word#*path=} ;;
        socket,id=gdbdebug,*,logfile=*) console=\${word##*logfile=} ;;&
        socket,id=gdbdebug,*) socket=\${word#*path=} socket=\${socket%%,server=on*} socket=\${socket//,,/,} ;;
    esac
done
echo "[    1.0] the kernel's console" >"\$console"
[[ -z \${SAYS:-} ]] || echo "[    1.5] gdbdebug: \$SAYS" >>"\$console"
[[ -z \${QEMU_FAILS:-} ]] || { echo 'qemu: no such machine' >&2; echo '[    2.0] Kernel panic' >>"\$console"; exit 1; }
exec /usr/bin/python3 "$BATS_TEST_DIRNAME/client_target.py" "unix:\$socket" --program "$PWD/program" \
    --exe /usr/lib/systemd/systemd --build-id "$(build_id_of program)" --state "\${STATE:-held}" 3>&-
SH
    chmod +x path/qemu-system-x86_64
    export PATH=$PWD/path:$PATH XDG_RUNTIME_DIR=$PWD/run
    mkdir run
}

vm() {
    timeout 60 "$gdbdebug" vm --kernel kernel --initrd image --accel "${accel:-tcg}" --timeout 30 "$@" <&-
}

# The words that QEMU got must have these in a row.
assert_words() {
    [[ $(tr '\n' ' ' <words) == *"$* "* ]] || fail "expected: $*"$'\n'"got: $(tr '\n' ' ' <words)"
}

@test "vm: one command goes to main of the real init" {
    run -0 vm --main --gdb-arg=-batch --gdb-arg=-ex --gdb-arg='print argc' --gdb-arg=-ex --gdb-arg=kill
    assert_line --regexp '^Temporary breakpoint 1, main \(argc=1'
    assert_line '$1 = 1'
    assert_words -kernel kernel
    assert_words -initrd image
    assert_words -append 'console=ttyS0 panic=-1 rd.gdbdebug=ttyS1,wait'
    assert_words -accel tcg
}

@test "vm: with --one-wire the console's port is the debug line" {
    run -0 vm --one-wire --gdb-arg=-batch --gdb-arg=-ex --gdb-arg=kill
    assert_words -append 'console=ttyS0 panic=-1 rd.gdbdebug=ttyS0,wait'
    assert_words -serial chardev:gdbdebug
    run -1 grep -q id=console words
    rm words
    run -0 vm --debug console,wait --gdb-arg=-batch --gdb-arg=-ex --gdb-arg=kill
    assert_words -serial chardev:gdbdebug
    run -2 vm --one-wire --debug ttyS1,wait
    assert_line --partial "'ttyS1': with --one-wire the line is the console"
}

@test "vm: nothing of it is left when the debugger ends" {
    run -0 vm --gdb-arg=-batch --gdb-arg=-ex --gdb-arg=kill
    assert_equal "$(find run "$TMPDIR" -mindepth 1)" ''
    run pgrep -f "$PWD/run"
    assert_output ''
}

@test "vm: the kernel's and QEMU's words are the user's" {
    run -0 vm --append 'rd.break quiet' --append x=y --debug ttyS1,9600,wait=9 --memory 2G \
        --gdb-arg=-batch --gdb-arg=-ex --gdb-arg=kill -- -device virtio-rng-pci
    assert_words -append 'console=ttyS0 panic=-1 rd.break quiet x=y rd.gdbdebug=ttyS1,9600,wait=9'
    assert_words -m 2G
    assert_words -device virtio-rng-pci
}

@test "vm: an rd.gdbdebug= of the user's own is left alone, and rd.gdbdebug.ip= is none" {
    run -0 vm --append 'rd.gdbdebug=ttyS1,wait=5' --gdb-arg=-batch --gdb-arg=-ex --gdb-arg=kill
    assert_words -append 'console=ttyS0 panic=-1 rd.gdbdebug=ttyS1,wait=5'
    rm words
    run -0 vm --append 'rd.gdbdebug.ip=::::::dhcp' --gdb-arg=-batch --gdb-arg=-ex --gdb-arg=kill
    assert_words -append 'console=ttyS0 panic=-1 rd.gdbdebug.ip=::::::dhcp rd.gdbdebug=ttyS1,wait'
}

@test "vm --crash: asks for crash in place of wait, and waits for it" {
    STATE=crashed run -0 vm --crash --gdb-arg=-batch --gdb-arg=-ex --gdb-arg=kill
    assert_words -append 'console=ttyS0 panic=-1 rd.gdbdebug=ttyS1,crash'
    assert_line --partial 'PID 1 is held where it would have died'
}

@test "vm: when QEMU fails, what it said and the console's end are shown" {
    QEMU_FAILS=1 run -1 vm
    assert_line --partial 'QEMU has ended (exit status 1)'
    assert_line --partial 'qemu: no such machine'
    assert_line --partial 'Kernel panic'
}

@test "vm: a command line with which nobody would answer is refused, and one that is odd is told" {
    run -2 vm --debug tcp:1234
    assert_output --partial "reading the kernel command line 'tcp:1234': tcp is in the clear"
    run -2 vm --append rd.gdbdebug=off
    assert_output --partial "debugging is off; --no-gdb boots it without a debugger"
    assert_not_exist words
    run -0 vm --debug ttyS1,wait,wat --gdb-arg=-batch --gdb-arg=-ex --gdb-arg=kill
    assert_output --partial "the kernel command line, 'wat': unknown option"
}

@test "vm: the debug line that --debug names is made" {
    run -0 vm --debug virtio:org.gdbdebug.0,wait --gdb-arg=-batch --gdb-arg=-ex --gdb-arg=kill
    assert_words -device virtio-serial-pci -device virtserialport,chardev=gdbdebug,name=org.gdbdebug.0
    run -1 grep -x chardev:gdbdebug words
    rm words
    run -0 vm --append rd.gdbdebug=hvc0,wait --gdb-arg=-batch --gdb-arg=-ex --gdb-arg=kill
    assert_words -device virtio-serial-pci -device virtconsole,chardev=gdbdebug
    rm words
    run -2 vm --debug ttyS7,wait
    assert_output --partial "making the debug line 'ttyS7': gdbdebug makes no such line for this machine"
    assert_not_exist words
    run -0 vm --debug ttyUSB0,wait --gdb-arg=-batch --gdb-arg=-ex --gdb-arg=kill -- -device usb-serial,chardev=gdbdebug
    run -1 grep -x chardev:gdbdebug words
}

@test "vm: what gdbdebug says on the console while it is waited for is shown" {
    SAYS="opening the line 'ttyS1': no such device; waiting for it" run -0 vm --gdb-arg=-batch --gdb-arg=-ex --gdb-arg=kill
    assert_line --partial "the console says: gdbdebug: opening the line 'ttyS1': no such device; waiting for it"
}

@test "vm --accel kvm: a KVM that hangs is told, and taken all the same" {
    [[ -w /dev/kvm ]] || skip "there is no /dev/kvm"
    accel=kvm KVM_TRIAL='exec sleep 60' run -0 vm --gdb-arg=-batch --gdb-arg=-ex --gdb-arg=kill
    assert_line --partial 'WARNING: KVM does not work here'
    assert_words -accel kvm
    run -1 grep -x tcg words
}

@test "vm --accel auto: a KVM that fails is told, tcg taken, and a trial that hung is not repeated" {
    [[ -w /dev/kvm ]] || skip "there is no /dev/kvm"
    accel=auto run -0 vm --gdb-arg=-batch --gdb-arg=-ex --gdb-arg=kill
    assert_line --partial 'KVM does not work here'
    assert_words -accel kvm
    assert_words -accel tcg
    # It was over at once, and may have had another reason: the next one tries again.
    assert_not_exist "$GDBDEBUG_CACHE/no-kvm"
    accel=auto KVM_TRIAL='exec sleep 60' run -0 vm --gdb-arg=-batch --gdb-arg=-ex --gdb-arg=kill
    assert_line --partial 'KVM does not work here'
    rm words
    accel=auto run -0 vm --gdb-arg=-batch --gdb-arg=-ex --gdb-arg=kill
    assert_line --partial 'KVM did not work when it was tried'
    run -1 grep -x kvm words
}

@test "vm --accel auto: KVM is tried with the QEMU that --qemu names" {
    [[ -w /dev/kvm ]] || skip "there is no /dev/kvm"
    mv path/qemu-system-x86_64 another-qemu
    printf '#!/bin/sh\ntouch "%s/wrong"\nexit 1\n' "$PWD" >path/qemu-system-x86_64
    chmod +x path/qemu-system-x86_64
    accel=auto KVM_TRIAL='exit 0' run -0 vm --qemu "$PWD/another-qemu" --gdb-arg=-batch --gdb-arg=-ex --gdb-arg=kill
    assert_words -accel kvm
    run -1 grep -x tcg words
    assert_not_exist wrong
    assert_not_exist "$GDBDEBUG_CACHE/no-kvm"
}

@test "vm --accel auto: an interrupt during the trial ends it, and says nothing about KVM" {
    [[ -w /dev/kvm ]] || skip "there is no /dev/kvm"
    KVM_TRIAL='exec sleep 60' "$gdbdebug" vm --kernel kernel --initrd image >out 2>&1 <&- 3>&- &
    local vm=$! status=0
    timeout 30 bash -c 'until grep -qsx kvm words; do sleep 0.1; done' || fail "$(cat out)"
    kill "$vm"
    wait "$vm" || status=$?
    assert_equal "$status" 1
    run cat out
    assert_output --partial "trying KVM with 'qemu-system-x86_64': interrupted"
    assert_not_exist "$GDBDEBUG_CACHE/no-kvm"
    run -1 grep -x tcg words
}

# An image that was made without gdbdebug, and a gdbdebug-overlay that makes an overlay of what image() has.
unmodified_image() {
    overlay >made.img
    printf '#!/bin/sh\n%s\n' "${maker:-cp $PWD/made.img \$1}" >path/gdbdebug-overlay
    chmod +x path/gdbdebug-overlay
    { printf 'exec init %s\n' "$PWD/program"; for file in "${libraries[@]}"; do printf 'exec %s %s\n' "${file#/}" "$file"; done; } |
        newc | gzip -c >image
}

@test "vm: an overlay is made for an image without the helper, loaded behind it, and started first of all" {
    unmodified_image
    run -0 vm --gdb-arg=-batch --gdb-arg=-ex --gdb-arg=kill
    assert_line --partial "an overlay with gdbdebug is loaded behind the image"
    assert_words -append 'rdinit=/gdbdebug/init console=ttyS0 panic=-1 rd.gdbdebug=ttyS1,wait'
    run -1 grep -x image words
}

@test "vm --overlay: the archive that is named is loaded behind the image, aligned; one of several --initrd is known as one" {
    unmodified_image
    rm path/gdbdebug-overlay
    # QEMU's file goes away with the machine.
    # shellcheck disable=SC2016
    sed -i '2i for word; do case $word in */initrd.img) cp "$word" joined ;; esac; done' path/qemu-system-x86_64
    run -0 vm --overlay made.img --gdb-arg=-batch --gdb-arg=-ex --gdb-arg=kill
    assert_words -append 'rdinit=/gdbdebug/init console=ttyS0'
    cp image expected && pad4 expected && cat made.img >>expected
    cmp joined expected
    rm joined words
    run -0 vm --initrd made.img --gdb-arg=-batch --gdb-arg=-ex --gdb-arg=kill
    assert_words -append 'rdinit=/gdbdebug/init console=ttyS0'
    cmp joined expected
}

@test "vm: an image without the helper is refused before anything is started, if no overlay can be made" {
    maker='echo no gdbserver >&2; exit 1' unmodified_image
    run -1 vm
    assert_output --partial "exit status 1: no gdbserver; --overlay FILE names one that was made before"
    assert_not_exist words
}

@test "vm: the kernel is the one that the image is for, and one that is not here is named" {
    real_init=$PWD/program image 'dir usr/lib/modules' 'dir usr/lib/modules/1.2.3-none'
    run -2 timeout 20 "$gdbdebug" vm --initrd image --accel tcg
    assert_output --partial "there is none of version 1.2.3-none here; name it with --kernel"
    run -2 timeout 20 "$gdbdebug" vm --kernel kernel --accel tcg
    assert_output --partial "--initrd must name the image"
}

@test "vm: a kernel or a QEMU that is not there is named" {
    run -1 timeout 20 "$gdbdebug" vm --kernel no-such-kernel --initrd image --accel tcg
    assert_line --partial no-such-kernel
    run -1 vm --qemu no-such-qemu
    assert_line --partial "'no-such-qemu': program not found"
}

@test "vm --no-gdb: the debug line is where --socket says, for gdbdebug attach" {
    timeout 60 "$gdbdebug" vm --kernel kernel --initrd image --accel tcg --no-gdb --socket "$PWD/debug,line.sock" \
        >vm.out 2>&1 <&- 3>&- &
    local machine=$!
    run -0 timeout 60 "$gdbdebug" attach --timeout 30 --initrd image "$PWD/debug,line.sock" -- -batch -ex 'info symbol $pc' -ex kill
    assert_line --regexp '^_start in section'
    kill "$machine"  # timeout passes it on
    wait "$machine" || true
    assert_equal "$(find run -mindepth 1)" ''
}
