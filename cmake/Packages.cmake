# SPDX-License-Identifier: GPL-2.0-or-later
# CPack: what `cpack` makes of the install tree. A pair for Debian (cpack -G DEB) and a pair of RPMs (cpack -G RPM):
# gdbdebug for the machine to be debugged, gdbdebug-client for the one with gdb.
set(CPACK_PACKAGE_NAME gdbdebug)
set(CPACK_PACKAGE_VENDOR "gdbdebug maintainers")
set(GDBDEBUG_MAINTAINER "gdbdebug maintainers <maintainers@gdbdebug.example>" CACHE STRING "Who answers for the packages")
set(CPACK_PACKAGE_CONTACT ${GDBDEBUG_MAINTAINER})
# Each package has a summary of its own; CPack would put this one in front of each.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_FILE_NAME gdbdebug-${PROJECT_VERSION}-${CMAKE_SYSTEM_NAME}-${CMAKE_SYSTEM_PROCESSOR})
# Configuration has absolute paths, and CPack's archives would be packed by installing those on this very machine: with
# DESTDIR they go where the rest goes, whatever the generator.
set(CPACK_SET_DESTDIR ON)
# What a plain `cpack` makes: the packages of this machine's own kind.
if(NOT CPACK_GENERATOR)
  find_program(DPKG_SHLIBDEPS dpkg-shlibdeps)
  find_program(RPMBUILD rpmbuild)
  mark_as_advanced(DPKG_SHLIBDEPS RPMBUILD)
  if(DPKG_SHLIBDEPS AND (EXISTS /etc/debian_version OR NOT RPMBUILD))
    set(CPACK_GENERATOR DEB)
  elseif(RPMBUILD)
    set(CPACK_GENERATOR RPM)
  else()
    set(CPACK_GENERATOR TGZ)
  endif()
endif()
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
  WORLD_READ WORLD_EXECUTE)

set(CPACK_COMPONENTS_ALL "")
if(GDBDEBUG_HELPER)
  list(APPEND CPACK_COMPONENTS_ALL target)
endif()
if(GDBDEBUG_CLIENT)
  list(APPEND CPACK_COMPONENTS_ALL client)
endif()
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(target_summary "debug PID 1 of an initramfs from its first instruction")
set(target_text
"A small static helper takes the place of an initramfs's /init. Asked by
rd.gdbdebug= on the kernel command line it holds PID 1 under gdbserver at its
very first instruction, on a serial line or another way out of the machine.
This package has the helper, the modules for dracut, mkinitcpio and
initramfs-tools, and the boot menu's part. They do nothing unless asked for.")
set(client_summary "connect gdb to PID 1 of an initramfs")
set(client_text
"The command gdbdebug waits until a machine with the package gdbdebug is ready,
takes its initramfs apart for the symbols, and starts gdb on its PID 1.")

# gdbdebug_maintainer_script(FILE): a script of packaging/ with the functions that all packages share written into it.
function(gdbdebug_maintainer_script file)
  set(common ${PROJECT_SOURCE_DIR}/packaging/arch/gdbdebug.install)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${common} ${PROJECT_SOURCE_DIR}/packaging/${file})
  file(READ ${common} functions)
  file(READ ${PROJECT_SOURCE_DIR}/packaging/${file} text)
  string(REPLACE ". ../arch/gdbdebug.install\n" "${functions}" text "${text}")
  file(WRITE ${PROJECT_BINARY_DIR}/packaging/${file} "${text}")
endfunction()

# --- Debian -----------------------------------------------------------------------------------------------------------
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_TARGET_PACKAGE_NAME gdbdebug)
set(CPACK_DEBIAN_TARGET_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_TARGET_PACKAGE_DEPENDS "gdbserver, kmod, cpio")
set(CPACK_DEBIAN_TARGET_PACKAGE_RECOMMENDS "dracut-core | initramfs-tools-core")
set(CPACK_DEBIAN_TARGET_PACKAGE_SUGGESTS "gdbdebug-client, busybox, dropbear-bin, grub-common")
set(CPACK_DEBIAN_TARGET_DESCRIPTION "${target_summary}\n${target_text}")
# What dpkg asks about before it overwrites an administrator's change. A list of files and nothing else, by its format.
file(WRITE ${PROJECT_BINARY_DIR}/packaging/conffiles
  "/etc/default/gdbdebug\n/etc/grub.d/99_gdbdebug\n/etc/mkinitcpio.conf.d/zz-gdbdebug.conf\n")
