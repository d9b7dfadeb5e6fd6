// SPDX-License-Identifier: GPL-2.0-or-later
// json: values as RFC 8259 text, for `--json`.
#pragma once

#include <string>
#include <string_view>

namespace gdbdebug::client {

/// Builds one JSON text, piece by piece. Commas come by themselves; the caller closes what it opens.
class Json {
 public:
  Json& open(char bracket);   ///< `{` or `[`, as an element or after key()
  Json& close(char bracket);  ///< `}` or `]`
  Json& key(std::string_view name);
  Json& value(std::string_view text);  ///< A string. Bytes that are no UTF-8 become U+FFFD.
  Json& value(const char* text) { return value(std::string_view(text)); }
  Json& value(bool truth);
  Json& value(unsigned long number);
  Json& null();
  /// The text so far, which is whole when everything is closed.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void comma();
  std::string text_;
  bool first_ = true;
};

/// `text` as a JSON string, with its quotes.
std::string quoted(std::string_view text);

}  // namespace gdbdebug::client
