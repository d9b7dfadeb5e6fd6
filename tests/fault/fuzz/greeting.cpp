// SPDX-License-Identifier: GPL-2.0-or-later
// The hello as the host command reads it, out of whatever a line says.
#include "wire/greeting.hpp"

#include "base/words.hpp"
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
    const auto greeting = client::read_greeting(*line);
    if (!greeting) continue;
    for (const auto& value : {greeting->version, greeting->state, greeting->exe, greeting->build_id, greeting->machine})
      CHECK(!client::has_control(value));
    CHECK(greeting->machine.find('/') == std::string::npos && !greeting->machine.starts_with('.'));
  }
}
