// SPDX-License-Identifier: GPL-2.0-or-later
// fixed_answers: questions with one answer, whatever the target is doing.
#pragma once

#include "session/answerer.hpp"

namespace gdbdebug::client {

class FixedAnswers : public Answerer {
 public:
  /// `agent`: the target's hello has said that gdbdebug's agent answers there. Of another gdbserver less is known.
  explicit FixedAnswers(bool agent) : agent_(agent) {}

  Step on_request(std::string_view request) override;

 private:
  bool agent_;
  bool traces_ = false;  // this debugger has turned branch tracing on
};

}  // namespace gdbdebug::client
