# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of gdbdebug-boot's command line for fish.

set -l commands status once off remove

complete -c gdbdebug-boot -f
complete -c gdbdebug-boot -n "not __fish_seen_subcommand_from $commands" -a status -d 'Show image, overlay, menu and this boot'
complete -c gdbdebug-boot -n "not __fish_seen_subcommand_from $commands" -a once -d 'Debug the next boot only'
complete -c gdbdebug-boot -n "not __fish_seen_subcommand_from $commands" -a off -d 'Cancel it'
complete -c gdbdebug-boot -n "not __fish_seen_subcommand_from $commands" -a remove -d 'Remove the overlay and its entries'
complete -c gdbdebug-boot -n '__fish_seen_subcommand_from once' -a 'ttyS0,wait=60 ttyS1,wait=60' -d 'Value of rd.gdbdebug='
complete -c gdbdebug-boot -l dry-run -d 'Show what would be done'
complete -c gdbdebug-boot -l forever -d 'Accept a wait without a limit'
complete -c gdbdebug-boot -l passphrase -d 'Accept a boot in which the TPM unseals no disk key'
complete -c gdbdebug-boot -x -a '(__fish_complete_directories)' -l root -d 'The machine is the tree in this folder'
complete -c gdbdebug-boot -l help -d 'Help'
complete -c gdbdebug-boot -l version -d 'Version'
