// SPDX-License-Identifier: GPL-2.0-or-later
// lines: see lines.hpp.
#include "report/lines.hpp"

namespace gdbdebug::report {

log::Message begin_line(std::string_view keyword) {
  log::Message line("report: ");
  line.add(keyword);
  return line;
}

void add_hex_pair(log::Message& line, std::string_view key, std::uint64_t value) {
  line.add(' ').add(key).add("=0x").add_number(value, 16);
}

}  // namespace gdbdebug::report
