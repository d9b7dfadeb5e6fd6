// SPDX-License-Identifier: GPL-2.0-or-later
// vm: the verb that boots a kernel and an image in QEMU, and brings the debugger to it.
#include <fcntl.h>

#include <cstdio>

#include "base/interrupt.hpp"
#include "base/process.hpp"
#include "core/request/kernel_line.hpp"
#include "core/request/request.hpp"
#include "image/inspect.hpp"
#include "image/unpack.hpp"
#include "verbs/attach.hpp"
#include "verbs/boot_files.hpp"
#include "verbs/lint.hpp"
#include "verbs/qemu.hpp"

namespace gdbdebug::client {
namespace {

constexpr std::size_t kTail = 12;  // lines of a log that are worth showing

// The last lines of a file, each behind two spaces, or nothing.
std::string tail_of(const std::string& path) {
  const auto text = read_file(path, "reading", std::size_t{1} << 28);
  if (!text.ok()) return "";
  std::string_view rest = text.value();
  while (!rest.empty() && (rest.back() == '\n' || rest.back() == '\r')) rest.remove_suffix(1);
  std::size_t begin = rest.size();
  for (std::size_t lines = 0; begin != 0 && lines < kTail; ++lines) {
    const auto newline = rest.rfind('\n', begin - 1);
    begin = newline == std::string_view::npos ? 0 : newline;
  }
  std::string tail;
  if (begin == 0 && !rest.empty()) tail = "\n  ";
  for (const char c : rest.substr(begin)) {
    if (c == '\n')
      tail += "\n  ";
    else if (static_cast<unsigned char>(c) >= 0x20 || c == '\t')
      tail += c;
  }
  return tail;
}

// A child that is ended with the object.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (!ended()) end_child(pid_, 5000);
  }
  /// Whether it has ended; waits so long for that, or until a signal comes.
  [[nodiscard]] bool ended(int milliseconds = 0) {
    int number = 0;
    if (!status_ && ends_within(pid_, milliseconds, number)) status_ = number;
    return status_.has_value();
  }
  [[nodiscard]] int status() const { return status_.value_or(0); }

 private:
  pid_t pid_;
  std::optional<int> status_;
};

bool has_parameter(const std::string& line) {
  Parameters parameters(line);
  while (const auto parameter = parameters.next()) {
    if (parameter->name == "rd.gdbdebug") return true;
  }
  return false;
}

std::string append_line(const VmOptions& options, const Machine& machine) {
  // First: the kernel forgets what it has for init from before it.
  std::string line = options.overlay.empty() ? "" : std::string("rdinit=") + layout::kOverlayInit + " ";
  // -1: reboot at once after a panic, which ends QEMU: nobody could do anything there.
  line += "console=" + machine.console + " panic=-1";
  for (const auto& words : options.append) line += " " + words;
  if (!has_parameter(line)) {
    const std::string usual =
        (options.one_wire ? machine.console : machine.line) + (options.attach.crashed ? ",crash" : ",wait");
    line += " rd.gdbdebug=" + (options.value.empty() ? usual : options.value);
  }
  return line;
}

// What is booted: the machine, and the options that join its debug line to the chardev `gdbdebug`.
struct Booted {
  Machine machine;
  std::vector<std::string> line;
  bool shared = false;  // the console's port is the debug line
};

std::string program_of(const VmOptions& options, const Machine& machine) {
  return options.qemu.empty() ? machine.qemu : options.qemu;
}

// The machine with the debug line that the kernel command line `text` names. An error for one that this machine cannot
// have: the target would wait for it, or listen where nobody comes.
Result<Booted> booted_with(const VmOptions& options, const Machine& machine, std::string_view text,
                           std::string_view default_value) {
  Notes notes;
  const auto setting = find_setting(text);
  const bool is_on = setting && !(setting->value && is_off(*setting->value));
  const bool names_line = is_on && setting->value && !is_default(*setting->value);
  const auto own = parse_request(machine.line, notes);
  const auto request = names_line ? parse_request(*setting->value, notes)
                       : is_on    ? parse_request(default_value, notes)
                                  : own;
  Booted booted{machine, {}};
  if (!own || !request) return booted;  // lint() has told the user
  const auto& line = request->line;
  booted.shared = line.kind == Line::Kind::kTerminal && (line.name == machine.console || line.name == kConsoleLine);
  if (options.one_wire && !booted.shared) {
    return Error{"making the debug line", std::string(line.text), "with --one-wire the line is the console",
                 "rd.gdbdebug=" + machine.console + " names it", Exit::usage};
  }
  booted.line = line_options(machine, line);
  // The user's own options for QEMU can join the chardev to any line.
  if (booted.shared || !booted.line.empty() || !options.qemu_arguments.empty()) return booted;
  if (options.no_debugger) {
    booted.line = line_options(machine, own->line);
    return booted;
  }
  return Error{"making the debug line", std::string(line.text), "gdbdebug makes no such line for this machine",
               machine.line + ", " + machine.console +
                   ", virtio:NAME and hvc0 are those it makes; options for QEMU after -- can make others, and "
                   "--no-gdb --socket PATH boots without a debugger",
               Exit::usage};
}

