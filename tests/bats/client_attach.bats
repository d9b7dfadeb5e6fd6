#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# gdbdebug attach: meets a target that is a gdbserver with a hello before it (client_target.py), without a terminal.
# shellcheck disable=SC2030,SC2031  # each test has its own target_pids
# shellcheck disable=SC2016,SC2034  # what is in single quotes is for gdb
# shellcheck disable=SC2154  # gdbdebug, target, target_pid: set by client_common; stderr: by bats' run

setup() {
    load client_common
    client_setup
    need gdb gdbserver cc strip readelf
    target_pids=()
    make_program
}

teardown() {
    [[ -z ${attach_pid:-} ]] || kill -KILL "$attach_pid" 2>/dev/null || true
    stop_targets
}

# attach ARGUMENT...: gdb in batch, with standard input closed. What follows -- is gdb's.
attach() {
    timeout 60 "$gdbdebug" attach --timeout 30 "$@" <&-
}

with_program() {
    cp "${1:-program}" sysroot/usr/bin/program
    ln -sf ../../bin/program sysroot/usr/lib/gdbdebug/init
    start_target target "$line" --program "$PWD/sysroot/usr/bin/program" --exe /usr/bin/program \
        --build-id "$(build_id_of "${1:-program}")" "${@:2}"
}

@test "attach: each kind of line brings gdb to the first instruction, with the right files" {
    for line in "unix:$PWD/sock" tcp pty; do
        echo "# $line"
        rm -f sock target.where
        with_program
        run -0 attach --sysroot sysroot "$target" -- -batch -ex 'info symbol $pc' -ex 'info line main' -ex kill
        assert_line --regexp "'/usr/bin/program' in the image is the one that runs there"
        assert_line --regexp '^_start in section \.text of .*ld-linux'
        assert_line --partial 'program.c"'
        stop_targets
    done
}

@test "attach: --main stops in main of a program with symbols" {
    line=unix:$PWD/sock
    with_program program
    run -0 attach --sysroot sysroot --main "$target" -- -batch -ex 'print told' -ex 'print argc' -ex kill
    assert_line --regexp '^Temporary breakpoint 1, main \(argc=1'
    assert_line '$1 = 0'
}

@test "attach: --main stops in main of a stripped program" {
    line=unix:$PWD/sock
    with_program stripped
    run -0 attach --sysroot sysroot --main "$target" -- -batch -ex 'print/x $pc' -ex 'print (int)$rdi' -ex 'x/s *(char**)$rsi' -ex kill
    [[ $(uname -m) == x86_64 ]] || skip "the registers in this test are those of x86_64"
    # main's place in the file, and the same digits at the end of where it stopped: it is loaded at whole pages.
    main=$(nm program | sed -n 's/ T main$//p')
    assert_line --regexp "^\\\$1 = 0x[0-9a-f]+${main: -3}\$"
    assert_line '$2 = 1'
    assert_line --partial "has no symbols, so the debugger will show its main() as ?? ()"
    refute_line --partial 'main ran'
}

# A program without a C library: $1 is the C of it, which has to bring _start. It is the image's too.
bare_program() {
    echo "$1" >bare.c
    cc -g -O0 -static -nostdlib -ffreestanding -fno-stack-protector -Wl,--build-id=sha1 -o bare bare.c
    cp bare sysroot/usr/bin/program
    ln -sf ../../bin/program sysroot/usr/lib/gdbdebug/init
    start_target target "$line" --program "$PWD/bare" --exe /usr/bin/program --build-id "$(build_id_of bare)"
}

@test "attach: --main stops in main.main of a program of Go's" {
    line=unix:$PWD/sock
    bare_program 'void go(void) __asm__("main.main"); void go(void) { for (;;) ; } void _start(void) { go(); }'
    run -0 attach --sysroot sysroot --main "$target" -- -batch -ex 'info symbol $pc' -ex kill
    assert_line --regexp '^Temporary breakpoint 1, '
    assert_line --regexp '^main\.main( \+ [0-9]+)? in section \.text'
}

