// SPDX-License-Identifier: GPL-2.0-or-later
// handoff: see handoff.hpp.
#include "boot/handoff.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/layout.hpp"
#include "sys/log.hpp"
#include "sys/sys.hpp"

namespace gdbdebug {
namespace {

constexpr const char* kInit = "/init";

/// The name by which the kernel was asked to execute us.
const char* own_name() {
  const char* const name = sys::executed_as();
  return name[0] != '\0' ? name : kInit;
}

/// The same file, or a copy: a generator that links identical files, or swaps twice, can make either.
bool is_helper(const char* path) {
  const auto one = sys::open(AT_FDCWD, own_name(), O_RDONLY);
  const auto two = sys::open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK);  // it may be a pipe to which nobody writes
  struct stat a {};
  struct stat b {};
  if (!one || !two || ::fstat(one->get(), &a) != 0 || ::fstat(two->get(), &b) != 0) return false;
  if (a.st_dev == b.st_dev && a.st_ino == b.st_ino) return true;
  if (a.st_size != b.st_size) return false;
  char left[4096];
  char right[4096];
  for (;;) {
    const auto count = sys::read(one->get(), left);
    if (count != sys::read(two->get(), right) || count < 0) return false;
    if (count == 0) return true;
    if (std::string_view(left, static_cast<std::size_t>(count)) !=
        std::string_view(right, static_cast<std::size_t>(count))) {
      return false;
    }
  }
}

/// execve(2) says ENOENT also of a file that is there, when the interpreter of the script or program is not.
Error cannot_execute(const char* path) {
  auto error = failed("executing", path);
  if (error.err == ENOENT && ::access(path, F_OK) == 0)
    error.reason = "it is there, but the interpreter or dynamic linker that it names is not in the image";
  return error;
}

void try_instead(const char* path, char** argv, char** envp) {
  if (path[0] == '\0' || ::access(path, X_OK) != 0 || is_helper(path)) return;
  log::Message message("executing '");
  log::say(log::Level::kError, message.add(path).add("' instead, as the kernel would"));
  char* const kernels_name = argv[0];
  argv[0] = const_cast<char*>(path);  // execve(2) only reads it
  ::execve(path, argv, envp);
  log::error(cannot_execute(path), "trying the next");
  argv[0] = kernels_name;
}

}  // namespace

bool in_place_of_real_init() {
  return std::string_view(own_name()) == layout::kRealInit;
}

bool in_overlay() {
  return std::string_view(own_name()) == layout::kOverlayInit;
}

void hand_off(char** argv, char** envp, const char* init, const char* named) {
  const char* real = layout::kRealInit;
  if (in_overlay()) {
    // An image with our module keeps its real init, and its /init would only be another helper.
    if (::access(real, X_OK) != 0) real = kInit;
    argv[0] = const_cast<char*>(kInit);  // execve(2) only reads it
    if (named[0] != '\0' && !is_helper(named)) argv[0] = const_cast<char*>(real = named);
  }
  if (in_place_of_real_init()) {
    log::error({"executing", layout::kRealInit, 0, "it is the helper itself, not the real init"},
               "the image was built wrongly");
  } else {
    // More than once: what is short now, memory or descriptors, may not be in a moment, and there is no other way out.
    for (int tries = 0; tries < 3; ++tries) ::execve(real, argv, envp);
    log::error(cannot_execute(real), "trying what the kernel would");
  }
  for (const char* path : {kInit, init, "/sbin/init", "/etc/init", "/bin/init", "/bin/sh"})
    try_instead(path, argv, envp);
  if (!in_place_of_real_init()) ::execve(layout::kRealInit, argv, envp);
  log::say(log::Level::kError,
           "no working init found: tried /usr/lib/gdbdebug/init, /init, init=, /sbin/init, /etc/init, /bin/init and "
           "/bin/sh; rebuild the image");
}

}  // namespace gdbdebug
