// SPDX-License-Identifier: GPL-2.0-or-later
// death: a real init that dies in the way that its argument names, with something on its stack and heap for a debugger
// to show: segv, library (SIGABRT in a library), threads (one of three crashes), exit. death_bare.c is the 32-bit one.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct unit {
  const char* name;
  int number;
  struct unit* next;
};

extern void check_unit(const struct unit* unit, const char* why);  // death_library.c

static struct unit* first_unit;
static const char* state = "starting";

static struct unit* add_unit(const char* name) {
  struct unit* unit = malloc(sizeof *unit);
  if (!unit) _exit(99);
  unit->name = strdup(name);
  unit->number = first_unit ? first_unit->number + 1 : 1;
  unit->next = first_unit;
  first_unit = unit;
  return unit;
}

__attribute__((noinline)) static int touch(struct unit* unit, volatile int* where) {
  *where = unit->number;
  return *where + 1;
}

__attribute__((noinline)) static int start(struct unit* unit, int depth) {
  char label[24] = "level ";
  label[6] = (char)('0' + depth);
  if (depth > 0) return start(unit->next ? unit->next : unit, depth - 1) + label[6];
  if (!strcmp(state, "library")) check_unit(unit, label);
  if (!strcmp(state, "exit")) exit(3);
  return touch(unit, (volatile int*)16) + label[0];
}

static void* wait_for_ever(void* argument) {
  const struct unit* unit = argument;
  for (;;) pause();
  return (void*)unit->name;
}

static void* crash_later(void* argument) {
  sleep(1);  // the others sleep by then
  start(argument, 3);
  return NULL;
}

int main(int argc, char** argv) {
  for (int i = 0; i < 3; i++) add_unit((const char*[]){"root.mount", "udev.service", "basic.target"}[i]);
  state = argc > 1 ? argv[1] : "segv";
  if (!strcmp(state, "threads")) {
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, i < 2 ? wait_for_ever : crash_later, first_unit);
    pthread_join(threads[0], NULL);
  }
  return start(first_unit, 9);
}
