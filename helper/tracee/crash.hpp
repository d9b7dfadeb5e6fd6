// SPDX-License-Identifier: GPL-2.0-or-later
// crash: what makes gdbserver come back only when PID 1 is about to die.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/result.hpp"
#include "core/base/text.hpp"
#include "core/request/request.hpp"
#include "core/rsp/stop.hpp"
#include "tracee/server.hpp"

namespace gdbdebug {

/// The agent's own settings in gdbserver.
class CrashSettings {
 public:
  explicit CrashSettings(const Request& request);
  CrashSettings(const CrashSettings&) = delete;
  CrashSettings& operator=(const CrashSettings&) = delete;

  /// The packets that make them, for the relay to repeat.
  std::span<const std::string_view> packets() const { return {packets_.data(), count_}; }
  Status tell(Server& server) const;
  /// The one that makes gdbserver come back at the system calls that end PID 1. Each call becomes slower.
  std::string_view catch_calls() const { return catch_calls_; }

 private:
  Text<640> program_signals_;
  Text<640> pass_signals_;
  Text<64> catch_calls_;
  // The views are of the texts above: no copies.
  std::array<std::string_view, 3> packets_;
  std::size_t count_ = 0;
};

}  // namespace gdbdebug
