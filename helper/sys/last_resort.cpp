// SPDX-License-Identifier: GPL-2.0-or-later
// last_resort: what the headers of the C++ library call when a precondition is broken, in place of the library, which
// our programs do not link. It would be a bug of ours, and it must not cost the boot.
#include "sys/last_resort.hpp"

#include <unistd.h>

namespace gdbdebug {
namespace {

void (*last_resort)() = nullptr;

[[noreturn]] void give_up() {
  if (last_resort != nullptr) last_resort();
  ::_exit(125);
}

}  // namespace

void set_last_resort(void (*act)()) {
  last_resort = act;
}

}  // namespace gdbdebug

namespace std {  // NOLINT(cert-dcl58-cpp): in place of the library's own
// Named by libstdc++'s bits/functexcept.h and c++config.h; string_view::substr() and the assertions use them.
void __throw_out_of_range_fmt(const char*, ...) {
  gdbdebug::give_up();
}
void __throw_bad_optional_access() {
  gdbdebug::give_up();
}
void __glibcxx_assert_fail(const char*, int, const char*, const char*) noexcept {
  gdbdebug::give_up();
}
}  // namespace std
