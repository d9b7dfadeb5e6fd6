// SPDX-License-Identifier: GPL-2.0-or-later
// lint: reads rd.gdbdebug= with the helper's own parser, and points at what is wrong.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gdbdebug::client {

struct Remark {
  bool fault = false;      ///< The helper would boot as if debugging were off; else it passes over the word.
  std::size_t column = 0;  ///< Of the word in the text, in bytes from 0.
  std::size_t length = 0;
  std::string reason;
  std::string hint;  ///< What would have been right; can be empty.
};

struct Lint {
  std::string text;  ///< What was read.
  std::vector<Remark> remarks;
  std::string meaning;               ///< What the helper will do, in words; empty if it cannot be read.
  std::string line_word;             ///< The kind of line, by its word in gdbdebug.conf; empty if it needs none.
  std::vector<std::string> modules;  ///< That are to be loaded first (modules=).
};

/// Reads `text`: a whole kernel command line, `rd.gdbdebug=...`, or the value alone. `default_value` is what a bare
/// rd.gdbdebug stands for in the image.
Lint lint(std::string_view text, std::string_view default_value);

/// The text with a caret under each remark, and what it says: lines for a person.
std::string in_words(const Lint& lint);

}  // namespace gdbdebug::client
