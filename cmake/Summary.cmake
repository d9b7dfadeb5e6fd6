# SPDX-License-Identifier: GPL-2.0-or-later
# What was found and chosen, said once at the end of configuring.
message(STATUS "gdbdebug ${PROJECT_VERSION}: helper ${GDBDEBUG_HELPER} (C library: ${GDBDEBUG_LIBC_FOUND}), client ${GDBDEBUG_CLIENT}, tests ${GDBDEBUG_TESTS}")
