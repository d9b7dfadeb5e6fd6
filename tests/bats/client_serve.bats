#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# gdbdebug serve: a target's line as a port, and snippets that a real gdb takes by its MI and DAP interfaces.
# shellcheck disable=SC2034,SC2154  # gdbdebug, target: set by client_common

setup() {
    load client_common
    client_setup
    need gdb gdbserver cc strip readelf
    target_pids=()
    make_program
    cp program sysroot/usr/bin/program
    ln -s ../../bin/program sysroot/usr/lib/gdbdebug/init
    start_target target "unix:$PWD/sock" --program "$PWD/sysroot/usr/bin/program" --exe /usr/bin/program \
        --build-id "$(build_id_of program)"
}

teardown() {
    if [[ -n ${server:-} ]]; then
        kill "$server" 2>/dev/null || true
        wait "$server" || true
    fi
    stop_targets
}

# serve ARGUMENT...: in the background; its address goes to $address.
serve() {
    mkfifo said
    "$gdbdebug" serve --timeout 30 --sysroot sysroot "$@" "$target" >out 2>said <&- 3>&- &
    server=$!
    local line
    while read -r line; do
        echo "# $line"
        if [[ $line =~ serving\ .*\ on\ ([^ \;]+) ]]; then address=${BASH_REMATCH[1]}; break; fi
    done <said
    [[ -n ${address:-} ]] || fail "serve did not say where"
}

@test "serve: gdb comes by the port, and a second one after it" {
    serve
    local i
    for i in 1 2; do
        echo "# debugger $i"
        run -0 timeout 60 gdb -nx -q -batch -ex "set sysroot $PWD/sysroot" -ex "target remote $address" \
            -ex 'info inferiors' -ex detach
        assert_line --regexp '^\* 1 +process [0-9]+'
    done
}

@test "serve: the snippet for Visual Studio Code goes through gdb's MI as cppdbg does it" {
    serve --snippet vscode
    /usr/bin/python3 - out <<'PYTHON' >mi
import json, sys
lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
(one,) = json.loads("\n".join(line for line in lines if not line.startswith("//")))["configurations"]
assert one["type"] == "cppdbg" and one["MIMode"] == "gdb", one
for command in one["setupCommands"]:
    print(f'-interpreter-exec console {json.dumps(command["text"])}')
print(f'-file-exec-and-symbols {json.dumps(one["program"])}')
print(f'-target-select remote {one["miDebuggerServerAddress"]}')
print("-break-insert -t main")
print("-exec-continue")
PYTHON
    mkfifo in
    timeout 60 gdb -nx -q --interpreter=mi3 <in >mi.out 2>&1 3>&- &
    local gdb=$!
    exec 8>in
    cat mi >&8
    # The next word only when main is reached: gdb reads ahead.
    timeout 30 bash -c 'until grep -q "breakpoint-hit" mi.out; do sleep 0.1; done' || fail "$(cat mi.out)"
    printf '%s\n' '-data-evaluate-expression argc' '-interpreter-exec console kill' '-gdb-exit' >&8
    exec 8>&-
    wait "$gdb"
    run -0 cat mi.out
    refute_line --regexp '^\^error'
    assert_line --regexp '^\^connected'
    assert_line --regexp '^\*stopped,.*func="main"'
    assert_line --partial '^done,value="1"'
}

@test "serve: the snippet for gdb's DAP attaches" {
    serve --snippet dap ${GDBDEBUG_DAP_GDB:+--gdb "$GDBDEBUG_DAP_GDB"}
    /usr/bin/python3 - out <<'PYTHON'
import json, sys
lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
snippet = json.loads("\n".join(line for line in lines if not line.startswith("//")))
assert snippet["request"]["request"] == "attach", snippet
assert "--interpreter=dap" in snippet["adapter"]["args"], snippet
json.dump(snippet, open("dap.json", "w", encoding="utf-8"))
PYTHON
    version=$("${GDBDEBUG_DAP_GDB:-gdb}" --version | sed -n '1s/.* \([0-9]*\)\..*/\1/p')
    ((version >= 14)) || skip "gdb $version has no DAP interface; the snippet was read only"
    run -0 timeout 60 /usr/bin/python3 "$BATS_TEST_DIRNAME/client_dap.py" dap.json
    assert_output 'stopped in _start'
}

@test "serve: the snippet for gdb by hand works as it is" {
    serve --snippet gdb
    run -0 timeout 60 bash -c "$(tr -d '\n' <out) -batch -ex 'info line main' -ex kill"
    assert_line --partial 'program.c"'
}

@test "serve: each snippet can be had, and another name is refused with the names" {
    serve --snippet clion --snippet emacs
    run -0 cat out
    assert_line --partial "tcp:$address"
    assert_line --partial -- '-i=mi'
    run -2 "$gdbdebug" serve --snippet notepad "$target"
    assert_output --partial vscode
}

@test "serve: a port that is taken is said" {
    serve
    run -1 timeout 20 "$gdbdebug" serve --listen "${address##*:}" --sysroot sysroot "$target"
    assert_output --partial 'choose another with --listen'
    run -2 timeout 20 "$gdbdebug" serve --listen twelve "$target"
    assert_output --partial 'neither PORT nor ADDRESS:PORT'
}

@test "serve: SIGTERM ends it with exit status 0, as Ctrl-C does" {
    serve
    kill "$server"
    wait "$server"
    server=
}
