// SPDX-License-Identifier: GPL-2.0-or-later
// vdso: keeps gdb from reading the kernel's vdso, 10 kB of code that PID 1 is seldom in.
// gdb looks into /proc/PID/task/PID/maps for one line, that of the vdso, and then reads the vdso. To find an empty file
// there keeps it from that. What a user asks for (`info proc mappings`, a core file) is in other files.
#pragma once

#include "session/answerer.hpp"

namespace gdbdebug::client {

class Vdso : public Answerer {
 public:
  /// `whole`: let the debugger read it.
  explicit Vdso(bool whole) : whole_(whole) {}

  Step on_request(std::string_view request) override;
  /// The reply to `request` as the debugger is to see it. gdb leaves the vdso out of a list of libraries only where it
  /// has found it in memory, and gdb 18 warns that it lacks the file, which nobody has.
  [[nodiscard]] std::string without(std::string_view request, std::string_view reply) const;

 private:
  bool whole_;
};

}  // namespace gdbdebug::client
