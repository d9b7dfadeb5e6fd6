#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The completions and the man page know every verb and option that the command has; bash's completion is run.
# shellcheck disable=SC2154  # gdbdebug: set by client_setup

setup() {
    load client_common
    client_setup
    completions=$BATS_TEST_DIRNAME/../../client/completions
}

verbs() {
    "$gdbdebug" --help | sed -n '/^subcommands:/I,/^$/s/^  \([a-z][a-z]*\) .*/\1/p'
}

# The long options of verb $1, one a line.
options() {
    "$gdbdebug" ${1:+"$1"} --help | grep -oE '^ +(-[a-z], *)?--[a-z-]+' | grep -oE -e '--[a-z-]+' | sort -u
}

# What bash offers for these words, of which the last is completed; one a line.
offered() {
    bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }
        _gdbdebug; printf "%s\n" "${COMPREPLY[@]}"' - "$completions/gdbdebug.bash" gdbdebug "$@" | sort -u
}

@test "completion: bash offers the verbs, and each one's options" {
    assert_equal "$(offered '')" "$(verbs | sort -u)"
    assert_equal "$(offered -)" "$(options '')"
    local verb
    for verb in $(verbs); do
        echo "# $verb"
        assert_equal "$(offered "$verb" -)" "$(options "$verb")"
    done
}

@test "completion: bash offers files, directories and values where they belong" {
    mkdir folder
    touch file
    assert_equal "$(offered attach --initrd f)" $'file\nfolder'
    assert_equal "$(offered attach --sysroot f)" folder
    assert_equal "$(offered attach --sysroot = f)" folder
    assert_equal "$(offered vm --accel k)" kvm
    assert_equal "$(offered serve --snippet d)" dap
    assert_equal "$(offered attach sock -- -)" ''
    assert_equal "$(offered report f)" $'file\nfolder'
}

@test "completion: zsh and fish know every verb and option" {
    local verb option
    for verb in $(verbs); do
        grep -qF "'$verb:" "$completions/_gdbdebug" || fail "zsh does not know the verb $verb"
        grep -qE -- "-a $verb " "$completions/gdbdebug.fish" || fail "fish does not know the verb $verb"
        for option in $(options "$verb"); do
            grep -qE -- "$option(\[|})" "$completions/_gdbdebug" || fail "zsh does not know $verb $option"
            grep -qE -- "-l ${option#--} " "$completions/gdbdebug.fish" || fail "fish does not know $verb $option"
        done
    done
}

@test "completion: the shells that are here can read theirs" {
    bash -n "$completions/gdbdebug.bash"
    if command -v zsh >/dev/null; then zsh -n "$completions/_gdbdebug"; fi
    if command -v fish >/dev/null; then fish -n "$completions/gdbdebug.fish"; fi
}

@test "man page: every verb and option is explained" {
    local page=$BATS_TEST_DIRNAME/../../man/gdbdebug.1.scd verb option
    for verb in $(verbs); do
        grep -q "^\*gdbdebug $verb\*" "$page" || fail "gdbdebug(1) does not explain the verb $verb"
        for option in $(options "$verb" | grep -vx -e --help); do
            grep -qE "^\*(-v\*, \*)?$option\*|, \*$option\*" "$page" || fail "gdbdebug(1) does not explain $verb $option"
        done
    done
}

@test "install: the client's part is the command, its page and its completions" {
    DESTDIR=$PWD/tree run -0 cmake --install "$build" --component client
    run -0 find tree -type f -printf '%m %P\n'
    assert_line '755 usr/bin/gdbdebug'
    assert_line '644 usr/share/bash-completion/completions/gdbdebug'
    assert_line '644 usr/share/zsh/site-functions/_gdbdebug'
    assert_line '644 usr/share/fish/vendor_completions.d/gdbdebug.fish'
    if command -v scdoc >/dev/null; then assert_line '644 usr/share/man/man1/gdbdebug.1.gz'; fi
}