std::vector<std::string> qemu_argv(const VmOptions& options, const Booted& booted, const std::string& accel,
                                   const std::string& console, const std::string& socket, const std::string& initrd) {
  const auto& machine = booted.machine;
  std::vector<std::string> argv{program_of(options, machine)};
  const auto add = [&](std::vector<std::string> words) { argv.insert(argv.end(), words.begin(), words.end()); };
  // A comma in a path would end it in QEMU's eyes; two stand for one.
  const auto path = [](const std::string& name) {
    std::string text;
    for (const char c : name) text += c == ',' ? ",," : std::string(1, c);
    return text;
  };
  add(machine.options);
  add({"-accel", accel, "-m", options.memory, "-nodefaults", "-display", "none", "-no-reboot"});
  add({"-kernel", options.kernel, "-initrd", initrd, "-append", append_line(options, machine)});
  const auto line = "socket,id=gdbdebug,path=" + path(socket) + ",server=on,wait=off";
  if (booted.shared) {
    add({"-chardev", line + ",logfile=" + path(console), "-serial", "chardev:gdbdebug"});
  } else {
    add({"-chardev", "file,id=console,path=" + path(console), "-serial", "chardev:console"});
    add({"-chardev", line});
    add(booted.line);
  }
  add(options.qemu_arguments);
  return argv;
}

// The files that are booted, where not all were named, and the overlay, if the image has no helper. `made` is where one
// is made.
Result<VmOptions> completed(VmOptions options, const std::string& made, Display& display) {
  auto& initrd = options.attach.initrd;
  if (initrd.empty()) {
    if (!options.kernel.empty())
      return Error{"reading the command line", "--kernel", "--initrd must name the image that belongs to it", "",
                   Exit::usage};
    const auto newest = newest_boot_files("");
    if (!newest.ok()) return newest.error();
    options.kernel = newest.value().kernel;
    initrd = {newest.value().initrd};
    display.say("booting the newest of this machine: '" + options.kernel + "' with '" + initrd.front() + "'");
  }
  display.doing("looking at '" + names_of(initrd) + "'");
  const auto image = read_image(initrd, options.attach.limits, scratch_directory());
  if (!image.ok()) return image.error();
  if (options.kernel.empty()) {
    options.kernel = kernel_of("", image.value().kernel);
    if (options.kernel.empty()) {
      return Error{"looking for the kernel of", names_of(initrd),
                   image.value().kernel.empty() ? "the image does not tell its version"
                                                : "there is none of version " + image.value().kernel + " here",
                   "name it with --kernel", Exit::usage};
    }
    display.say("booting '" + options.kernel + "', for whose version the image is");
  }
  const TreeFiles files(image.value().tree);
  if (options.overlay.empty() && has_overlay(files)) {
    // It is one of those that were named, and needs its word on the command line all the same.
    options.overlay = initrd.back();
  } else if (!options.overlay.empty() || !has_helper(files)) {
    if (options.overlay.empty()) {
      display.doing("making an overlay");
      if (const auto done = make_overlay(made); !done.ok()) return done.error();
      options.overlay = made;
    }
    initrd.push_back(options.overlay);
    display.say("an overlay with gdbdebug is loaded behind the image, and started by rdinit=" +
                std::string(layout::kOverlayInit));
  }
  return options;
}

