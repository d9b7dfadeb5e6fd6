# SPDX-License-Identifier: GPL-2.0-or-later
# The host command's own tests, in one program: client_*.cpp.
if(TARGET gdbdebug_client)
  file(GLOB client_tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/client_*.cpp)
  gdbdebug_unit_tests(unit-client gdbdebug_client ${client_tests})
endif()
