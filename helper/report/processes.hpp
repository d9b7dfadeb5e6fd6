// SPDX-License-Identifier: GPL-2.0-or-later
// processes: what every process of the machine is doing, when the boot does not come to its end
// (rd.gdbdebug=...,hang=). Stops and traces nothing: all of it is read from /proc.
#pragma once

#include <cstdint>
#include <optional>

namespace gdbdebug {

/// The report of a boot that has not reached the real root `seconds` after the hand-off; without them, one that
/// somebody has asked for. Takes two tenths of a second for the samples of processor time.
void report_hang(std::optional<std::uint32_t> seconds);

}  // namespace gdbdebug
