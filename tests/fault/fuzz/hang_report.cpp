// SPDX-License-Identifier: GPL-2.0-or-later
// The report of all processes as the host command reads it out of a console log.
#include "report/hang_report.hpp"

#include "fuzz.hpp"

using namespace gdbdebug;

FUZZ(hang_report) {
  std::size_t processes = 0;
  for (const auto& report : client::read_hang_reports(input)) {
    processes += report.processes.size();
    CHECK(!report.complete() || !report.head.empty());
    for (const auto& process : report.processes) CHECK(process.state.size() <= 1);
  }
  CHECK(processes <= input.size());
}
