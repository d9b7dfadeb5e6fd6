# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=dash
# shellcheck disable=SC2034  # variables for image.sh
# layout.sh: where things lie in an image. Made from core/layout.hpp by generators/make-layout; do not edit.
gdbdebug_path_real_init=/usr/lib/gdbdebug/init
gdbdebug_path_agent=/usr/lib/gdbdebug/gdbdebug-agent
gdbdebug_path_manifest=/usr/lib/gdbdebug/files
gdbdebug_path_configuration=/etc/gdbdebug.conf
gdbdebug_path_overlay=/gdbdebug
gdbdebug_path_overlay_init=/gdbdebug/init
gdbdebug_path_overlay_agent=/gdbdebug/gdbdebug-agent
gdbdebug_path_overlay_manifest=/gdbdebug/files
gdbdebug_path_overlay_root=/gdbdebug/root
gdbdebug_path_overlay_configuration=/gdbdebug/root/etc/gdbdebug.conf
gdbdebug_path_busybox=/usr/lib/gdbdebug/busybox
gdbdebug_path_ssh_home=/usr/lib/gdbdebug/ssh
gdbdebug_path_dropbear=/usr/lib/gdbdebug/ssh/dropbear
gdbdebug_path_host_key=/usr/lib/gdbdebug/ssh/host_key
gdbdebug_path_authorized_keys=/usr/lib/gdbdebug/ssh/authorized_keys
gdbdebug_path_fingerprint=/usr/lib/gdbdebug/ssh/fingerprint
