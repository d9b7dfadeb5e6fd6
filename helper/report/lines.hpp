// SPDX-License-Identifier: GPL-2.0-or-later
// lines: how a line of the report begins, and what is in it more than once.
#pragma once

#include <cstdint>
#include <string_view>

#include "sys/log.hpp"

namespace gdbdebug::report {

/// All of it is shown with *quiet*.
inline constexpr auto kLevel = log::Level::kAlert;

log::Message begin_line(std::string_view keyword);
/// ` key=0xHEX`
void add_hex_pair(log::Message& line, std::string_view key, std::uint64_t value);

}  // namespace gdbdebug::report
