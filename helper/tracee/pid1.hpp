// SPDX-License-Identifier: GPL-2.0-or-later
// pid1: what the agent's /proc tells about PID 1. Nothing here needs ptrace, so it works beside gdbserver.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/fd.hpp"
#include "core/base/text.hpp"

namespace gdbdebug::pid1 {

/// What PID 1 executes, as /proc/1/exe names it; empty if it cannot be read.
Text<512> executable();
/// The build ID of an ELF file in hexadecimal digits (the note NT_GNU_BUILD_ID); empty if it has none.
Text<128> build_id(const UniqueFd& file);
Text<128> executable_build_id();
/// The value of a line `key:` in /proc/1/status, without white space around it; empty if there is none.
Text<256> status(std::string_view key);
/// Whether PID 1 has a handler for a signal (the kernel's number).
bool catches(int signal);

}  // namespace gdbdebug::pid1
