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
