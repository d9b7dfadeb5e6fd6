// SPDX-License-Identifier: GPL-2.0-or-later
// line_terminal: see line_terminal.hpp.
#include "line/terminal.hpp"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/text.hpp"
#include "sys/sys.hpp"

namespace gdbdebug {
namespace {

struct Rate {
  std::uint32_t baud;
  speed_t speed;
};
constexpr Rate kRates[] = {{1200, B1200},       {2400, B2400},       {4800, B4800},       {9600, B9600},
                           {19200, B19200},     {38400, B38400},     {57600, B57600},     {115200, B115200},
                           {230400, B230400},   {460800, B460800},   {500000, B500000},   {576000, B576000},
                           {921600, B921600},   {1000000, B1000000}, {1152000, B1152000}, {1500000, B1500000},
                           {2000000, B2000000}, {2500000, B2500000}, {3000000, B3000000}, {3500000, B3500000},
                           {4000000, B4000000}};

speed_t termios_speed(std::uint32_t baud) {
  for (const auto& rate : kRates) {
    if (rate.baud == baud) return rate.speed;
  }
  return B115200;  // parse_speed() lets no others pass
}

/// 0: a speed that has no constant.
std::uint32_t baud_of(speed_t speed) {
  for (const auto& rate : kRates) {
    if (rate.speed == speed) return rate.baud;
  }
  return 0;
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

constexpr const char* kStep = "opening the line";

/// tcsetattr(3) has just failed.
Error cannot_set(std::string_view name) {
  if (errno == EIO) return Error{kStep, name, EIO, "the port exists, but there is no UART behind it"};
  if (errno == ENOTTY) return Error{kStep, name, ENOTTY, "this device is not a terminal"};
  return Error{kStep, name, errno};
}

}  // namespace

Result<UniqueFd> open_terminal(std::string_view name, const Speed& speed) {
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
  return cannot_set(name);
}

Result<UniqueFd> open_shared_terminal(std::string_view name, const Speed* speed) {
  Text<255> path("/dev/");
  path.add(name);
  const Undisturbed undisturbed;
  auto file = sys::open(AT_FDCWD, path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (!file) return Error{kStep, name, file.error().err};
  lock_terminal(file->get(), false);  // it may be ours already, hung up and opened again
  termios settings{};
  if (::tcgetattr(file->get(), &settings) != 0) return cannot_set(name);
  if (speed != nullptr) {
    settings = raw_settings(*speed);
  } else {
    settings.c_iflag = IGNBRK;  // a BREAK is the kernel's (sysrq), and no byte
    settings.c_oflag = settings.c_lflag = 0;
    settings.c_cflag |= CREAD | CLOCAL;
    settings.c_cc[VMIN] = 1;
    settings.c_cc[VTIME] = 0;
  }
  if (::tcsetattr(file->get(), TCSANOW, &settings) != 0) return cannot_set(name);
  lock_terminal(file->get(), true);
  return file;
}

/// TIOCSLCKTRMIOS: what is set here nobody can change but who unlocks it first; their tcsetattr(3) changes nothing and
/// says that it has.
void lock_terminal(int terminal, bool locked) {
  termios settings;
  ::memset(&settings, locked ? 0xff : 0, sizeof settings);
  (void)::ioctl(terminal, TIOCSLCKTRMIOS, &settings);  // without it a session has to live with what others set
}

void describe_speed(int terminal, TextBuffer& text) {
  termios settings{};
  if (terminal < 0 || ::tcgetattr(terminal, &settings) != 0) return;
  const auto baud = baud_of(::cfgetospeed(&settings));
  if (baud == 0) return;
  text.add(" at ").add_number(baud);
  text.add((settings.c_cflag & PARENB) == 0 ? 'n' : (settings.c_cflag & PARODD) != 0 ? 'o' : 'e');
  text.add((settings.c_cflag & CSIZE) == CS7 ? '7' : '8');
  if ((settings.c_cflag & CRTSCTS) != 0) text.add('r');
}

}  // namespace gdbdebug
