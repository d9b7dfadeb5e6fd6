// SPDX-License-Identifier: GPL-2.0-or-later
// sysroot: the verb that unpacks an image for good.
#include <fcntl.h>

#include <cstdio>

#include "base/interrupt.hpp"
#include "base/words.hpp"
#include "image/describe.hpp"
#include "image/unpack.hpp"
#include "verbs/verbs.hpp"

namespace gdbdebug::client {

void hold_standard_descriptors() {
  for (int fd = ::open("/dev/null", O_RDWR); fd >= 0; fd = ::open("/dev/null", O_RDWR)) {
    if (fd > 2) {
      ::close(fd);
      return;
    }
  }
}

Result<int> run_sysroot(const SysrootOptions& options) {
  catch_interrupts();
  const auto image = read_image(options.image, options.limits, scratch_directory());
  if (!image.ok()) return image.error();
  const auto done = unpack(image.value().tree, options.directory);
  if (!done.ok()) return done.error();

  for (const auto& note : image.value().notes) std::fprintf(stderr, "gdbdebug: note: %s\n", printable(note).c_str());
  std::printf("%s: %zu files from '%s' (%s)\n", options.directory.c_str(), done.value().files,
              printable(names_of(options.image)).c_str(), printable(describe(image.value())).c_str());
  if (done.value().passed_over > 0) {
    std::printf("skipped %zu device nodes, FIFOs or sockets, such as '%s'\n", done.value().passed_over,
                printable(done.value().example).c_str());
  }
  return 0;
}

}  // namespace gdbdebug::client
