// SPDX-License-Identifier: GPL-2.0-or-later
// launch: see launch.hpp.
#include "boot/launch.hpp"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "boot/handoff.hpp"
#include "core/base/fd.hpp"
#include "core/layout.hpp"
#include "core/words/launch.hpp"
#include "sys/log.hpp"
#include "sys/sys.hpp"

namespace gdbdebug {
namespace {

/// Longer than everything that the agent itself waits for before the hand-off: kernel modules (60 s, line/modules.cpp),
/// then a device (30 s) or a network (33 s for a carrier, 20 s for DHCP, 9 s for an address), then gdbserver (20 s).
constexpr std::uint64_t kHandoffTimeoutMs = 180'000;
/// Its files are closed shortly before it counts as dead.
constexpr std::uint64_t kEndTimeoutMs = 1000;
constexpr std::string_view kWaiting = "waiting for the agent";
constexpr std::string_view kWithout = "booting without a debugger";
constexpr std::string_view kAllTheSame = "executing the real init all the same";

/// In the forked child.
[[noreturn]] void become_agent(const Settings& settings, const UniqueFd& handoff) {
  const UniqueFd survivor(::fcntl(handoff.get(), F_DUPFD, 3));  // survives the exec on purpose: it is the hand-off
  if (!survivor) {
    log::error(failed("keeping the hand-off's socket", ""), kWithout);
    ::_exit(1);
  }
  Text<12> number;
  number.add_number(static_cast<std::uint64_t>(survivor.get()));
  char* const argv[] = {const_cast<char*>(launch::kAgentName), const_cast<char*>(number.c_str()),
                        const_cast<char*>(settings.value.c_str()), const_cast<char*>(settings.ip.c_str()), nullptr};
  char* const envp[] = {nullptr};
  const char* const agent = in_overlay() ? layout::kOverlayAgent : layout::kAgent;
  ::execve(agent, argv, envp);
  log::error(failed("executing the agent", agent), kWithout);
  ::_exit(1);
}

/// The agent itself has logged why it ends, unless something killed it.
void reap(pid_t agent) {
  int status = 0;
  const auto deadline = sys::now_ms() + kEndTimeoutMs;
  for (;;) {
    const pid_t gone = ::waitpid(agent, &status, WNOHANG);
    if (gone == agent) break;
    if ((gone < 0 && errno != EINTR) || sys::now_ms() >= deadline) return;
    (void)::poll(nullptr, 0, 5);
  }
  if (!WIFSIGNALED(status)) return;
  log::Message message(kWaiting);
  message.add(": it was killed by signal ").add_number(static_cast<std::uint64_t>(WTERMSIG(status)));
  log::say(log::Level::kError, message.add("; ").add(kWithout));
}

/// In the place of the console that the kernel has opened: who keeps that one takes bytes from a debugger on it.
void take_console(const UniqueFd& terminal) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    struct stat info {};
    if (::fstat(fd, &info) == 0 && S_ISCHR(info.st_mode) && info.st_rdev == makedev(5, 1))
      (void)::dup2(terminal.get(), fd);  // without it PID 1 has what it would have without us
  }
}

/// The agent's word, and with it a terminal where the line is a console too. False: the agent has ended.
bool receive_word(const UniqueFd& handoff) {
  char go = 0;
  iovec data{&go, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (::recvmsg(handoff.get(), &message, MSG_CMSG_CLOEXEC) <= 0) return false;
  const auto* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return true;
  int fd = -1;
  ::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  take_console(UniqueFd(fd));
  return true;
}

void wait_for_agent(const UniqueFd& handoff, pid_t agent) {
  const auto deadline = sys::now_ms() + kHandoffTimeoutMs;
  for (;;) {
    const auto now = sys::now_ms();
    if (now >= deadline) return log::error({kWaiting.data(), "", ETIMEDOUT}, kAllTheSame);
    pollfd poll{.fd = handoff.get(), .events = POLLIN, .revents = 0};
    const int count = ::poll(&poll, 1, static_cast<int>(deadline - now));
    if (count > 0) {
      if (!receive_word(handoff)) reap(agent);
      return;
    }
    if (count < 0 && errno != EINTR) return log::error(failed(kWaiting.data(), ""), kAllTheSame);
  }
}

}  // namespace

void launch_agent(const Settings& settings) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
    return log::error(failed("making a socket pair", ""), kWithout);
  const UniqueFd ours(pair[0]);
  UniqueFd theirs(pair[1]);
  const pid_t agent = ::fork();
  if (agent < 0) return log::error(failed("forking the agent", ""), kWithout);
  if (agent == 0) become_agent(settings, theirs);
  theirs.reset();
  wait_for_agent(ours, agent);
}

}  // namespace gdbdebug
