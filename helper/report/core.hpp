// SPDX-License-Identifier: GPL-2.0-or-later
// core: a core of PID 1 in the kernel log, behind the report (rd.gdbdebug=...,core).
#pragma once

#include <cstdint>
#include <optional>

#include "core/rsp/stop.hpp"
#include "dump/dump.hpp"
#include "tracee/cause.hpp"

namespace gdbdebug {

/// How much a core may have, as the command line says it.
struct CoreSize {
  std::optional<std::uint32_t> kib{};  ///< of memory; nullopt: what fits into ten seconds of the console, 64 at most
  bool all = false;                    ///< everything that is writable
};

/// Whether somebody else needs the time more: a debugger has come.
using Interrupted = bool (*)(void* context);

class CoreLog {
 public:
  explicit CoreLog(CoreSize size) : size_(size) {}
  /// PID 1 is held at `stop`, and `registers` can be asked. Takes as long as the console takes to print it.
  void say(const Stop& stop, const Cause& cause, dump::Registers& registers, Interrupted interrupted, void* context);
  /// The same of a PID 1 that nobody traces, while it runs.
  void say_running(Interrupted interrupted, void* context);
  /// The most important part once more, just before PID 1 dies; nothing if there was no core.
  void say_again(const Stop& stop, const Cause& cause, dump::Registers& registers);

 private:
  void say(const dump::Subject& subject, Interrupted interrupted, void* context);

  CoreSize size_;
  dump::Dump dump_;
};

}  // namespace gdbdebug
