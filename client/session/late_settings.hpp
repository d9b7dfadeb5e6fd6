// SPDX-License-Identifier: GPL-2.0-or-later
// late_settings: settings that a debugger makes at once and that matter later, or never. They are answered here, and go
// to the target before the first request that they could make a difference to.
#pragma once

#include <array>
#include <optional>

#include "session/answerer.hpp"

namespace gdbdebug::client {

///            request                  answer   goes before
///   which signals a detach hands on   OK       D, vKill: nothing else reads it (get_detach_signal() in gdbserver)
///   whose files vFile: means: its own F0       vFile: but for those that are answered here
///   which thread `c` and `s` mean     E01      c, s, C, S: gdb and lldb resume with vCont, and gdb ignores the answer
///
/// A debugger that is lost before that costs nothing: the agent then makes the settings of its own.
class LateSettings : public Answerer {
 public:
  Step on_request(std::string_view request) override;
  Step on_answer(std::string_view reply) override;

 private:
  static constexpr std::size_t kCount = 3;
  Step next();

  std::array<std::optional<std::string>, kCount> kept_;
  std::array<bool, kCount> due_{};
};

}  // namespace gdbdebug::client
