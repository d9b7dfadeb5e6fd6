// SPDX-License-Identifier: GPL-2.0-or-later
// settings: see settings.hpp.
#include "settings.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.hpp"
#include "sys.hpp"

namespace gdbdebug {
namespace {

constexpr const char* kProc = "/proc";

/// Room for the longest command line of any architecture (4096), a boot configuration appended to it (32 KiB,
/// include/linux/bootconfig.h), and some more.
using Source = Text<65536>;
Source source;  // static: 64 KiB are too much for PID 1's stack, and the pages that are not needed are never touched

void take_last(std::string_view text, std::string_view name, TextBuffer& value) {
  if (const auto found = find_value(text, name)) {
    value.set(*found);
  }
}

void take_source(Settings& settings, bool& bare) {
  const auto text = source.view();
  if (const auto setting = find_setting(text)) {
    bare = !setting->value || is_default(*setting->value);
    settings.on = bare || !is_off(*setting->value);
    settings.value.clear();
    if (!bare) settings.value.add(*setting->value);
  }
  take_last(text, "init", settings.init);
  take_last(text, "ip", settings.ip);
}

bool read_file(int directory, const char* path) {
  source.clear();
  const auto file = sys::open(directory, path, O_RDONLY | O_NOCTTY);
  return file && sys::read_all(*file, source);
}

/// The name in `directory` that comes next after `last` in byte order and ends in .conf; empty if there is none.
Text<255> next_name(const UniqueFd& directory, std::string_view last) {
  Text<255> best;
  sys::Names names(directory);
  for (auto name = names.next(); !name.empty(); name = names.next()) {
    if (name.ends_with(".conf") && name > last && (best.empty() || name < best.view())) best.set(name);
  }
  return best;
}

/// Kernels before 5.2 have no detached mounts: mount it in plain sight for a moment.
Status read_mounted() {
  const bool made = ::mkdir(kProc, 0555) == 0;
  if (::mount("proc", kProc, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    const auto error = failed("mounting", kProc);
    if (made) ::rmdir(kProc);
    return error;
  }
  const bool read = read_file(AT_FDCWD, "/proc/cmdline");
  const int saved = errno;
  ::umount2(kProc, MNT_DETACH);
  if (made) ::rmdir(kProc);
  if (!read) return Error{"reading", "/proc/cmdline", saved};
  return Done{};
}

/// With as few system calls as can be, since every boot of every machine makes them: the execve() of the real init closes
/// the descriptors, and the kernel gives the whole line in one read (proc_create_single() in fs/proc/cmdline.c).
Status read_kernel_command_line() {
  auto proc = sys::detached_mount("proc");
  // ENOSYS: before 5.2. EPERM: a seccomp filter that does not know the call yet.
  if (!proc) return read_mounted();
  source.clear();
  auto file = sys::open(proc->release(), "cmdline", O_RDONLY | O_NOCTTY);
  if (!file) return failed("reading", "/proc/cmdline");
  const auto count = sys::read(file->release(), {source.tail(), source.room()});
  if (count < 0) return failed("reading", "/proc/cmdline");
  source.grow(static_cast<std::size_t>(count));
  return Done{};
}

template <typename Visit>
void visit_sources(Settings& settings, Visit visit) {
  if (read_file(AT_FDCWD, "/etc/cmdline")) visit();
  if (const auto directory = sys::open(AT_FDCWD, "/etc/cmdline.d", O_RDONLY | O_DIRECTORY)) {
    for (auto name = next_name(*directory, {}); !name.empty(); name = next_name(*directory, name)) {
      if (read_file(directory->get(), name.c_str())) visit();
    }
  }
  const auto status = read_kernel_command_line();
  if (status)
    visit();
  else
    settings.trouble = status.error();
}

}  // namespace

void read_settings(Settings& settings) {
  bool bare = false;
  visit_sources(settings, [&] { take_source(settings, bare); });
  if (!settings.on) return;

  // It goes before ip=, wherever it stands.
  visit_sources(settings, [&] { take_last(source.view(), "rd.gdbdebug.ip", settings.ip); });
  if (!bare) return;
  settings.value.clear();
  if (read_file(AT_FDCWD, "/etc/gdbdebug.conf")) settings.value.add(conf_value(source.view(), "default").value_or(""));
  if (settings.value.empty()) settings.value.add(kDefaultValue);
}

}  // namespace gdbdebug
