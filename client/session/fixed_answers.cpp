// SPDX-License-Identifier: GPL-2.0-or-later
// fixed_answers: see fixed_answers.hpp.
#include "session/fixed_answers.hpp"

#include <array>

namespace gdbdebug::client {
namespace {

struct Row {
  // cppcheck-suppress unusedStructMember ; of a table
  std::string_view request;  // or how it begins, if it ends in a colon
  // cppcheck-suppress unusedStructMember ; of a table
  std::string_view answer;
  // cppcheck-suppress unusedStructMember ; of a table
  bool agent;  // only of gdbdebug's agent is it known
};

constexpr std::array<Row, 7> kRows{{
    // No tracepoints: gdb would ask for them at every connection.
    {"qTStatus", "", false},
    // How gdb makes sure that what is unknown is answered with nothing.
    {"vMustReplyEmpty", "", false},
    // PID 1 is not killed (gdb says vKill, which the target refuses). lldb says this at its end, and waits for an
    // answer.
    {"k", "X09", false},
    // Nobody started PID 1 from a debugger. gdbserver forgets that at an exec, and gdb would then want to kill it at
    // the end, which the target refuses, rather than detach.
    {"qAttached", "1", false},
    {"qAttached:", "1", false},
    // The agent never lets gdbserver into the mode that this one turns off.
    {"QNonStop:0", "OK", true},
    // Of machines without a memory management unit alone.
    {"qOffsets", "", true},
}};

}  // namespace

Step FixedAnswers::on_request(std::string_view request) {
  for (const auto& row : kRows) {
    if (matches(row.request, request) && (agent_ || !row.agent)) return Step::answer(std::string(row.answer));
  }
  // What a debugger has traced ends with its session, so gdbserver knows of no trace before the first one of this.
  traces_ = traces_ || request.starts_with("Qbtrace");
  if (agent_ && !traces_ && request.starts_with("qXfer:btrace-conf:read:"))
    return Step::answer("E.Btrace not enabled.");
  return Step::pass();
}

}  // namespace gdbdebug::client