@test "attach: --main stays at _start of a program that has no main, with debug information too, and says so" {
    line=unix:$PWD/sock
    bare_program 'void work(void) { for (;;) ; } void _start(void) { work(); }'
    run -0 attach --sysroot sysroot --main "$target" -- -batch -ex 'info symbol $pc' -ex kill
    assert_line --partial "--main cannot be done: '/usr/bin/program' has neither a function main nor Go's main.main"
    assert_line --regexp '^_start in section \.text'
}

@test "attach: a debugger that does not find main stays where it is" {
    line=unix:$PWD/sock
    with_program program
    # As one that cannot read this program's symbols.
    cat >blind <<'SH'
#!/bin/bash
for word; do
    [[ $word != file\ * ]] || word=file
    words+=("$word")
done
exec gdb "${words[@]}"
SH
    chmod +x blind
    run attach --gdb ./blind --sysroot sysroot --main "$target" -- -batch -ex 'info inferiors' -ex kill
    refute_output --partial 'exited'
    assert_line --regexp '^\* 1 +process [0-9]+'
}

@test "attach: a newline in the name of a library is no command" {
    line=unix:$PWD/sock
    local name=$'x.so\nshell touch owned\n'
    mkdir -p sysroot/lib
    echo 'int __libc_start_main(void) { return 0; }' >libx.c
    cc -shared -nostdlib -Wl,-soname,"$name" -o "sysroot/lib/$name" libx.c
    echo 'int __libc_start_main(void); void _start(void) { __libc_start_main(); }' >uses.c
    cc -nostdlib -ffreestanding -o uses uses.c "sysroot/lib/$name"
    strip uses
    cp uses sysroot/usr/bin/program
    ln -sf ../../bin/program sysroot/usr/lib/gdbdebug/init
    start_target target "$line" --program "$PWD/program" --exe /usr/bin/program
    run -0 attach --sysroot sysroot --main "$target" -- -batch -ex kill
    assert_not_exist owned
    assert_line --partial '--main cannot be done'
}

@test "attach: what a hello says with a control character in it is ignored, and named" {
    line=unix:$PWD/sock
    with_program program --exe '/usr/bin/program\x0ashell\x20touch\x20owned'
    run -0 attach --sysroot sysroot "$target" -- -batch -ex kill
    assert_line --partial 'has control characters or the wrong form, and is ignored: exe'
    assert_not_exist owned
}

@test "attach: a 32-bit program that executes a 64-bit one is followed, as a plain gdb would" {
    [[ $(uname -m) == x86_64 ]] || skip "it takes a processor that runs both"
    need as ld
    line=unix:$PWD/sock
    cat >narrow.S <<S
        .data
path:   .asciz "$PWD/program"
argv:   .long path, 0
        .text
        .globl _start
_start: movl \$11, %eax
        movl \$path, %ebx
        movl \$argv, %ecx
        xorl %edx, %edx
        int \$0x80
        hlt
S
    as --32 -o narrow.o narrow.S && ld -m elf_i386 -o narrow narrow.o
    local status=0
    ./narrow >ran || status=$?
    [[ $status == 0 && $(cat ran) == 'program: main ran' ]] || skip "this kernel runs no 32-bit programs"
    mkdir -p "sysroot$PWD"
    cp program "sysroot$PWD/program"
    cp narrow sysroot/usr/bin/narrow
    start_target target "$line" --program "$PWD/narrow" --exe /usr/bin/narrow
    run -0 attach --sysroot sysroot "$target" -- -batch -ex 'print sizeof($pc)' -ex 'catch exec' -ex continue \
        -ex 'print $rip == $pc' -ex 'tbreak main' -ex continue -ex bt -ex kill
    refute_output --partial "reply is too long"
    assert_line --regexp 'is executing new program: .*/program$'
    assert_line --regexp '^Temporary breakpoint 2, main \(argc=1'
}

@test "attach: --break is set, also in a library that is not loaded yet" {
    line=unix:$PWD/sock
    with_program
    run -0 attach --sysroot sysroot --break puts --break no_such_function "$target" -- -batch -ex continue -ex bt -ex kill
    assert_line --regexp '^Breakpoint 1, .*puts'
    assert_line --regexp '^#1 .*in main '
}

