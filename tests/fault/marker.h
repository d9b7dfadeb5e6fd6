/* SPDX-License-Identifier: GPL-2.0-or-later */
/* marker: what the real init of the fault matrix (init.c) and its supervisor (boot.cpp) say to each other. */
#pragma once

enum {
  MARKER_CALL = 28080,  /* no system call has this number */
  MARKER_STARTED = 1,   /* main() has begun: the boot was not lost */
  MARKER_RUNS = 2,      /* still there */
  MARKER_GO_ON = 0,
  MARKER_CRASH = 1,
  MARKER_EXIT = 2,
  MARKER_STATUS = 7,     /* the exit status */
  MARKER_CHILD_LOST = 8, /* the exit status if a child was lost: held, or ended by a signal */
  MARKER_CHILD_STATUS = 3,
};
