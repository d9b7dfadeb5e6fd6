// SPDX-License-Identifier: GPL-2.0-or-later
// recent_replies: what gdb asks twice in one breath, such as the program headers at each of five steps. PID 1 is held
// meanwhile.
#pragma once

#include <functional>
#include <map>

#include "session/answerer.hpp"

namespace gdbdebug::client {

class RecentReplies : public Answerer {
 public:
  Step on_request(std::string_view request) override;
  void saw(std::string_view request, std::string_view reply) override;
  void forget(Forget what) override;

 private:
  std::map<std::string, std::string, std::less<>> replies_;
};

}  // namespace gdbdebug::client