// The machine that the image is for. An image without the helper is refused, and a command line that keeps it from
// debugging: the target would never answer.
Result<Booted> look_at(const VmOptions& options, Display& display) {
  const auto image = read_image(options.attach.initrd, options.attach.limits, scratch_directory());
  if (!image.ok()) return image.error();
  const auto facts = inspect(image.value(), built_in_here);
  if (!facts.faults.empty()) {
    return Error{"booting the image", names_of(options.attach.initrd), facts.faults.front()};
  }
  for (const auto& broken : facts.broken) display.say("WARNING: " + broken);
  const auto machine = machine_for(facts.real_init.elf ? facts.real_init.elf->machine : "");
  if (!machine.ok()) return machine.error();
  const auto linted = lint(append_line(options, machine.value()), facts.default_value);
  for (const auto& remark : linted.remarks) {
    const auto word = linted.text.substr(remark.column, remark.length);
    if (!remark.fault || options.no_debugger) {
      display.say("the kernel command line" + (word.empty() ? "" : ", '" + word + "'") + ": " + remark.reason);
    } else {
      return Error{"reading the kernel command line", word, remark.reason, remark.hint, Exit::usage};
    }
  }
  if (linted.line_word.empty() && !options.no_debugger) {
    return Error{"booting with", linted.text, linted.meaning, "--no-gdb boots it without a debugger", Exit::usage};
  }
  const auto text = append_line(options, machine.value());
  return booted_with(options, machine.value(), text, facts.default_value);
}

// What gdbdebug says on the console of the machine while it is waited for: why the line cannot be opened, for example.
class ConsoleRemarks {
 public:
  ConsoleRemarks(std::string path, Display& display) : path_(std::move(path)), display_(display) {}
  /// Tells those that have come since the last call.
  void tell() {
    const auto text = read_file(path_, "reading", std::size_t{1} << 28);
    if (!text.ok()) return;
    while (read_ < text.value().size()) {
      const auto end = text.value().find('\n', read_);
      if (end == std::string::npos) return;
      auto line = std::string_view(text.value()).substr(read_, end - read_);
      read_ = end + 1;
      const auto mark = line.find("gdbdebug: ");
      if (mark == std::string_view::npos || line.substr(mark).starts_with("gdbdebug: ready on")) continue;
      if (line.ends_with('\r')) line.remove_suffix(1);
      display_.say("the console says: " + std::string(line.substr(mark)));
    }
  }

 private:
  std::string path_;
  Display& display_;
  std::size_t read_ = 0;
};

// Waits until the machine ends by itself, or the user has had enough of it.
void wait_for_end(Child& qemu, Display& display) {
  constexpr int kShownAgain = 1000;  // ms, for the time that the display shows
  do {
    display.doing("the virtual machine goes on; Ctrl-C ends it");
  } while (!interrupted() && !qemu.ended(kShownAgain));
  display.clear();
}

// kvm or tcg, by trial. With `--accel kvm` KVM is taken whatever the trial says, but not in silence. That KVM hangs
// takes ten seconds to find out, so it is remembered of this QEMU until the next boot of this machine, which may bring
// another kernel or another host.
Result<std::string> choose_accel(const VmOptions& options, const Machine& machine, Display& display) {
  constexpr const char* kConsequence = ", so the boot takes ten times as long";
  const bool insists = options.accel == "kvm";
  if (options.accel != "auto" && !(insists && kvm_may_work(machine))) return options.accel;  // QEMU says what is wrong
  if (!kvm_may_work(machine)) {
    display.say(std::string("there is no KVM here for this machine and user") + kConsequence);
    return std::string("tcg");
  }
  const auto program = program_of(options, machine);
  const auto cache = cache_directory();
  const auto path = cache.ok() ? cache.value() + "/no-kvm" : "";
  const auto boot = read_file("/proc/sys/kernel/random/boot_id", "reading");
  const auto mark = boot.ok() ? boot.value() + program + "\n" : "";
  const auto marked = path.empty() ? Result<std::string>(Error{}) : read_file(path, "reading");
  std::string tried = "does not work here";
  if (mark.empty() || !marked.ok() || marked.value() != mark) {
    display.doing("trying whether KVM works here");
    const auto trial = try_kvm(program, machine, options.kernel);
    if (!trial.ok()) return trial.error();
    if (trial.value() == KvmTrial::works) return std::string("kvm");
    // Where it cannot be kept it is tried again.
    const bool keep = trial.value() == KvmTrial::hangs && !path.empty();
    const UniqueFd fd(!keep ? -1 : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (fd) (void)write_all(fd.get(), as_bytes(mark));
  } else {
    tried = "did not work when it was tried";
  }
  if (insists) {
    display.say("WARNING: KVM " + tried +
                ": a kernel alone did not finish in time; if nothing answers, use --accel tcg");
    return options.accel;
  }
  display.say("KVM " + tried + kConsequence + " (--accel kvm would insist)");
  return std::string("tcg");
}

}  // namespace

