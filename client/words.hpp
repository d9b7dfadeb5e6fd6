// SPDX-License-Identifier: GPL-2.0-or-later
// words: the `key=value` words in which the helper speaks, in its hello and in its crash reports (gdbdebug(7)).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gdbdebug::client {

/// Takes `\xHH` back. A backslash that begins nothing of the kind stays.
std::string unescaped(std::string_view text);

/// The one of `words` that `wrong` was probably meant to be: at most two letters have to be added, dropped or changed,
/// and fewer than it has. Empty if there is none.
std::string_view nearest_word(std::string_view wrong, const std::vector<std::string_view>& words);

}  // namespace gdbdebug::client
