// SPDX-License-Identifier: GPL-2.0-or-later
// gdbdebug: the host command. Reads its command line, and hands over to the verb.
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "base/interrupt.hpp"
#include "base/words.hpp"
#include "core/base/text.hpp"
#include "debugger/snippets.hpp"
#include "verbs/verbs.hpp"

namespace {

using namespace gdbdebug::client;

constexpr const char* kTargetHelp =
    "Unix socket, device[,SPEED], HOST:PORT, vsock:CID:PORT or ssh://[USER@]HOST[:PORT]";
constexpr const char* kFooter =
    "gdbdebug(1) explains each of them, and gdbdebug(7) what the target's kernel command line can say.";

// Sizes as people write them: 512M, 4G. CLI11 turns them into bytes, -1 into a very large number of them.
std::string size_in_bytes(std::string& text) {
  if (text.starts_with('-')) return "'" + text + "' is not a size: write it as 512M or 4G";
  return CLI::AsSizeValue(false)(text);
}

CLI::Option* add_max_size(CLI::App& verb, std::uint64_t& bytes) {
  return verb.add_option("--max-size", bytes, "Refuse an image that unpacks to more than this (default: 1G)")
      ->transform(CLI::Validator(size_in_bytes, ""))
      ->type_name("SIZE");
}

/// CLI11 has no word for a list with something behind it, and its names have no spaces.
struct SysrootHelp : CLI::Formatter {
  std::string make_option_usage(const CLI::Option* /*option*/) const override { return "IMAGE... DIR"; }
};

void add_sysroot(CLI::App& app, SysrootOptions& options) {
  auto* verb = app.add_subcommand("sysroot", "Unpack an initramfs of any generator and compression");
  verb->formatter(std::make_shared<SysrootHelp>());
  // CLI11 would leave nothing for a DIR behind a list.
  verb->add_option("IMAGE", options.image,
                   "The initramfs, or a UKI that has one (several in boot order); and where to: a directory that is "
                   "empty or does not exist yet")
      ->required()
      ->option_text("... DIR");
  add_max_size(*verb, options.limits.unpacked);
}

void add_check(CLI::App& app, CheckOptions& options) {
  auto* verb = app.add_subcommand("check", "Say what is in an image and what is missing");
  verb->add_option("IMAGE", options.image, "The initramfs, or a UKI that has one; several in boot order")
      ->type_name("");
  verb->add_option("--cmdline", options.cmdline,
                   "Read a kernel command line, or the value of rd.gdbdebug=, as the helper would")
      ->type_name("TEXT");
  verb->add_flag("--json", options.json, "For programs: one line of JSON");
  add_max_size(*verb, options.limits.unpacked);
}

// libdwfl and a debugger look for a relative directory elsewhere than from here, and neither minds one that is missing.
std::string real_directory(std::string& text) {
  char* real = ::realpath(text.c_str(), nullptr);
  if (real == nullptr) return "'" + text + "': " + std::strerror(errno);
  struct stat status {};
  const bool directory = ::stat(real, &status) == 0 && S_ISDIR(status.st_mode);
  if (directory) text = real;
  std::free(real);
  return directory ? "" : "'" + text + "' is not a directory";
}

void add_debug_dirs(CLI::App& verb, std::vector<std::string>& directories) {
  verb.add_option("--debug-dir", directories, "Look for debug files there too")
      ->transform(CLI::Validator(real_directory, ""))
      ->type_name("DIR")
      ->take_all();
}

// Once for each archive.
CLI::Option* add_initrd(CLI::App& verb, std::vector<std::string>& images, const char* help) {
  return verb.add_option("--initrd", images, help)->expected(1)->take_all()->type_name("IMAGE");
}

void add_symbol_options(CLI::App& verb, AttachOptions& options) {
  add_initrd(verb, options.initrd,
             "The image that the target booted, unpacked into the cache; several times, in boot order");
  verb.add_option("--sysroot", options.sysroot, "A directory with the target's files, instead of --initrd")
      ->type_name("DIR");
  add_debug_dirs(verb, options.debug_dirs);
  add_max_size(verb, options.limits.unpacked);
}

void add_debugger_options(CLI::App& verb, AttachOptions& options) {
  verb.add_flag("--main", options.main, "Go on to main() of the real init, also if it is stripped");
  verb.add_flag("--crash", options.crashed, "Wait until PID 1 is held because it is about to die");
  verb.add_option("--process", options.process, "Wait until this process is held, and debug it")->type_name("NAME|PID");
  verb.add_option("--break", options.breaks, "Set a breakpoint there")->type_name("WHERE")->take_all();
  verb.add_option("--gdb", options.debugger, "The debugger: default: the first found of gdb, gdb-multiarch and lldb")
      ->type_name("PROGRAM");
  verb.add_option("--console-to", options.console_to,
                  "Where the console's text goes if the line is a console too: a file, - or a terminal")
      ->type_name("FILE");
  verb.add_flag("--vdso", options.whole_vdso, "Let the debugger read the kernel's vdso too, which takes 10 kB");
  verb.add_flag("--stats", options.stats, "Say at the end how many bytes went over the line");
  verb.add_flag("-v,--verbose", options.verbose, "Print the commands given to the debugger");
}

std::string seconds_or_why_not(const std::string& text) {
  const auto seconds = gdbdebug::parse_number<std::uint32_t>(text);
  if (seconds && *seconds <= INT_MAX) return "";
  return "'" + text + "' is not a number of seconds: it is a whole number, and 0 means for ever";
}

void add_timeout(CLI::App& verb, int& seconds) {
  verb.add_option("--timeout", seconds, "How long to wait for the target (default: for ever)")
      ->check(CLI::Validator(seconds_or_why_not, ""))
      ->type_name("SECONDS");
}

void add_attach(CLI::App& app, AttachOptions& options) {
  auto* verb = app.add_subcommand("attach", "Wait for a target, and start the debugger on it");
  verb->add_option("TARGET", options.target,
                   "Unix socket, device[,SPEED], HOST:PORT, vsock:CID:PORT or ssh://[USER@]HOST[:PORT]")
      ->required()
      ->type_name("");
  verb->footer("What follows -- is passed on to the debugger.");
  add_symbol_options(*verb, options);
  add_debugger_options(*verb, options);
  add_timeout(*verb, options.timeout);
}

void add_serve(CLI::App& app, AttachOptions& options, std::string& listen, std::vector<std::string>& snippets) {
  auto* verb = app.add_subcommand("serve", "Give an IDE the target's line as a port of this machine");
  verb->add_option("TARGET", options.target, kTargetHelp)->required()->type_name("");
  verb->add_option("--listen", listen, "Where to listen (default: a free port of 127.0.0.1)")
      ->type_name("[ADDRESS:]PORT");
  verb->add_option("--snippet", snippets, "Print what to paste into: vscode, dap, clion, emacs or gdb")
      ->check(CLI::IsMember(std::vector<std::string>(kSnippets.begin(), kSnippets.end())))
      ->take_all()
      ->type_name("NAME");
  add_symbol_options(*verb, options);
  add_debugger_options(*verb, options);
  add_timeout(*verb, options.timeout);
}

void add_console(CLI::App& app, ConsoleOptions& options) {
  auto* verb = app.add_subcommand("console", "Be a terminal on the target's console, and step aside for a debugger");
  verb->add_option("TARGET", options.target, kTargetHelp)->required()->type_name("");
  verb->add_option("--socket", options.socket, "Where a debugger can come")->type_name("PATH");
  verb->footer("Ctrl-] ends it.");
}

void add_ps(CLI::App& app, PsOptions& options) {
  auto* verb = app.add_subcommand("ps", "List the processes that the target holds for a debugger");
  verb->add_option("TARGET", options.target, kTargetHelp)->required()->type_name("");
  verb->add_flag("--json", options.json, "Print one line of JSON");
  add_timeout(*verb, options.timeout);
}

void add_vm(CLI::App& app, VmOptions& options) {
  auto* verb = app.add_subcommand("vm", "Boot a kernel and an image in QEMU, and start the debugger on it");
  verb->add_option("--kernel", options.kernel, "The kernel (default: the image's, or this machine's newest)")
      ->type_name("FILE");
  add_initrd(*verb, options.attach.initrd,
             "The initramfs (default: that of this machine's newest kernel); several times, in boot order");
  verb->add_option("--overlay", options.overlay,
                   "An archive of gdbdebug-overlay(8) to load behind it (default: made for an image without gdbdebug)")
      ->type_name("FILE");
  verb->add_option("--append", options.append, "More of the kernel command line")->type_name("WORDS")->take_all();
  verb->add_option("--debug", options.value,
                   "The value of rd.gdbdebug= (default: ttyS1,wait; the line is the second serial port)")
      ->type_name("VALUE");
  verb->add_option("--accel", options.accel, "kvm, tcg, or auto to try KVM first (default: auto)")
      ->check(CLI::IsMember({"auto", "kvm", "tcg"}))
      ->type_name("HOW");
  verb->add_option("--memory", options.memory, "Of the virtual machine (default: 1G)")->type_name("SIZE");
  verb->add_option("--console", options.console, "Where the console goes")->type_name("FILE");
  verb->add_option("--socket", options.socket, "Where the debug line is, for others")->type_name("PATH");
  verb->add_option("--qemu", options.qemu, "The QEMU to use")->type_name("PROGRAM");
  verb->add_flag("--one-wire", options.one_wire, "The console's port is the debug line, and there is no other");
  verb->add_flag("--no-gdb", options.no_debugger, "Boot it only; `gdbdebug attach` can come to --socket");
  verb->add_flag("--keep", options.keep, "Let the machine go on when the debugger has ended");
  verb->add_option("--gdb-arg", options.attach.debugger_arguments, "Pass this on to the debugger")
      ->take_all()
      ->type_name("ARG");
  add_debug_dirs(*verb, options.attach.debug_dirs);
  add_max_size(*verb, options.attach.limits.unpacked);
  add_debugger_options(*verb, options.attach);
  add_timeout(*verb, options.attach.timeout);
  verb->footer("What follows -- is passed on to QEMU.");
}

void add_report(CLI::App& app, ReportOptions& options) {
  auto* verb = app.add_subcommand("report", "Turn a crash report in a console log into functions, files and lines");
  verb->add_option("CONSOLE-LOG", options.log, "What the console showed; - reads standard input")
      ->required()
      ->type_name("");
  add_initrd(*verb, options.initrd, "The image that the machine booted; several times, in boot order");
  verb->add_option("--sysroot", options.sysroot, "A directory with the machine's files, instead of --initrd")
      ->type_name("DIR");
  add_debug_dirs(*verb, options.debug_dirs);
  verb->add_option("--core", options.core, "Write the core in the log to this file, which gdb opens")
      ->type_name("FILE");
  verb->add_flag("--json", options.json, "Print one line of JSON");
  add_max_size(*verb, options.limits.unpacked);
}

// What comes after the first `--` belongs to another program, with the verbs that start one that takes it. It is taken
// away before CLI11 sees it. With the others `--` ends the options.
std::vector<std::string> split_off_arguments(int& argc, char** argv) {
  std::vector<std::string> others;
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb != "attach" && verb != "vm") return others;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) != "--") continue;
    others.assign(argv + i + 1, argv + argc);
    argc = i;
    break;
  }
  return others;
}

