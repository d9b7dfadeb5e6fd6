# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Completion of gdbdebug-boot's command line for bash. Needs nothing of bash-completion.
# shellcheck disable=SC2207  # words without blanks, split on purpose; bash 4 has no better way for compgen

_gdbdebug_boot() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' word
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $word in
            status | once | off | remove) command=$word ;;
        esac
    done
    if [[ $previous == --root ]]; then
        COMPREPLY=($(compgen -d -- "$current")) && compopt -o filenames
    elif [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W '--dry-run --forever --passphrase --root --help --version' -- "$current"))
    elif [[ -z $command ]]; then
        COMPREPLY=($(compgen -W 'status once off remove' -- "$current"))
    elif [[ $command == once ]]; then
        COMPREPLY=($(compgen -W 'ttyS0,wait=60 ttyS1,wait=60' -- "$current"))
    fi
}

complete -F _gdbdebug_boot gdbdebug-boot
