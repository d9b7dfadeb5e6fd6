// SPDX-License-Identifier: GPL-2.0-or-later
// settings: see settings.hpp.
#include "boot/settings.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/handoff.hpp"
#include "core/layout.hpp"
#include "core/request/conf.hpp"
#include "core/request/ip.hpp"
#include "core/request/kernel_line.hpp"
#include "sys/sys.hpp"

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

void take_settings(std::string_view text, Settings& settings) {
  if (const auto setting = find_setting(text)) {
    settings.bare = !setting->value || is_default(*setting->value);
    settings.on = settings.bare || !is_off(*setting->value);
    settings.value.clear();
    if (!settings.bare) settings.value.add(*setting->value);
  }
  if (is_kdump(text)) settings.kdump = true;
  settings.kdump_allowed = find_kdump(text).value_or(settings.kdump_allowed);
  take_last(text, "init", settings.init);
  take_last(text, "rd.gdbdebug.init", settings.real_init);
  if (const auto foreign = find_value(text, "ip")) {
    settings.ip.set(kForeignIp);
    settings.ip.add(*foreign);
  }
}

/// It goes before ip=, wherever it stands.
void take_own_ip(std::string_view text, Settings& settings) {
  take_last(text, "rd.gdbdebug.ip", settings.ip);
}

void take_default(std::string_view text, Settings& settings) {
  const auto value = conf_value(text, "default");
  if (value && !value->empty()) settings.value.set(*value);
}

using Visit = void (*)(std::string_view text, Settings& settings);

/// Calls `visit` when `source` is filled; once for nearly every file, and for a longer one with piece after piece of
/// complete parameters. False, with errno: it cannot be read.
bool visit_file(int directory, const char* path, Settings& settings, Visit visit) {
  source.clear();
  // O_NONBLOCK: a pipe or a terminal by that name must not keep PID 1 waiting for somebody who writes.
  const auto file = sys::open(directory, path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
  if (!file) return false;
  while (sys::read_all(*file, source)) {
    const auto complete = source.room() == 0 ? complete_parameters(source) : 0;
    visit(complete == 0 ? source.view() : source.view().substr(0, complete), settings);
    if (complete == 0) return true;  // the end; or ` -- `, or a single parameter longer than all this
    source.set(source.view().substr(complete));
  }
  return false;
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

/// Kernels before 5.2 have no detached mounts: mount it in plain sight for a moment. `use` returns false, with errno,
/// if it cannot read `path`.
template <typename Use>
Status use_mounted(const char* path, Use use) {
  const bool made = ::mkdir(kProc, 0555) == 0;
  if (::mount("proc", kProc, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    const auto error = failed("mounting", kProc);
    if (made) ::rmdir(kProc);
    return error;
  }
  const bool read = use(path);
  const int saved = errno;
  ::umount2(kProc, MNT_DETACH);
  if (made) ::rmdir(kProc);
  if (!read) return Error{"reading", path, saved};
  return Done{};
}

/// A kdump kernel has this file (vmcore_init() in fs/proc/vmcore.c), also where the command line does not show what it
/// is: on arm64 and riscv the device tree does.
bool has_vmcore() {
  if (const auto proc = sys::detached_mount("proc"))
    return static_cast<bool>(sys::open(proc->get(), "vmcore", O_PATH | O_NOFOLLOW));
  const auto can_open = [](const char* path) {
    return static_cast<bool>(sys::open(AT_FDCWD, path, O_PATH | O_NOFOLLOW));
  };
  return static_cast<bool>(use_mounted("/proc/vmcore", can_open));
}

/// With as few system calls as can be, since every boot of every machine makes them: the execve() of the real init
/// closes the descriptors, and the kernel gives the whole line in one read (proc_create_single() in fs/proc/cmdline.c).
Status visit_kernel_command_line(Settings& settings, Visit visit) {
  auto proc = sys::detached_mount("proc");
  // ENOSYS: before 5.2. EPERM: a seccomp filter that does not know the call yet.
  if (!proc)
    return use_mounted("/proc/cmdline", [&](const char* path) { return visit_file(AT_FDCWD, path, settings, visit); });
  auto file = sys::open(proc->release(), "cmdline", O_RDONLY | O_NOCTTY);
  if (!file) return failed("reading", "/proc/cmdline");
  source.clear();
  const auto count = sys::read(file->release(), {source.tail(), source.room()});
  if (count < 0) return failed("reading", "/proc/cmdline");
  source.grow(static_cast<std::size_t>(count));
  visit(source, settings);
  return Done{};
}

/// Calls `visit` with all that may have parameters in it, in the order in which the last one wins.
void visit_sources(Settings& settings, Visit visit) {
  (void)visit_file(AT_FDCWD, "/etc/cmdline", settings, visit);  // most images have none
  if (const auto directory = sys::open(AT_FDCWD, "/etc/cmdline.d", O_RDONLY | O_DIRECTORY)) {
    for (auto name = next_name(*directory, {}); !name.empty(); name = next_name(*directory, name))
      (void)visit_file(directory->get(), name.c_str(), settings, visit);
  }
  if (const auto status = visit_kernel_command_line(settings, visit); !status) settings.trouble = status.error();
}

}  // namespace

void read_settings(Settings& settings) {
  visit_sources(settings, take_settings);
  if (!settings.on) {
    settings.kdump = false;
    return;
  }
  // The dump must not wait for a debugger, in a kernel whose command line is that of the one before it.
  settings.kdump = !settings.kdump_allowed && (settings.kdump || has_vmcore());
  if (settings.kdump) {
    settings.on = false;
    return;
  }

  visit_sources(settings, take_own_ip);
  if (!settings.bare) return;
  settings.value.set(kDefaultValue);
  (void)visit_file(AT_FDCWD, in_overlay() ? layout::kOverlayConfiguration : layout::kConfiguration, settings,
                   take_default);
}

}  // namespace gdbdebug