int tell(const Error& error) {
  std::fprintf(stderr, "gdbdebug: %s\n", printable(error.text(), true).c_str());
  return static_cast<int>(error.code);
}

// The error for a first word that is no verb, which CLI11 would not name. Nothing for an option, or no word at all.
std::optional<Error> wrong_verb(const CLI::App& app, int argc, char** argv) {
  const std::string_view word = argc > 1 ? argv[1] : "-";
  if (word.starts_with('-')) return std::nullopt;
  std::vector<std::string_view> verbs;
  std::string all;
  for (const auto* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (word == verb->get_name()) return std::nullopt;
    verbs.emplace_back(verb->get_name());
    all += (all.empty() ? "" : ", ") + verb->get_name();
  }
  const auto nearest = nearest_word(word, verbs);
  const auto meant = nearest.empty() ? "" : "did you mean '" + std::string(nearest) + "'? ";
  return Error{"reading the command line", std::string(word), "unknown verb",
               meant + "verbs: " + all + "; see `gdbdebug --help`", Exit::usage};
}

// The verb's own exit status, or that of the error it ended with. What it printed may still have to be written.
int finish(const Result<int>& result) {
  const bool flushed = std::fflush(stdout) == 0;
  const int number = flushed ? EIO : errno;  // of an earlier write the reason is not known any more
  if (!result.ok()) return tell(result.error());
  if (flushed && std::ferror(stdout) == 0) return result.value();
  return tell(system_error("writing what was found to", "standard output", number, "a part of it is lost"));
}

}  // namespace

