// SPDX-License-Identifier: GPL-2.0-or-later
// console: see console.hpp.
#include "session/console.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>

namespace gdbdebug::client {

Status Console::open(const std::string& where) {
  if (where.empty()) {
    coloured_ = ::isatty(STDOUT_FILENO) == 1;
    return {};
  }
  constexpr const char* kStep = "opening for the console's text";
  if (where == "-") {
    file_.reset(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
    return file_ ? Status() : Status(system_error(kStep, where, errno));
  }
  file_.reset(::open(where.c_str(), O_RDWR | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC | O_NONBLOCK, 0666));
  if (!file_) return system_error(kStep, where, errno);
  types_ = ::tcgetattr(file_.get(), &found_) == 0;
  if (!types_) return {};
  auto raw = found_;
  ::cfmakeraw(&raw);  // the target's terminal echoes, and makes lines
  (void)::tcsetattr(file_.get(), TCSANOW, &raw);
  return {};
}

Console::~Console() {
  if (types_) (void)::tcsetattr(file_.get(), TCSANOW, &found_);
}

void Console::write(std::string_view text) {
  while (!text.empty()) {
    const auto count = ::write(file_.get(), text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;  // the terminal has gone, or does not take it: the session matters more
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

std::string Console::read() {
  std::array<char, 200> keys;
  const auto count = ::read(file_.get(), keys.data(), keys.size());
  if (count > 0) return {keys.data(), static_cast<std::size_t>(count)};
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  types_ = false;
  return {};
}

}  // namespace gdbdebug::client
