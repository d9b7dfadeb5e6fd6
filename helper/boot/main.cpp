// SPDX-License-Identifier: GPL-2.0-or-later
// gdbdebug-init: the helper in the place of /init, and so PID 1. This file is the order of the boot.
// Assumes what the kernel gives its first process, and no more: nothing is mounted, and descriptors 0 to 2 may be
// missing. Whatever fails, the real init runs.
#include <unistd.h>

#include "agent/agent.hpp"
#include "boot/handoff.hpp"
#include "boot/last_resort.hpp"
#include "boot/settings.hpp"
#include "core/request/request.hpp"
#include "line/line_network.hpp"
#include "sys/log.hpp"

namespace gdbdebug {
namespace {

constexpr std::string_view kAsIfOff = "booting as if debugging were off";

void tell(const Notes& notes) {
  for (const auto& note : notes.all()) {
    log::Message message("reading rd.gdbdebug '");
    message.add(note.word).add("': ").add(note.reason);
    if (!note.hint.empty()) message.add("; expected ").add(note.hint);
    log::say(log::Level::kWarning, message.add("; passed over"));
  }
  if (notes.dropped() == 0) return;
  log::Message message("reading rd.gdbdebug: ");
  log::say(log::Level::kWarning, message.add_number(notes.dropped()).add(" more words are wrong; passed over"));
}

/// Debugging is on: returns when PID 1 may execute the real init, held or not.
void prepare_debugging(const Settings& settings, char** argv) {
  Notes notes;
  const auto request = parse_request(settings.value, notes);
  tell(notes);
  if (!request) return log::error(request.error(), kAsIfOff);
  const auto handoff = start_agent(settings, argv);
  if (!handoff) return log::error(handoff.error(), "booting without a debugger");
  wait_for_agent(*handoff);
}

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
  if (is_agent(argc, argv)) return agent_main(argv);
  if (::getpid() != 1) {
    const auto status = run_network_tool(argc, argv);
    return status ? *status : run_by_hand(argc, argv);
  }

  // From here on nothing may keep the real init from starting.
  set_last_resort(argv, envp);
  static Settings settings;
  if (!in_place_of_real_init()) read_settings(settings);
  if (!settings.trouble.step.empty())
    log::warning(settings.trouble, settings.on ? std::string_view("going on without it") : kAsIfOff);
  else if (settings.kdump)
    log::say(log::Level::kWarning, "this is a kdump kernel: debugging is off; rd.gdbdebug.kdump=1 would turn it on");
  if (settings.on) prepare_debugging(settings, argv);
  hand_off(argv, envp, settings.init.c_str());
  return 1;
}
