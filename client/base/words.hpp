// SPDX-License-Identifier: GPL-2.0-or-later
// words: text as it comes in, and as it may go out: the `key=value` words in which the helper speaks (gdbdebug(7)),
// wrong words, and what must not reach a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gdbdebug::client {

/// Text that comes from a target or an image, for a terminal: what could move its cursor becomes `?` (C0 and, in UTF-8,
/// C1 controls; ECMA-48). With `lines`, newlines and tabs stay.
std::string printable(std::string_view text, bool lines = false);

/// Takes `\xHH` back. A backslash that begins nothing of the kind stays.
std::string unescaped(std::string_view text);

/// The one of `words` that `wrong` was probably meant to be: at most two letters have to be added, dropped or changed,
/// and fewer than it has. Empty if there is none.
std::string_view nearest_word(std::string_view wrong, const std::vector<std::string_view>& words);

}  // namespace gdbdebug::client
