// SPDX-License-Identifier: GPL-2.0-or-later
// registers: those of a thread in the form of gdb's protocol, with the description that tells what they are. From
// gdbserver, or from the kernel where the agent itself is the tracer.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string_view>

#include "tracee/server.hpp"

namespace gdbdebug {

/// Valid until the next call of either.
struct RegisterTexts {
  std::string_view values{};       ///< the reply to `g`
  std::string_view description{};  ///< target.xml
};

/// Asks gdbserver, which must be idle, with PID 1 held.
RegisterTexts register_texts(Server& server);
/// Of a thread that the agent has stopped. Empty on machines whose registers are not known here.
RegisterTexts register_texts(pid_t thread);
/// The same as the kernel has them, elf_gregset_t; 0: they do not fit, or the thread does not stand.
std::size_t register_set(pid_t thread, std::span<unsigned char> set);

}  // namespace gdbdebug