@test "attach: the wrong image is named, with both build IDs, and its symbols are not used" {
    line=unix:$PWD/sock
    cp program sysroot/usr/bin/program
    ln -sf ../../bin/program sysroot/usr/lib/gdbdebug/init
    start_target target "$line" --program /bin/true --exe /usr/bin/program --build-id 0123456789abcdef
    run -0 attach --sysroot sysroot "$target" -- -batch -ex 'info line main' -ex kill
    assert_line --regexp "WARNING: the image is not the one that the target booted: .* has build ID $(build_id_of program) in the image, and 0123456789abcdef on the target"
    refute_line --partial program.c
}

@test "attach: a program that the image has not is named" {
    line=unix:$PWD/sock
    with_program program --exe /usr/bin/another
    run -0 attach --sysroot sysroot "$target" -- -batch -ex kill
    assert_line --partial "WARNING: the target runs '/usr/bin/another', which is not in the image"
}

@test "attach: a watchdog that runs on the target is told of" {
    line=unix:$PWD/sock
    with_program program --state running --watchdog 12
    run -0 attach --sysroot sysroot "$target" -- -batch -ex kill
    assert_line --partial 'it resets the target after 12 seconds'
}

@test "attach: a target that says nothing at first is waited for" {
    line=unix:$PWD/sock
    with_program program --deaf 1
    run -0 attach --sysroot sysroot "$target" -- -batch -ex kill
    assert_line --partial 'nothing answers yet; boot the target with rd.gdbdebug='
    assert_line --partial 'PID 1 is held, in /usr/bin/program'
}

@test "attach: --crash waits until PID 1 is held at its end" {
    line=unix:$PWD/sock
    with_program program --state running
    run -4 timeout 60 "$gdbdebug" attach --timeout 3 --crash --sysroot sysroot "$target" -- -batch -ex kill
    assert_line --partial 'it answers, but PID 1 did not crash within 3 s; PID 1 is running'
    stop_targets
    rm -f sock target.where
    with_program program --state crashed
    run -0 attach --crash --sysroot sysroot "$target" -- -batch -ex kill
    assert_line --partial 'PID 1 is held where it would have died'
}

@test "attach: --process waits until the process is held, and asks for it" {
    line=unix:$PWD/sock
    with_program program --record sent --held 210:other:start --held 231:systemd-udevd:start
    run -4 timeout 60 "$gdbdebug" attach --timeout 2 --process 99 --sysroot sysroot "$target" -- -batch -ex kill
    assert_line --partial "it answers, but '99' was not held within 2 s; \`gdbdebug ps $target\` lists what is held"
    run -0 attach --process other --sysroot sysroot "$target" -- -batch -ex kill
    assert_line --partial 'PID 210 is held'
    run ! grep -aF qGdbdebug.hello: sent
    run -0 attach --process systemd-udevd --sysroot sysroot "$target" -- -batch -ex kill
    assert_line --partial 'PID 231 is held'
    grep -aF '$qGdbdebug.hello:323331#' sent
}

@test "ps: lists what the target holds, and which is next" {
    line=unix:$PWD/sock
    with_program program --held 210:systemd-udevd:start --held 231:mount:debugger
    run -0 --separate-stderr "$gdbdebug" ps "$target"
    assert_output $'210     systemd-udevd   held at its first instruction; it is the next debugger\'s
231     mount           held where a debugger left it'
    run -0 --separate-stderr "$gdbdebug" ps --json "$target"
    assert_output --partial '"held":[{"pid":210,"name":"systemd-udevd","why":"start"},{"pid":231,"name":"mount","why":"debugger"}]'
    stop_targets
    rm -f sock target.where
    with_program program --state running
    run -0 --separate-stderr "$gdbdebug" ps "$target"
    assert_output 'nothing is held; PID 1 runs'
    stop_targets
    rm -f sock target.where
    with_program program --plain
    run -1 timeout 60 "$gdbdebug" ps "$target"
    assert_output --partial "a gdbserver answers that is not gdbdebug's"
}

