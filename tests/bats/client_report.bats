#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# gdbdebug report: a crash report of a program made here becomes functions, files and lines.
# shellcheck disable=SC2016  # what is in single quotes is for another bash
# shellcheck disable=SC2154  # gdbdebug: set by client_setup

setup() {
    load client_common
    client_setup
    need cc nm objdump readelf strip objcopy
    cat >crash.c <<'C'
int sink;
static inline __attribute__((always_inline)) void inner(int *where) {
    *where = 7;                 // line 3
}
__attribute__((noinline)) void outer(int *where) {
    inner(where);               // line 6
    sink++;
}
int main(void) {
    outer(&sink);               // line 10
    sink++;
    return 0;
}
C
    cc -g -O1 -fno-optimize-sibling-calls -Wl,--build-id=sha1 -o crash crash.c
    id=$(build_id_of crash)
    mkdir -p sysroot/usr/bin
    cp crash sysroot/usr/bin/crash
}

# Where in the file function $1 is (crash's code is at its own offset, as ld lays it out).
place_of() {
    nm crash | sed -n "s/^0*\([0-9a-f]*\) [Tt] $1\$/0x\1/p"
}

# Where main's call of outer returns to: the instruction behind it.
return_place() {
    objdump -d --no-show-raw-insn crash |
        sed -n '/<main>:/,/^$/p' | grep -A1 'call.*<outer>' | sed -n '2s/^ *\([0-9a-f]*\):.*/0x\1/p'
}

# The report of a crash in the first instruction of outer, called by main. $1 is another build ID.
report() {
    cat <<LOG
[    1.000000] Run /init as init process
[    3.018726] gdbdebug: report: begin version=1 pid=1 comm=crash signal=SIGSEGV address=0x0 machine=x86_64 kernel=6.1.0
[    3.019836] gdbdebug: report: command /usr/bin/crash \\x2d\\x2dnow
[    3.020048] gdbdebug: report: register pc=0x55555555$(place_of outer) sp=0x7ffe0000
[    3.029387] gdbdebug: report: frame 0 file=/usr/bin/crash offset=$(place_of outer) address=0x1
[    3.030076] gdbdebug: report: frame 1 file=/usr/bin/crash offset=$(return_place) address=0x2 by=scan
[    3.030076] gdbdebug: report: frame 2 file=/usr/bin/elsewhere offset=0x10 address=0x3 by=scan
[    3.036030] gdbdebug: report: map 0x1000-0x2000 offset=0x1000 file=/usr/bin/crash build_id=${1:-$id}
[    3.038102] gdbdebug: report: end frames=3 maps=1
LOG
}

@test "report: functions, files and lines, inlined ones too" {
    report >log
    run -0 "$gdbdebug" report log --sysroot sysroot
    assert_line --regexp '^PID 1 \(crash\), SIGSEGV at address 0x0, kernel 6\.1\.0, x86_64$'
    assert_line 'command: /usr/bin/crash --now'
    assert_line --regexp '^#0 +inner at .*/crash\.c:3 \(/usr/bin/crash\+0x'
    assert_line --regexp '^ +inlined into outer at .*/crash\.c:6$'
    assert_line --regexp '^#1 +main at .*/crash\.c:10 \(/usr/bin/crash\+0x'
    assert_line --regexp '^#2 +\?\? \(/usr/bin/elsewhere\+0x10\)$'
    assert_line 'note: /usr/bin/elsewhere: not in the image'
    assert_line --partial 'some may be left from earlier calls'
}

@test "report: from an image, with the log on standard input" {
    printf '%s\n' 'exec usr/bin/crash crash' 'link init usr/bin/crash' | newc | gzip -c >image
    report | sed 's/$/\r/' >log
    run -0 bash -c '"$1" report - --initrd image <log' - "$gdbdebug"
    assert_line --regexp '^#1 +main at .*/crash\.c:10 '
}

