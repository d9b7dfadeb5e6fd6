// SPDX-License-Identifier: GPL-2.0-or-later
// kernel_text: see kernel_text.hpp.
#include "wire/kernel_text.hpp"

namespace gdbdebug::wire {
namespace {

/// The consoles that have a device and still nobody at a keyboard of their own: virtual terminals, and ttynull.
bool is_screen(std::string_view name) {
  if (name == "ttynull" || name.starts_with("ttynull")) return true;
  return name.starts_with("tty") && name.size() > 3 && is_digit(name[3]);
}

}  // namespace

Console take_console(std::string_view& consoles) {
  // show_console_dev() in fs/proc/consoles.c: name, operations, flags in parentheses, and MAJOR:MINOR where the console
  // has a terminal. netconsole and pstore have none.
  auto line = take_word(consoles, '\n');
  Console console;
  const auto end = line.find(' ');
  console.name = line.substr(0, end);
  const auto flags = line.find('(');
  const auto flags_end = line.find(')', flags == std::string_view::npos ? line.size() : flags);
  if (flags_end == std::string_view::npos) return console;
  console.preferred = line.substr(flags, flags_end - flags).find('C') != std::string_view::npos;
  auto device = trim(line.substr(flags_end + 1));
  const auto major = parse_number<unsigned>(take_word(device, ':'));
  console.serial = major && parse_number<unsigned>(device) && !is_screen(console.name);
  return console;
}

std::optional<Console> find_console(std::string_view consoles, std::string_view name) {
  while (!consoles.empty()) {
    const auto console = take_console(consoles);
    if (!name.empty() && console.name == name) return console;
  }
  return std::nullopt;
}

std::optional<Console> last_serial_console(std::string_view consoles) {
  std::optional<Console> last;
  while (!consoles.empty()) {
    const auto console = take_console(consoles);
    if (console.serial) last = console;
  }
  return last;
}

std::optional<int> console_level(std::string_view printk) {
  const auto text = trim(printk);
  const auto number = parse_number<unsigned>(text.substr(0, text.find_first_of(" \t\n")));
  if (!number || *number > 1000) return std::nullopt;
  return static_cast<int>(*number);
}

// `6,339,5140900,-;text`, and lines of ` KEY=value` behind it (Documentation/ABI/testing/dev-kmsg). What is not
// printable stands as \xHH.
bool add_record(std::string_view record, int level, TextBuffer& text) {
  auto rest = record;
  auto head = take_word(rest, ';');
  const auto priority = parse_number<unsigned>(take_word(head, ','));
  (void)take_word(head, ',');
  const auto us = parse_number<std::uint64_t>(take_word(head, ','));
  if (!priority || !us) return false;
  if (static_cast<int>(*priority & 7) >= level) return true;
  Text<24> seconds;
  seconds.add_number(*us / 1'000'000);
  text.add('[');
  for (auto width = seconds.view().size(); width < 5; ++width) text.add(' ');
  Text<24> fraction;
  fraction.add_number(1'000'000 + *us % 1'000'000);
  text.add(seconds).add('.').add(fraction.view().substr(1)).add("] ");
  const auto line = take_word(rest, '\n');
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 3 < line.size() && line[i + 1] == 'x' && hex_value(line[i + 2]) >= 0 &&
        hex_value(line[i + 3]) >= 0) {
      const char byte = static_cast<char>(hex_value(line[i + 2]) * 16 + hex_value(line[i + 3]));
      if (byte == '\n') text.add('\r');
      text.add(byte);
      i += 3;
    } else {
      text.add(line[i]);
    }
  }
  text.add("\r\n");
  return true;
}

}  // namespace gdbdebug::wire
