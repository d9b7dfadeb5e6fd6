// SPDX-License-Identifier: GPL-2.0-or-later
// handoff: the last step of the helper: PID 1 executes the real init.
#pragma once

#include <string_view>

namespace gdbdebug {

/// Executes the real init with the argv and the environment that the kernel gave. That is what the image keeps as
/// /usr/lib/gdbdebug/init; for the helper of an overlay the image's own /init, or what `named` (rd.gdbdebug.init=)
/// names, with argv[0] as the kernel would have given it: the kernel itself gives what rdinit= says. Where that fails,
/// or the helper is found in the real init's place, says so and tries what the kernel would have tried (kernel_init()
/// in init/main.c): /init, init= if there is one, /sbin/init, /etc/init, /bin/init, /bin/sh. Returns only if all of
/// them failed.
void hand_off(char** argv, char** envp, const char* init, const char* named);

/// Whether the helper is that of an overlay: the kernel was told rdinit=/gdbdebug/init.
bool in_overlay();

/// Whether the helper itself was executed as the real init: a hook ran twice, or a link leads back.
bool in_place_of_real_init();

}  // namespace gdbdebug
