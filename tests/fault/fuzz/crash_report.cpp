// SPDX-License-Identifier: GPL-2.0-or-later
// The crash report as the host command reads it out of a console log.
#include "report/crash_report.hpp"

#include "fuzz.hpp"

using namespace gdbdebug;

FUZZ(crash_report) {
  for (const auto& report : client::read_reports(input)) {
    (void)report.complete();
    (void)report.may_be_cut();
    CHECK(report.damaged() <= input.size());
    const auto folded = report.folded();
    CHECK(folded.size() <= report.frames.size() && folded.empty() == report.frames.empty());
    for (const auto& frame : folded) CHECK(frame.times > 0);
    CHECK(report.frames.size() <= input.size() && report.maps.size() <= input.size());
  }
}
