// SPDX-License-Identifier: GPL-2.0-or-later
// session: see session.hpp. One loop over poll(): nothing here waits for one side alone.
#include "session/session.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>

#include "base/interrupt.hpp"
#include "base/process.hpp"
#include "base/words.hpp"
#include "session/host_relay.hpp"

namespace gdbdebug::client {
namespace {

// Between an interrupt and the debugger's end, in ms. First it gets the time to act on a hangup that has reached it
// too: gdb breaks a detach off when it is asked to end once more.
constexpr std::uint64_t kAskedAfter = 500;
constexpr std::uint64_t kEndedAfter = 5000;

// A target that is ready answers within this time, however little of --timeout is left.
constexpr std::uint64_t kAnswerLimit = 3000;

constexpr std::size_t kBacklog = 1 << 20;  // a side that does not read is not fed beyond this

std::uint64_t in_ms(std::chrono::steady_clock::time_point time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

std::uint64_t now_ms() {
  return in_ms(std::chrono::steady_clock::now());
}

sigset_t child_signals() {
  sigset_t signals;
  (void)sigemptyset(&signals);
  (void)sigaddset(&signals, SIGCHLD);
  return signals;
}

enum class Moved { some, nothing, ended };

Moved read_from(int fd, std::string& bytes) {
  std::array<char, 65536> buffer;
  const ssize_t count = ::read(fd, buffer.data(), buffer.size());
  if (count > 0) {
    bytes.assign(buffer.data(), static_cast<std::size_t>(count));
    return Moved::some;
  }
  return count < 0 && (errno == EAGAIN || errno == EINTR) ? Moved::nothing : Moved::ended;
}

// Writes what it can of `bytes`, and takes that away from it.
Moved write_to(int fd, std::string& bytes) {
  if (bytes.empty()) return Moved::nothing;
  const ssize_t count = ::write(fd, bytes.data(), bytes.size());
  if (count >= 0) {
    bytes.erase(0, static_cast<std::size_t>(count));
    return Moved::some;
  }
  return errno == EAGAIN || errno == EINTR ? Moved::nothing : Moved::ended;
}

class Loop {
 public:
  explicit Loop(Session& session) : session_(session) {}

  Result<int> run();

 private:
  void accept_debugger();
  void drop_debugger(const char* why);
  void lose_line();
  void move(const std::array<pollfd, 6>& polled);
  bool ends_in_time();
  [[nodiscard]] int limit() const;

  Session& session_;
  UniqueFd debugger_;
  std::optional<HostRelay> relay_;
  std::optional<std::uint64_t> interrupted_;  // when, in the clock of now_ms()
  bool asked_ = false;                        // the debugger, to end
  // Until when the debugger's first packet must be answered; nothing: it was, or need not be.
  std::optional<std::uint64_t> answer_until_;
  bool answered_ = false;
};

void Loop::accept_debugger() {
  debugger_.reset(::accept4(session_.listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!debugger_) return;  // it has gone again
  const int one = 1;
  (void)::setsockopt(debugger_.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);  // no use on a Unix socket, no harm
  relay_.emplace(session_.knowledge);
  if (session_.console != nullptr) {
    relay_->show_console(session_.console->keeps()      ? HostRelay::ConsoleText::kept
                         : session_.console->coloured() ? HostRelay::ConsoleText::coloured
                                                        : HostRelay::ConsoleText::plain);
  }
  if (session_.wire.open()) return;
  bool may_come = false;
  auto wire = open_wire(session_.target, may_come);
  if (!wire.ok()) {
    session_.display.say(wire.error().text());
    drop_debugger(nullptr);
    return;
  }
  session_.wire = std::move(wire.value());
}

void Loop::drop_debugger(const char* why) {
  if (why != nullptr) session_.display.say(why);
  debugger_.reset();
  relay_.reset();
}

void Loop::lose_line() {
  session_.wire = {};
  const bool was_connected = static_cast<bool>(debugger_);
  drop_debugger(nullptr);
  if (was_connected) {
    session_.display.say("the line to '" + session_.target.text +
                         "' has ended; PID 1 stays as it was. Connect again to go on");
  }
}

void Loop::move(const std::array<pollfd, 6>& polled) {
  std::string bytes;
  if (session_.console != nullptr && polled[5].revents != 0) {
    const auto keys = session_.console->read();
    if (!keys.empty() && (!relay_ || !relay_->type(keys))) session_.console->write("\a");
  }
  if (polled[1].revents != 0 && session_.wire.open()) {
    const auto moved = read_from(polled[1].fd, bytes);
    if (moved == Moved::ended) return lose_line();
    if (moved == Moved::some) {
      session_.traffic.from_target += bytes.size();
      if (bytes.find('$') != std::string::npos) {
        answered_ = true;
        answer_until_.reset();
      }
      if (relay_) {
        relay_->target_bytes(bytes, now_ms());
        const auto text = relay_->take_console();
        if (session_.console != nullptr && !text.empty()) session_.console->write(text);
        if (const auto refusal = relay_->take_refusal(); !refusal.empty())
          session_.display.say("the target: " + printable(refusal));
      }
    }
  }
  if (polled[0].revents != 0 && debugger_) {
    const auto moved = read_from(polled[0].fd, bytes);
    if (moved == Moved::some) relay_->debugger_bytes(bytes, now_ms());
    if (moved == Moved::ended) {
      const bool clean = relay_->detached();
      // Its last packets, such as a detach that it does not wait for, still go out.
      if (session_.wire.open()) (void)write_to(session_.wire.output(), relay_->to_target());
      drop_debugger(clean || session_.debugger >= 0 ? nullptr
                                                    : "the debugger went without detaching; PID 1 stays as it was");
    }
  }
}

// After an interrupt: asks the debugger to end, once. False when it has had its time.
bool Loop::ends_in_time() {
  const auto now = now_ms();
  if (!interrupted_) interrupted_ = now;
  if (!asked_ && now >= *interrupted_ + kAskedAfter) {
    (void)::kill(session_.debugger, SIGTERM);  // it may have gone already
    asked_ = true;
  }
  return now < *interrupted_ + kEndedAfter;
}

// How long to wait for something to happen, in ms; -1: for ever.
int Loop::limit() const {
  std::optional<std::uint64_t> next;
  if (relay_) next = relay_->deadline();
  if (interrupted_) {
    const auto ours = *interrupted_ + (asked_ ? kEndedAfter : kAskedAfter);
    next = std::min(next.value_or(ours), ours);
  }
  if (answer_until_) next = std::min(next.value_or(*answer_until_), *answer_until_);
  if (!next) return -1;
  const auto now = now_ms();
  return static_cast<int>(*next > now ? *next - now : 0);
}

Result<int> Loop::run() {
  const sigset_t signals = child_signals();
  const UniqueFd children(::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!children) return system_error("watching the debugger", "", errno);
  for (;;) {
    if (session_.debugger >= 0) {
      int status = 0;
      if (::waitpid(session_.debugger, &status, WNOHANG) == session_.debugger) {
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      }
    }
    if (answer_until_ && now_ms() >= *answer_until_) {
      end_child(session_.debugger, 500);
      return Error{"waiting for the target on", session_.target.text,
                   "it says hello, but did not answer the debugger in time",
                   "PID 1 may sleep in the kernel, where nothing can stop it; the target's kernel log may say more",
                   Exit::no_answer};
    }
    const bool full = relay_ && relay_->to_debugger().size() > kBacklog;
    const auto events = [](bool reads, bool writes) {
      return static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
    };
    std::array<pollfd, 6> polled{
        pollfd{debugger_.get(),
               events(!relay_ || relay_->to_target().size() < kBacklog, relay_ && !relay_->to_debugger().empty()), 0},
        pollfd{session_.wire.open() ? session_.wire.input() : -1, events(!full, false), 0},
        pollfd{session_.wire.open() && relay_ && !relay_->to_target().empty() ? session_.wire.output() : -1, POLLOUT,
               0},
        pollfd{debugger_ ? -1 : session_.listener.get(), POLLIN, 0},
        pollfd{children.get(), POLLIN, 0},
        pollfd{session_.console != nullptr ? session_.console->keys() : -1, POLLIN, 0},
    };
    {
      const InterruptGate gate;
      // Its last words go through us: gdb detaches, and PID 1 runs on.
      if (interrupted() && session_.debugger < 0) return 0;
      if (interrupted() && !ends_in_time()) {
        end_child(session_.debugger, 0);
        return Error{"ending the debugger", "", "it did not end within 5 s, and was killed",
                     "PID 1 is held if it was; attach again to let it go on"};
      }
      if (gate.wait(polled, limit()) < 0 && errno != EINTR)
        return system_error("waiting for the target", session_.target.text, errno);
    }
    if (polled[4].revents != 0) {
      signalfd_siginfo ignored;
      (void)!::read(children.get(), &ignored, sizeof ignored);  // which child it was is asked above
    }
    if (polled[3].revents != 0) accept_debugger();
    move(polled);
    if (relay_) {
      relay_->tick(now_ms());
      if (relay_->given_up()) {
        drop_debugger("the target does not take packets any more; is it still there? Connect again to go on");
        continue;
      }
      (void)write_to(debugger_.get(), relay_->to_debugger());  // its end shows when it is read
      const auto before = relay_->to_target().size();
      if (session_.wire.open() && write_to(session_.wire.output(), relay_->to_target()) == Moved::ended) {
        lose_line();
        continue;
      }
      session_.traffic.to_target += before - relay_->to_target().size();
      if (session_.until && session_.traffic.to_target > 0 && !answered_ && !answer_until_)
        answer_until_ = std::max(in_ms(*session_.until), now_ms() + kAnswerLimit);
    }
  }
}

}  // namespace

Result<Listener> Listener::on_path(const std::string& path) {
  Listener listener;
  sockaddr_un address{};
  UniqueFd directory;
  if (auto made = unix_address(path, address, directory); !made.ok()) return made.error();
  listener.fd_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener.fd_ || ::bind(listener.fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener.fd_.get(), 1) != 0) {
    return system_error("listening on", path, errno);
  }
  listener.name_ = path;
  return listener;
}

Result<Listener> Listener::on_port(const std::string& address, std::uint16_t port) {
  Listener listener;
  sockaddr_in6 six{};
  sockaddr_in four{};
  const bool wide = ::inet_pton(AF_INET6, address.c_str(), &six.sin6_addr) == 1;
  if (!wide && ::inet_pton(AF_INET, address.c_str(), &four.sin_addr) != 1) {
    return Error{"listening on", address, "not a numeric address", "127.0.0.1 is this machine alone", Exit::usage};
  }
  six.sin6_family = AF_INET6;
  four.sin_family = AF_INET;
  six.sin6_port = four.sin_port = htons(port);
  auto* any = wide ? reinterpret_cast<sockaddr*>(&six) : reinterpret_cast<sockaddr*>(&four);
  socklen_t size = wide ? sizeof six : sizeof four;
  listener.fd_.reset(::socket(any->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int one = 1;
  const auto text = (wide ? "[" + address + "]" : address) + ":";
  if (!listener.fd_ || ::setsockopt(listener.fd_.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
      ::bind(listener.fd_.get(), any, size) != 0 || ::listen(listener.fd_.get(), 1) != 0 ||
      ::getsockname(listener.fd_.get(), any, &size) != 0) {
    return system_error("listening on", text + std::to_string(port), errno,
                        errno == EADDRINUSE ? "another program has that port: choose another with --listen" : "");
  }
  listener.port_ = ntohs(wide ? six.sin6_port : four.sin_port);
  listener.name_ = text + std::to_string(listener.port_);
  return listener;
}

void watch_children() {
  const sigset_t signals = child_signals();
  (void)::sigprocmask(SIG_BLOCK, &signals, nullptr);  // cannot fail with these arguments
}

Result<int> run_session(Session& session) {
  return Loop(session).run();
}

}  // namespace gdbdebug::client
