# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the tests of the host command share.

# Loads bats' libraries and finds the command. Skips where this build has none.
client_setup() {
    bats_require_minimum_version 1.5.0
    for library in support assert file; do
        load "${BATS_LIB_PATH:-/usr/lib/bats}/bats-$library/load"
    done
    build=${GDBDEBUG_BUILD_DIR:-$BATS_TEST_DIRNAME/../../build/dev}
    gdbdebug=$build/client/gdbdebug
    [[ -x $gdbdebug ]] || skip "there is no host command in '$build'"
    cd "$BATS_TEST_TMPDIR" || return 1
    export TMPDIR=$BATS_TEST_TMPDIR/scratch GDBDEBUG_CACHE=$BATS_TEST_TMPDIR/cache
    mkdir -p "$TMPDIR"
}

newc() {
    /usr/bin/python3 "$BATS_TEST_DIRNAME/client_newc.py"
}

need() {
    local program
    for program; do
        command -v "$program" >/dev/null || skip "there is no $program here"
    done
}

# Zeros up to the next multiple of four, as boot loaders and mkinitramfs put them.
pad4() {
    local size
    size=$(stat -c %s "$1")
    truncate -s $(((size + 3) / 4 * 4)) "$1"
}

# start_target NAME ARGUMENT...: starts client_target.py in the background; where it can be reached goes to $target, its
# process to $target_pid. It ends with the test (stop_targets, in teardown).
start_target() {
    local name=$1
    shift
    mkfifo "$name.where"
    /usr/bin/python3 "$BATS_TEST_DIRNAME/client_target.py" "$@" >"$name.where" 2>"$name.err" 3>&- &
    target_pid=$!
    target_pids+=("$target_pid")
    # shellcheck disable=SC2034  # for the test
    read -r target <"$name.where" || { cat "$name.err"; return 1; }
}

stop_targets() {
    local pid
    for pid in "${target_pids[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" || true
    done
    target_pids=()
}

# A program with a main() of its own, stripped of its symbols and not, and a sysroot with what it needs to run.
make_program() {
    cat >program.c <<'C'
#include <stdio.h>
int told;
int main(int argc, char **argv) { (void)argv; told = argc; puts("program: main ran"); return 0; }
C
    cc -g -O0 -Wl,--build-id=sha1 -o program program.c
    strip -o stripped program
    mkdir -p sysroot/usr/lib/gdbdebug sysroot/usr/bin
    local library
    for library in $(ldd program | grep -o '/[^ ]*'); do
        mkdir -p "sysroot$(dirname "$library")"
        cp -L "$library" "sysroot$library"
    done
}

# The build ID of a file.
build_id_of() {
    readelf -n "$1" | sed -n 's/.*Build ID: //p'
}

# What image() needs. A test can change `manifest`, `files`, `init_link` and `agent_entry` before it calls image.
image_setup() {
    # A helper as check knows one: static, with the names of the parameter and of the agent in it.
    cat >helper.c <<'C'
#include <unistd.h>
int main(void) { return (int)write(1, "rd.gdbdebug /usr/lib/gdbdebug/gdbdebug-agent\n", 3); }
C
    cc -static -Wl,--build-id=sha1 -o helper helper.c
    # The agent for network lines, which knows where SSH's files are, and the other one.
    for name in agent /usr/lib/gdbdebug/ssh/dropbear; do
        sed "s#rd.gdbdebug .*agent#$name#" helper.c >agent.c
        cc -static -Wl,--build-id=sha1 -o "$([[ $name == agent ]] && echo agent || echo agent-net)" agent.c
    done
    agent_entry='exec usr/lib/gdbdebug/gdbdebug-agent agent'
    [[ -e $BATS_FILE_TMPDIR/libraries ]] ||
        ldd "$(command -v gdbserver)" | grep -o '/[^ ]*' | sort -u >"$BATS_FILE_TMPDIR/libraries"
    mapfile -t libraries <"$BATS_FILE_TMPDIR/libraries"
    local thread_db
    thread_db=$(dirname "$(printf '%s\n' "${libraries[@]}" | grep libc.so.6)")/libthread_db.so.1
    manifest=(/usr/bin/gdbserver "${libraries[@]}" "$thread_db" /usr/lib/gdbdebug/gdbdebug-agent)
    files=("${libraries[@]}" "$thread_db")
    init_link='link usr/lib/gdbdebug/init ../systemd/systemd'
}

# An image as the generator modules make it, with the real init $real_init (/bin/true) and the entries in "$@".
image() {
    printf '%s\n' "${manifest[@]}" >files.txt
    {
        printf '%s\n' 'exec init helper' 'dir usr/lib/systemd' "exec usr/lib/systemd/systemd ${real_init:-/bin/true}" \
            "$init_link" "$agent_entry" "exec usr/bin/gdbserver $(command -v gdbserver)" 'copy usr/lib/gdbdebug/files files.txt'
        local file
        for file in "${files[@]}"; do printf 'exec %s %s\n' "${file#/}" "$file"; done
        if (($# > 0)); then printf '%s\n' "$@"; fi
    } | newc | gzip -c >image
}

# The same with the manifest of gdbdebug 0.1, whose helper is the agent too.
old_image() {
    manifest=("${manifest[@]/%*gdbdebug-agent//init}")
    image "$@"
}

# An overlay as gdbdebug-overlay makes it, on standard output. A test can change `agent_entry`, which is not in it if empty.
overlay() {
    printf '%s\n' "${manifest[@]}" >files.txt
    {
        printf '%s\n' 'dir gdbdebug' 'exec gdbdebug/init helper' 'dir gdbdebug/root' 'copy gdbdebug/files files.txt'
        [[ -z $agent_entry ]] || echo 'exec gdbdebug/gdbdebug-agent agent'
        local file
        for file in "$(command -v gdbserver)" "${files[@]}"; do printf 'exec gdbdebug/root/%s %s\n' "${file#/}" "$file"; done
    } | newc >overlay.cpio
    printf '\0\0\0\0\0\0\0\0'
    gzip -c overlay.cpio
}