@test "attach: a target on its console is asked by a packet, and never by a newline" {
    line=unix:$PWD/sock
    with_program program --shared --record sent
    run -0 attach --sysroot sysroot "$target" -- -batch -ex 'print $pc' -ex kill
    assert_line --partial 'PID 1 is held'
    assert_equal "$(head -c 19 sent)" '$qGdbdebug.hello#c7'
    assert_equal "$(tr -cd '\n' <sent | wc -c)" 0
}

@test "console: a terminal that gives the line to a debugger, and ends at Ctrl-]" {
    line=unix:$PWD/sock
    with_program program --shared --noise $'login: '
    mkfifo keys
    "$gdbdebug" console --socket here.sock "$target" <keys >shown 2>told 3>&- &
    local console=$!
    exec 8>keys
    timeout 30 bash -c 'until grep -q login: shown; do sleep 0.05; done'
    run -0 attach --sysroot sysroot "$PWD/here.sock" -- -batch -ex 'info symbol $pc' -ex kill
    assert_line --regexp '^_start in section'
    timeout 30 bash -c 'until grep -q "this is the console again" told; do sleep 0.05; done'
    printf '\035' >&8
    exec 8>&-
    wait "$console"
    [[ ! -e here.sock ]]
}

@test "attach: a target of 0.1, which takes that packet for a debugger's, is asked by a newline" {
    line=unix:$PWD/sock
    with_program program --old
    run -0 attach --sysroot sysroot "$target" -- -batch -ex 'info symbol $pc' -ex kill
    assert_line --partial 'gdbdebug 0.1.0 on'
    assert_line --regexp '^_start in section'
}

@test "attach: a plain gdbserver is met too, and said to be one" {
    line=unix:$PWD/sock
    with_program program --plain
    ln -s usr/bin/program sysroot/init
    run -0 attach --sysroot sysroot "$target" -- -batch -ex 'info symbol $pc' -ex kill
    assert_line --partial "a gdbserver answers that is not gdbdebug's"
    assert_line --regexp '^_start in section'
}

@test "attach: what is answered here is what the target itself would have said" {
    cat >program.c <<'C'
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>
__thread int own = 42;
int work(int n) { own += n; return own; }
int main(int argc, char **argv) {
    void *library = dlopen("libm.so.6", RTLD_NOW);
    if (!library || work(argc) == 0 || argc > 1) return 0;
    work(2);
    if (fork() == 0) {
        work(3);
        execl(argv[0], argv[0], "again", (char *)0);
    }
    wait(&argc);
    return 0;
}
C
    cc -g -O0 -Wl,--build-id=sha1 -o program program.c
    # Libraries, threads, a thread-local variable, steps, a watchpoint; then a child, and what it executes.
    run -0 timeout 120 python3 "$BATS_TEST_DIRNAME/client_same.py" "$gdbdebug" / "$PWD/program" -- \
        -ex 'break main' -ex continue -ex 'print own' -ex backtrace -ex 'break work' -ex continue -ex finish \
        -ex 'info sharedlibrary' -ex 'info threads' -ex stepi -ex next -ex 'x/8i $pc' -ex 'print own' \
        -ex 'set var own = 43' -ex 'watch own' -ex continue -ex 'delete 3' -ex 'set follow-fork-mode child' \
        -ex continue -ex continue -ex 'print argc' -ex 'print own' -ex continue -ex 'print own' -ex detach
    assert_line '$6 = 42'
    assert_line --regexp '^compared [1-9][0-9]{2,}, .*, different 0$'
}

@test "attach: noise before the hello does no harm" {
    line=unix:$PWD/sock
    with_program program --noise $'[    1.0] tty: $$$ #00 gdbdebug: ready on ttyS1\r\n~~~'
    run -0 attach --sysroot sysroot "$target" -- -batch -ex kill
    assert_line --partial 'PID 1 is held'
}

@test "attach: packets that are damaged on the way are sent again" {
    line=unix:$PWD/sock
    with_program program --drop 7
    run -0 attach --sysroot sysroot --main "$target" -- -batch -ex 'print argc' -ex kill
    assert_line '$1 = 1'
}

