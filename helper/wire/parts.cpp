// SPDX-License-Identifier: GPL-2.0-or-later
// parts: see parts.hpp.
#include "wire/parts.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include <new>

#include "line/terminal.hpp"
#include "sys/log.hpp"
#include "sys/sys.hpp"
#include "wire/kernel_text.hpp"

namespace gdbdebug::wire {
namespace {

constexpr const char* kStep = "sharing the console";
/// A file system of our own, so that nothing shows in the image's or in another's /dev/pts.
constexpr const char* kPts = "/pts";

/// The settings of the port before it became ours.
termios found;

Status mount_pts() {
  (void)::mkdir(kPts, 0700);
  if (::mount("devpts", kPts, "devpts", MS_NOSUID | MS_NOEXEC, "mode=620,gid=5,ptmxmode=000") != 0)
    return failed("mounting devpts", kPts);
  return Done{};
}

/// The slave's settings are `settings`.
Result<Pty> open_pty(const termios& settings) {
  Pty pty;
  auto master = sys::open(AT_FDCWD, "/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (!master) return Error{kStep, "/pts/ptmx", master.error().err};
  int unlocked = 0;
  if (::ioctl(master->get(), TIOCSPTLCK, &unlocked) != 0) return failed(kStep, "unlocking a terminal");
  pty.master = std::move(*master);
  pty.slave = open_slave(pty.master);
  if (!pty.slave || ::tcsetattr(pty.slave.get(), TCSANOW, &settings) != 0) return failed(kStep, "a terminal");
  return pty;
}

Status open_terminals(Parts& parts) {
  if (const auto status = mount_pts(); !status) return status;
  auto console = open_pty(found);
  if (!console) return console.error();
  unsigned number = 0;
  // By syscall(2): musl's ioctl(2) takes an int, which this number is too large for.
  if (::syscall(SYS_ioctl, console->master.get(), TIOCGPTN, &number) != 0) return failed(kStep, "numbering a terminal");
  parts.node.set("/pts/");
  parts.node.add_number(number);
  winsize size{};
  if (::ioctl(parts.port.get(), TIOCGWINSZ, &size) == 0) (void)::ioctl(console->slave.get(), TIOCSWINSZ, &size);
  parts.console = std::move(*console);
  if (!parts.preferred) return Done{};
  termios plain = found;
  plain.c_iflag = plain.c_lflag = 0;
  plain.c_oflag = OPOST | ONLCR;
  auto text = open_pty(plain);
  if (!text) return text.error();
  parts.text = std::move(*text);
  return Done{};
}

/// The redirection of /dev/console ends with B's master.
void close_parts(Parts& parts) {
  for (Pty* const pty : {&parts.console, &parts.text}) {
    pty->slave.reset();
    pty->master.reset();
  }
  parts.port.reset();
  parts.settings = nullptr;
}

/// The words that are no console with a terminal: `tty0, netcon0`.
std::string_view names_of(std::string_view consoles) {
  static Text<128> names;
  names.set("no console has a serial terminal; the consoles are: ");
  bool first = true;
  while (!consoles.empty()) {
    const auto console = take_console(consoles);
    if (console.name.empty()) continue;
    if (!first) names.add(", ");
    names.add(console.name);
    first = false;
  }
  if (first) names.set("the kernel has no console");
  return names;
}

}  // namespace

Result<Sharing> find_console_of(Request& request, Parts& parts) {
  if (request.line.kind != Line::Kind::kTerminal) return Sharing::kNone;
  const bool any = request.line.name == kConsoleLine;
  Text<2048> consoles;
  const auto file = sys::open(AT_FDCWD, "/proc/consoles", O_RDONLY);
  if (!file || !sys::read_all(*file, consoles)) {
    if (!any) return Sharing::kNone;  // a terminal like another, as far as anybody knows
    return Error{"opening the line", kConsoleLine, file ? errno : file.error().err};
  }
  const auto console = any ? last_serial_console(consoles) : find_console(consoles, request.line.name);
  if (!console && any) {
    auto error = Error{"opening the line", kConsoleLine};
    error.reason = names_of(consoles);
    return error;
  }
  if (!console || !console->serial) return Sharing::kNone;
  parts.name.set(console->name);
  parts.preferred = console->preferred;
  request.line.name = parts.name;
  if (request.has_speed) parts.speed = &request.speed;
  return Sharing::kConsole;
}

bool is_console_now(const Request& request) {
  if (request.line.kind != Line::Kind::kTerminal) return false;
  Text<2048> consoles;
  const auto file = sys::open(AT_FDCWD, "/proc/consoles", O_RDONLY);
  return file && sys::read_all(*file, consoles) && find_console(consoles, request.line.name);
}

UniqueFd open_slave(const UniqueFd& master) {
  return UniqueFd(::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
}

bool redirect_console(const Parts& parts) {
  return parts.text.slave && ::ioctl(parts.text.slave.get(), TIOCCONS) == 0;
}

Status open_parts(Parts& parts) {
  Text<80> path("/dev/");
  auto port = sys::open(AT_FDCWD, path.add(parts.name).c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (!port) return Error{kStep, parts.name, port.error().err};
  struct stat info {};
  if (::fstat(port->get(), &info) != 0 || ::tcgetattr(port->get(), &found) != 0) return failed(kStep, parts.name);
  parts.port = std::move(*port);
  parts.device = info.st_rdev;
  if (auto status = open_terminals(parts); !status) {
    const auto error = status.error();
    close_parts(parts);
    return error;
  }
  void* const memory = ::mmap(nullptr, sizeof(Settings), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto ours =
      memory == MAP_FAILED ? Result<UniqueFd>(failed(kStep, "memory")) : open_shared_terminal(parts.name, parts.speed);
  if (!ours) {
    const auto error = ours.error();
    close_parts(parts);
    return error;
  }
  parts.port = std::move(*ours);
  parts.settings = new (memory) Settings;
  if (parts.text.slave && !redirect_console(parts))
    log::warning(failed("redirecting /dev/console", ""), "what is written there comes between the debugger's packets");
  return Done{};
}

bool pass_console(const UniqueFd& handoff, char word, const Parts& parts) {
  const auto slave = open_slave(parts.console.master);
  if (!slave) return false;
  // First: from the moment when PID 1 has it the guard must not close the other end.
  parts.settings->handed_over = true;
  if (sys::send_descriptor(handoff.get(), word, slave.get())) return true;
  parts.settings->handed_over = false;
  return false;
}

void give_back(Parts& parts) {
  if (!parts.open()) return;
  restore(*parts.settings);
  lock_terminal(parts.port.get(), false);
  (void)::tcsetattr(parts.port.get(), TCSANOW, &found);
  close_parts(parts);
}

}  // namespace gdbdebug::wire
