// SPDX-License-Identifier: GPL-2.0-or-later
// The hello as the host command reads it, out of whatever a line says.
#include "wire/greeting.hpp"

#include "fuzz.hpp"

using namespace gdbdebug;

FUZZ(greeting) {
  client::LineCutter cutter;
  auto rest = input;
  while (!rest.empty()) {
    const auto before = rest.size();
    const auto line = cutter.take(rest);
    CHECK(rest.size() < before);
    if (!line) continue;
    CHECK(line->size() <= 4096 && line->find('\n') == std::string::npos);
    (void)client::read_greeting(*line);
  }
}