@test "attach: nobody there within --timeout is exit status 4, and says once what to do" {
    run -4 timeout 60 "$gdbdebug" attach --timeout 1 "$PWD/nobody.sock" <&-
    assert_line --partial 'no answer within 1 s'
    assert_equal "$(grep -c 'boot the target with rd.gdbdebug=' <<<"$output")" 1
}

@test "attach: a socket that is still to come needs no slash" {
    run -4 timeout 60 "$gdbdebug" attach --timeout 1 later.sock <&-
    assert_line --partial "waiting for 'later.sock' to be there"
    run -2 "$gdbdebug" attach later
    assert_output --partial 'a socket that is still to come is written ./later'
}

@test "attach: --timeout also ends the wait for a PID 1 that cannot be stopped" {
    line=unix:$PWD/sock
    with_program program --state running --asleep
    run -4 timeout 60 "$gdbdebug" attach --timeout 2 --sysroot sysroot "$target" -- -batch <&-
    assert_line --partial 'it says hello, but did not answer the debugger in time; PID 1 may sleep in the kernel'
}

@test "attach: a socket that lets us wait because it serves somebody else is said to be busy" {
    need socat
    line=unix:$PWD/sock
    with_program
    coproc HOLDER { socat - "UNIX-CONNECT:$PWD/sock" 3>&-; }
    target_pids+=("$HOLDER_PID")
    echo >&"${HOLDER[1]}"
    read -r -t 30 <&"${HOLDER[0]}"  # the hello: it was accepted
    run -4 timeout 60 "$gdbdebug" attach --timeout 3 "$target" <&-
    assert_line --partial "another debugger is connected to '$target'; waiting until it has gone"
    assert_line --partial 'another debugger was connected to it within 3 s'
    refute_line --partial 'nothing answers yet'
}

@test "attach: a target that refuses a second debugger is asked until the first has gone" {
    need socat
    # socat drops what is on its way when its program has gone before the question could be written to it.
    printf '#!/bin/sh\nhead -c 1 >/dev/null\nprintf "gdbdebug: another debugger is connected; try again\\r\\n"\n' >refuse
    chmod +x refuse
    socat UNIX-LISTEN:busy.sock,fork EXEC:./refuse 3>&- &
    target_pids+=($!)
    run -4 timeout 60 "$gdbdebug" attach --timeout 2 "$PWD/busy.sock" <&-
    assert_line "gdbdebug: another debugger is connected to '$PWD/busy.sock'; waiting until it has gone"
    assert_line --partial 'another debugger was connected to it within 2 s'
}

@test "attach: what is wrong with the command line is exit status 2" {
    run -2 "$gdbdebug" attach
    run -2 "$gdbdebug" attach --no-such-option x
    assert_output --partial '--no-such-option'
    run -2 "$gdbdebug" attach nowhere
    assert_output --partial 'there is no socket or device by that name here'
    run -2 "$gdbdebug" attach --initrd a --sysroot b ./x
    assert_output --partial 'one of them is enough'
}

@test "attach: a missing debugger, image or sysroot is said before anything is waited for" {
    run -1 timeout 20 "$gdbdebug" attach --gdb no-such-gdb ./x
    assert_output --partial "looking for the debugger 'no-such-gdb'"
    run -1 timeout 20 "$gdbdebug" attach --initrd no-such-image ./x
    assert_output --partial "no-such-image"
    run -1 timeout 20 "$gdbdebug" attach --sysroot no-such-sysroot ./x
    assert_output --partial "no-such-sysroot"
}

@test "attach: the debugger's exit status is passed on" {
    line=unix:$PWD/sock
    with_program
    run -7 attach --sysroot sysroot "$target" -- -batch -ex 'quit 7'
}

@test "attach: files without debug information are named, and --debug-dir adds it" {
    line=unix:$PWD/sock
    with_program stripped
    run -0 attach --sysroot sysroot "$target" -- -batch -ex kill
    assert_line --regexp 'no debug information here for program'
    stop_targets
    rm -f sock target.where
    with_program stripped
    id=$(build_id_of program)
    mkdir -p "debug/.build-id/${id:0:2}"
    objcopy --only-keep-debug program "debug/.build-id/${id:0:2}/${id:2}.debug"
    run -0 attach --sysroot sysroot --debug-dir "$PWD/debug" --main "$target" -- -batch -ex 'info line main' -ex kill
    refute_line --regexp 'no debug information here for program'
    assert_line --regexp '^Temporary breakpoint 1, main \(argc=1'
    assert_line --partial 'program.c"'
}

