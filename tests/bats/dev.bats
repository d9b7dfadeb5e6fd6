#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ./dev itself: what it says before it builds, while it builds, and the demo of an ordinary user.
# shellcheck disable=SC2154  # source_dir, build_dir are generators.bash's

bats_require_minimum_version 1.5.0
load generators

# A copy of the part of the tree that ./dev reads, with stand-ins for what takes long: cmake and the programs of the verbs
# write down that they were called.
setup() {
    tree=$BATS_TEST_TMPDIR/tree
    calls=$BATS_TEST_TMPDIR/calls
    export GDBDEBUG_NO_SETUP=1 GDBDEBUG_ACCEL=tcg calls
    mkdir -p "$tree" "$BATS_TEST_TMPDIR/bin"
    cp -a "$source_dir"/{dev,bench,tests} "$tree"
    # shellcheck disable=SC2016
    printf '%s\n' '#!/bin/sh' 'echo "cmake $*" >>"$calls"' 'case "$*" in *--build*) exec cat "${steps:-/dev/null}" ;; esac' \
        >"$BATS_TEST_TMPDIR/bin/cmake"
    chmod +x "$BATS_TEST_TMPDIR/bin/cmake"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

@test "dev: a verb that does not take its arguments says so before anything is built" {
    local words
    for words in "demo --bogus" "bench bogus" "soak none" "matrix bogus" "faults --bogus" "fuzz bogus" "coverage bogus" \
        "test bogus" "build bogus" bogus; do
        # shellcheck disable=SC2086
        run "$tree/dev" $words
        assert_failure
        assert_output --partial "${words##* }"
        assert_not_exists "$calls"
    done
}

@test "dev: the help of each verb needs no build" {
    local verb
    for verb in demo bench soak matrix faults fuzz coverage record; do
        run -0 "$tree/dev" "$verb" --help
        [[ -n $output ]] || fail "./dev $verb --help says nothing"
        assert_not_exists "$calls"
    done
}

@test "dev: a build shows how far it is, on a terminal at each step" {
    type -P script >/dev/null || skip "needs script (bsdutils)"
    steps=$BATS_TEST_TMPDIR/steps
    printf '%s\n' 'a line' '[1/140] Building one.o' '[70/140] Building another.o' >"$steps"
    steps=$steps run -0 script -qec "$tree/dev build" /dev/null
    assert_output --partial "[1/140] Building one.o"
    assert_output --partial "[70/140] Building another.o"
    assert_output --partial "for the first time"
    refute_output --partial "a line"
    assert_file_contains "$tree/build/dev/reports/build.log" "a line"
}

@test "dev: a build that fails shows the end of its log" {
    printf '%s\n' '#!/bin/sh' 'echo the reason' 'exit 3' >"$BATS_TEST_TMPDIR/bin/cmake"
    run -1 "$tree/dev" build
    assert_output --partial "the reason"
    assert_output --partial "the build failed; the whole log is $tree/build/dev/reports/build.log"
}

@test "demo: the time of the whole includes what ./dev did before" {
    PYTHONPATH=$source_dir/tests/vm GDBDEBUG_STARTED=$((EPOCHSECONDS - 100)).5 PYTHONDONTWRITEBYTECODE=1 \
        run -0 /usr/bin/env python3 -c 'import demo; clock = demo.Clock(); clock.show()'
    assert_line --regexp '^ +(99|100|101|102)\.[0-9]+ s  before that, to install and build'
    assert_line --regexp '^ +(99|100|101|102)\.[0-9]+ s  in all'
}

@test "demo: an ordinary user's dracut makes its image" {
    [[ $(id -u) == 0 ]] || skip "needs root, to become another user"
    type -P dracut gdbserver >/dev/null || skip "needs dracut and gdbserver"
    [[ -e /usr/lib/systemd/systemd ]] || skip "needs systemd"
    is_static "$build_dir/helper/gdbdebug-init" || skip "needs a build with a static helper in $build_dir"
    local user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    "${user[@]}" cat "$build_dir/CMakeCache.txt" "$source_dir/tests/vm/demo.py" >/dev/null 2>&1 ||
        skip "needs a build and a source that user 65534 can read"
    chmod a+rx "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
    mkdir "$BATS_TEST_TMPDIR/user"
    cd "$BATS_TEST_TMPDIR/user"
    export HOME=$PWD GDBDEBUG_CACHE=$PWD/cache GDBDEBUG_BUILD=$build_dir PYTHONPATH=$source_dir/tests/vm TMPDIR=$PWD \
        PYTHONDONTWRITEBYTECODE=1
    # A user has a build of their own, which cmake --install writes to; here it is root's.
    rm "$BATS_TEST_TMPDIR/bin/cmake"
    hash -r
    python3 -c 'from harness.image import install_tree; install_tree()'
    chown -R 65534 .
    # shellcheck disable=SC2016
    PATH=/usr/local/bin:/usr/bin:/bin run -0 "${user[@]}" python3 -c '
import subprocess, sys
from harness import dracut_image, kernel
if kernel()[0] is None: sys.exit("skip: " + kernel()[1])
try: print(dracut_image())
except subprocess.CalledProcessError as error: sys.exit(error.output)'
    assert_output --regexp '/cache/images/.*\.img$'
}
