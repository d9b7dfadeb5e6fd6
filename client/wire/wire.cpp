// SPDX-License-Identifier: GPL-2.0-or-later
// wire: see wire.hpp.
#include "wire/wire.hpp"

#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "base/interrupt.hpp"
#include "base/process.hpp"
#include "core/base/text.hpp"

namespace gdbdebug::client {
namespace {

constexpr std::string_view kStep = "opening the line";
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

Error failed(const Target& target, int number, std::string next = {}) {
  if (number == EINTR && interrupted()) return interrupted_error(std::string(kStep), target.text);
  return system_error(std::string(kStep), target.text, number, std::move(next));
}

// Whether `number` says that something is not there yet, rather than wrong.
bool is_absence(int number) {
  constexpr std::array kAbsences{ENOENT,      ECONNREFUSED, ENXIO,      ENODEV, EIO,  EHOSTUNREACH,
                                 ENETUNREACH, ETIMEDOUT,    ECONNRESET, EAGAIN, EINTR};
  for (const int absence : kAbsences) {
    if (number == absence) return true;
  }
  return false;
}

// Connects without blocking for longer than until `deadline`. Returns 0 or the errno: ETIMEDOUT then, and EINTR for a
// signal, which tells that the end is asked for, or that a child has ended for whose sake the line was wanted.
int connect_until(Clock::time_point deadline, int fd, const sockaddr* address, socklen_t size) {
  if (::connect(fd, address, size) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd polled{fd, POLLOUT, 0};
  const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
  const int ready = ::poll(&polled, 1, static_cast<int>(left > 0 ? left : 0));
  if (ready < 0) return errno;
  if (ready == 0) return ETIMEDOUT;
  int number = 0;
  socklen_t length = sizeof number;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &length) != 0) return errno;
  return number;
}

// Those that parse_speed() reads.
constexpr std::array<std::pair<unsigned, speed_t>, 21> kSpeeds{{
    {1200, B1200},       {2400, B2400},       {4800, B4800},       {9600, B9600},       {19200, B19200},
    {38400, B38400},     {57600, B57600},     {115200, B115200},   {230400, B230400},   {460800, B460800},
    {500000, B500000},   {576000, B576000},   {921600, B921600},   {1000000, B1000000}, {1152000, B1152000},
    {1500000, B1500000}, {2000000, B2000000}, {2500000, B2500000}, {3000000, B3000000}, {3500000, B3500000},
    {4000000, B4000000},
}};

Status set_raw(int fd, const Target& target) {
  termios settings{};
  if (::tcgetattr(fd, &settings) != 0) {
    return failed(target, errno, errno == EIO ? "the device node is there, but no hardware behind it" : "");
  }
  ::cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL | CREAD;
  settings.c_cflag &= ~static_cast<tcflag_t>(CSTOPB | PARENB | PARODD | CSIZE | CRTSCTS);
  settings.c_cflag |= target.speed.bits == 7 ? CS7 : CS8;
  if (target.speed.parity != 'n') settings.c_cflag |= PARENB;
  if (target.speed.parity == 'o') settings.c_cflag |= PARODD;
  if (target.speed.rtscts) settings.c_cflag |= CRTSCTS;
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  const auto* speed = kSpeeds.begin();
  while (speed != kSpeeds.end() && speed->first != target.speed.baud) ++speed;
  if (speed == kSpeeds.end() || ::cfsetspeed(&settings, speed->second) != 0) {
    return Error{std::string(kStep), target.text, std::to_string(target.speed.baud) + " is not a supported baud rate",
                 "try 115200", Exit::usage};
  }
  if (::tcsetattr(fd, TCSANOW, &settings) != 0) return failed(target, errno);
  // Old noise in the receiver would only look like a damaged packet.
  (void)::tcflush(fd, TCIFLUSH);  // an empty buffer serves as well
  return {};
}

Result<UniqueFd> open_serial(const Target& target, bool& may_come) {
  UniqueFd fd(::open(target.path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) {
    const int number = errno;
    may_come = is_absence(number);
    return failed(target, number,
                  number == EACCES  ? "add yourself to the device's group (dialout or uucp)"
                  : number == EBUSY ? "another program has it: end that first"
                                    : "");
  }
  // A pseudo-terminal has no exclusive mode of use to us, but does not mind.
  if (::ioctl(fd.get(), TIOCEXCL) != 0) return failed(target, errno);
  if (auto raw = set_raw(fd.get(), target); !raw.ok()) return raw.error();
  return fd;
}

// What is there under the name of a socket and never becomes one. connect() says ECONNREFUSED of it, as it does of a
// socket at which nobody listens yet.
Error no_socket(const Target& target, mode_t mode) {
  Error error{std::string(kStep), target.text, "", "TARGET is the line; the image goes behind --initrd", Exit::usage};
  switch (mode & S_IFMT) {
    case S_IFREG:
      error.reason = "a regular file, not a socket";
      break;
    case S_IFDIR:
      error.reason = "a directory, not a socket";
      error.next = "TARGET is the line; a directory with the target's files goes behind --sysroot";
      break;
    case S_IFCHR:
      error.reason = "a device, not a socket";
      error.next = "without 'unix:' it is opened as a serial line";
      break;
    default:
      error.reason = "something else than a socket";
      break;
  }
  return error;
}

Result<UniqueFd> open_unix(const Target& target, Clock::time_point deadline, bool& may_come) {
  struct stat status {};
  if (::stat(target.path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode)) return no_socket(target, status.st_mode);
  } else if (errno != ENOENT) {
    const int number = errno;
    auto error = failed(target, number);
    if (number == ENAMETOOLONG) error.code = Exit::usage;
    return error;
  }
  sockaddr_un address{};
  UniqueFd directory;
  if (auto made = unix_address(target.path, address, directory); !made.ok()) {
    may_come = made.error().code != Exit::usage;  // its directory may come to be, but no name becomes shorter
    return made.error();
  }
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return failed(target, errno);
  const int number = connect_until(deadline, fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (number == 0) return fd;
  may_come = is_absence(number);
  return failed(target, number);
}

Result<UniqueFd> open_tcp(const Target& target, Clock::time_point deadline, bool& may_come) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(target.host.c_str(), std::to_string(target.port).c_str(), &hints, &found);
  if (status != 0) {
    may_come = status == EAI_AGAIN;
    return Error{std::string(kStep), target.text, ::gai_strerror(status), "check the name of the host"};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, &::freeaddrinfo);
  int number = ENOENT;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    UniqueFd fd(::socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, address->ai_protocol));
    number = fd ? connect_until(deadline, fd.get(), address->ai_addr, address->ai_addrlen) : errno;
    if (number == EINTR) break;
    if (number != 0) continue;
    const int one = 1;  // packets are small and wait for each other; without keep-alive a dead target is never noticed
    (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    return fd;
  }
  may_come = is_absence(number);
  return failed(target, number);
}

