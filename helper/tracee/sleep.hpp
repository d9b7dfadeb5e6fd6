// SPDX-License-Identifier: GPL-2.0-or-later
// sleep: what keeps PID 1 in uninterruptible sleep, where it can be neither stopped nor traced: a dead server's mount,
// a disk that does not answer, a vfork(2). For somebody who wants to know why the machine hangs, that is the answer.
#pragma once

#include <string_view>

#include "core/base/text.hpp"

namespace gdbdebug {

/// Whether PID 1 is in uninterruptible sleep right now (state D; also for moments, at every read of a disk).
bool is_asleep();
/// Whether it still is after a second. Returns at once if it is not.
bool stays_asleep();

using Sleep = Text<400>;
/// `PID 1 is in uninterruptible sleep, in system call 165, at nfs_wait_bit in the kernel`.
Sleep describe_sleep();
/// Says that, what happens `next`, and then where PID 1 stands in the kernel, in the kernel log.
void say_sleep(std::string_view next);

}  // namespace gdbdebug