// What is thrown here and not caught is bad_alloc, or a mistake in the options above: nothing could go on.
int main(int argc, char** argv) {  // NOLINT(bugprone-exception-escape)
  hold_standard_descriptors();
  (void)std::signal(SIGPIPE, SIG_IGN);  // a debugger or a line that has gone shows where it is written to
  CLI::App app("Debug PID 1 of an initramfs from its very first instruction", "gdbdebug");
  app.set_version_flag("--version", "gdbdebug " GDBDEBUG_VERSION);
  app.require_subcommand(1);
  app.footer(kFooter);

  SysrootOptions sysroot;
  add_sysroot(app, sysroot);
  CheckOptions check;
  add_check(app, check);
  AttachOptions attach;
  add_attach(app, attach);
  AttachOptions serve;
  std::string listen = "0";
  std::vector<std::string> snippets;
  add_serve(app, serve, listen, snippets);
  VmOptions vm;
  add_vm(app, vm);
  ReportOptions report;
  add_report(app, report);
  ConsoleOptions console;
  add_console(app, console);
  PsOptions ps;
  add_ps(app, ps);
  if (const auto wrong = wrong_verb(app, argc, argv)) return tell(*wrong);
  const auto others = split_off_arguments(argc, argv);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    const int status = app.exit(success);
    return std::cout.flush() ? status : finish(Error{"writing to", "standard output", "it takes nothing more"});
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "gdbdebug: %s; `gdbdebug --help` lists the verbs, `gdbdebug VERB --help` their options\n",
                 error.what());
    return static_cast<int>(Exit::usage);
  }

  if (app.got_subcommand("sysroot")) {
    if (sysroot.image.size() < 2)
      return tell(
          {"reading the command line", "sysroot", "DIR is required", "see `gdbdebug sysroot --help`", Exit::usage});
    sysroot.directory = sysroot.image.back();
    sysroot.image.pop_back();
    return finish(run_sysroot(sysroot));
  }
  if (app.got_subcommand("check")) return finish(run_check(check));
  if (app.got_subcommand("attach")) {
    attach.debugger_arguments = others;
    return finish(run_attach(attach));
  }
  if (app.got_subcommand("serve")) return finish(run_serve(serve, listen, snippets));
  if (app.got_subcommand("report")) return finish(run_report(report));
  if (app.got_subcommand("console")) return finish(run_console(console));
  if (app.got_subcommand("ps")) return finish(run_ps(ps));
  if (app.got_subcommand("vm")) {
    vm.qemu_arguments = others;
    return finish(run_vm(vm));
  }
  return static_cast<int>(Exit::usage);
}
