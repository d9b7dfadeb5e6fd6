# SPDX-License-Identifier: GPL-2.0-or-later
# What a packager or a developer can choose.
option(GDBDEBUG_HELPER "Build the target side: the helper and the generator modules" ON)
set(GDBDEBUG_CLIENT "auto" CACHE STRING "Build the host command, gdbdebug: auto (where its libraries are found), ON, OFF")
set_property(CACHE GDBDEBUG_CLIENT PROPERTY STRINGS auto ON OFF)
option(GDBDEBUG_TESTS "Build and register the tests" OFF)
option(GDBDEBUG_WERROR "Turn warnings into errors" OFF)
option(GDBDEBUG_SANITIZE "AddressSanitizer and UndefinedBehaviorSanitizer, without -static" OFF)
set(GDBDEBUG_LIBC "auto" CACHE STRING "The helper's C library: auto, musl, or host (the compiler's own)")
set_property(CACHE GDBDEBUG_LIBC PROPERTY STRINGS auto musl host)

# The programs that read configuration read it in /etc whatever the prefix is, unless the packager says otherwise.
if(CMAKE_INSTALL_PREFIX STREQUAL /usr)
  set(default_sysconfdir /etc)
else()
  set(default_sysconfdir ${CMAKE_INSTALL_SYSCONFDIR})
endif()
set(GDBDEBUG_SYSCONFDIR ${default_sysconfdir} CACHE STRING "Where grub.d, default and mkinitcpio.conf.d are")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)   # clang-tidy reads it
option(GDBDEBUG_STRIP "Link the programs of the image without symbols" ON)
