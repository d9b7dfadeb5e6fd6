// SPDX-License-Identifier: GPL-2.0-or-later
// line: see line.hpp.
#include "line/line.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "line/listener.hpp"
#include "line/terminal.hpp"
#include "line/virtio.hpp"
#include "sys/log.hpp"
#include "sys/sys.hpp"

namespace gdbdebug {

namespace {

/// A virtio port reports POLLHUP for as long as the host has not opened its end, so poll(2) would return at once, again
/// and again. epoll(7) with EPOLLET tells when that changes.
Result<UniqueFd> watch_presence(const UniqueFd& port) {
  UniqueFd file(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {}};
  if (!file || ::epoll_ctl(file.get(), EPOLL_CTL_ADD, port.get(), &event) != 0) return failed("watching the line", "");
  return file;
}

}  // namespace

Status OpenLine::open() {
  switch (request_.line.kind) {
    case Line::Kind::kTerminal:
    case Line::Kind::kVirtio:
      return open_device();
    case Line::Kind::kVsock:
    case Line::Kind::kTcp:
    case Line::Kind::kSsh:
      return listen();
  }
  return Done{};
}

Result<UniqueFd> OpenLine::open_port() const {
  if (request_.line.kind == Line::Kind::kVirtio) return open_virtio_port(request_.line.name);
  if (shared_) return open_shared_terminal(request_.line.name, request_.has_speed ? &request_.speed : nullptr);
  return open_terminal(request_.line.name, request_.speed);
}

Status OpenLine::open_device() {
  const bool virtio = request_.line.kind == Line::Kind::kVirtio;
  auto opened = open_port();
  if (!opened) return opened.error();
  if (virtio) {
    auto presence = watch_presence(*opened);
    if (!presence) return presence.error();
    presence_ = std::move(*presence);
  }
  device_ = std::move(*opened);
  return Done{};
}

Status OpenLine::listen() {
  if (request_.line.kind != Line::Kind::kVsock) return open_network_line(request_, modules_, ip_, network_);
  auto listener = listen_vsock(request_.line);
  if (!listener) return listener.error();
  network_.listener = std::move(*listener);
  return Done{};
}

Text<400> OpenLine::describe() const {
  Text<400> text(request_.line.text);
  if (shared_) {
    text.set(request_.line.name);
    describe_speed(device_.get(), text);
    text.add(", a console too");
  } else if (request_.line.kind == Line::Kind::kTerminal) {
    const auto& speed = request_.speed;
    text.add(" at ").add_number(speed.baud).add(speed.parity).add_number(speed.bits);
    if (speed.rtscts) text.add('r');
  }
  text.add(network_.where);
  return text;
}

int OpenLine::fd() const {
  if (network_.listener) return peers_.owner();
  return presence_ && !present_ ? -1 : device_.get();
}

int OpenLine::watch_fd(std::size_t which) const {
  if (which >= 2) return peers_.watch_fd(which - 2);
  if (presence_) return which == 0 && !present_ ? presence_.get() : -1;
  // Where nobody else can wait, those who come wait in the kernel's queue.
  const bool queued = which == 1 || !network_.join;
  if (queued && peers_.full()) return -1;
  return which == 0 ? network_.listener.get() : network_.join.get();
}

void OpenLine::take_peer(std::size_t which) {
  if (which >= 2) return;  // settle_peers() looks at it
  if (presence_) {
    epoll_event event{};
    (void)::epoll_wait(presence_.get(), &event, 1, 0);
    pollfd poll{.fd = device_.get(), .events = 0, .revents = 0};
    present_ = ::poll(&poll, 1, 0) == 0;
    return;
  }
  auto peer = accept_peer(which == 0 ? network_.listener : network_.join, request_);
  if (!peer) return;
  if (which == 0 && network_.join) {
    if (const auto status = pass_to_ssh(std::move(peer)); !status) log::warning(status.error(), "it is refused");
    return;
  }
  peers_.add(std::move(peer), sys::now_ms());
}

/// A getty is hung up several times as it starts: by systemd, by itself, by login. What was under way then is lost, and
/// sent again as on any line that loses bytes. An adapter that was pulled is hung up too, but cannot be opened.
bool OpenLine::survives_hangup() {
  constexpr unsigned kMostHangups = 16;
  pollfd poll{.fd = device_.get(), .events = 0, .revents = 0};
  if (!lossy() || ::poll(&poll, 1, 0) <= 0 || (poll.revents & POLLHUP) == 0 || ++hangups_ > kMostHangups) return false;
  auto opened = open_port();
  if (!opened) return false;
  device_ = std::move(*opened);
  return true;
}

bool OpenLine::drop_peer() {
  reap_ssh();
  if (network_.listener) {
    peers_.drop_owner();
    return true;
  }
  pollfd poll{.fd = device_.get(), .events = 0, .revents = 0};
  const bool unplugged = ::poll(&poll, 1, 0) > 0 && (poll.revents & (POLLERR | POLLNVAL)) != 0;
  if (presence_ && !unplugged) {
    present_ = false;
    return true;
  }
  device_.reset();
  presence_.reset();
  present_ = false;
  return false;
}

/// TIOCOUTQ first: tcdrain(3) alone would wait for ever for a peer that holds RTS/CTS back. Once the driver's queue is
/// empty, what is left is the UART's FIFO, and that wait has a limit (uart_wait_until_sent() in serial_core.c).
void OpenLine::drain(std::uint64_t deadline_ms) const {
  if (request_.line.kind != Line::Kind::kTerminal) return;  // what a socket took is the kernel's business
  int queued = 0;
  while (::ioctl(device_.get(), TIOCOUTQ, &queued) == 0 && queued > 0) {
    if (sys::now_ms() >= deadline_ms) return;
    (void)::poll(nullptr, 0, 5);  // the driver tells nobody when it is done
  }
  (void)::tcdrain(device_.get());
}

bool may_come(const Error& error) {
  return error.err == ENOENT || error.err == ENXIO || error.err == ENODEV;
}

}  // namespace gdbdebug