@test "report: a program without symbols gets them from --debug-dir, by its build ID" {
    report >log
    strip -o sysroot/usr/bin/crash crash
    run -0 "$gdbdebug" report log --sysroot sysroot
    assert_line 'note: /usr/bin/crash: no debug information'
    mkdir -p "debug/.build-id/${id:0:2}"
    objcopy --only-keep-debug crash "debug/.build-id/${id:0:2}/${id:2}.debug"
    run -0 "$gdbdebug" report log --sysroot sysroot --debug-dir "$PWD/debug"
    assert_line --regexp '^#1 +main at .*/crash\.c:10 '
    refute_line --partial 'no debug information'
    run -0 "$gdbdebug" report log --sysroot sysroot --debug-dir debug
    assert_line --regexp '^#1 +main at .*/crash\.c:10 '
}

@test "report: names of functions and sources cannot move the terminal's cursor" {
    sed 's/^int main/# 9 "odd\\033[2J.c"\nint main/' crash.c >odd.c
    cc -g -O1 -fno-optimize-sibling-calls -Wl,--build-id=sha1 -o crash odd.c
    report "$(build_id_of crash)" >log
    objcopy --redefine-sym main=$'ma\033[2Jin' crash sysroot/usr/bin/crash
    run -0 "$gdbdebug" report log --sysroot sysroot
    assert_line --regexp '^#1 +ma\?\[2Jin at .*odd\?\[2J\.c:10 '
    refute_output --partial $'\033'
}

@test "report: a --debug-dir that is none is named" {
    report >log
    run -2 "$gdbdebug" report log --sysroot sysroot --debug-dir no-such-place
    assert_output --partial "--debug-dir: 'no-such-place': No such file or directory"
    run -2 "$gdbdebug" report log --sysroot sysroot --debug-dir log
    assert_output --partial "--debug-dir: 'log' is not a directory"
    run -2 "$gdbdebug" attach ./sock --timeout 1 --debug-dir log
    assert_output --partial "--debug-dir: 'log' is not a directory"
}

@test "report: another build than the one that crashed is not used, and named" {
    report 0123456789 >log
    run -5 "$gdbdebug" report log --sysroot sysroot
    assert_line "note: /usr/bin/crash: another one in the image: build ID $id there, 0123456789 in the report"
    refute_line --partial crash.c
}

@test "report: a file that was deleted by the switch to the real root is found by its name" {
    report | sed 's#file=/usr/bin/crash#&\\x20(deleted)#' >log
    run -0 "$gdbdebug" report log --sysroot sysroot
    assert_line --regexp '^#1 +main at .*/crash\.c:10 '
}

@test "report: functions and lines of a program without a table of addresses, as clang and Go make it" {
    report >log
    # gcc writes it, and libdw before 0.191 depends on it.
    objcopy --remove-section .debug_aranges crash sysroot/usr/bin/crash
    run -0 "$gdbdebug" report log --sysroot sysroot
    assert_line --regexp '^#0 +inner at .*/crash\.c:3 \(/usr/bin/crash\+0x'
    assert_line --regexp '^ +inlined into outer at .*/crash\.c:6$'
    assert_line --regexp '^#1 +main at .*/crash\.c:10 '
    refute_line --partial 'no debug information'
}

@test "report: functions and lines of what clang compiles, with debug information of each form" {
    need clang
    local form
    for form in '-gdwarf-4' '-gdwarf-5' '-gdwarf-4 -gz' '-gdwarf-5 -gz'; do
        # shellcheck disable=SC2086  # two words
        clang -g -O1 $form -fno-optimize-sibling-calls -Wl,--build-id=sha1 -o crash crash.c
        cp crash sysroot/usr/bin/crash
        report "$(build_id_of crash)" >log
        run -0 "$gdbdebug" report log --sysroot sysroot
        assert_line --regexp '^#0 +inner at .*/crash\.c:3 \(/usr/bin/crash\+0x'
        assert_line --regexp '^#1 +main at .*/crash\.c:10 '
    done
}

@test "report: compressed debug information, in its old and its new form" {
    report >log
    local form
    for form in zlib zlib-gnu; do
        objcopy --remove-section .debug_aranges --compress-debug-sections="$form" crash sysroot/usr/bin/crash
        run readelf --sections --wide sysroot/usr/bin/crash
        [[ $form == zlib ]] || assert_output --partial .zdebug_info
        run -0 "$gdbdebug" report log --sysroot sysroot
        assert_line --regexp '^#1 +main at .*/crash\.c:10 '
    done
}

