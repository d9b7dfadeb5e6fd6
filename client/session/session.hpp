// SPDX-License-Identifier: GPL-2.0-or-later
// session: carries bytes between debuggers that connect to a socket of ours and the target's line, one debugger at a
// time.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "base/display.hpp"
#include "session/console.hpp"
#include "session/knowledge.hpp"
#include "wire/wire.hpp"

namespace gdbdebug::client {

struct Traffic {
  std::uint64_t from_target = 0;  ///< Bytes.
  std::uint64_t to_target = 0;
};

/// Where debuggers connect: a Unix socket, or a port of this machine's loopback (or another address that was asked
/// for).
class Listener {
 public:
  static Result<Listener> on_path(const std::string& path);
  /// `port` 0 lets the kernel choose. `address` is numeric.
  static Result<Listener> on_port(const std::string& address, std::uint16_t port);

  [[nodiscard]] int get() const { return fd_.get(); }
  /// What gdb's `target remote` takes: the path, or ADDRESS:PORT.
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  UniqueFd fd_;
  std::string name_;
  std::uint16_t port_ = 0;
};

struct Session {
  const Target& target;
  Wire wire;
  Listener& listener;
  const Knowledge& knowledge;
  Display& display;
  pid_t debugger = -1;  ///< A child whose end is the end of it all; -1: it goes on until interrupted.
  /// Until when the target must have answered the debugger's first packet; or 3 s after that packet, if that is later.
  std::optional<std::chrono::steady_clock::time_point> until = {};
  Traffic traffic = {};
  /// Where the text of a shared wire's console goes; nullptr: to the debugger, as it comes.
  Console* console = nullptr;
};

/// Carries bytes until session.debugger ends; without one, until an interrupt comes. After an interrupt the debugger is
/// asked to end and has 5 s for it, in which it can still detach; then it is killed, which is an error. A second
/// debugger waits until the first has gone. When the line breaks the debugger is cut off and told why; the next one
/// gets the line opened anew. A target that has not answered the debugger by session.until is an error with
/// Exit::no_answer. Returns the debugger's exit status as wait_for() does, 0 without one.
Result<int> run_session(Session& session);

/// Blocks SIGCHLD in this process, so that run_session() sees it. Call it before the debugger is started.
void watch_children();

}  // namespace gdbdebug::client
