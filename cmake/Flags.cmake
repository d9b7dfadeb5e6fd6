# SPDX-License-Identifier: GPL-2.0-or-later
# Flags that travel on targets: link gdbdebug_flags to get them.
add_library(gdbdebug_flags INTERFACE)
target_compile_features(gdbdebug_flags INTERFACE cxx_std_20)
target_compile_options(gdbdebug_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
  -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough)
if(GDBDEBUG_WERROR)
  target_compile_options(gdbdebug_flags INTERFACE -Werror)
endif()
if(GDBDEBUG_SANITIZE)
  target_compile_options(gdbdebug_flags INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer
    -fno-sanitize-recover=undefined)
  target_link_options(gdbdebug_flags INTERFACE -fsanitize=address,undefined)
endif()