@test "attach: of many files without debug information three are named, and all with --verbose" {
    line=unix:$PWD/sock
    for i in 1 2 3 4 5; do
        echo "int one$i;" | cc -shared -fPIC -o "sysroot/usr/lib/libone$i.so" -x c -
    done
    cc -Wl,--build-id=sha1 -Wl,--no-as-needed -s -o many program.c -Lsysroot/usr/lib -lone1 -lone2 -lone3 -lone4 -lone5 \
        -Wl,-rpath,/usr/lib
    with_program many --state running
    run -0 attach --sysroot sysroot "$target" -- -batch -ex kill
    assert_line --regexp 'no debug information here for program, libone1\.so, libone2\.so and [3-9] more;'
    stop_targets
    rm -f sock target.where
    with_program many
    run -0 attach --verbose --sysroot sysroot "$target" -- -batch -ex kill
    assert_line --regexp 'no debug information here for program, libone1.*, libone5\.so'
}

@test "attach: ssh carries the line, with the user and the port of the target" {
    with_program() { :; }
    cp program sysroot/usr/bin/program
    ln -sf ../../bin/program sysroot/usr/lib/gdbdebug/init
    mkdir path
    start_target target "unix:$PWD/sock" --program "$PWD/program" --exe /usr/bin/program
    printf '#!/bin/bash\necho "$@" >"%s/ssh.words"\nexec socat - UNIX-CONNECT:"%s"\n' "$PWD" "$target" >path/ssh
    chmod +x path/ssh
    need socat
    PATH=$PWD/path:$PATH run -0 attach --sysroot sysroot ssh://root@machine:2222 -- -batch -ex 'info symbol $pc' -ex kill
    assert_line --regexp '^_start in section'
    assert_equal "$(cat ssh.words)" '-T -e none -p 2222 -l root -- machine'
}

@test "attach: an ssh that fails ends the wait" {
    mkdir path
    printf '#!/bin/sh\necho "ssh: no route" >&2; exit 255\n' >path/ssh
    chmod +x path/ssh
    PATH=$PWD/path:$PATH run -1 attach ssh://machine
    assert_line --partial 'ssh: no route'
    assert_line --partial 'ssh has ended'
}

@test "attach: nothing is left behind" {
    line=unix:$PWD/sock
    with_program
    mkdir run
    XDG_RUNTIME_DIR=$PWD/run run -0 attach --sysroot sysroot "$target" -- -batch -ex kill
    assert_equal "$(find run "$TMPDIR" -mindepth 1)" ''
}

# start_attach TEXT ARGUMENT...: in the background, its output in the file out, its process in $attach_pid; goes on when
# TEXT is there. The debugger reads a pipe on which nothing comes.
start_attach() {
    local text=$1
    shift
    [[ -p silence ]] || mkfifo silence
    "$gdbdebug" attach --timeout 30 --sysroot sysroot "$@" <>silence >out 2>&1 3>&- &
    attach_pid=$!
    timeout 30 bash -c 'until grep -q "$1" out; do sleep 0.1; done' - "$text" || fail "$(cat out)"
}

# The status with which attach ends, in $status; it must do so by itself.
attach_ends() {
    timeout 30 tail --pid="$attach_pid" -f /dev/null || fail "it lingers: $(cat out)"
    status=0
    wait "$attach_pid" || status=$?
    attach_pid=
}

@test "attach: when it is asked to end, or its terminal closes, gdb still detaches" {
    local signal
    line=unix:$PWD/sock
    for signal in TERM HUP; do
        echo "# $signal"
        rm -f sock target.where sent
        with_program program --record sent
        start_attach '^(gdb)' "$target" -- -nx
        kill "-$signal" "$attach_pid"
        attach_ends
        assert_equal "$status" 0
        grep -aq '\$D;' sent || fail "no detach: $(cat out)"
        stop_targets
    done
}

