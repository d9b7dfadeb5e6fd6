// SPDX-License-Identifier: GPL-2.0-or-later
// log: see log.hpp.
#include "sys/log.hpp"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "sys/sys.hpp"

namespace gdbdebug::log {
namespace {

/// devkmsg_write() refuses records longer than LOG_LINE_MAX, 992 bytes (kernel/printk/printk.c).
constexpr std::size_t kTextLimit = 960;

/// O_NONBLOCK: a terminal whose other end holds it back must not hold the boot back.
UniqueFd open_device(const char* path) {
  constexpr int kFlags = O_WRONLY | O_NOCTTY | O_NONBLOCK;
  if (auto here = sys::open(AT_FDCWD, path, kFlags)) return std::move(*here);
  const auto devices = sys::detached_mount("devtmpfs");
  if (!devices) return {};
  auto there = sys::open(devices->get(), path + std::string_view("/dev/").size(), kFlags);
  return there ? std::move(*there) : UniqueFd();
}

}  // namespace

void say(Level level, std::string_view text) {
  Text<kTextLimit + 16> record;
  record.add('<').add(static_cast<char>(level)).add(">gdbdebug: ");
  for (const char c : text.substr(0, kTextLimit)) record.add(c == '\n' ? ' ' : c);
  // Without the newline the kernel keeps the record open for a continuation, and no console and no reader sees it
  // before the next record (vprintk_store() in kernel/printk/printk.c, since 5.10).
  record.add('\n');
  const auto file = open_device("/dev/kmsg");
  if (file && sys::write(file.get(), record) >= 0) return;
  const auto console = open_device("/dev/console");
  if (console && sys::write(console.get(), record.view().substr(3)) >= 0) return;
  (void)sys::write(STDERR_FILENO, record.view().substr(3));  // the last resort; there may be no descriptor 2 at all
}

Message describe(const Error& error, std::string_view next) {
  Message message(error.step);
  if (!error.subject.empty()) message.add(" '").add(error.subject).add('\'');
  message.add(": ");
  if (!error.reason.empty())
    message.add(error.reason);
  else
    message.add(::strerror(error.err));
  if (!next.empty()) message.add("; ").add(next);
  return message;
}

void error(const Error& error, std::string_view next) {
  say(Level::kError, describe(error, next));
}
void warning(const Error& error, std::string_view next) {
  say(Level::kWarning, describe(error, next));
}

}  // namespace gdbdebug::log
