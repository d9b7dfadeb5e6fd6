// SPDX-License-Identifier: GPL-2.0-or-later
// quiet: see quiet.hpp.
#include "wire/quiet.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "sys/log.hpp"
#include "sys/sys.hpp"
#include "wire/kernel_text.hpp"

namespace gdbdebug::wire {
namespace {

constexpr const char* kTraps = "/proc/sys/debug/exception-trace";  // only some architectures have it
constexpr int kQuietLevel = 1;  // not 0: with that a panic prints nothing (console_verbose() in include/linux/printk.h)
constexpr int kConsoleLevel = 8;  // SYSLOG_ACTION_CONSOLE_LEVEL of syslog(2)

int present_level() {
  Text<64> text;
  const auto file = sys::open(AT_FDCWD, "/proc/sys/kernel/printk", O_RDONLY);
  if (!file || !sys::read_all(*file, text)) return 0;
  return console_level(text).value_or(0);
}

bool set_level(int level) {
  return ::syscall(SYS_syslog, kConsoleLevel, nullptr, level) == 0;
}

bool traps() {
  Text<8> text;
  const auto file = sys::open(AT_FDCWD, kTraps, O_RDONLY);
  return file && sys::read_all(*file, text) && text.view().starts_with('1');
}

void set_traps(bool on) {
  const auto file = sys::open(AT_FDCWD, kTraps, O_WRONLY);
  if (file) (void)sys::write(file->get(), on ? "1" : "0");
}

}  // namespace

void Quiet::begin() {
  if (settings_.quiet) return;
  // Everything that is to be put back is known before anything is changed.
  settings_.level = present_level();
  settings_.traps = traps();
  settings_.quiet = true;
  if (auto file = sys::open(AT_FDCWD, "/dev/kmsg", O_RDONLY | O_NONBLOCK)) {
    log_ = std::move(*file);
    (void)::lseek(log_.get(), 0, SEEK_END);
  }
  if (settings_.traps) set_traps(false);
  if (settings_.level > kQuietLevel && !set_level(kQuietLevel))
    log::warning(failed("setting the console level", ""), "kernel messages come between the debugger's packets");
}

void Quiet::end() {
  restore(settings_);
  // The caller has read it to the end: what comes from here on is printed.
  log_.reset();
}

void Quiet::look() {
  if (!settings_.quiet) return;
  const int level = present_level();
  if (level <= kQuietLevel) return;
  settings_.level = level;
  (void)set_level(kQuietLevel);  // has worked before
}

int Quiet::level() const {
  return settings_.quiet ? settings_.level : present_level();
}

std::optional<std::string_view> Quiet::next() {
  std::array<char, 8192> record;  // CONSOLE_EXT_LOG_MAX, the longest that it gives
  const auto count = log_ ? sys::read(log_.get(), record) : -1;
  text_.clear();
  if (count < 0 && log_ && errno == EPIPE) return text_.view();  // records were overwritten: the next is the oldest one
  if (count <= 0) return std::nullopt;
  (void)add_record({record.data(), static_cast<std::size_t>(count)}, settings_.level, text_);
  return text_.view();
}

void restore(Settings& settings) {
  if (!settings.quiet) return;
  if (settings.level > kQuietLevel && present_level() <= kQuietLevel) (void)set_level(settings.level);
  if (settings.traps) set_traps(true);
  settings.quiet = false;
}

}  // namespace gdbdebug::wire
