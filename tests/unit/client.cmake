# SPDX-License-Identifier: GPL-2.0-or-later
# The host command's own tests, in one program: client_*.cpp.
if(TARGET gdbdebug_client AND GTest_FOUND)
  file(GLOB client_tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/client_*.cpp)
  add_executable(unit-client ${client_tests})
  target_link_libraries(unit-client PRIVATE gdbdebug_client GTest::gtest_main)
  gtest_discover_tests(unit-client PROPERTIES LABELS unit TIMEOUT 60)
endif()
