// SPDX-License-Identifier: GPL-2.0-or-later
// gdbdebug-agent: what gdbdebug-init starts when debugging is on.
// It runs twice. In the image's root it reads what is asked for, makes a root of its own, and executes itself there:
// nothing of it lies in the image any more, and it can be given up for the real root. Whatever fails here costs the
// debugging and never the boot: when the agent ends, PID 1 goes on.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.hpp"
#include "agent/root.hpp"
#include "core/layout.hpp"
#include "core/words/launch.hpp"
#include "line/line_network.hpp"
#include "sys/log.hpp"
#include "sys/sys.hpp"
#include "wire/keeper.hpp"
#include "wire/parts.hpp"

namespace gdbdebug {
namespace {

constexpr std::string_view kAsIfOff = "booting as if debugging were off";
constexpr std::string_view kWithout = "booting without a debugger";
constexpr const char* kName = "gdbdebug-agent";

void tell(const Notes& notes) {
  for (const auto& note : notes.all()) {
    log::Message message("reading rd.gdbdebug '");
    message.add(note.word).add("': ").add(note.reason);
    if (!note.hint.empty()) message.add("; expected ").add(note.hint);
    log::say(log::Level::kWarning, message.add("; ignored"));
  }
  if (notes.dropped() == 0) return;
  log::Message message("reading rd.gdbdebug: ");
  log::say(log::Level::kWarning, message.add_number(notes.dropped()).add(" further mistakes; ignored"));
}

/// What the agent owes to the system that comes up around it, each with its reason.
void settle() {
  // A session of its own: no terminal's signals, and no terminal to lose.
  (void)::setsid();
  (void)::umask(022);
  (void)::prctl(PR_SET_NAME, kName);
  // What gdbserver leaves behind comes to the agent and not to PID 1.
  (void)::prctl(PR_SET_CHILD_SUBREAPER, 1);
  // A line that hangs up must not end the agent.
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  (void)::sigaction(SIGPIPE, &ignore, nullptr);
  (void)::sigaction(SIGHUP, &ignore, nullptr);
  // The out-of-memory killer would leave PID 1 without its tracer in the middle of a session. But -1000, never, would
  // be a panic ("System is deadlocked on memory") where nobody else is left to be killed: our memory belongs to the
  // boot.
  if (const auto file = sys::open(AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY))
    (void)sys::write(file->get(), "-900");
  // 0 to 2 are PID 1's console, if it has one: nothing here writes there, and it must not be kept open.
  if (const auto null = sys::open(AT_FDCWD, "/dev/null", O_RDWR)) {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      if (null->get() != fd) (void)::dup2(null->get(), fd);
    }
  }
}

/// In the image's root. Returns only if the agent cannot be: the reason has been logged.
void move_to_own_root(char** argv) {
  const auto image = image_root();
  const Text<64> modules(modules_of_overlay());
  const auto root = prepare_root();
  auto status = root ? enter_root(*root) : Status(root.error());
  if (status) status = mount_kernel_file_systems();
  if (!status) return log::error(status.error(), kWithout);
  if (modules.empty()) remove_overlay(image);
  const UniqueFd survivor(::fcntl(image.get(), F_DUPFD, 3));  // survives the exec on purpose
  Text<12> number;
  if (survivor) number.add_number(static_cast<std::uint64_t>(survivor.get()));
  char* const again[] = {argv[launch::kName],
                         argv[launch::kHandoff],
                         argv[launch::kValue],
                         argv[launch::kIp],
                         const_cast<char*>(number.c_str()),
                         const_cast<char*>(modules.c_str()),
                         nullptr};
  char* const environment[] = {nullptr};
  ::execve(layout::kAgent, again, environment);
  log::error(failed("executing the agent from its own root", layout::kAgent), kWithout);
}

/// A descriptor that was passed as an argument; it ends at the next exec.
UniqueFd passed_descriptor(const char* argument) {
  UniqueFd file;
  if (const auto number = parse_number<unsigned>(argument)) file.reset(static_cast<int>(*number));
  if (file) (void)::fcntl(file.get(), F_SETFD, FD_CLOEXEC);
  return file;
}

int first_run(char** argv) {
  Notes notes;
  const auto request = parse_request(argv[launch::kValue], notes);
  tell(notes);
  if (request)
    move_to_own_root(argv);
  else
    log::error(request.error(), kAsIfOff);
  return 1;
}

/// Whether there is an agent already: of the overlay, when this one is of an image inside that image (dracut's squash).
bool another_is_at_work() {
  const auto processes = sys::open(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
  if (!processes) return false;
  const auto self = static_cast<std::uint64_t>(::getpid());
  sys::Names names(*processes);
  for (auto name = names.next(); !name.empty(); name = names.next()) {
    const auto pid = parse_number<std::uint64_t>(name);
    if (!pid || *pid == self) continue;
    Text<32> path(name);
    Text<32> command;
    const auto file = sys::open(processes->get(), path.add("/comm").c_str(), O_RDONLY);
    if (file && sys::read_all(*file, command) && trim(command) == kName) return true;
  }
  return false;
}

/// Where the line is a console of the kernel the port is made ours, and a guard stays behind (wire/keeper.hpp): what
/// returns is its child. False: there is no such line, and the reason has been logged.
bool share_console(Request& request, wire::Parts& parts, UniqueFd& handoff) {
  const auto sharing = wire::find_console_of(request, parts);
  if (!sharing) log::error(sharing.error(), kWithout);
  if (!sharing || *sharing == wire::Sharing::kNone) return static_cast<bool>(sharing);
  auto status = wire::open_parts(parts);
  if (status) status = wire::fork_agent(parts, handoff);
  if (status) {
    settle();
    return true;
  }
  wire::give_back(parts);
  log::warning(status.error(), "the line is a console too, and what others say there comes between the packets");
  return true;
}

int second_run(char** argv) {
  auto handoff = passed_descriptor(argv[launch::kHandoff]);
  ModulesPlace modules{passed_descriptor(argv[launch::kImageRoot]), argv[launch::kModules]};
  if (!handoff) return 2;
  settle();
  if (another_is_at_work()) {  // PID 1 is in its hands, and goes on
    (void)sys::write(handoff.get(), {&launch::kGo, 1});
    return 0;
  }
  Notes already_told;
  auto request = parse_request(argv[launch::kValue], already_told);
  if (!request) return 2;
  static wire::Parts parts;
  if (!share_console(*request, parts, handoff)) return 2;
  run_agent(*request, argv[launch::kIp], std::move(handoff), std::move(modules), parts);
  return 0;
}

int run_by_hand(int argc, char** argv) {
  constexpr std::string_view kVersion = "gdbdebug-agent " GDBDEBUG_VERSION "\n";
  constexpr std::string_view kUsage =
      "gdbdebug-agent: started by gdbdebug-init in an initramfs; see gdbdebug-init(8)\n";
  const bool version = argc == 2 && std::string_view(argv[1]) == "--version";
  (void)sys::write(version ? STDOUT_FILENO : STDERR_FILENO, version ? kVersion : kUsage);
  return version ? 0 : 2;
}

}  // namespace
}  // namespace gdbdebug

int main(int argc, char** argv) {
  using namespace gdbdebug;
  if (const auto status = run_network_tool(argc, argv)) return *status;
  const bool started = argc > 0 && std::string_view(argv[launch::kName]) == launch::kAgentName;
  if (started && argc == launch::kFirstCount) return first_run(argv);
  if (started && argc == launch::kSecondCount) return second_run(argv);
  return run_by_hand(argc, argv);
}