set(CPACK_DEBIAN_TARGET_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/packaging/conffiles)
foreach(script preinst postinst prerm postrm)
  gdbdebug_maintainer_script(deb/${script})
  list(APPEND CPACK_DEBIAN_TARGET_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/packaging/deb/${script})
endforeach()
set(CPACK_DEBIAN_CLIENT_PACKAGE_NAME gdbdebug-client)
set(CPACK_DEBIAN_CLIENT_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_CLIENT_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_CLIENT_PACKAGE_RECOMMENDS "gdb")
set(CPACK_DEBIAN_CLIENT_PACKAGE_SUGGESTS "qemu-system, openssh-client")
set(CPACK_DEBIAN_CLIENT_DESCRIPTION "${client_summary}\n${client_text}")
# What only a .deb has: copyright, changelog, lintian's overrides.
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/packaging/deb/documents.cmake)

# --- RPM --------------------------------------------------------------------------------------------------------------
set(CPACK_RPM_COMPONENT_INSTALL ON)
set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_RELEASE 1)
set(CPACK_RPM_PACKAGE_RELOCATABLE OFF)
set(CPACK_RPM_PACKAGE_LICENSE GPL-2.0-or-later)
set(CPACK_RPM_TARGET_PACKAGE_NAME gdbdebug)
set(CPACK_RPM_TARGET_PACKAGE_SUMMARY ${target_summary})
set(CPACK_RPM_TARGET_PACKAGE_DESCRIPTION ${target_text})
# A path and not a name: the package with gdbserver is gdb-gdbserver in one place and gdb in another.
set(CPACK_RPM_TARGET_PACKAGE_REQUIRES "/usr/bin/gdbserver, kmod, cpio")
set(CPACK_RPM_TARGET_USER_FILELIST "%config(noreplace) /etc/default/gdbdebug" "%config /etc/grub.d/99_gdbdebug"
  "%config /etc/mkinitcpio.conf.d/zz-gdbdebug.conf")
gdbdebug_maintainer_script(rpm/post)
gdbdebug_maintainer_script(rpm/preun)
gdbdebug_maintainer_script(rpm/postun)
set(CPACK_RPM_TARGET_POST_INSTALL_SCRIPT_FILE ${PROJECT_BINARY_DIR}/packaging/rpm/post)
set(CPACK_RPM_TARGET_PRE_UNINSTALL_SCRIPT_FILE ${PROJECT_BINARY_DIR}/packaging/rpm/preun)
set(CPACK_RPM_TARGET_POST_UNINSTALL_SCRIPT_FILE ${PROJECT_BINARY_DIR}/packaging/rpm/postun)
set(CPACK_RPM_CLIENT_PACKAGE_NAME gdbdebug-client)
set(CPACK_RPM_CLIENT_PACKAGE_SUMMARY ${client_summary})
set(CPACK_RPM_CLIENT_PACKAGE_DESCRIPTION ${client_text})
set(CPACK_RPM_CLIENT_PACKAGE_SUGGESTS gdb)
# The scripts name their interpreters; nothing more is to be guessed from them. The client's libraries are.
set(CPACK_RPM_TARGET_PACKAGE_AUTOREQ OFF)
set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION /etc /etc/default /etc/grub.d /etc/mkinitcpio.conf.d
  /usr/lib/dracut /usr/lib/dracut/modules.d
  /usr/lib/initcpio /usr/lib/initcpio/install /usr/share/initramfs-tools /usr/share/initramfs-tools/hooks
  /usr/share/initramfs-tools/conf-hooks.d /usr/libexec /usr/share/man /usr/share/man/man1 /usr/share/man/man5
  /usr/share/man/man7 /usr/share/man/man8 /usr/share/bash-completion /usr/share/bash-completion/completions
  /usr/sbin /usr/lib/kernel /usr/lib/kernel/install.d /usr/share/zsh /usr/share/zsh/site-functions /usr/share/fish /usr/share/fish/vendor_completions.d)
set(CPACK_RPM_SPEC_MORE_DEFINE "%define _build_id_links none")

# --- The source -------------------------------------------------------------------------------------------------------
set(CPACK_SOURCE_GENERATOR TGZ)
set(CPACK_SOURCE_PACKAGE_FILE_NAME gdbdebug-${PROJECT_VERSION})
set(CPACK_SOURCE_IGNORE_FILES "/build/;/\\\\.git/;/\\\\.git$;/\\\\.cache/;__pycache__")
include(CPack)
