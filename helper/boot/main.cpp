// SPDX-License-Identifier: GPL-2.0-or-later
// gdbdebug-init: the helper in the place of /init, and so PID 1. This file is the order of the boot.
// Assumes what the kernel gives its first process, and no more: nothing is mounted, and descriptors 0 to 2 may be
// missing. Whatever fails, the real init runs.
#include <unistd.h>

#include "boot/handoff.hpp"
#include "boot/launch.hpp"
#include "boot/settings.hpp"
#include "sys/last_resort.hpp"
#include "sys/log.hpp"

namespace gdbdebug {
namespace {

char** kernels_argv = nullptr;
char** kernels_envp = nullptr;

int run_by_hand(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--version") {
    (void)!::write(STDOUT_FILENO, "gdbdebug-init " GDBDEBUG_VERSION "\n", sizeof "gdbdebug-init " GDBDEBUG_VERSION);
    return 0;
  }
  constexpr std::string_view kUsage =
      "gdbdebug-init: this is /init of an initramfs, started by the kernel; see gdbdebug-init(8)\n";
  (void)!::write(STDERR_FILENO, kUsage.data(), kUsage.size());
  return 2;
}

}  // namespace
}  // namespace gdbdebug

int main(int argc, char** argv, char** envp) {
  using namespace gdbdebug;
  if (::getpid() != 1) return run_by_hand(argc, argv);

  // From here on nothing may keep the real init from starting.
  kernels_argv = argv;
  kernels_envp = envp;
  set_last_resort([] {
    if (::getpid() == 1) hand_off(kernels_argv, kernels_envp, "", "");
  });
  static Settings settings;
  if (!in_place_of_real_init()) read_settings(settings);
  if (!settings.trouble.step.empty())
    log::warning(settings.trouble, settings.on ? "going on without it" : "booting as if debugging were off");
  else if (settings.kdump)
    log::say(log::Level::kWarning, "this is a kdump kernel: debugging is off; rd.gdbdebug.kdump=1 would turn it on");
  if (settings.on) launch_agent(settings);
  hand_off(argv, envp, settings.init.c_str(), settings.real_init.c_str());
  return 1;
}
