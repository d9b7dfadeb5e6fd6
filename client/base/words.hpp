// SPDX-License-Identifier: GPL-2.0-or-later
// words: text as it comes in, and as it may go out: the `key=value` words in which the helper speaks (gdbdebug(7)),
// wrong words, and what must not reach a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gdbdebug::client {

/// The length of the UTF-8 sequence that `text` begins with, or 0 if it begins with none (RFC 3629, section 4).
std::size_t utf8_length(std::string_view text);
/// The character that a whole UTF-8 sequence is; 0 for no sequence.
std::uint32_t code_point(std::string_view sequence);

/// Text that comes from a target or an image, for a terminal. What could move its cursor or reorder the line becomes
/// `?`: control characters (C0, DEL and C1; ECMA-48), each byte that is not UTF-8 (an 8-bit terminal takes 0x9b for
/// ESC [), line and paragraph separators, and what sets the direction of text (Unicode's Bidi_Control). With `lines`,
/// newlines and tabs stay.
std::string printable(std::string_view text, bool lines = false);

/// Whether `text` has a control character: C0, DEL, or C1 in UTF-8. No name with one is used: such a name can end a
/// line or a command. The names of real images have none.
bool has_control(std::string_view text);

/// `text`, which is printable, cut to at most `size` bytes, and not within a character.
std::string_view cut(std::string_view text, std::size_t size);

/// Takes `\xHH` back. A backslash that begins nothing of the kind stays.
std::string unescaped(std::string_view text);

/// The one of `words` that `wrong` was probably meant to be: at most two letters have to be added, dropped or changed,
/// and fewer than it has. Empty if there is none.
std::string_view nearest_word(std::string_view wrong, const std::vector<std::string_view>& words);

}  // namespace gdbdebug::client