Result<int> run_vm(const VmOptions& given) {
  catch_interrupts();
  Display display;
  ScratchDirectory place;
  if (auto made = place.make(run_directory()); !made.ok()) return made.error();
  const auto complete = completed(given, place.path() + "/gdbdebug.img", display);
  if (!complete.ok()) return complete.error();
  const auto& options = complete.value();
  const auto booted = look_at(options, display);
  if (!booted.ok()) return booted.error();
  const auto& machine = booted.value().machine;
  if (const auto kernel = Mapping::open(options.kernel, "opening the kernel"); !kernel.ok()) return kernel.error();
  if (const auto program = program_of(options, machine); !find_program(program)) {
    return Error{"starting", program, "program not found", "install QEMU for this machine (qemu-system-x86 on Debian)"};
  }
  if (const auto debugger = find_debugger(options.attach.debugger, ""); !options.no_debugger && !debugger.ok())
    return debugger.error();
  const auto symbols =
      find_symbols(given.attach.initrd.empty() ? std::vector{options.attach.initrd.front()} : given.attach.initrd, "",
                   options.attach.limits, display);
  if (!symbols.ok()) return symbols.error();

  const auto accel = choose_accel(options, machine, display);
  if (!accel.ok()) return accel.error();
  const auto socket = options.socket.empty() ? place.path() + "/debug.sock" : options.socket;
  const auto console = options.console.empty() ? place.path() + "/console.log" : options.console;
  const auto log = place.path() + "/qemu.log";
  const UniqueFd log_fd(::open(log.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!log_fd || !null) return system_error("opening", log, errno);

  auto initrd = options.attach.initrd.front();
  if (options.attach.initrd.size() > 1) {
    initrd = place.path() + "/initrd.img";
    if (const auto joined = join_images(options.attach.initrd, initrd); !joined.ok()) return joined.error();
  }
  Spawn child;
  child.argv = qemu_argv(options, booted.value(), accel.value(), console, socket, initrd);
  child.input = null.get();
  child.output = child.error = log_fd.get();
  child.own_group = true;  // Ctrl-C is for the debugger
  child.dies_with_us = true;
  if (options.attach.verbose) {
    std::string line;
    for (const auto& word : child.argv) line += " " + word;
    display.say("starting" + line);
  }
  const auto pid = spawn(child);
  if (!pid.ok()) return pid.error();
  Child qemu(pid.value());
  display.say(booted.value().shared
                  ? "the console and the debug line are one wire, " + socket + "; " + console + " records it"
                  : "the console goes to " + console + ", the debug line is " + socket);

  if (options.no_debugger) {
    wait_for_end(qemu, display);
    return qemu.status();
  }
  ConsoleRemarks remarks(console, display);
  const auto still_there = [&]() -> std::optional<Error> {
    remarks.tell();
    if (!qemu.ended()) return std::nullopt;
    auto said = tail_of(log);
    const auto shown = tail_of(console);
    if (!shown.empty()) said += "\nThe console's last lines:" + shown;
    return Error{"waiting for", "the virtual machine",
                 "QEMU has ended (exit status " + std::to_string(qemu.status()) + ")" +
                     (said.empty() ? "" : ". It said: " + said)};
  };
  Target target;
  target.text = target.path = socket;
  const Awaited awaited{"", options.attach.timeout, options.attach.crashed, still_there, options.attach.process};
  auto arrival = await_target(target, awaited, display);
  display.clear();
  if (!arrival.ok()) {
    Error error = arrival.error();
    if (error.code == Exit::no_answer) error.next = "the console's last lines:" + tail_of(console);
    return error;
  }
  const auto status = debug(options.attach, target, std::move(arrival.value()), symbols.value(), display);
  if (options.keep && status.ok()) {
    // The debugger is gone: Ctrl-C is ours again.
    catch_interrupts_again();
    wait_for_end(qemu, display);
  }
  if (qemu.ended()) {
    const auto shown = tail_of(console);
    display.say("the virtual machine has ended" + (shown.empty() ? "" : "; its console's last lines:" + shown));
  }
  return status;
}

}  // namespace gdbdebug::client
