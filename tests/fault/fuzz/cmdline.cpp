// SPDX-License-Identifier: GPL-2.0-or-later
// The kernel command line, and the value of rd.gdbdebug= in it.
#include "core/request/kernel_line.hpp"
#include "core/request/request.hpp"
#include "fuzz.hpp"

using namespace gdbdebug;

FUZZ(cmdline) {
  std::size_t count = 0;
  Parameters parameters(input);
  while (const auto parameter = parameters.next()) {
    CHECK(fuzz::lies_in(parameter->name, input));
    CHECK(!parameter->value || fuzz::lies_in(*parameter->value, input));
    CHECK(++count <= input.size());  // each takes at least one byte
  }
  const auto setting = find_setting(input);
  const auto value = setting && setting->value ? *setting->value : input;  // without one the input itself is tried

  Notes notes;
  const auto request = parse_request(value, notes);
  for (const auto& note : notes.all()) CHECK(!note.reason.empty());
  if (!request) {
    CHECK(!request.error().reason.empty());
    CHECK(fuzz::lies_in(request.error().subject, value));
    return;
  }
  CHECK(!request->line.text.empty());
  CHECK(!request->wait_seconds || (request->wait && *request->wait_seconds > 0));
  CHECK(!request->crash_seconds || (request->crash && *request->crash_seconds > 0));
  CHECK(request->line.name.find('/') == std::string_view::npos || request->line.kind != Line::Kind::kTerminal);
  CHECK(request->line.kind != Line::Kind::kTcp || request->insecure || request->from_count > 0);
  for (const auto& network : request->networks()) CHECK(network.prefix <= (network.ipv6 ? 128 : 32));
}
