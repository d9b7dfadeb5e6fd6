// SPDX-License-Identifier: GPL-2.0-or-later
// log_source: where the log is that `report` reads: files, folders of pstore's, a pipe, or a line while it arrives.
#pragma once

#include <string>
#include <vector>

#include "base/display.hpp"
#include "base/result.hpp"

namespace gdbdebug::client {

/// The text of all `names`, in this order; parts that pstore has made of a log are put together. `-` is standard input.
/// A file is read to its end. A pipe, a device, a socket or another TARGET is read until a report and what belongs to
/// it are complete, it ends, or the user interrupts; nothing is written to it. Errors: a name that cannot be read; an
/// interrupt before anything came.
Result<std::string> read_logs(const std::vector<std::string>& names, Display& display);

/// Asks the only one of `names`, a TARGET, for a report of all processes, and reads it from there. Errors: not a
/// TARGET; no answer in time; the report is not on this line.
Result<std::string> request_report(const std::vector<std::string>& names, Display& display);

}  // namespace gdbdebug::client
