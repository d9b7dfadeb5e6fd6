// SPDX-License-Identifier: GPL-2.0-or-later
// keeper: see keeper.hpp.
#include "wire/keeper.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <new>
#include <optional>

#include "line/terminal.hpp"
#include "sys/log.hpp"
#include "sys/sys.hpp"
#include "wire/cover.hpp"
#include "wire/wire.hpp"

namespace gdbdebug::wire {
namespace {

/// Before Linux 5.3 nothing that can be polled tells of a child's end.
constexpr int kLookMs = 500;

class Keeper {
 public:
  Keeper(Parts& parts, pid_t agent)
      : parts_(parts), agent_(agent), life_(static_cast<int>(::syscall(SYS_pidfd_open, agent, 0))), cover_(parts) {}
  void step();

 private:
  void look_at_agent();
  void carry();
  void read_port();
  Wire& wire() { return *std::launder(reinterpret_cast<Wire*>(room_.data())); }

  Parts& parts_;
  pid_t agent_;  ///< -1: it has ended
  UniqueFd life_;
  Cover cover_;
  alignas(Wire) std::array<std::byte, sizeof(Wire)> room_;
};

void Keeper::look_at_agent() {
  int status = 0;
  if (agent_ < 0 || ::waitpid(agent_, &status, WNOHANG) != agent_) return;
  agent_ = -1;
  life_.reset();
  log::Message message("the agent has ended");
  if (WIFSIGNALED(status)) message.add(" by signal ").add_number(static_cast<unsigned>(WTERMSIG(status)));
  if (!parts_.settings->handed_over) {
    give_back(parts_);
    if (WIFSIGNALED(status)) log::say(log::Level::kError, message.add("; booting without a debugger"));
    ::_exit(0);
  }
  restore(*parts_.settings);
  new (room_.data()) Wire(parts_);
  if (auto port = open_shared_terminal(parts_.name, parts_.speed)) parts_.port = std::move(*port);
  log::say(log::Level::kError, message.add("; the console goes on without a debugger"));
}

void Keeper::read_port() {
  std::array<char, 4096> buffer;
  const auto count = sys::read(parts_.port.get(), buffer);
  if (count > 0) return wire().type({buffer.data(), static_cast<std::size_t>(count)});
  if (count < 0 && errno == EAGAIN) return;
  auto port = open_shared_terminal(parts_.name, parts_.speed);  // it was hung up, or has gone
  parts_.port = port ? std::move(*port) : UniqueFd();
}

void Keeper::step() {
  constexpr std::size_t kLife = 0, kMounts = 1, kPort = 2, kWire = 3;
  std::array<pollfd, kWire + Wire::kWatches> polls{};
  polls[kLife] = {.fd = life_.get(), .events = POLLIN, .revents = 0};
  polls[kMounts] = {.fd = cover_.fd(), .events = POLLPRI, .revents = 0};
  const bool carries = agent_ < 0;
  const auto port_events = static_cast<short>(carries ? POLLIN | (wire().has_raw() ? POLLOUT : 0) : 0);
  polls[kPort] = {.fd = carries ? parts_.port.get() : -1, .events = port_events, .revents = 0};
  for (std::size_t which = 0; which < Wire::kWatches; ++which)
    // cppcheck-suppress containerOutOfBounds ; 2.10 takes kWatches for 0
    polls[kWire + which] = carries ? wire().watch(which) : pollfd{.fd = -1, .events = 0, .revents = 0};
  const int count = ::poll(polls.data(), polls.size(), carries || life_ ? -1 : kLookMs);
  look_at_agent();
  if (count <= 0) return;
  if ((polls[kMounts].revents & (POLLPRI | POLLERR)) != 0) cover_.place();
  if (!carries) return;
  if ((polls[kPort].revents & ~POLLOUT) != 0) read_port();
  // cppcheck-suppress containerOutOfBounds ; the same
  for (std::size_t which = 0; which < Wire::kWatches; ++which) wire().handle(which, polls[kWire + which].revents);
  if (parts_.port) (void)wire().write_raw(parts_.port.get());  // its end shows when it is read
}

[[noreturn]] void keep(Parts& parts, pid_t agent) {
  (void)::prctl(PR_SET_NAME, "gdbdebug-guard");
  // What ends the agent before its time must not end the console.
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) (void)::sigaction(number, &ignore, nullptr);
  alignas(Keeper) static std::array<std::byte, sizeof(Keeper)> room;  // as in run_agent()
  auto* const keeper = new (room.data()) Keeper(parts, agent);
  for (;;) keeper->step();
}

}  // namespace

Status fork_agent(Parts& parts, UniqueFd& handoff) {
  const pid_t agent = ::fork();
  if (agent < 0) return failed("forking the agent", "");
  if (agent == 0) return Done{};
  handoff.reset();
  keep(parts, agent);
}

}  // namespace gdbdebug::wire
