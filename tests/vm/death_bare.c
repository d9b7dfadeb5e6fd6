// SPDX-License-Identifier: GPL-2.0-or-later
// death_bare: a real init of 32 bits that crashes, without a C library, which not every machine has for it.
struct unit {
  const char* name;
  int number;
};

static struct unit units[3] = {{"root.mount", 1}, {"udev.service", 2}, {"basic.target", 3}};
static int started;

__attribute__((noinline)) static int touch(struct unit* unit, volatile int* where) {
  *where = unit->number;
  return *where + 1;
}

__attribute__((noinline)) static int start(struct unit* unit, int depth) {
  volatile int level = depth * 10;
  started++;
  if (depth > 0) return start(unit + 1 < units + 3 ? unit + 1 : units, depth - 1) + level;
  return touch(unit, (volatile int*)16) + level;
}

void _start(void) {
  for (;;) start(units, 5);
}
