// SPDX-License-Identifier: GPL-2.0-or-later
// server: gdbserver, attached to PID 1 on a socket pair, and the agent as its first client.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/fd.hpp"
#include "core/base/result.hpp"
#include "core/base/text.hpp"
#include "core/rsp/packet.hpp"
#include "tracee/fence.hpp"

namespace gdbdebug {

/// What a step with gdbserver may take: it answers in milliseconds, on an emulated machine in tenths of a second.
inline constexpr std::uint64_t kServerTimeoutMs = 20'000;

/// Whether the kernel lets anyone attach to PID 1. At ptrace_scope 3 Yama does not (kernel:
/// Documentation/admin-guide/LSM/Yama.rst), and gdbserver would not say so: it tries ptrace(2) on a child of its own,
/// which stops untraced, and waits for it for ever (linux_check_ptrace_features() in gdb/nat/linux-ptrace.c).
Status may_attach();

class Server {
 public:
  Server() = default;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() { end(true); }

  /// Starts `@gdbserver --once --attach - 1`: --once, so that it ends after a detach; it dies with the agent; the
  /// `@` spares it at the switch to the real root and at shutdown (systemd: ignore_proc() in src/shared/killall.c).
  /// Then, as its first client, turns acknowledgements off (the socket loses nothing) and asks for exec events.
  /// PID 1 is attached and stopped when this returns.
  Status attach(const char* program);
  /// Sends a packet and waits for the reply, which is valid until the next call. Errors: EPIPE when gdbserver has ended
  /// (the reason is its own last message), ETIMEDOUT.
  Result<std::string_view> ask(std::string_view payload, std::uint64_t timeout_ms = kServerTimeoutMs);
  /// As ask(), with run-length encoding and escapes taken off; valid until the next call of this.
  Result<std::string_view> ask_expanded(std::string_view payload);
  Status send(std::string_view payload);
  Result<std::string_view> receive(std::uint64_t timeout_ms = kServerTimeoutMs);

  /// Tells gdbserver, which must be idle, to detach from PID 1, which runs on, and to end. Waits for that, and kills it
  /// if it takes too long, or `at_once`: PID 1 then runs on too, with the signal it stood at.
  void end(bool at_once = false);
  /// Reads what gdbserver wrote to its standard error; keeps the last line.
  void read_messages();
  std::string_view last_message() const { return message_; }

  bool running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  int fd() const { return socket_.get(); }
  int messages_fd() const { return messages_.get(); }

 private:
  Status start(const char* program);
  Error ended();
  bool wait_readable(std::uint64_t deadline_ms);

  pid_t pid_ = -1;
  Rope continues_pid1_;  ///< the agent has gone: PID 1 does not stay at a SIGSTOP of gdbserver's or of ours
  UniqueFd socket_;
  UniqueFd messages_;
  Text<200> message_;
  Text<200> partial_;
  std::string_view unread_;
};

}  // namespace gdbdebug
