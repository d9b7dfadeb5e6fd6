// SPDX-License-Identifier: GPL-2.0-or-later
// pstore: a log in several files, as the kernel (/sys/fs/pstore) and systemd-pstore(8) leave the end of one. Pure: text
// in, text out.
#pragma once

#include <string>
#include <vector>

namespace gdbdebug::client {

struct LogFile {
  std::string name;  ///< With its folders, if it is in one.
  std::string text;
};

/// Sorts files as a person would: dmesg-efi-2 before dmesg-efi-10.
void sort_by_name(std::vector<LogFile>& files);

/// All of it in the order of time. Parts of one dump (`Panic#1 Part2` in the first line; the newest text is in part 1)
/// come as they were logged, dump after dump; what is no part keeps its place before them.
std::string joined_logs(const std::vector<LogFile>& files);

}  // namespace gdbdebug::client
