// SPDX-License-Identifier: GPL-2.0-or-later
// place: see place.hpp.
#include "tracee/place.hpp"

#include <fcntl.h>

#include "core/base/text.hpp"
#include "sys/sys.hpp"

namespace gdbdebug {

Place find_place(unsigned thread) {
  Place place;
  Text<64> path("/proc/1/task/");
  Text<256> text;
  const auto file = sys::open(AT_FDCWD, path.add_number(thread).add("/syscall").c_str(), O_RDONLY);
  if (!file || !sys::read_all(*file, text)) return place;
  unsigned count = 0;
  for (auto rest = trim(text); !rest.empty(); ++count) {
    auto word = take_word(rest, ' ');
    if (word.starts_with("0x")) word.remove_prefix(2);
    const auto value = parse_number<std::uint64_t>(word, 16).value_or(0);
    if (count == 1) place.first_argument = value;
    place.sp = place.pc;
    place.pc = value;
  }
  return place;
}

}  // namespace gdbdebug