@test "report: debug information that is compressed in an unknown way is not called missing" {
    report >log
    objcopy --compress-debug-sections=zlib crash sysroot/usr/bin/crash
    # The first word of the section is the kind of compression: one that nobody has.
    local offset
    offset=$(readelf --sections --wide sysroot/usr/bin/crash |
        sed -n 's/.* \.debug_info *PROGBITS *[0-9a-f]* *\([0-9a-f]*\) .*/\1/p')
    printf '\x77' | dd of=sysroot/usr/bin/crash bs=1 seek=$((16#$offset)) conv=notrunc status=none
    run -0 "$gdbdebug" report log --sysroot sysroot
    assert_line --partial 'note: /usr/bin/crash: its debug information is compressed in a way that'
    refute_line --partial 'no debug information'
}

# A log with a frame in each of the functions named.
report_in() {
    local name number=0
    echo "gdbdebug: report: begin version=1 pid=1 comm=crash signal=SIGSEGV machine=x86_64 kernel=6.1.0"
    for name; do
        printf 'gdbdebug: report: frame %d file=/usr/bin/crash offset=0x%x address=0x1 by=scan\n' \
            $((number++)) $(($(place_of "$name") + 1))
    done
    echo "gdbdebug: report: end frames=$number maps=0 omitted=0"
}

# base62 NUMBER, which is not 0: as Rust's names have it (RFC 2603).
base62() {
    local digits=0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ text=_ rest=$(($1 - 1))
    while :; do
        text=${digits:rest % 62:1}$text
        rest=$((rest / 62))
        ((rest > 0)) || break
    done
    echo "$text"
}

@test "report: names of C++ and Rust are as the source has them, and a huge one is left as it is" {
    grep -q '^GDBDEBUG_RUST_NAMES:.*=1' "$build/CMakeCache.txt" || skip "this build has no libiberty"
    # A tuple of two of the one before it, forty times: a terabyte when it is written out.
    local i last=8 here huge=INvC1a1fTmmE
    for ((i = 0; i < 40; i++)); do
        here=${#huge}
        huge+=TB$(base62 "$last")B$(base62 "$last")E
        last=$here
    done
    huge=_R${huge}E
    local -a names=(_RNvCs1234_7mycrate3foo _ZN7mycrate4tree4grow17h0123456789abcdefE _ZN2ns3addEib "$huge")
    {
        echo 'int sink;'
        for i in "${!names[@]}"; do
            echo "void f$i(void) __asm__(\"${names[i]}\"); void f$i(void) { sink += $i; sink--; }"
        done
        echo 'int main(void) { return 0; }'
    } >names.c
    cc -g -o crash names.c
    cp crash sysroot/usr/bin/crash
    report_in "${names[@]}" >log
    run -0 timeout 20 "$gdbdebug" report log --sysroot sysroot
    assert_line --regexp '^#0 +mycrate::foo '
    assert_line --regexp '^#1 +mycrate::tree::grow '
    assert_line --regexp '^#2 +ns::add\(int, bool\) '
    assert_line --regexp "^#3 +$huge "
}

@test "report: who has sent the signal, a stack overflow, what is repeated and what is left out" {
    report | sed -e 's/ machine=/ sender=106 sender_comm=kill&/' -e 's/ machine=/ stack=overflow&/' \
        -e '/frame 1/s/by=scan/by=chain times=2000/' -e 's/maps=1/& omitted=57 unread=4096/' >log
    run -0 "$gdbdebug" report log --sysroot sysroot
    assert_line --regexp '^PID 1 \(crash\), SIGSEGV at address 0x0 sent by process 106 \(kill\), stack overflow, kernel'
    assert_line --regexp '^#1 +main at .*/crash\.c:10 '
    assert_line '      repeated 2000 times'
    assert_line 'The frame pointers lead to #1.'
    assert_line --partial 'note: the list is cut: 57 possible return addresses on the stack are not in it; 4096 bytes of'
    sed 's/ sender=106 sender_comm=kill/ sender=1/' log >own
    run -0 "$gdbdebug" report own
    assert_line --partial 'SIGSEGV at address 0x0 sent by itself, stack overflow'
}

@test "report: the report of 0.1 is folded, and may be cut" {
    local i
    {
        echo "gdbdebug: report: begin version=1 pid=1 comm=crash signal=SIGSEGV machine=x86_64 kernel=6.1.0"
        echo "gdbdebug: report: frame 0 file=/usr/bin/crash offset=$(place_of outer) address=0x1"
        for ((i = 1; i < 32; i++)); do
            echo "gdbdebug: report: frame $i file=/usr/bin/crash offset=$(return_place) address=0x2 by=scan"
        done
        echo "gdbdebug: report: end frames=32 maps=0"
    } >log
    run -0 "$gdbdebug" report log --sysroot sysroot
    assert_line '      repeated 31 times'
    refute_line --regexp '^#2'
    assert_line --partial 'note: the list may be cut: the gdbdebug on that machine stops at 32 frames'
}

@test "report --json: the same for a program" {
    report | sed -e 's/ machine=/ sender=106 sender_comm=kill stack=overflow&/' -e 's/maps=1/& omitted=57/' >log
    run -0 --separate-stderr "$gdbdebug" report log --sysroot sysroot --json
    printf '%s\n' "$output" >json
    run -0 /usr/bin/python3 - <<'PYTHON'
import json
report, = json.load(open("json"))["reports"]
assert report["signal"] == "SIGSEGV" and report["exit"] is None and report["address"] == "0x0", report
assert report["sender"] == 106 and report["sender_comm"] == "kill" and report["stack_overflow"] is True, report
assert report["command"] == ["/usr/bin/crash", "--now"], report
assert report["omitted"] == 57 and report["complete"] is True, report
inner, outer = report["frames"][0]["functions"]
assert (inner["name"], inner["line"], outer["name"], outer["line"]) == ("inner", 3, "outer", 6), report
assert report["frames"][1]["by"] == "scan" and report["frames"][1]["times"] == 1, report
assert report["frames"][2]["functions"] == [] and report["frames"][2]["file"] == "/usr/bin/elsewhere", report
assert report["maps"][0]["begin"] == "0x1000" and len(report["maps"][0]["build_id"]) == 40, report
assert any("not in the image" in note for note in report["notes"]), report
PYTHON
}

@test "report: lines that were lost are missed" {
    report | grep -v 'frame 1' >log
    run -5 "$gdbdebug" report log --sysroot sysroot
    assert_line --partial '2 of 3 frames and 1 of 1 mappings are there'
    report | grep -v 'report: end' >log
    run -5 "$gdbdebug" report log --sysroot sysroot
    assert_line --partial 'the log ends before the report does'
}

@test "report: without its first line, in any order and doubled it is still a report" {
    report | grep -v 'report: begin' >log
    run -5 "$gdbdebug" report log --sysroot sysroot
    assert_line 'PID 1'
    assert_line --regexp '^#1 +main at .*/crash\.c:10 '
    assert_line --partial "note: the first line of the report was lost, with the signal and the machine's name"
    report | sed -n 'p;3p;6p;6p;$p' >log
    run -0 "$gdbdebug" report log --sysroot sysroot
    assert_equal "$(grep -c '^#1 *main at' <<<"$output")" 1
    # The console's copy and the journal's, each with another line lost.
    { report | grep -v 'frame 1'; report | grep -v 'report: map' | sed 's/^\[.*gdb/Nov 25 13:00:00 host kernel: gdb/'; } >log
    run -0 "$gdbdebug" report log --sysroot sysroot
    assert_line --regexp '^#1 +main at .*/crash\.c:10 '
    assert_equal "$(grep -c '^PID 1' <<<"$output")" 1
}

@test "report: a log that a terminal has wrapped or cut is not believed" {
    report >log
    run -0 "$gdbdebug" report log --sysroot sysroot
    refute_line --partial 'cut off or damaged'
    # In the middle of an offset, so that what is left is another place.
    local place
    place=$(place_of outer)
    sed "/frame 0/s/offset=${place%??}/&\n/" log >wrapped
    run -5 "$gdbdebug" report wrapped --sysroot sysroot
    assert_line "#0  ?? (/usr/bin/crash+${place%??}, the line is damaged)"
    assert_line --partial 'note: 1 line of the report cut off or damaged'
    assert_line --regexp '^#1 +main at .*/crash\.c:10 '
    # A place that is whole, but not the one in its mapping, is told with a mark.
    sed "/frame 0/s/address=0x1/address=0x1fff/" log >wrong
    run -5 "$gdbdebug" report wrong --sysroot sysroot
    assert_line --regexp '^#0 +inner at .*/crash\.c:3 \(.*, the line is damaged\)$'
    cut -c -80 log >edge.log
    run -5 "$gdbdebug" report edge.log --sysroot sysroot
    assert_line --regexp '^note: [2-9] lines of the report cut off or damaged'
    refute_line --partial 'another one in the image'
}

@test "report: what draws on a terminal does not come through" {
    report | sed 's/comm=crash/comm=\\x1b[31m/' >log
    run -0 "$gdbdebug" report log --sysroot sysroot
    refute_output --partial $'\e'
}

@test "report: without an image the places are told, and that it was not named" {
    report >log
    run -0 "$gdbdebug" report log <&-
    assert_line --regexp '^#0 +\?\? \(/usr/bin/crash\+0x'
    assert_line --partial '--initrd IMAGE names the one that crashed'
}

@test "report: a log without a report, or no log, is an error that says what is needed" {
    echo nothing >log
    run -1 "$gdbdebug" report log
    assert_output --partial 'there is none; it needs what the console showed'
    run -1 "$gdbdebug" report no-such-log
    assert_output --partial no-such-log
    run -1 bash -c '"$1" report - <&-' - "$gdbdebug"
    run -2 "$gdbdebug" report
}

@test "report --help: says what each word is" {
    run -0 "$gdbdebug" report --help
    assert_line --regexp '^ +LOG \.\.\. REQUIRED +What the console showed: files, folders of'
}

@test "report: a log without a core writes no core file" {
    report >log
    run -1 "$gdbdebug" report log --sysroot sysroot --core out
    assert_output --partial 'there is none; it needs a boot with rd.gdbdebug=LINE,crash,core'
    assert_not_exists out
}

@test "report: a record of a core that is damaged is counted, and nothing is made of it" {
    { report; echo '[    3.1] gdbdebug: core: 1a2b3c4d 0 5 UGhlbGxv 00000000'; } >log
    run -0 "$gdbdebug" report log --sysroot sysroot --json
    assert_output --partial '"damaged_records":1'
    refute_output --partial '"core":'
}


@test "report: a log is read while it arrives on a line, and no longer than it takes" {
    local kind
    report >log
    for kind in pty socket pipe; do
        run -0 --separate-stderr /usr/bin/python3 "$BATS_TEST_DIRNAME/client_arrives.py" "$kind" log \
            "$gdbdebug" report @ --sysroot sysroot
        assert_line --regexp '^#1 +main at .*/crash\.c:10 '
    done
}

@test "report: Ctrl-C while a report arrives shows what there is" {
    report | head -n 6 >log
    run -5 /usr/bin/python3 "$BATS_TEST_DIRNAME/client_arrives.py" pty/interrupt log "$gdbdebug" report @ --sysroot sysroot
    assert_line --regexp '^#1 +main at .*/crash\.c:10 '
    assert_line --partial 'note: the log ends before the report does'
}

@test "report: what all processes did is shown" {
    cp "$BATS_TEST_DIRNAME/../fault/fuzz/corpus/hang_report/console" log
    run -0 "$gdbdebug" report log
    assert_line --partial "the real root's init has not been executed 120 seconds after the hand-off; PID 1 (systemd) is in state S"
    assert_line '     1 S systemd in epoll_wait anon_inode:[eventpoll] (ep_poll)'
    assert_line '         kernel: ep_poll < do_epoll_wait < __x64_sys_epoll_wait'
    assert_line '   231 D mount in mount /sysroot (nfs_wait), runs: 1,0 ticks'
    assert_line '         command: mount -t nfs'
    assert_line '   106 S ask in read /dev/console, waits for somebody to type'
    assert_line 'note: 1 process is not in the report'
    run -0 "$gdbdebug" report log --json
    assert_output --partial '"hangs":[{"head":"the real root'
    assert_output --partial '"input":true'
    sed -i '/pid=106/d' log
    run -5 "$gdbdebug" report log
    assert_line --partial '2 of 3 processes are there'
}

@test "report --now: asks the target, and says what it answers" {
    local line
    cp "$BATS_TEST_DIRNAME/../fault/fuzz/corpus/hang_report/console" log
    for line in pty socket; do
        run -0 --separate-stderr /usr/bin/python3 "$BATS_TEST_DIRNAME/client_arrives.py" "$line/asked" log \
            "$gdbdebug" report --now @
        assert_line --partial '106 S ask in read /dev/console'
    done
    printf '+$OK#9a' >log
    run -1 /usr/bin/python3 "$BATS_TEST_DIRNAME/client_arrives.py" socket/asked log "$gdbdebug" report --now @
    assert_output --partial "and on its console, which is not this line; give the console's log to gdbdebug report"
    printf '+$#00' >log
    run -1 /usr/bin/python3 "$BATS_TEST_DIRNAME/client_arrives.py" socket/asked log "$gdbdebug" report --now @
    assert_output --partial 'the target does not know the request; its gdbdebug is older'
    run -2 "$gdbdebug" report --now one.sock two.sock
    assert_output --partial '--now needs one'
    run -2 "$gdbdebug" report --now log
}

@test "report: a line for a debugger alone, and a name that nothing has, are errors" {
    local line
    for line in ssh://root@machine vsock:3:1234; do
        run -2 timeout 20 "$gdbdebug" report "$line"
        assert_output --partial 'it is a line for a debugger alone, which no console writes to'
    done
    run -1 timeout 20 "$gdbdebug" report logs/console.log
    assert_output --partial "reading the log 'logs/console.log': No such file or directory"
}

@test "report: a serial log in two files is one log" {
    report >log
    head -n 6 log >first
    tail -n +7 log >second
    run -0 "$gdbdebug" report first second --sysroot sysroot
    assert_line --regexp '^#1 +main at .*/crash\.c:10 '
}

# The parts of a dump as pstore has them: the newest text is in part 1. part NAME NUMBER FIRST LAST
part() {
    { echo "${dump:-Panic#1} Part$2"; sed -n "$3,$4p" log; } >"$1"
}

@test "report: the parts of a log that pstore has kept are put together" {
    report >log
    mkdir parts
    part parts/dmesg-efi_pstore-170000000010001 10 1 2
    part parts/dmesg-efi_pstore-170000000009001 9 3 4
    part parts/dmesg-efi_pstore-170000000001001 1 5 99
    run -0 "$gdbdebug" report parts --sysroot sysroot
    assert_line --regexp '^#1 +main at .*/crash\.c:10 '
    run -0 "$gdbdebug" report parts/* --sysroot sysroot
    assert_line --regexp '^#1 +main at .*/crash\.c:10 '
}

@test "report: dumps of two boots in /sys/fs/pstore do not mix" {
    mkdir parts
    report >log
    part parts/dmesg-erst-7000000000000000010 2 1 4
    part parts/dmesg-erst-7000000000000000009 1 5 99
    mv parts/dmesg-erst-7000000000000000010 parts/dmesg-erst-7000000000000000011
    mv parts/dmesg-erst-7000000000000000009 parts/dmesg-erst-7000000000000000010
    report | sed 's/SIGSEGV/SIGILL/' >log
    part parts/dmesg-erst-7000000000000000008 2 1 4
    part parts/dmesg-erst-7000000000000000007 1 5 99
    echo '<console of ramoops>' >parts/console-ramoops-0
    run -0 "$gdbdebug" report parts --sysroot sysroot
    assert_equal "$(grep -c '^#1 *main at' <<<"$output")" 2
    assert_line --regexp '^PID 1 \(crash\), SIGILL'
    assert_line --regexp '^PID 1 \(crash\), SIGSEGV'
}

@test "report: what systemd-pstore has moved and put together is read once" {
    report >log
    mkdir -p pstore/1700000000/001
    part pstore/1700000000/001/dmesg-efi_pstore-170000000002001 2 1 4
    part pstore/1700000000/001/dmesg-efi_pstore-170000000001001 1 5 99
    (cd pstore/1700000000/001 && cat dmesg-efi_pstore-170000000002001 dmesg-efi_pstore-170000000001001 >dmesg.txt)
    echo compressed >pstore/1700000000/001/dmesg-efi_pstore-170000000003001.enc.z
    run -0 "$gdbdebug" report pstore --sysroot sysroot
    assert_equal "$(grep -c '^#1 *main at' <<<"$output")" 1
    assert_output --partial "170000000003001.enc.z' is left out: it is compressed"
}
