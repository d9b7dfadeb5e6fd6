# SPDX-License-Identifier: GPL-2.0-or-later
# The helper's C library. musl makes a static helper of some 50 KB; static glibc works and makes 15 times that.
# Makes the target gdbdebug_libc: what the helper, and only the helper, is compiled and linked with.
add_library(gdbdebug_libc INTERFACE)
set(GDBDEBUG_LIBC_FOUND "the compiler's own, static")

# musl-gcc is gcc with a specs file. It passes its arguments on to $REALGCC, so `echo` tells where the specs are. For
# another machine they are in Debian's musl-dev of that machine, by the name that its libraries have there.
find_program(GDBDEBUG_MUSL_GCC NAMES musl-gcc)
string(REPLACE "-gnu" "-musl" musl_architecture "${CMAKE_LIBRARY_ARCHITECTURE}")
find_file(GDBDEBUG_MUSL_SPECS NAMES musl-gcc.specs PATHS "/usr/lib/${musl_architecture}" NO_DEFAULT_PATH)
mark_as_advanced(GDBDEBUG_MUSL_GCC GDBDEBUG_MUSL_SPECS)
set(musl_specs "")
if(GDBDEBUG_LIBC STREQUAL "host" OR NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # It is not wanted, or cannot be had.
elseif(CMAKE_CROSSCOMPILING)
  if(GDBDEBUG_MUSL_SPECS)
    set(musl_specs "${GDBDEBUG_MUSL_SPECS}")
  endif()
elseif(GDBDEBUG_MUSL_GCC)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env REALGCC=echo "${GDBDEBUG_MUSL_GCC}"
    OUTPUT_VARIABLE musl_arguments OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(musl_arguments MATCHES "-specs[ =]?\"?([^ \"]+)")
    set(musl_specs "${CMAKE_MATCH_1}")
  endif()
endif()

if(musl_specs)
  # The specs take away every default include directory. The C++ library's headers come before musl's; the kernel's
  # come after them, through links of their own, so that nothing of glibc's is found by accident.
  set(kernel_headers "${CMAKE_CURRENT_BINARY_DIR}/kernel-headers")
  file(MAKE_DIRECTORY "${kernel_headers}")
  foreach(folder linux asm asm-generic)
    find_path(GDBDEBUG_HEADERS_${folder} NAMES ${folder}/types.h PATHS ${CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES} /usr/include
      PATH_SUFFIXES ${CMAKE_LIBRARY_ARCHITECTURE})
    mark_as_advanced(GDBDEBUG_HEADERS_${folder})
    if(GDBDEBUG_HEADERS_${folder})
      file(CREATE_LINK "${GDBDEBUG_HEADERS_${folder}}/${folder}" "${kernel_headers}/${folder}" SYMBOLIC)
    endif()
  endforeach()
  set(musl_prereq "${CMAKE_CURRENT_LIST_DIR}/musl-prereq.h")
  set(cxx_headers ${CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES})
  list(FILTER cxx_headers INCLUDE REGEX "/c\\+\\+/")
  list(TRANSFORM cxx_headers PREPEND "-isystem" OUTPUT_VARIABLE cxx_header_options)
  # The headers' assertions, which Fedora's and Arch's flags ask for, call a function of the C++ library, and there is
  # none. By -Wp, because those flags use that, and it comes after each -D and -U.
  set(no_assertions "-Wp,-U_GLIBCXX_ASSERTIONS")
  target_compile_options(gdbdebug_libc INTERFACE ${cxx_header_options} "-specs=${musl_specs}"
    "-idirafter${kernel_headers}" "SHELL:-include ${musl_prereq}" ${no_assertions})
  target_link_options(gdbdebug_libc INTERFACE "-specs=${musl_specs}" -nodefaultlibs)
  # A group: on Arm the compiler's division by zero calls raise().
  set(musl_libraries -Wl,--start-group c gcc -Wl,--end-group)
  target_link_libraries(gdbdebug_libc INTERFACE ${musl_libraries})

  # Believe it only after a program with the headers that the helper uses has been built. Optimized as the helper is:
  # gcc 15 turns those assertions on where nothing is optimized.
  file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/check-musl.cpp"
    "#include <charconv>\n#include <optional>\n#include <string_view>\n#include <linux/netlink.h>\n#include <sys/socket.h>\n"
    "int main(int c, char** v) { std::string_view s(v[0]); int n = c; std::from_chars(s.data(), s.data() + s.size(), n); return n; }\n")
  try_compile(musl_works "${CMAKE_CURRENT_BINARY_DIR}/check-musl" "${CMAKE_CURRENT_BINARY_DIR}/check-musl.cpp"
    COMPILE_DEFINITIONS ${cxx_header_options} "-specs=${musl_specs}" "-idirafter${kernel_headers}"
      -include "${musl_prereq}" ${no_assertions} -Oz -fno-exceptions -fno-rtti
    LINK_OPTIONS "-specs=${musl_specs}" -static -nodefaultlibs
    LINK_LIBRARIES ${musl_libraries}
    CXX_STANDARD 20 OUTPUT_VARIABLE musl_output)
endif()

if(musl_works)
  set(GDBDEBUG_LIBC_FOUND "musl")
elseif(GDBDEBUG_LIBC STREQUAL "musl")
  message(FATAL_ERROR "GDBDEBUG_LIBC is musl, but musl-gcc was not found or does not work with ${CMAKE_CXX_COMPILER} "
    "(Debian: musl-tools; Fedora: musl-gcc; Arch: musl).\n${musl_output}")
else()
  # An imported target keeps nothing of the attempt.
  set_target_properties(gdbdebug_libc PROPERTIES INTERFACE_COMPILE_OPTIONS "" INTERFACE_LINK_OPTIONS "" INTERFACE_LINK_LIBRARIES "")
endif()
