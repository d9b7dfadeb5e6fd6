// SPDX-License-Identifier: GPL-2.0-or-later
// log_lines: our lines in a log, without what loggers and terminals put around them. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace gdbdebug::client {

/// Calls `take` with what follows each `mark` in `log`, up to the end of its line or the next mark. Timestamps, colours
/// and carriage returns do not matter.
void for_each_record(std::string_view log, std::string_view mark, const std::function<void(std::string_view)>& take);

/// Calls `take` with the key and the value of each `key=value` in `words`, the value without its escapes.
void for_each_pair(std::string_view words, const std::function<void(std::string_view, const std::string&)>& take);

/// The number at the beginning of `text`, hexadecimal behind 0x, else decimal. What follows it is another writer's.
std::optional<std::uint64_t> leading_number(std::string_view text);

}  // namespace gdbdebug::client
