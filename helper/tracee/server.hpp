// SPDX-License-Identifier: GPL-2.0-or-later
// server: gdbserver, attached to PID 1 on a socket pair, and the agent as its first client.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
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

/// A process that gdbserver has let go of does not stay at a SIGSTOP by which it was stopped (fence.hpp).
void let_run(pid_t process);

/// Bytes of PID 1 that a breakpoint has taken the place of.
struct Patch {
  static constexpr std::size_t kMax = 4;
  std::uint64_t address = 0;
  std::size_t size = 0;
  std::array<char, kMax> original{};
};

/// How a gdbserver left PID 1, for the one that follows it to hold it in the same way.
struct Standing {
  std::string_view stop{};      ///< the reply by which the stop was told; empty: there was none
  unsigned signal = 0;          ///< gdb's number of a signal that it has not got yet; 0: none
  bool delivers = false;        ///< it gets the signal that it stands at
  bool delivers_fatal = false;  ///< even if that would end it
};

class Server {
 public:
  Server() = default;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    drop_prepared();
    end(true);
  }

  /// Starts `@gdbserver --once --attach - 1`: --once, so that it ends after a detach; it dies with the agent; the
  /// `@` spares it at the switch to the real root and at shutdown (systemd: ignore_proc() in src/shared/killall.c).
  /// Then, as its first client, turns acknowledgements off (the socket loses nothing) and asks for exec events.
  /// PID 1 is attached and stopped when this returns.
  Status attach(const char* program);
  /// Forks the gdbserver that is to come next, so that there is somebody, should the agent be killed from here on, who
  /// ends a stop of PID 1 that nobody else would end: it has the end of the rope for that.
  Status prepare(const char* program);
  /// The prepared one is not needed.
  void drop_prepared();
  /// The prepared one attaches to PID 1, which stands in a group stop, and the agent is its first client.
  Status attach_prepared(const char* program, const Standing& standing);
  /// The same, where a thread stood at a signal: it gets that once more, and stands at it, with nothing executed in
  /// between. The stop reply, valid until the next call of this. A SIGSTOP is on its way, which comes when PID 1 goes
  /// on.
  Result<std::string_view> attach_prepared_at(const char* program, pid_t thread, int signal, const siginfo_t& info);
  /// Makes this gdbserver, which must be idle, let go of all that it traces, and end. PID 1 is then about to stop, or
  /// has stopped, by a SIGSTOP that was queued while it was still traced: an untraced init ignores only later ones.
  /// There is no moment in which it runs. `patches`: the breakpoints that the debugger has left in, which children have
  /// copies of.
  void leave(std::span<const Patch> patches, const Standing& standing);
  /// The same for one that does not answer, or that has ended by itself: `patches` are its breakpoints, whose bytes are
  /// put back. One that had ended leaves PID 1 stopped by the anchor; where that came too late PID 1 has run on for a
  /// moment.
  void bury(std::span<const Patch> patches);
  /// Replaces this gdbserver, which must be idle with PID 1 held, by a fresh one that holds PID 1 in the same place:
  /// whatever a debugger turned on in it ends with it. Other processes that it traces run on: leave().
  Status renew(const char* program, std::span<const Patch> patches, const Standing& standing);
  /// The same after a gdbserver that does not answer, or that has ended by itself: bury().
  Status replace(const char* program, std::span<const Patch> patches, const Standing& standing);
  /// Sends a packet and waits for the reply, which is valid until the next call. Errors: EPIPE when gdbserver has ended
  /// (the reason is its own last message), ETIMEDOUT.
  Result<std::string_view> ask(std::string_view payload, std::uint64_t timeout_ms = kServerTimeoutMs);
  /// As ask(), with run-length encoding and escapes taken off; valid until the next call of this.
  Result<std::string_view> ask_expanded(std::string_view payload);
  Status send(std::string_view payload);
  Result<std::string_view> receive(std::uint64_t timeout_ms = kServerTimeoutMs);

  /// Lets go of every process that it traces beside PID 1, the children that a debugger followed or forgot. It must be
  /// idle. False: it does not answer.
  bool release_others(std::span<const Patch> patches);
  /// Tells gdbserver, which must be idle, to detach from PID 1, which runs on, and to end. Waits for that, and kills it
  /// if it takes too long, or `at_once`: PID 1 then runs on too, with the signal it stood at. Other processes that it
  /// traces run on as well. `patches`: breakpoints that are still in, which nobody else takes out.
  void end(bool at_once = false, std::span<const Patch> patches = {});
  /// Reads what gdbserver wrote to its standard error; keeps the last line.
  void read_messages();
  std::string_view last_message() const { return message_; }

  /// Which process the next gdbserver is for: PID 1, or one that stands where a SIGSTOP has stopped it.
  void set_subject(pid_t process);
  /// A process that stands where a SIGSTOP has stopped it is held as by a debugger's own, and that SIGSTOP is over.
  Status settle() { return settle({}, {}); }

  bool running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  int fd() const { return socket_.get(); }
  int messages_fd() const { return messages_.get(); }

 private:
  /// A gdbserver, and our ends of what joins it to us.
  struct Process {
    pid_t pid = -1;
    UniqueFd socket{};
    UniqueFd messages{};
    UniqueFd failure{};  ///< what kept it from being executed
    UniqueFd gate{};     ///< it is executed when a byte is written here
    Rope anchor{};       ///< it has gone: PID 1 stops, so that it does not run into what is left of its breakpoints
  };

  Status fork(const char* program, Process& process);
  Status let_in(Process&& process, const char* program);
  Status greet();
  Status settle(std::span<const Patch> patches, const Standing& standing);
  Status step_back(std::span<const Patch> patches, std::string_view stop);
  void finish(bool at_once);
  Error ended();
  bool wait_readable(std::uint64_t deadline_ms);

  Process next_;  ///< prepared
  pid_t pid_ = -1;
  pid_t subject_ = 1;
  Rope continues_pid1_;  ///< the agent has gone: PID 1 does not stay at a SIGSTOP of gdbserver's or of ours
  Rope anchor_;
  UniqueFd socket_;
  UniqueFd messages_;
  Text<200> message_;
  Text<200> partial_;
  std::string_view unread_;
};

}  // namespace gdbdebug
