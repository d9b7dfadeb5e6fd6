# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# generators.bash: what the tests of the generator modules share. Needs a C compiler; needs no root unless said.

bats_load_library bats-support
bats_load_library bats-assert
bats_load_library bats-file

source_dir=${GDBDEBUG_SOURCE_DIR:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}

build_dir=${GDBDEBUG_BUILD_DIR:-$source_dir/build/dev}

# is_static PROGRAM: true if it is there and needs no dynamic linker.
is_static() {
    [[ -x $1 ]] && ! ldd "$1" >/dev/null 2>&1
}

# stand_in_helper FILE: makes a static program that does what the helper does with debugging off, and lays copies of it
# beside it as the agents. The modules look at their form only: executable, ELF, static, and in the helper the name of the
# parameter.
stand_in_helper() {
    printf '%s\n' '#include <unistd.h>' \
        'const char parameter[] = "rd.gdbdebug";' \
        'int main(int argc, char **argv, char **envp) {' \
        '  (void)argc; execve("/usr/lib/gdbdebug/init", argv, envp); return parameter[0]; }' |
        "${CC:-cc}" -Os -static -s -x c -o "$1" - || {
        echo "cannot build a static program with ${CC:-cc}; install libc6-dev (or glibc-static)" >&2
        return 1
    }
    cp "$1" "${1%/*}/gdbdebug-agent"
    cp "$1" "${1%/*}/gdbdebug-agent-net"
}

# the_helper FILE: copies gdbdebug-init of the build under test to FILE and the agents beside it, or stand-ins where there
# are none.
the_helper() {
    if is_static "$build_dir/helper/gdbdebug-init"; then
        cp "$build_dir/helper/gdbdebug-init" "$1"
        cp "$build_dir/helper/gdbdebug-agent" "$build_dir/helper/gdbdebug-agent-net" "${1%/*}"
    else
        stand_in_helper "$1"
    fi
}

# refute_file_contains FILE REGEX: the file is there, and no line of it matches.
refute_file_contains() {
    assert_exists "$1"
    ! grep -q -- "$2" "$1" || fail "'$1' has a line that matches '$2': $(grep -m 1 -- "$2" "$1")"
}

# lay_over FILE DIR [FILE DIR]... : notes that in_overlay shows a link to FILE in DIR, which need not exist.
# A link, so that a module still finds the rest of the source tree.
lay_over() {
    export over=$BATS_FILE_TMPDIR/over
    while (($#)); do
        mkdir -p "$over$2"
        ln -s "$1" "$over$2/"
        printf '%s\n' "$2" >>"$over/list"
        shift 2
    done
}

# in_overlay COMMAND... : runs COMMAND in a mount namespace of its own, where what lay_over noted is to be seen. Needs
# root and overlayfs.
in_overlay() {
    # shellcheck disable=SC2016
    unshare --mount --propagation private bash -c '
        while read -r dir; do
            below=$dir # the nearest directory that this machine has
            while [[ ! -d $below ]]; do below=${below%/*}; done
            mount -t overlay overlay -o "lowerdir=$over$below:$below" "$below" || exit 125
        done < <(sort -u "$over/list")
        exec env "$@"' in_overlay "$@"
}

# manifest_paths ROOT: prints the paths that the manifest of the unpacked image ROOT names.
manifest_paths() {
    grep -v '^#' "$1/usr/lib/gdbdebug/files"
}

# assert_manifest_is_enough ROOT: gdbserver runs in a root that has the manifest's files and nothing else. Needs root.
assert_manifest_is_enough() {
    local alone path
    alone=$(mktemp -d "$BATS_TEST_TMPDIR/alone.XXXXXX")
    while read -r path; do
        assert_exists "$1$path"
        install -D "$1$path" "$alone$path"
    done < <(manifest_paths "$1")
    run chroot "$alone" "$(manifest_paths "$1" | head -n 1)" --version
    assert_success
    assert_output --partial "GNU gdbserver"
    # What gdbserver opens by itself once it meets a program with threads.
    assert_exists "$alone$(manifest_paths "$1" | grep '/libthread_db\.so\.1$')"
}

# assert_swapped ROOT HELPER: /init is the helper, and the real init is kept. A stripped helper is still itself.
assert_swapped() {
    [[ ! -L $1/init ]] || fail "/init in the image is still a link, to $(readlink "$1/init")"
    assert_file_executable "$1/init"
    cmp -s "$1/init" "$2" || grep -qaF rd.gdbdebug "$1/init" || fail "/init in the image is not the helper"
    [[ -e $1/usr/lib/gdbdebug/init || -L $1/usr/lib/gdbdebug/init ]] || fail "the real init is missing from the image"
    ! cmp -s "$1/usr/lib/gdbdebug/init" "$2" || fail "the real init is the helper: a boot would never end"
}