@test "attach: a debugger that does not end when it is asked to is killed" {
    line=unix:$PWD/sock
    with_program
    printf '#!/bin/bash\n[[ $1 != --version ]] || exit 0\ntrap "" TERM\necho "$$ is stubborn"\nexec sleep 60\n' >stubborn
    chmod +x stubborn
    start_attach 'is stubborn' --gdb "$PWD/stubborn" "$target"
    kill "$attach_pid"
    attach_ends
    assert_equal "$status" 1
    run cat out
    assert_line --partial "ending the debugger: it did not end within 5 s, and was killed"
    run ! kill -0 "$(sed -n 's/ is stubborn$//p' out)"
}

@test "attach: what can never be a socket is said at once, not waited for" {
    echo image >image.img
    mkdir unpacked
    ln -s image.img link.sock
    run -2 attach ./image.img
    assert_line --partial "'./image.img': a regular file, not a socket; TARGET is the line; the image goes behind --initrd"
    run -2 attach unix:link.sock
    assert_line --partial 'a regular file, not a socket'
    run -2 attach ./unpacked
    assert_line --partial 'a directory, not a socket'
    assert_line --partial '--sysroot'
    run -2 attach unix:/dev/null
    assert_line --partial 'a device, not a socket'
    run -2 attach "./$(printf '%0120d' 0)"
    assert_line --partial 'its name is too long'
    run -2 attach "./$(printf '%0300d' 0)"
    assert_line --partial 'File name too long'
    run -1 attach ./image.img/sock
    assert_line --partial 'Not a directory'
}

# A TCP port whose queue of connections is full, so that another SYN is not answered. Its name goes to $target.
start_full_port() {
    mkfifo full.where
    /usr/bin/python3 -c '
import signal, socket
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(0)
others = [socket.socket() for _ in range(4)]
for other in others:
    other.setblocking(False)
    other.connect_ex(listener.getsockname())
print("127.0.0.1:%d" % listener.getsockname()[1], flush=True)
signal.pause()
' >full.where 3>&- &
    target_pids+=("$!")
    read -r target <full.where
}

@test "attach: --timeout holds for a port that swallows connections" {
    start_full_port
    local begin=$EPOCHREALTIME end
    run -4 timeout 60 "$gdbdebug" attach --timeout 1 "$target" <&-
    end=$EPOCHREALTIME
    assert_line --partial 'no answer within 1 s'
    ((${end//[.,]/} - ${begin//[.,]/} < 5000000))
}

@test "attach: Ctrl-C while a connection is made is an interruption" {
    start_full_port
    "$gdbdebug" attach "$target" <&- >out 2>&1 3>&- &
    local pid=$!
    # Until it waits for its connection: it has a socket in the state SYN-SENT (02) to that port.
    local port
    printf -v port '%04X' "${target##*:}"
    local limit=$((SECONDS + 20))
    until [[ $(readlink /proc/$pid/fd/*) == *socket:* ]] && grep -q ":$port 02 " /proc/net/tcp; do
        ((SECONDS < limit)) || fail 'it does not connect'
    done
    kill -TERM "$pid"
    local status=0
    wait "$pid" || status=$?
    assert_equal "$status" 1
    run -0 cat out
    assert_line --partial 'interrupted'
    refute_line --partial 'Interrupted system call'
}

@test "attach: a port that closes each connection is told of, with from=" {
    mkfifo closing.where
    /usr/bin/python3 -c '
import socket
listener = socket.create_server(("127.0.0.1", 0))
print("127.0.0.1:%d" % listener.getsockname()[1], flush=True)
while True:
    listener.accept()[0].close()
' >closing.where 3>&- &
    target_pids+=("$!")
    read -r target <closing.where
    run -4 timeout 60 "$gdbdebug" attach --timeout 2 "$target" <&-
    assert_line --partial 'nothing answers yet; boot the target with rd.gdbdebug='
    assert_line --regexp 'takes the connection and closes it without a byte; .* no from= '
    # The hint comes once.
    assert_line --regexp 'no answer within 2 s; it was opened and closed [0-9]+ times without a byte$'
}
