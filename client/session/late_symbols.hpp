// SPDX-License-Identifier: GPL-2.0-or-later
// late_symbols: tells the target of symbols when it needs them, which is seldom.
// gdb offers its symbols anew for every file that it has read, and gdbserver's libthread_db asks for some seventy, one
// round trip each ("qSymbol", gdb's manual, "General Query Packets"). It needs them for thread-local variables alone.
// What the debugger does not see before: the attribute `handle` in the list of threads, which is for
// InferiorThread.handle of gdb's Python.
#pragma once

#include <map>
#include <vector>

#include "session/answerer.hpp"

namespace gdbdebug::client {

/// Of one process:
///
///            qSymbol::            the last question             qGetTLSAddr, QT...         the target wants no more
///   Nothing ---------> Learning ------------------> Untold ---------------------> Telling ----------------------> Told
///              ^          |  ^                                                                                      |
///              |          |  +--------------------------------- qSymbol:: ------------------------------------------+
///              +----------+ the C library is not known: libthread_db would not ask further
///
/// Learning  the debugger is asked here, in the target's place, for each name that the target may want.
/// Untold    what it said is kept; the target knows nothing of it.
/// Telling   the target asks, and is answered from that; the debugger's request waits.
/// Through   (from Learning) a library of gdbserver's own is in the process, for fast tracepoints: it must know at
/// once.
class LateSymbols : public Answerer {
 public:
  Step on_request(std::string_view request) override;
  Step on_answer(std::string_view reply) override;
  void forget(Forget what) override;

  /// Which process is selected; until forget(Forget::process) or more.
  void select(unsigned process) { process_ = process; }

 private:
  enum class State : std::uint8_t { nothing, learning, untold, telling, told, through };
  struct Symbols {
    State state = State::nothing;
    std::map<std::string, std::string> values;  // name -> value, both as they stand in packets; empty: it has none
    bool told = false;                          // the target, of just these
  };

  Step learn(Symbols& symbols);
  static Step question(std::string_view name);

  std::vector<std::string> names_;  // beyond the usual ones: what a target has asked for
  std::vector<std::string> asked_;  // of the debugger; at_ is the one that it is asked for now
  std::size_t at_ = 0;
  unsigned questions_ = 0;  // of the target's
  std::map<unsigned, Symbols> processes_;
  unsigned process_ = 0;
};

}  // namespace gdbdebug::client
