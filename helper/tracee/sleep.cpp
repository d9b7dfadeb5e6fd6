// SPDX-License-Identifier: GPL-2.0-or-later
// sleep: see sleep.hpp.
#include "tracee/sleep.hpp"

#include <fcntl.h>
#include <poll.h>

#include <cstdint>

#include "sys/log.hpp"
#include "sys/sys.hpp"

namespace gdbdebug {
namespace {

template <std::size_t N>
Text<N> read_file(const char* path) {
  Text<N> text;
  const auto file = sys::open(AT_FDCWD, path, O_RDONLY);
  if (!file || !sys::read_all(*file, text)) text.clear();
  return text;
}

/// `[<0>] do_wait+0x5f/0x110`, a line a frame: `do_wait`.
std::string_view function_of(std::string_view line) {
  if (const auto bracket = line.find("] "); bracket != std::string_view::npos) line.remove_prefix(bracket + 2);
  return line.substr(0, line.find('+'));
}

}  // namespace

bool is_asleep() {
  const auto stat = read_file<1024>("/proc/1/stat");
  const auto name_end = stat.view().rfind(')');  // the name before it can have any character
  return name_end != std::string_view::npos && stat.view().substr(name_end).starts_with(") D");
}

bool stays_asleep() {
  constexpr std::uint64_t kMomentMs = 1000;
  constexpr int kLookMs = 20;
  for (const auto deadline = sys::now_ms() + kMomentMs; is_asleep(); (void)::poll(nullptr, 0, kLookMs)) {
    if (sys::now_ms() >= deadline) return true;
  }
  return false;
}

Sleep describe_sleep() {
  Sleep text("PID 1 is in uninterruptible sleep");
  auto call = read_file<256>("/proc/1/syscall");
  auto rest = call.view();
  const auto number = take_word(rest, ' ');
  if (parse_number<unsigned>(number)) text.add(", in system call ").add(number);
  const auto place = read_file<128>("/proc/1/wchan");
  if (!place.empty() && place.view() != "0") text.add(", at ").add(place).add(" in the kernel");
  return text;
}

void say_sleep(std::string_view next) {
  log::Message message;
  log::say(log::Level::kError, message.add(describe_sleep()).add("; ").add(next));
  const auto stack = read_file<4096>("/proc/1/stack");
  if (stack.empty()) return;
  log::Message frames("PID 1's kernel stack, the innermost first:");
  for (auto rest = stack.view(); !rest.empty();) frames.add(' ').add(function_of(take_word(rest, '\n')));
  log::say(log::Level::kError, frames);
}

}  // namespace gdbdebug
