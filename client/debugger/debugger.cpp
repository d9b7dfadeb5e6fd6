// SPDX-License-Identifier: GPL-2.0-or-later
// debugger: see debugger.hpp.
#include "debugger/debugger.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "base/process.hpp"
#include "base/words.hpp"

namespace gdbdebug::client {
namespace {

// The C ABI's first argument, as __libc_start_main (main, argc, argv, ...) gets it at its first instruction. On the
// machines that are not here glibc's function takes other arguments, or nobody has tried.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kFirstArgument{{
    {"x86_64", "$rdi"},
    {"i686", "*(unsigned int *)($esp + 4)"},
    {"aarch64", "$x0"},
    {"arm", "$r0"},
    {"riscv64", "$a0"},
    {"riscv32", "$a0"},
    {"s390x", "$r2"},
    {"loongarch64", "$r4"},
}};

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// "GNU gdb (Debian 13.1-3) 13.1", "GNU gdb (GDB) Fedora Linux 14.2-1.fc40": the last word of the first line.
int major_version(std::string_view text) {
  text = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.rfind(' ') + 1, text.size()));
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// The debug file by that build ID, in the first of the directories that has one; empty without.
std::string debug_file(const std::string& build_id, const std::vector<std::string>& debug_dirs) {
  if (build_id.size() < 3) return "";
  for (const auto& directory : debug_dirs) {
    auto path = directory + "/.build-id/" + build_id.substr(0, 2) + "/" + build_id.substr(2) + ".debug";
    if (::access(path.c_str(), R_OK) == 0) return path;
  }
  return "";
}

// To main() in single commands. None goes on where it cannot stop: of `tbreak` and `continue` the second would, however
// the first has ended. `tcatch load` cannot fail, and its library is one of those that the program needs.
void add_way_to_main(const MainPlan& plan, Commands& commands) {
  if (plan.by == MainPlan::By::symbol) {
    commands.add("advance " + plan.function);
    return;
  }
  commands.add("tcatch load " + Commands::expression(plan.library));
  commands.add("continue");
  commands.add("advance *__libc_start_main");
  commands.add("advance *" + plan.argument);
}

// To main() in a script, which ends where a command fails; that a breakpoint would be pending is a failure only where
// none may be. To main() of a program without symbols: to where the C library is loaded, which the dynamic linker
// tells; there to the function that calls main(), and by its argument on. The stops before that would be 30 lines.
void add_main_script(const Debugger& debugger, const MainPlan& plan, Commands& commands) {
  if (plan.by == MainPlan::By::symbol && debugger.major < 10) return add_way_to_main(plan, commands);  // no `with`
  if (plan.by == MainPlan::By::symbol) {
    commands.add("with breakpoint pending off -- tbreak " + plan.function);
    commands.add("continue");
    return;
  }
  for (const auto& stop :
       {"tcatch load " + Commands::expression(plan.library), std::string("tbreak *__libc_start_main")}) {
    commands.add(stop);
    for (const char* silent : {"commands", "silent", "end", "continue"}) commands.add(silent);
  }
  commands.add("tbreak *" + plan.argument);
  commands.add("continue");
}

void add_gdb_commands(const Debugger& debugger, const Plan& plan, const std::string& address, Commands& commands) {
  const auto add = [&](std::string command) { commands.add(std::move(command)); };
  // An empty directory rather than nothing: gdb would read each file over the line.
  add("set sysroot " + (plan.sysroot.empty() ? std::string("/var/empty") : plan.sysroot));
  add("set remotetimeout 30");  // a packet of 16 kB takes 17 s at 9600 baud
  if (debugger.major == 0 || debugger.major >= 10)
    add("set exec-file-mismatch off");  // the build IDs have been compared
  if (debugger.major >= 12) add(std::string("set debuginfod enabled ") + (plan.debuginfod ? "on" : "off"));
  if (!plan.debug_dirs.empty()) {
    std::string directories;
    for (const auto& directory : plan.debug_dirs) directories += (directories.empty() ? "" : ":") + directory;
    add("set debug-file-directory " + directories);
  }
  if (!plan.program.empty()) add("file " + commands.word(plan.program));
  // Of a PID 1 that runs already gdb would tell two lines for each library. `with` leaves the user's own setting alone.
  add((debugger.major >= 10 ? "with print symbol-loading brief -- target remote " : "target remote ") + address);
  const bool goes_to_main = plan.main && plan.main->by != MainPlan::By::nothing;
  // Nobody should be asked to press a key on the way. `with` does not do: it ends when PID 1 begins to run.
  if (goes_to_main && debugger.major >= 10) add("set $gdbdebug_pagination = $_gdb_setting_str(\"pagination\")");
  if (goes_to_main) add("set pagination off");
  if (goes_to_main && plan.main_script.empty()) add_way_to_main(*plan.main, commands);
  if (goes_to_main && !plan.main_script.empty()) add("source " + plan.main_script);
  if (goes_to_main && debugger.major >= 10) add("eval \"set pagination %s\", $gdbdebug_pagination");
  // Behind the way to main, which they would interrupt.
  if (!plan.breaks.empty()) {
    add("set breakpoint pending on");
    for (const auto& where : plan.breaks) add("break " + where);
    add("set breakpoint pending auto");
  }
}

