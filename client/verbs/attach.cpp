// SPDX-License-Identifier: GPL-2.0-or-later
// attach: the verb that brings the user's debugger to the target. See attach.hpp.
#include "verbs/attach.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "base/interrupt.hpp"
#include "base/process.hpp"
#include "base/words.hpp"
#include "image/describe.hpp"
#include "image/inspect.hpp"
#include "image/unpack.hpp"
#include "session/session.hpp"

namespace gdbdebug::client {
namespace {

constexpr const char* kUsualDebugDirectory = "/usr/lib/debug";

std::string in_words(const Greeting& greeting) {
  const auto who = "PID " + (greeting.pid.empty() ? "1" : greeting.pid);
  const auto& state = greeting.state;
  if (state == "held") return who + " is held";
  if (state == "crashed") return who + " is held where it would have died";
  if (state == "running") return who + " runs, and is stopped when the debugger connects";
  return who + " is " + state;
}

}  // namespace

std::string run_directory() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  return runtime != nullptr && *runtime == '/' && ::access(runtime, W_OK) == 0 ? runtime : "/tmp";
}

Result<Symbols> find_symbols(const std::vector<std::string>& initrd, const std::string& sysroot, const Limits& limits,
                             Display& display) {
  Symbols symbols;
  if (!initrd.empty() && !sysroot.empty()) {
    return Error{"reading the command line", "--sysroot", "--initrd was given too, and one of them is enough", "",
                 Exit::usage};
  }
  if (!initrd.empty()) {
    display.doing("unpacking '" + names_of(initrd) + "'");
    auto cached = cached_sysroot(initrd, limits);
    display.clear();
    if (!cached.ok()) return cached.error();
    symbols.cached = std::move(cached.value());
    symbols.sysroot = symbols.cached.path;
  }
  if (!sysroot.empty()) {
    struct stat status {};
    if (::stat(sysroot.c_str(), &status) != 0) return system_error("opening the sysroot", sysroot, errno);
    if (!S_ISDIR(status.st_mode)) {
      return Error{"opening the sysroot", sysroot, "not a directory", "for an image there is --initrd"};
    }
    symbols.sysroot = sysroot;
  }
  if (!symbols.sysroot.empty()) {
    char* real = ::realpath(symbols.sysroot.c_str(), nullptr);  // gdb may change its directory
    if (real != nullptr) symbols.sysroot = real;
    std::free(real);
  }
  return symbols;
}

std::string compare(const std::optional<Greeting>& greeting, const Symbols& symbols, Display& display) {
  if (greeting && !greeting->refused.empty()) {
    display.say("WARNING: what the target says of itself has control characters or the wrong form, and is ignored:" +
                greeting->refused);
  }
  if (!greeting) {
    display.say("a gdbserver answers that is not gdbdebug's; whether the image is the right one cannot be checked");
  } else {
    display.say("gdbdebug " + greeting->version + " on " +
                (greeting->machine.empty() ? "the target" : greeting->machine) + ": " + in_words(*greeting) +
                (greeting->exe.empty() ? "" : ", in " + greeting->exe));
    if (!greeting->watchdog.empty()) {
      display.say("WARNING: a watchdog runs there that nobody feeds while PID 1 is held: it resets the target after " +
                  greeting->watchdog +
                  " seconds; systemd leaves it alone with systemd.watchdog_sec=off on its command line");
    }
  }
  if (symbols.sysroot.empty()) {
    display.say(
        "no image was named, so the debugger will know no symbols; --initrd IMAGE names the one that the target "
        "booted");
    return "";
  }
  const DirectoryFiles files(symbols.sysroot);
  const auto init = find_real_init(files);
  const auto path = greeting && !greeting->exe.empty() ? files.resolve(greeting->exe) : init.program;
  if (path.empty()) {
    const bool named = greeting && !greeting->exe.empty();
    display.say("WARNING: " +
                (named ? "the target runs '" + greeting->exe + "', which is not in the image"
                       : "the image has no real init: '" + init.name + "' leads to nothing") +
                "; is it the one that the target booted?");
    return "";
  }
  const auto content = files.read(path);
  const auto elf = content ? read_elf(*content) : std::nullopt;
  if (!elf) {
    display.say("WARNING: '" + path + "' in the image is not a program");
    return "";
  }
  if (printable(path) != path) {  // the debugger prints it
    display.say("WARNING: the name '" + path +
                "' has characters that a terminal must not see; its symbols are not used");
    return "";
  }
  if (!greeting || greeting->build_id.empty() || elf->build_id.empty()) return path;
  if (greeting->build_id == elf->build_id) {
    display.say("'" + path + "' in the image is the one that runs there (build ID " + elf->build_id.substr(0, 12) +
                "...)");
    return path;
  }
  display.say("WARNING: the image is not the one that the target booted: '" + path + "' has build ID " + elf->build_id +
              " in the image, and " + greeting->build_id +
              " on the target; symbols would be wrong, so they are not used");
  return "";
}

std::vector<std::string> debug_directories(const std::vector<std::string>& named) {
  auto directories = named;
  directories.emplace_back(kUsualDebugDirectory);
  return directories;
}

