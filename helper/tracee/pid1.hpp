// SPDX-License-Identifier: GPL-2.0-or-later
// pid1: what the agent's /proc tells about PID 1. Nothing here needs ptrace, so it works beside gdbserver.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/base/fd.hpp"
#include "core/base/result.hpp"
#include "core/base/text.hpp"

namespace gdbdebug::pid1 {

/// The file that is mapped from `begin` to `end`. Also one that has been deleted, or lies in another mount namespace
/// (proc(5), /proc/PID/map_files).
Result<UniqueFd> open_mapped(pid_t process, std::uint64_t begin, std::uint64_t end);
/// What PID 1, or another process, executes, as /proc/1/exe names it; empty if it cannot be read.
Text<512> executable(pid_t process = 1);
/// Whether it executes a program that ends the machine: systemd's own, or the /shutdown of an exitrd to which that goes
/// on (systemd-shutdown(8)), also where it is a script.
bool shuts_down();
/// The build ID of an ELF file in hexadecimal digits (the note NT_GNU_BUILD_ID); empty if it has none.
Text<128> build_id(const UniqueFd& file);
Text<128> executable_build_id(pid_t process = 1);
/// The value of a line `key:` in /proc/1/status, without white space around it; empty if there is none.
Text<256> status(std::string_view key);
/// The same of another process.
Text<256> status_of(pid_t process, std::string_view key);
/// Whether PID 1 has a handler for a signal (the kernel's number).
bool catches(int signal);
/// Reads or writes a process's memory; whether all of it could be. The kernel writes even where the process must not.
bool read_memory(pid_t process, std::uint64_t address, std::span<char> bytes);
bool write_memory(pid_t process, std::uint64_t address, std::string_view bytes);
/// The system call in which a thread stands, with its arguments; no number: in none, or it runs.
struct Call {
  std::optional<std::uint64_t> number{};
  std::array<std::uint64_t, 6> arguments{};
};
Call call_of(unsigned thread);
/// Whether a thread runs, or could. The first thread stays as a zombie when it ends before the others.
bool lives(unsigned thread);
/// Whether every thread of PID 1, or of another process, is stopped as by SIGSTOP, and by no tracer.
bool is_stopped(pid_t process = 1);

}  // namespace gdbdebug::pid1
