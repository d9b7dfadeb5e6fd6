// SPDX-License-Identifier: GPL-2.0-or-later
// log: see log.hpp.
#include "log.hpp"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "sys.hpp"

namespace gdbdebug::log {
namespace {

UniqueFd open_kernel_log() {
  if (auto here = sys::open(AT_FDCWD, "/dev/kmsg", O_WRONLY | O_NOCTTY)) return std::move(*here);
  const auto devices = sys::detached_mount("devtmpfs");
  if (!devices) return {};
  auto there = sys::open(devices->get(), "kmsg", O_WRONLY | O_NOCTTY);
  return there ? std::move(*there) : UniqueFd();
}

}  // namespace

void say(Level level, std::string_view text) {
  Text<1000> record;
  record.add('<').add(static_cast<char>(level)).add(">gdbdebug: ");
  for (const char c : text) record.add(c == '\n' ? ' ' : c);
  const auto file = open_kernel_log();
  if (file && sys::write(file.get(), record) >= 0) return;
  record.add('\n');
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
