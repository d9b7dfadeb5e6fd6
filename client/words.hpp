// SPDX-License-Identifier: GPL-2.0-or-later
// words: the `key=value` words in which the helper speaks, in its hello and in its crash reports (gdbdebug(7)).
#pragma once

#include <string>
#include <string_view>

namespace gdbdebug::client {

/// Takes `\xHH` back. A backslash that begins nothing of the kind stays.
std::string unescaped(std::string_view text);

}  // namespace gdbdebug::client
