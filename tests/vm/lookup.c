// SPDX-License-Identifier: GPL-2.0-or-later
// lookup: a library of the probe's that calls a function that no library has. The dynamic linker finds that out at the
// call, as with a library that is older than the program.
void in_no_library(int);
int configure(int number);

int configure(int number) {
  volatile char room[16384];  // the dynamic linker has worked here at the start, and its return addresses are left
  room[0] = (char)number;
  in_no_library(number);
  return number + room[0];
}
