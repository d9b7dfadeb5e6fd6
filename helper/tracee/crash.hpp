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
#include "tracee/cause.hpp"
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
  /// Whether PID 1 would end with this stop, so that it is to be held there.
  bool is_end(const Stop& stop, const Cause& cause) const;

 private:
  const Request& request_;
  Text<640> program_signals_;
  Text<640> pass_signals_;
  Text<64> catch_syscalls_;
  // The views are of the texts above: no copies.
  std::array<std::string_view, 3> packets_;
  std::size_t count_ = 0;
};

/// Whether PID 1 dies of this stop as soon as it is not traced any more, and not before: a fault that it does not
/// handle. The kernel shields a traced init from it (get_signal() in kernel/signal.c), and it would fault again for
/// ever.
bool dies_untraced(const Stop& stop, const Cause& cause);

/// Whether PID 1 lives on when it is let go of at its end. It does after SIGSYS, and on x86 after SIGTRAP: the kernel
/// shields a traced init from them, and what raised them has been executed already, where any other fault is raised
/// once more.
bool survives_its_end(Server& server);

}  // namespace gdbdebug
