// SPDX-License-Identifier: GPL-2.0-or-later
// console: the verb that is a terminal on the target's console, and gives the wire to a debugger when one comes.
//
//   kTerminal ------- a debugger connects to our socket -------> kDebugger
//       ^                                                            |
//       +------------------------ it goes ---------------------------+
//
// kTerminal  what the target sends is shown, and what is typed is sent.
// kDebugger  all bytes go between the debugger and the target; the text of `O` packets is shown here too.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <optional>

#include "base/file.hpp"
#include "base/interrupt.hpp"
#include "core/base/text.hpp"
#include "core/rsp/packet.hpp"
#include "image/unpack.hpp"
#include "session/session.hpp"
#include "verbs/attach.hpp"

namespace gdbdebug::client {
namespace {

constexpr char kEnd = 0x1d;  // Ctrl-]
constexpr int kOpenAgain = 250;

// The user's terminal, raw while this lives: each key is the target's, Ctrl-C as well.
class RawTerminal {
 public:
  RawTerminal() : is_(::tcgetattr(STDIN_FILENO, &found_) == 0) {
    if (!is_) return;
    auto raw = found_;
    ::cfmakeraw(&raw);
    raw.c_oflag |= OPOST;  // our own lines end in a newline
    (void)::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  ~RawTerminal() {
    if (is_) (void)::tcsetattr(STDIN_FILENO, TCSANOW, &found_);
  }

 private:
  ::termios found_{};
  bool is_;
};

// The text of `O` packets in what the target sends to a debugger.
class SessionText {
 public:
  std::string take(std::string_view bytes) {
    std::string text;
    while (!bytes.empty()) {
      if (reader_.take(bytes) != rsp::Token::kPacket) continue;
      auto payload = reader_.payload();
      if (!payload.starts_with('O') || payload == "OK") continue;
      for (payload.remove_prefix(1); payload.size() >= 2; payload.remove_prefix(2))
        text += static_cast<char>(parse_number<std::uint8_t>(payload.substr(0, 2), 16).value_or('?'));
    }
    return text;
  }

 private:
  std::vector<char> room_ = std::vector<char>(rsp::kMaxPacket);
  rsp::Reader reader_{room_};
};

class Terminal {
 public:
  Terminal(const Target& target, const Listener& listener, Display& display)
      : target_(target), listener_(listener), display_(display) {}
  Result<int> run();

 private:
  Status open();
  bool read_keys();
  void read_target();
  void read_debugger();
  static void show(std::string_view text) { (void)write_all(STDOUT_FILENO, as_bytes(text)); }

  const Target& target_;
  const Listener& listener_;
  Display& display_;
  Wire wire_;
  UniqueFd debugger_;
  std::string to_target_;
  bool keys_end_ = false;
  std::optional<SessionText> session_;
};

// Opens the line, and waits for it if it is still to come.
Status Terminal::open() {
  while (!wire_.open()) {
    bool may_come = false;
    auto wire = open_wire(target_, may_come);
    if (wire.ok()) {
      wire_ = std::move(wire.value());
    } else if (!may_come || interrupted()) {
      return wire.error();
    } else {
      display_.doing("waiting for '" + target_.text + "' to be there (" + wire.error().reason + ")");
      (void)::poll(nullptr, 0, kOpenAgain);  // nothing tells when a listener comes to be
      if (interrupted()) return interrupted_error("waiting for", target_.text);
    }
  }
  display_.clear();
  return {};
}

// False: the user has had enough.
bool Terminal::read_keys() {
  std::array<char, 512> keys;
  const auto count = ::read(STDIN_FILENO, keys.data(), keys.size());
  if (count <= 0) {
    keys_end_ = count == 0 || (errno != EAGAIN && errno != EINTR);
    return true;
  }
  const std::string_view typed(keys.data(), static_cast<std::size_t>(count));
  if (debugger_) {
    show("\a");  // the wire is the debugger's
  } else {
    to_target_ += typed.substr(0, typed.find(kEnd));
  }
  return typed.find(kEnd) == std::string_view::npos;
}

void Terminal::read_target() {
  std::array<char, 4096> buffer;
  const auto count = ::read(wire_.input(), buffer.data(), buffer.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    wire_ = {};
    display_.say("the line to '" + target_.text + "' has ended");
    return;
  }
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
  if (!debugger_) return show(bytes);
  show(session_->take(bytes));
  // A debugger reads what it is sent; one that does not has gone, and that shows when it is read.
  (void)::send(debugger_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

void Terminal::read_debugger() {
  std::array<char, 4096> buffer;
  const auto count = ::read(debugger_.get(), buffer.data(), buffer.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count > 0) {
    to_target_ += std::string_view(buffer.data(), static_cast<std::size_t>(count));
    return;
  }
  debugger_.reset();
  session_.reset();
  display_.say("the debugger has gone; this is the console again");
}

Result<int> Terminal::run() {
  const RawTerminal raw;
  for (;;) {
    if (auto opened = open(); !opened.ok()) return opened.error();
    std::array<pollfd, 4> polled{
        pollfd{keys_end_ ? -1 : STDIN_FILENO, POLLIN, 0},
        pollfd{wire_.input(), POLLIN, 0},
        pollfd{debugger_ ? debugger_.get() : listener_.get(), POLLIN, 0},
        pollfd{to_target_.empty() ? -1 : wire_.output(), POLLOUT, 0},
    };
    const InterruptGate gate;
    if (interrupted()) return 0;
    if (gate.wait(polled, -1) < 0) continue;  // a signal
    if (polled[0].revents != 0 && !read_keys()) return 0;
    if (polled[2].revents != 0 && debugger_) {
      read_debugger();
    } else if (polled[2].revents != 0) {
      debugger_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (debugger_) session_.emplace();
      if (debugger_) display_.say("a debugger has come");
    }
    if (polled[1].revents != 0) read_target();
    if (to_target_.empty() || !wire_.open()) continue;
    const auto count = ::write(wire_.output(), to_target_.data(), to_target_.size());
    if (count > 0) to_target_.erase(0, static_cast<std::size_t>(count));
  }
}

}  // namespace

Result<int> run_console(const ConsoleOptions& options) {
  catch_interrupts();
  const auto target = parse_target(options.target);
  if (!target.ok()) return target.error();
  Display display;
  ScratchDirectory place;
  if (auto made = options.socket.empty() ? place.make(run_directory()) : Status(); !made.ok()) return made.error();
  auto listener = Listener::on_path(options.socket.empty() ? place.path() + "/line" : options.socket);
  if (!listener.ok()) return listener.error();
  display.say("the console of '" + target.value().text +
              "'; Ctrl-] ends it; a debugger can come meanwhile: gdbdebug attach " + listener.value().name());
  const auto status = Terminal(target.value(), listener.value(), display).run();
  if (!options.socket.empty()) (void)::unlink(options.socket.c_str());
  return status;
}

}  // namespace gdbdebug::client
