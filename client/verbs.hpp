// SPDX-License-Identifier: GPL-2.0-or-later
// verbs: what the verbs of gdbdebug are given, and the functions that carry them out. Each returns its exit status, or
// the error to tell.
#pragma once

#include <string>
#include <vector>

#include "image.hpp"

namespace gdbdebug::client {

struct SysrootOptions {
  std::string image;
  std::string directory;
  Limits limits;
};
Result<int> run_sysroot(const SysrootOptions& options);

struct CheckOptions {
  std::string image;    ///< Empty: only the command line is looked at.
  std::string cmdline;  ///< A kernel command line, or the value of rd.gdbdebug alone; empty: only the image.
  bool json = false;
  Limits limits;
};
Result<int> run_check(const CheckOptions& options);

/// Opens /dev/null for whichever of the descriptors 0 to 2 is closed, so that no file of ours takes its number.
void hold_standard_descriptors();

}  // namespace gdbdebug::client
