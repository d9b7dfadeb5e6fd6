// SPDX-License-Identifier: GPL-2.0-or-later
// neighbour: does to the console's port what others do to it, and worse. Each argument is one deed:
//   hangup (vhangup(2)), flush, cooked (the settings of a login), junk (writes half a packet),
//   level (shows every kernel message), text (a line in the log), emergency (a message for everybody),
//   redirect (TIOCCONS of a terminal of its own), release (of whoever has redirected /dev/console),
//   line:TEXT (TEXT to /dev/console)
// The port is a node of its own, so that nothing stands in its place: argv[1] is MAJOR:MINOR.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

static void write_to(const char* path, const char* text) {
  const int file = open(path, O_WRONLY | O_NOCTTY);
  if (file < 0 || write(file, text, strlen(text)) < 0) perror(path);
  close(file);
}

int main(int argc, char** argv) {
  const char* const port = "/run/port";
  unsigned major_number = 4;
  unsigned minor_number = 64;
  if (argc < 2 || sscanf(argv[1], "%u:%u", &major_number, &minor_number) != 2) return 2;
  mknod(port, S_IFCHR | 0600, makedev(major_number, minor_number));
  mknod("/run/console", S_IFCHR | 0600, makedev(5, 1));
  for (int i = 2; i < argc; ++i) {
    const char* const deed = argv[i];
    const int file = open(port, O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (file < 0) perror(port);
    if (!strcmp(deed, "hangup") && ioctl(file, TIOCVHANGUP) != 0) perror(deed);
    if (!strcmp(deed, "flush")) tcflush(file, TCIOFLUSH);
    if (!strcmp(deed, "junk")) write_to(port, "$junk#00 + -");
    if (!strcmp(deed, "level")) klogctl(8, 0, 7);
    if (!strcmp(deed, "emergency")) write_to("/dev/kmsg", "<0>neighbour: an emergency\n");
    if (!strcmp(deed, "text")) write_to("/dev/kmsg", "<6>neighbour: a line in the log\n");
    if (!strncmp(deed, "line:", 5)) {
      write_to("/dev/console", deed + 5);
      write_to("/dev/console", "\n");
    }
    if (!strcmp(deed, "cooked")) {
      struct termios settings;
      tcgetattr(file, &settings);
      settings.c_lflag |= ICANON | ECHO | ISIG;
      settings.c_iflag |= ICRNL;
      settings.c_oflag |= OPOST | ONLCR;
      tcsetattr(file, TCSANOW, &settings);
    }
    if (!strcmp(deed, "redirect")) {
      const int master = posix_openpt(O_RDWR | O_NOCTTY);
      if (master < 0 || unlockpt(master) != 0) perror(deed);
      const int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
      if (ioctl(slave, TIOCCONS) != 0) perror(deed);
      close(slave);
      close(master);
    }
    if (!strcmp(deed, "release")) {
      const int console = open("/run/console", O_RDWR | O_NOCTTY);
      if (ioctl(console, TIOCCONS) != 0) perror(deed);
      close(console);
    }
    close(file);
  }
  puts("neighbour: done");
  return 0;
}
