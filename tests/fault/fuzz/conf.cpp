// SPDX-License-Identifier: GPL-2.0-or-later
// /etc/gdbdebug.conf.
#include "core/request/conf.hpp"

#include "fuzz.hpp"

using namespace gdbdebug;

FUZZ(conf) {
  for (const std::string_view key : {"default", "lines", "modules", ""}) {
    const auto value = conf_value(input, key);
    if (!value) continue;
    CHECK(fuzz::lies_in(*value, input));
    CHECK(value->find('\n') == std::string_view::npos);
  }
}
