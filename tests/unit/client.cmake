# SPDX-License-Identifier: GPL-2.0-or-later
# The host command's own tests, in one program.
if(TARGET gdbdebug_client)
  file(GLOB_RECURSE client_tests CONFIGURE_DEPENDS client/*_test.cpp)
  gdbdebug_unit_tests(unit-client "gdbdebug_client;gdbdebug_dump" ${client_tests})
endif()
