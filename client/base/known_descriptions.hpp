// SPDX-License-Identifier: GPL-2.0-or-later
// known_descriptions: the target descriptions that need not be fetched again.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace gdbdebug::client {

/// Target descriptions (gdb's manual, "Target Descriptions") that are known already. One is some 10 kB on the line, and
/// the same for each boot of a machine.
struct Descriptions {
  std::vector<std::string> known;                   ///< The likeliest first.
  std::function<std::vector<std::string>()> more;   ///< Asked once when none of those fits.
  std::function<void(const std::string&)> learned;  ///< Called with one that had to be fetched.
};

}  // namespace gdbdebug::client
