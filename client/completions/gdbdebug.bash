# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Completion of gdbdebug's command line for bash. Needs nothing of bash-completion.
# shellcheck disable=SC2207  # words without blanks, split on purpose; bash 4 has no better way for compgen

# _gdbdebug_options VERB: its options.
_gdbdebug_options() {
    local symbols='--initrd --sysroot --debug-dir --max-size'
    local debugger='--main --crash --process --break --gdb --console-to --vdso --stats --verbose --timeout'
    case $1 in
        sysroot) echo --max-size ;;
        check) echo --cmdline --json --max-size ;;
        attach) echo "$symbols $debugger" ;;
        serve) echo "$symbols $debugger --listen --snippet" ;;
        vm)
            echo "--kernel --initrd --overlay --append --debug --accel --memory --console --socket --qemu --no-gdb --keep"
            echo --one-wire
            echo "--gdb-arg --debug-dir --max-size $debugger"
            ;;
        console) echo --socket ;;
        ps) echo --json --timeout ;;
        report) echo "$symbols --core --json" ;;
        '') echo --version ;;
    esac
    echo --help
}

# The values that an option takes, or what kind of thing they are: `file`, `directory`, `program`, `any`. Nothing for
# an option that takes none.
_gdbdebug_values() {
    case $1 in
        --initrd | --kernel | --overlay | --console | --console-to | --socket | --core) echo file ;;
        --sysroot | --debug-dir) echo directory ;;
        --gdb | --qemu) echo program ;;
        --accel) echo auto kvm tcg ;;
        --snippet) echo vscode dap clion emacs gdb ;;
        --debug) echo ttyS1,wait ttyS1,crash ttyS1,crash,core console,wait ;;
        --cmdline) echo rd.gdbdebug= ;;
        --max-size | --break | --process | --timeout | --listen | --append | --memory | --gdb-arg) echo any ;;
    esac
}

_gdbdebug() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} verb='' values word
    # `--option=value` comes in three words, since = is a word break.
    if [[ $current == = ]]; then current=''; fi
    if [[ $previous == = ]]; then previous=${COMP_WORDS[COMP_CWORD - 2]}; fi
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $word in
            --) return ;; # another program's
            sysroot | check | attach | serve | vm | report | console | ps) verb=${verb:-$word} ;;
        esac
    done
    values=$(_gdbdebug_values "$previous")
    case $values in
        file) COMPREPLY=($(compgen -f -- "$current")) && compopt -o filenames ;;
        directory) COMPREPLY=($(compgen -d -- "$current")) && compopt -o filenames ;;
        program) COMPREPLY=($(compgen -c -- "$current")) ;;
        any) COMPREPLY=() ;;
        ?*) COMPREPLY=($(compgen -W "$values" -- "$current")) ;;
        *)
            if [[ $current == -* ]]; then
                COMPREPLY=($(compgen -W "$(_gdbdebug_options "$verb")" -- "$current"))
            elif [[ -z $verb ]]; then
                COMPREPLY=($(compgen -W 'sysroot check attach serve vm report console ps' -- "$current"))
            elif [[ $verb != vm ]]; then
                COMPREPLY=($(compgen -f -- "$current")) && compopt -o filenames
            fi
            ;;
    esac
}

complete -F _gdbdebug gdbdebug
