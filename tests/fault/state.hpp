// SPDX-License-Identifier: GPL-2.0-or-later
// state: what a real init would find of itself, read from outside through /proc. Two boots can be compared line by
// line.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace fault {

/// One fact a line, `key: value`: argv, environment, descriptors, mounts, signals, limits, the names in its root.
/// Children and the tracer are not among them.
std::vector<std::string> facts(pid_t pid);

std::size_t count_children(pid_t pid);
/// A value of /proc/PID/status without white space around it; empty if there is none.
std::string status(pid_t pid, const std::string& key);
/// The letter of the process's state; 0 if it has gone.
char run_state(pid_t pid);

}  // namespace fault
