// SPDX-License-Identifier: GPL-2.0-or-later
// settings: finds what the kernel command line and the image say, before anything is mounted.
// Reads /etc/cmdline, /etc/cmdline.d/*.conf and the kernel's command line, in that order; the last one wins.
#pragma once

#include "core/base/result.hpp"
#include "core/base/text.hpp"

namespace gdbdebug {

struct Settings {
  bool on = false;
  bool bare = false;           ///< it was asked for without a value
  Text<4096> value;            ///< of rd.gdbdebug=, with the default put in
  Text<256> ip;                ///< of rd.gdbdebug.ip=, else `ip=` and its value; may be empty
  Text<256> init;              ///< of init=; may be empty
  Text<256> real_init;         ///< of rd.gdbdebug.init=, which the helper of an overlay executes; may be empty
  bool kdump = false;          ///< this is a kdump kernel, so it is off
  bool kdump_allowed = false;  ///< it is on there too
  Error trouble;               ///< why the kernel's command line could not be read; step is empty if it was
};

/// Leaves nothing behind: no mount, no descriptor that survives an exec.
void read_settings(Settings& settings);

}  // namespace gdbdebug
