// SPDX-License-Identifier: GPL-2.0-or-later
// line_terminal: see line_terminal.hpp.
#include "line/terminal.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/text.hpp"
#include "sys/sys.hpp"

namespace gdbdebug {
namespace {

speed_t termios_speed(std::uint32_t baud) {
  switch (baud) {
    case 1200:
      return B1200;
    case 2400:
      return B2400;
    case 4800:
      return B4800;
    case 9600:
      return B9600;
    case 19200:
      return B19200;
    case 38400:
      return B38400;
    case 57600:
      return B57600;
    case 230400:
      return B230400;
    case 460800:
      return B460800;
    case 500000:
      return B500000;
    case 576000:
      return B576000;
    case 921600:
      return B921600;
    case 1000000:
      return B1000000;
    case 1152000:
      return B1152000;
    case 1500000:
      return B1500000;
    case 2000000:
      return B2000000;
    case 2500000:
      return B2500000;
    case 3000000:
      return B3000000;
    case 3500000:
      return B3500000;
    case 4000000:
      return B4000000;
    default:
      return B115200;  // parse_speed() lets no others pass
  }
}

/// Raw: no echo, no line editing, no translation, and no modem control, as cfmakeraw(3) and CLOCAL would make it.
/// Written from scratch, since reading the present settings first would only take time.
termios raw_settings(const Speed& speed) {
  termios settings{};
  settings.c_cflag = CREAD | CLOCAL | (speed.bits == 7 ? CS7 : CS8);
  if (speed.parity != 'n') settings.c_cflag |= PARENB;
  if (speed.parity == 'o') settings.c_cflag |= PARODD;
  if (speed.rtscts) settings.c_cflag |= CRTSCTS;
  settings.c_cc[VMIN] = 1;
  ::cfsetispeed(&settings, termios_speed(speed.baud));
  ::cfsetospeed(&settings, termios_speed(speed.baud));
  return settings;
}

/// As long as it lives nothing but interrupts takes the processor from us. Where that is not allowed nothing changes.
/// Through syscall(2): musl's sched_setscheduler() only says ENOSYS.
class Undisturbed {
 public:
  Undisturbed() { set(SCHED_FIFO, 1); }
  ~Undisturbed() { set(SCHED_OTHER, 0); }
  Undisturbed(const Undisturbed&) = delete;
  Undisturbed& operator=(const Undisturbed&) = delete;

 private:
  static void set(int policy, int priority) {
    sched_param param{};
    param.sched_priority = priority;
    (void)::syscall(SYS_sched_setscheduler, 0, policy, &param);
  }
};

}  // namespace

Result<UniqueFd> open_terminal(std::string_view name, const Speed& speed) {
  constexpr const char* kStep = "opening the line";
  Text<255> path("/dev/");
  path.add(name);
  const termios settings = raw_settings(speed);

  // Nothing may stand between open and raw: until then the terminal echoes, and gdb takes a `+` in the echo of its own
  // packet for an acknowledgement, or the whole echo for the answer. The echo is made by a kernel thread
  // (flush_to_ldisc() in drivers/tty/tty_buffer.c), which on one processor does not run while we do. What it has made
  // elsewhere and has not been sent yet is dropped; what has arrived is kept.
  const Undisturbed undisturbed;
  auto file = sys::open(AT_FDCWD, path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (!file) return Error{kStep, name, file.error().err};
  if (::tcsetattr(file->get(), TCSANOW, &settings) == 0) {
    (void)::tcflush(file->get(), TCOFLUSH);
    return file;
  }
  if (errno == EIO) return Error{kStep, name, EIO, "the port exists, but there is no UART behind it"};
  if (errno == ENOTTY) return Error{kStep, name, ENOTTY, "this device is not a terminal"};
  return Error{kStep, name, errno};
}

}  // namespace gdbdebug
