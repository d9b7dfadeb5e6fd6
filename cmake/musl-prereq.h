/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The C++ library's headers were configured for glibc and ask for its version; musl has no such macro. */
#define __GLIBC_PREREQ(major, minor) 0
