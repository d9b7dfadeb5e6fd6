// SPDX-License-Identifier: GPL-2.0-or-later
// crash: what makes gdbserver come back only when PID 1 is about to die, and what is said then.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "cmdline.hpp"
#include "relay.hpp"
#include "result.hpp"
#include "server.hpp"
#include "text.hpp"

namespace gdbdebug {

/// The agent's own settings in gdbserver.
class CrashSettings {
 public:
  explicit CrashSettings(const Request& request);
  /// The packets that make them, for the relay to repeat.
  std::span<const std::string_view> packets() const { return {packets_.data(), count_}; }
  Status tell(Server& server) const;
  /// Whether PID 1 would end with this stop, so that it is to be held there.
  bool is_end(const Stop& stop) const;

 private:
  const Request& request_;
  Text<640> program_signals_;
  Text<640> pass_signals_;
  Text<64> catch_syscalls_;
  std::array<std::string_view, 3> packets_;
  std::size_t count_ = 0;
};

/// Says in the kernel log that PID 1 is held at its end: which signal or exit status, where, and how to connect.
void say_crash(const Stop& stop, std::string_view line, std::optional<std::uint32_t> seconds);

}  // namespace gdbdebug