void add_lldb_commands(const Plan& plan, const std::string& address, Commands& commands) {
  // Without a platform lldb 19 takes process 1 for the one of this machine, and its program for the target's.
  commands.add("platform select " + (plan.sysroot.empty() ? "" : "--sysroot " + commands.word(plan.sysroot) + " ") +
               "remote-linux");
  for (const auto& directory : plan.debug_dirs) {
    commands.add("settings append target.debug-file-search-paths " + commands.word(directory));
  }
  if (!plan.program.empty()) commands.add("target create " + commands.word(plan.program));
  commands.add("settings set plugin.process.gdb-remote.packet-timeout 30");
  commands.add("process connect --plugin gdb-remote " +
               (address.starts_with('/') ? "unix-connect://" + address : "connect://" + address));
  for (const auto& where : plan.breaks) commands.add("breakpoint set --name " + commands.word(where));
  if (plan.main && plan.main->by == MainPlan::By::symbol) {
    commands.add("breakpoint set --one-shot true --name " + plan.main->function);
    commands.add("process continue");
  }
}

// What main() of the program is called, in the first of `files` that has it; nothing if none has.
std::optional<std::string> name_of_main(const std::vector<Bytes>& files) {
  // Go's first: with cgo there is a main() too, which is not the user's.
  for (const char* name : {"main.main", "main"}) {
    for (const auto& content : files) {
      if (defines_function(content, name)) return name;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<Debugger> find_debugger(const std::string& wanted, const std::string& machine) {
  std::vector<std::string> names{"gdb", "gdb-multiarch", "lldb"};
  utsname here{};
  const bool same = machine.empty() || ::uname(&here) != 0 || machine == here.machine;
  if (!same) names = {"gdb-multiarch", "gdb", "lldb"};
  if (!wanted.empty()) names = {wanted};
  for (const auto& name : names) {
    const auto path = find_program(name);
    if (!path) continue;
    Debugger debugger;
    debugger.program = *path;
    debugger.kind = base_name(name).find("lldb") != std::string::npos ? Debugger::Kind::lldb : Debugger::Kind::gdb;
    Spawn version;
    version.argv = {*path, "--version"};
    if (const auto output = run(version, std::size_t{1} << 20, 20);
        output.ok() && debugger.kind == Debugger::Kind::gdb) {
      debugger.major = major_version(output.value().text);
    }
    return debugger;
  }
  if (!wanted.empty()) return Error{"looking for the debugger", wanted, "program not found", "name another with --gdb"};
  return Error{"looking for the debugger", "gdb", "there is neither gdb nor gdb-multiarch nor lldb here",
               same ? "install gdb" : "install gdb-multiarch, since the target is " + machine};
}

MainPlan plan_main(const Files& files, const std::string& program, const std::vector<std::string>& debug_dirs) {
  MainPlan plan;
  const auto content = files.read(program);
  const auto elf = content ? read_elf(*content) : std::nullopt;
  if (!elf) {
    plan.why_not = "the real init's program is not known here; name its image with --initrd";
    return plan;
  }
  std::vector<Bytes> with_symbols{*content};
  const auto path = debug_file(elf->build_id, debug_dirs);
  const auto mapping = path.empty() ? Result<std::shared_ptr<const Mapping>>(Error{}) : Mapping::open(path, "reading");
  if (mapping.ok()) with_symbols.push_back(mapping.value()->bytes());
  if (const auto name = name_of_main(with_symbols)) {
    plan.by = MainPlan::By::symbol;
    plan.function = *name;
    return plan;
  }
  const bool known = elf->symbols || mapping.ok();
  const std::string lacks = known ? "' has neither a function main nor Go's main.main" : "' is stripped";
  for (const auto& [machine, argument] : kFirstArgument) {
    if (machine == elf->machine) plan.argument = argument;
  }
  if (plan.argument.empty()) {
    plan.why_not = "'" + program + lacks + ", and on " + elf->machine + " main cannot be found without its symbols";
    return plan;
  }
  for (const auto& library : library_closure(files, program)) {
    const auto bytes = files.read(library.path);
    if (printable(library.path) != library.path) continue;  // the debugger prints it
    if (!bytes || !defines_function(*bytes, "__libc_start_main")) continue;
    plan.by = MainPlan::By::start_argument;
    plan.library = base_name(library.path);
    return plan;
  }
  plan.why_not = "'" + program + lacks + ", and no library of it has __libc_start_main";
  return plan;
}

Result<std::vector<std::string>> debugger_commands(const Debugger& debugger, const Plan& plan,
                                                   const std::string& address) {
  Commands commands(debugger.kind);
  if (debugger.kind == Debugger::Kind::lldb) {
    add_lldb_commands(plan, address, commands);
  } else {
    add_gdb_commands(debugger, plan, address, commands);
  }
  return commands.take();
}

Result<std::string> main_script(const Debugger& debugger, const MainPlan& plan) {
  Commands commands(debugger.kind);
  add_main_script(debugger, plan, commands);
  const auto lines = commands.take();
  if (!lines.ok()) return lines.error();
  std::string text;
  for (const auto& line : lines.value()) text += line + "\n";
  return text;
}

std::vector<std::string> debugger_argv(const Debugger& debugger, const std::vector<std::string>& commands,
                                       const std::vector<std::string>& arguments) {
  std::vector<std::string> argv{debugger.program};
  if (debugger.kind == Debugger::Kind::gdb) argv.emplace_back("-q");
  for (const auto& command : commands) {
    argv.emplace_back(debugger.kind == Debugger::Kind::gdb ? "-ex" : "-o");
    argv.push_back(command);
  }
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

std::vector<std::string> without_debug_info(const Files& files, const std::string& program,
                                            const std::vector<std::string>& debug_dirs) {
  std::vector<std::string> paths{program};
  for (const auto& library : library_closure(files, program)) {
    if (!library.path.empty()) paths.push_back(library.path);
  }
  std::erase_if(paths, [&](const auto& path) {
    const auto content = files.read(path);
    const auto elf = content ? read_elf(*content) : std::nullopt;
    return !elf || elf->debug_info || !debug_file(elf->build_id, debug_dirs).empty();
  });
  return paths;
}

}  // namespace gdbdebug::client