Plan make_plan(const AttachOptions& options, const Symbols& symbols, const std::optional<Greeting>& greeting,
               const std::string& program, Debugger::Kind kind, Display& display) {
  Plan plan;
  plan.breaks = options.breaks;
  const char* servers = std::getenv("DEBUGINFOD_URLS");
  plan.debuginfod = servers != nullptr && *servers != '\0';
  const auto directories = debug_directories(options.debug_dirs);
  if (!options.debug_dirs.empty()) plan.debug_dirs = directories;
  // The wrong image's files would be taken for the target's.
  if (program.empty()) {
    if (options.main) display.say("--main cannot be done: the real init's program is not known here");
    return plan;
  }
  plan.sysroot = symbols.sysroot;
  const DirectoryFiles files(symbols.sysroot);
  plan.program = files.here(program);

  const auto bare = without_debug_info(files, program, directories);
  if (!bare.empty()) {
    constexpr std::size_t kNamed = 3;
    const auto named = options.verbose || bare.size() <= kNamed + 1 ? bare.size() : kNamed;
    std::string text = "no debug information here for";
    for (std::size_t i = 0; i < named; ++i) text += (i == 0 ? " " : ", ") + bare[i].substr(bare[i].rfind('/') + 1);
    if (named < bare.size()) text += " and " + std::to_string(bare.size() - named) + " more";
    text += plan.debuginfod ? "; the debugger asks debuginfod for it" : "; --debug-dir or DEBUGINFOD_URLS can add it";
    display.say(text);
  }
  if (!options.main) return plan;
  if (greeting && greeting->state != "held") {
    display.say("--main is left out: PID 1 is past it already (" + greeting->state + ")");
    return plan;
  }
  plan.main = plan_main(files, program, directories);
  if (plan.main->by == MainPlan::By::start_argument && kind == Debugger::Kind::lldb) {
    plan.main->by = MainPlan::By::nothing;
    plan.main->why_not = "'" + program + "' has no symbols, and without them only gdb finds main()";
  }
  if (plan.main->by == MainPlan::By::nothing) {
    display.say("--main cannot be done: " + plan.main->why_not + "; PID 1 stays where it is");
  }
  if (plan.main->by == MainPlan::By::start_argument) {
    display.say("'" + program + "' has no symbols, so the debugger will show its main() as ?? ()");
  }
  return plan;
}

Knowledge know(const AttachOptions& options, const std::optional<Greeting>& greeting, const Symbols& symbols,
               const std::string& program) {
  Knowledge knowledge;
  knowledge.descriptions = cached_descriptions(greeting ? greeting->machine : "");
  if (!program.empty()) knowledge.program = read_known_program(DirectoryFiles(symbols.sysroot), program);
  knowledge.agent = greeting.has_value();
  knowledge.whole_vdso = options.whole_vdso;
  return knowledge;
}

Result<int> debug(const AttachOptions& options, const Target& target, Arrival arrival, const Symbols& symbols,
                  Display& display) {
  const auto program = compare(arrival.greeting, symbols, display);
  const auto debugger = find_debugger(options.debugger, arrival.greeting ? arrival.greeting->machine : "");
  if (!debugger.ok()) return debugger.error();
  const bool shared = arrival.greeting && arrival.greeting->wire == "shared";
  Console console;
  if (auto opened = shared ? console.open(options.console_to) : Status(); !opened.ok()) return opened.error();
  if (!shared && !options.console_to.empty()) {
    display.say("--console-to has nothing to do: the line is not a console of the target");
  }
  auto plan = make_plan(options, symbols, arrival.greeting, program, debugger.value().kind, display);

  ScratchDirectory place;
  if (auto made = place.make(run_directory()); !made.ok()) return made.error();
  if (plan.main && plan.main->by != MainPlan::By::nothing) {
    const auto text = main_script(debugger.value(), *plan.main);
    if (!text.ok()) return text.error();
    const auto path = place.path() + "/main.gdb";
    const UniqueFd script(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    // Without it gdb is told the same on its command line, and says more.
    if (script && write_all(script.get(), as_bytes(text.value())) == 0) plan.main_script = path;
  }
  auto listener = Listener::on_path(place.path() + "/line");
  if (!listener.ok()) return listener.error();
  const auto commands = debugger_commands(debugger.value(), plan, listener.value().name());
  if (!commands.ok()) return commands.error();
  if (options.verbose) {
    for (const auto& command : commands.value()) display.say("(" + debugger.value().program + ") " + command);
  }

  watch_children();
  Spawn child;
  child.argv = debugger_argv(debugger.value(), commands.value(), options.debugger_arguments);
  child.dies_with_us = true;
  display.clear();
  // Ctrl-C is for the debugger, which has the terminal; we only carry its bytes.
  (void)::signal(SIGINT, SIG_IGN);
  (void)::signal(SIGQUIT, SIG_IGN);
  const auto pid = spawn(child);
  if (!pid.ok()) return pid.error();
  auto knowledge = know(options, arrival.greeting, symbols, program);
  knowledge.descriptions.more = [&, machine = arrival.greeting ? arrival.greeting->machine : ""] {
    return make_descriptions(debugger.value(), machine);
  };
  Session session{target, std::move(arrival.wire), listener.value(), knowledge, display, pid.value(), arrival.until};
  if (shared) session.console = &console;
  const auto status = run_session(session);
  if (options.stats) {
    display.say(std::to_string(session.traffic.from_target) + " bytes came from the target, " +
                std::to_string(session.traffic.to_target) + " went to it");
  }
  return status;
}

Result<int> run_attach(const AttachOptions& options) {
  catch_interrupts();
  const auto target = parse_target(options.target);
  if (!target.ok()) return target.error();
  Display display;
  const auto symbols = find_symbols(options.initrd, options.sysroot, options.limits, display);
  if (!symbols.ok()) return symbols.error();
  // Before the wait: nobody wants to hear afterwards that there is no debugger.
  if (const auto debugger = find_debugger(options.debugger, ""); !debugger.ok()) return debugger.error();
  auto arrival =
      await_target(target.value(), {kAdvice, options.timeout, options.crashed, {}, options.process}, display);
  display.clear();
  if (!arrival.ok()) return arrival.error();
  return debug(options, target.value(), std::move(arrival.value()), symbols.value(), display);
}

}  // namespace gdbdebug::client
