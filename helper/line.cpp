// SPDX-License-Identifier: GPL-2.0-or-later
// line: see line.hpp.
#include "line.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "line_terminal.hpp"
#include "sys.hpp"

namespace gdbdebug {

Status OpenLine::open() {
  auto opened = open_terminal(request_.line.name, request_.speed);
  if (!opened) return opened.error();
  fd_ = std::move(*opened);
  return Done{};
}

Text<96> OpenLine::describe() const {
  Text<96> text(request_.line.text);
  if (request_.line.kind == Line::Kind::kTerminal) {
    const auto& speed = request_.speed;
    text.add(" at ").add_number(speed.baud).add(speed.parity).add_number(speed.bits);
    if (speed.rtscts) text.add('r');
  }
  return text;
}

/// TIOCOUTQ first: tcdrain(3) alone would wait for ever for a peer that holds RTS/CTS back. Once the driver's queue is
/// empty, what is left is the UART's FIFO, and that wait has a limit (uart_wait_until_sent() in serial_core.c).
void OpenLine::drain(std::uint64_t deadline_ms) const {
  if (request_.line.kind != Line::Kind::kTerminal) return;  // what a socket took is the kernel's business
  int queued = 0;
  while (::ioctl(fd_.get(), TIOCOUTQ, &queued) == 0 && queued > 0) {
    if (sys::now_ms() >= deadline_ms) return;
    (void)::poll(nullptr, 0, 5);  // the driver tells nobody when it is done
  }
  (void)::tcdrain(fd_.get());
}

bool may_come(const Error& error) {
  return error.err == ENOENT || error.err == ENXIO || error.err == ENODEV;
}

bool is_console(std::string_view terminal) {
  Text<1024> consoles;
  const auto file = sys::open(AT_FDCWD, "/proc/consoles", O_RDONLY);
  if (!file || !sys::read_all(*file, consoles)) return false;
  for (auto rest = consoles.view(); !rest.empty();) {
    auto line = take_word(rest, '\n');
    if (take_word(line, ' ') == terminal) return true;
  }
  return false;
}

}  // namespace gdbdebug