Result<UniqueFd> open_vsock(const Target& target, Clock::time_point deadline, bool& may_come) {
  sockaddr_vm address{};
  address.svm_family = AF_VSOCK;
  address.svm_cid = parse_number<std::uint32_t>(target.host).value_or(0);
  address.svm_port = target.port;
  UniqueFd fd(::socket(AF_VSOCK, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return failed(target, errno, "vsock needs the kernel module vhost_vsock on the host");
  const int number = connect_until(deadline, fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (number == 0) return fd;
  may_come = is_absence(number);
  return failed(target, number);
}

}  // namespace

Wire::~Wire() {
  if (helper_ < 0) return;
  input_.reset();
  output_.reset();
  (void)::kill(helper_, SIGTERM);  // it may have gone by itself
  (void)wait_for(helper_);         // its exit status tells nothing now
}

void Wire::swap(Wire& other) {
  std::swap(input_, other.input_);
  std::swap(output_, other.output_);
  std::swap(helper_, other.helper_);
}

Status unix_address(const std::string& path, sockaddr_un& address, UniqueFd& directory) {
  address = {};
  address.sun_family = AF_UNIX;
  std::string name = path;
  if (name.size() >= sizeof address.sun_path) {
    directory.reset(::open(parent_directory(path).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return system_error("opening the directory of", path, errno);
    name = "/proc/self/fd/" + std::to_string(directory.get()) + "/" + path.substr(path.rfind('/') + 1);
  }
  if (name.size() >= sizeof address.sun_path) {
    return Error{"opening the socket", path, "its name is too long", "a socket's name has 80 bytes at most here",
                 Exit::usage};
  }
  name.copy(address.sun_path, name.size());
  return {};
}

/// /proc/net/unix (unix_seq_show() in net/unix/af_unix.c) has the owner's end of each connection, under the name that
/// the owner gave to the socket: with the state 03 when it was accepted, 02 before.
bool is_busy(const Target& target) {
  if (target.kind != Target::Kind::unix_socket) return false;
  const auto table = read_file("/proc/net/unix", "reading");
  if (!table.ok()) return false;
  const auto own_name = std::string_view(target.path).substr(target.path.rfind('/') + 1);
  bool serves = false;
  bool lets_wait = false;
  std::string_view rest = table.value();
  while (!rest.empty()) {
    auto line = take_word(rest, '\n');
    std::string_view state;
    for (int field = 0; field < 7; ++field) {  // address, references, protocol, flags, type, state, inode
      line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
      const auto word = take_word(line, ' ');
      if (field == 5) state = word;
    }
    // The owner may have called it by a relative path, or by one through a link.
    if (line.substr(line.rfind('/') + 1) != own_name) continue;
    serves = serves || state == "03";
    lets_wait = lets_wait || state == "02";
  }
  return serves && lets_wait;
}

Result<Wire> open_wire(const Target& target, bool& may_come, std::chrono::milliseconds limit) {
  may_come = false;
  const auto deadline = Clock::now() + limit;
  Wire wire;
  if (target.kind == Target::Kind::ssh) {
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) return failed(target, errno);
    wire.input_.reset(pair[0]);
    const UniqueFd theirs(pair[1]);
    if (::fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0) return failed(target, errno);
    Spawn ssh;
    // -T: no terminal, so that nothing is echoed or translated. The target has a forced command: none is named here.
    ssh.argv = {"ssh", "-T", "-e", "none"};
    if (target.port != 0) ssh.argv.insert(ssh.argv.end(), {"-p", std::to_string(target.port)});
    if (!target.user.empty()) ssh.argv.insert(ssh.argv.end(), {"-l", target.user});
    ssh.argv.insert(ssh.argv.end(), {"--", target.host});
    ssh.input = ssh.output = theirs.get();
    ssh.ignores_interrupts = true;  // Ctrl-C is for gdb; ssh may still ask for a passphrase on the terminal
    ssh.dies_with_us = true;
    const auto pid = spawn(ssh);
    if (!pid.ok()) return pid.error();
    wire.helper_ = pid.value();
    return wire;
  }
  auto fd = [&]() -> Result<UniqueFd> {
    switch (target.kind) {
      case Target::Kind::serial:
        return open_serial(target, may_come);
      case Target::Kind::tcp:
        return open_tcp(target, deadline, may_come);
      case Target::Kind::vsock:
        return open_vsock(target, deadline, may_come);
      default:
        return open_unix(target, deadline, may_come);
    }
  }();
  if (!fd.ok()) return fd.error();
  wire.input_ = std::move(fd.value());
  return wire;
}

}  // namespace gdbdebug::client
