// SPDX-License-Identifier: GPL-2.0-or-later
// death_library: a library that gives up, for death.c.
#include <stdlib.h>

struct unit {
  const char* name;
  int number;
};

static int checked;

__attribute__((noinline)) static void give_up(const char* why, int line) {
  checked = line;
  if (why[0] != '\0') abort();
}

void check_unit(const struct unit* unit, const char* why) {
  if (unit->number > 0) give_up(why, unit->number + 40);
  checked++;
}
