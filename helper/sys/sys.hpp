// SPDX-License-Identifier: GPL-2.0-or-later
// sys: the kernel's mount calls and small file work, behind functions that say what failed.
// Newer calls go through syscall(2), since musl 1.2.3 and glibc before 2.36 have no wrappers for them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/fd.hpp"
#include "core/base/result.hpp"
#include "core/base/text.hpp"

namespace gdbdebug::sys {

/// A mount of `type` that is attached nowhere (fsopen(2), fsmount(2); Linux 5.2). ENOSYS before that.
Result<UniqueFd> detached_mount(const char* type);
/// Attaches it at `path` (move_mount(2)).
Status attach_mount(const UniqueFd& mount, const char* path);
/// pivot_root(2), which C libraries do not wrap.
Status pivot_root(const char* new_root, const char* put_old);

/// Opens with O_CLOEXEC; retries after EINTR.
Result<UniqueFd> open(int directory, const char* path, int flags, mode_t mode = 0);
/// The names in a directory, without `.` and `..`. With getdents64(2), since readdir(3) brings a heap along.
class Names {
 public:
  /// Reads from the start, also a directory that was read before.
  explicit Names(const UniqueFd& directory);
  /// The next name, valid until the next call; empty at the end.
  std::string_view next();

 private:
  int directory_;
  long size_ = 0;
  long at_ = 0;
  alignas(8) char buffer_[4096];
};

/// Removes what `name` in `directory` is, and all that is below it; what cannot be removed stays, in silence.
void remove_tree(const UniqueFd& directory, const char* name);

/// Fills `text` from the start, up to what it holds. Longer files are cut off: text.truncated() is not set for that.
bool read_all(const UniqueFd& file, TextBuffer& text);
/// The number of bytes read, 0 at the end, -1 with errno. Retries after EINTR.
ssize_t read(int fd, std::span<char> buffer);
ssize_t write(int fd, std::string_view bytes);
/// Writes all of it to a blocking descriptor.
bool write_all(int fd, std::string_view bytes);

/// Sends one byte with a descriptor (unix(7), SCM_RIGHTS); whether it went out.
bool send_descriptor(int socket, char byte, int fd);

/// The path of a process's or thread's file in /proc (proc(5)).
Text<96> process_file(pid_t process, std::string_view name);

/// The name by which this program was executed (AT_EXECFN, getauxval(3)); empty where the kernel has not told.
const char* executed_as();

/// Waits until `fd` can be read or hangs up, but not longer than until `deadline_ms` of now_ms(); whether it was in
/// time.
bool wait_readable(int fd, std::uint64_t deadline_ms);

/// While this lives, wait_readable() calls `wait` with `context` instead: that of somebody who has to serve others
/// meanwhile. One at a time.
class Meanwhile {
 public:
  using Wait = bool (*)(void* context, int fd, std::uint64_t deadline_ms);
  Meanwhile(Wait wait, void* context);
  Meanwhile(const Meanwhile&) = delete;
  Meanwhile& operator=(const Meanwhile&) = delete;
  ~Meanwhile();
};

/// Microseconds of CLOCK_BOOTTIME or, where that is missing, CLOCK_MONOTONIC: waits go on over a suspend.
std::uint64_t now_us();
/// The same in milliseconds.
std::uint64_t now_ms();

}  // namespace gdbdebug::sys
