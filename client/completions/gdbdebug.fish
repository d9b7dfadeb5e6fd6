# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of gdbdebug's command line for fish.

set -l verbs sysroot check attach serve vm report console ps

complete -c gdbdebug -s h -l help -d 'Help'
complete -c gdbdebug -n "not __fish_seen_subcommand_from $verbs" -f -l version -d 'Version'
complete -c gdbdebug -n "not __fish_seen_subcommand_from $verbs" -f -a sysroot -d 'Unpack an initramfs'
complete -c gdbdebug -n "not __fish_seen_subcommand_from $verbs" -f -a check -d 'Say what is in an image'
complete -c gdbdebug -n "not __fish_seen_subcommand_from $verbs" -f -a attach -d 'Start the debugger on a target'
complete -c gdbdebug -n "not __fish_seen_subcommand_from $verbs" -f -a serve -d 'Give an IDE the line as a port'
complete -c gdbdebug -n "not __fish_seen_subcommand_from $verbs" -f -a vm -d 'Boot in QEMU, with the debugger'
complete -c gdbdebug -n "not __fish_seen_subcommand_from $verbs" -f -a report -d 'Read a crash report'
complete -c gdbdebug -n "not __fish_seen_subcommand_from $verbs" -f -a console -d 'A terminal on the console'
complete -c gdbdebug -n "not __fish_seen_subcommand_from $verbs" -f -a ps -d 'List what the target holds'

complete -c gdbdebug -n "__fish_seen_subcommand_from $verbs" -x -l max-size -d 'Refuse an image that is larger'

set -l symbols '__fish_seen_subcommand_from attach serve vm report'
complete -c gdbdebug -n $symbols -r -F -l initrd -d 'The image that the target booted'
complete -c gdbdebug -n $symbols -x -a '(__fish_complete_directories)' -l debug-dir -d 'Look for debug files there too'
complete -c gdbdebug -n '__fish_seen_subcommand_from attach serve report' -x -a '(__fish_complete_directories)' \
    -l sysroot -d 'A directory with the files of the target'

set -l debugger '__fish_seen_subcommand_from attach serve vm'
complete -c gdbdebug -n $debugger -l main -d 'Go on to main() of the real init'
complete -c gdbdebug -n $debugger -l crash -d 'Wait until PID 1 is about to die'
complete -c gdbdebug -n $debugger -x -l process -d 'Wait until this process is held'
complete -c gdbdebug -n $debugger -x -l break -d 'Set a breakpoint there'
complete -c gdbdebug -n $debugger -x -a '(__fish_complete_command)' -l gdb -d 'The debugger'
complete -c gdbdebug -n $debugger -r -F -l console-to -d 'Where the text of the console goes'
complete -c gdbdebug -n $debugger -l vdso -d 'Let the debugger read the vdso too'
complete -c gdbdebug -n $debugger -l stats -d 'Say how many bytes went over the line'
complete -c gdbdebug -n $debugger -s v -l verbose -d 'Print the commands given to the debugger'
complete -c gdbdebug -n '__fish_seen_subcommand_from attach serve vm ps' -x -l timeout -d 'Wait so many seconds for the target'

complete -c gdbdebug -n '__fish_seen_subcommand_from check' -x -a rd.gdbdebug= -l cmdline -d 'Read a kernel command line'
complete -c gdbdebug -n '__fish_seen_subcommand_from check report ps' -l json -d 'One line of JSON'

complete -c gdbdebug -n '__fish_seen_subcommand_from report' -r -F -l core -d 'Write the core in the log to a file'

complete -c gdbdebug -n '__fish_seen_subcommand_from serve' -x -l listen -d 'Where: [ADDRESS:]PORT'
complete -c gdbdebug -n '__fish_seen_subcommand_from serve' -x -a 'vscode dap clion emacs gdb' -l snippet \
    -d 'Print what to paste into'

set -l vm '__fish_seen_subcommand_from vm'
complete -c gdbdebug -n $vm -r -F -l kernel -d 'The kernel'
complete -c gdbdebug -n $vm -r -F -l overlay -d 'An archive to load behind the image'
complete -c gdbdebug -n $vm -x -l append -d 'More of the kernel command line'
complete -c gdbdebug -n $vm -x -a 'ttyS1,wait ttyS1,crash ttyS1,crash,core console,wait' -l debug -d 'The value of rd.gdbdebug='
complete -c gdbdebug -n $vm -x -a 'auto kvm tcg' -l accel -d 'How to run it'
complete -c gdbdebug -n $vm -x -l memory -d 'Of the virtual machine'
complete -c gdbdebug -n $vm -r -F -l console -d 'Where the console goes'
complete -c gdbdebug -n $vm -l one-wire -d 'The port of the console is the debug line'
complete -c gdbdebug -n '__fish_seen_subcommand_from vm console' -r -F -l socket -d 'Where the debug line is'
complete -c gdbdebug -n $vm -x -a '(__fish_complete_command)' -l qemu -d 'The QEMU to use'
complete -c gdbdebug -n $vm -l no-gdb -d 'Boot it only'
complete -c gdbdebug -n $vm -l keep -d 'Let the machine go on after the debugger'
complete -c gdbdebug -n $vm -x -l gdb-arg -d 'Pass this on to the debugger'
