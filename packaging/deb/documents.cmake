# SPDX-License-Identifier: GPL-2.0-or-later
# Run by cpack between installing and packing: adds to each .deb the documents that Debian's policy wants in it.
if(NOT CPACK_GENERATOR STREQUAL DEB)
  return()
endif()
find_program(GZIP gzip REQUIRED)
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${component} COMPONENT)
  set(name ${CPACK_DEBIAN_${COMPONENT}_PACKAGE_NAME})
  set(share ${CPACK_TEMPORARY_DIRECTORY}/${component}/usr/share)
  file(COPY ${CMAKE_CURRENT_LIST_DIR}/../debian/copyright DESTINATION ${share}/doc/${name})
  execute_process(COMMAND ${GZIP} -9nc ${CMAKE_CURRENT_LIST_DIR}/../debian/changelog
    OUTPUT_FILE ${share}/doc/${name}/changelog.Debian.gz COMMAND_ERROR_IS_FATAL ANY)
  file(CHMOD ${share}/doc/${name}/changelog.Debian.gz ${share}/doc/${name}/copyright
    PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  if(EXISTS ${CMAKE_CURRENT_LIST_DIR}/../debian/${name}.lintian-overrides)
    file(MAKE_DIRECTORY ${share}/lintian/overrides)
    configure_file(${CMAKE_CURRENT_LIST_DIR}/../debian/${name}.lintian-overrides ${share}/lintian/overrides/${name} COPYONLY)
    file(CHMOD ${share}/lintian/overrides/${name} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  endif()
endforeach()
