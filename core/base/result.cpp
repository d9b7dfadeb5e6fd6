// SPDX-License-Identifier: GPL-2.0-or-later
// result: see result.hpp.
#include "core/base/result.hpp"

namespace gdbdebug {

[[gnu::noinline]] Error::Error(const char* the_step, std::string_view the_subject, int number, const char* words)
    : step(the_step), subject(the_subject), err(number), reason(words) {
}

[[gnu::noinline]] Error failed(const char* step, std::string_view subject) {
  return {step, subject, errno};
}

}  // namespace gdbdebug
