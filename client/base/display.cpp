// SPDX-License-Identifier: GPL-2.0-or-later
// display: see display.hpp.
#include "base/display.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/words.hpp"

namespace gdbdebug::client {
namespace {

bool is_terminal() {
  const char* kind = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) != 0 && (kind == nullptr || std::string_view(kind) != "dumb");
}

std::size_t columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

}  // namespace

Display::Display() : terminal_(is_terminal()) {
}

void Display::doing(const std::string& what) {
  const auto now = std::chrono::steady_clock::now();
  const bool changed = what != what_;
  if (changed) {
    what_ = what;
    since_ = now;
  }
  if (!terminal_) {
    if (changed) std::fprintf(stderr, "gdbdebug: %s\n", printable(what).c_str());
    return;
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - since_).count();
  auto line = "gdbdebug: " + printable(what) + (seconds > 0 ? " (" + std::to_string(seconds) + " s)" : "");
  if (line.size() >= columns())
    line = std::string(cut(line, columns() - 4)) + "...";  // a line that wraps cannot be rewritten
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  std::fflush(stderr);
  shown_ = true;
}

void Display::say(const std::string& what) {
  clear();
  std::fprintf(stderr, "gdbdebug: %s\n", printable(what, true).c_str());
}

void Display::clear() {
  if (shown_) std::fputs("\r\033[K", stderr);
  shown_ = false;
}

}  // namespace gdbdebug::client
