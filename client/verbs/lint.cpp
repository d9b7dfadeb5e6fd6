// SPDX-License-Identifier: GPL-2.0-or-later
// lint: see lint.hpp.
#include "verbs/lint.hpp"

#include <algorithm>
#include <array>

#include "core/base/text.hpp"
#include "core/request/ip.hpp"
#include "core/request/kernel_line.hpp"
#include "core/request/request.hpp"

namespace gdbdebug::client {
namespace {

constexpr std::string_view kName = "rd.gdbdebug";
// What rdinit= may name: the helper in an image, and that of the overlay.
constexpr std::array<std::string_view, 2> kOurPrograms{"/init", "/gdbdebug/init"};

// Where `word` is in `text`: there it points to, or else where it can be found (the parser also names options by
// themselves). The end, if it is not in it at all.
std::pair<std::size_t, std::size_t> place_of(std::string_view word, std::string_view text) {
  const auto* begin = text.data();
  if (word.data() >= begin && word.data() + word.size() <= begin + text.size()) {
    return {static_cast<std::size_t>(word.data() - begin), word.size()};
  }
  const auto found = word.empty() ? std::string_view::npos : text.rfind(word);
  return found == std::string_view::npos ? std::pair{text.size(), std::size_t{0}} : std::pair{found, word.size()};
}

std::string_view word_for(const Line& line) {
  switch (line.kind) {
    case Line::Kind::kVirtio:
      return "virtio";
    case Line::Kind::kVsock:
      return "vsock";
    case Line::Kind::kTcp:
      return "net";
    case Line::Kind::kSsh:
      return "ssh";
    case Line::Kind::kTerminal:
      break;
  }
  if (line.name.starts_with("hvc")) return "virtio";
  return line.name.starts_with("ttyUSB") || line.name.starts_with("ttyACM") ? "usb" : "serial";
}

std::string within(const std::optional<std::uint32_t>& seconds) {
  return seconds ? ", for " + std::to_string(*seconds) + " seconds at most" : ", for as long as it takes";
}

// Who may debug the machine over TCP.
std::string peers_of(const Request& request) {
  // cppcheck-suppress knownConditionTrueFalse ; 2.17 counts the places, not from_count
  if (!request.networks().empty())
    return "; only from the network" + std::string(request.from_count > 1 ? "s" : "") + " of from=";
  return request.insecure ? "; whoever reaches the machine can debug it" : "";
}

// Whether the kernel has a console on this terminal, as far as its command line tells: then it is one wire for both.
bool is_console(const Line& line, std::string_view text) {
  if (line.kind != Line::Kind::kTerminal) return false;
  bool found = line.name == kConsoleLine;
  Parameters parameters(text);
  while (const auto parameter = parameters.next()) {
    if (parameter->name != "console" || !parameter->value) continue;
    auto device = *parameter->value;
    found = found || take_word(device, ',') == line.name;
  }
  return found;
}

// Where `wait` holds PID 1.
std::string places_of(const Request& request) {
  std::string text;
  const auto add = [&](std::string_view place) { text += (text.empty() ? "" : ", and at ") + std::string(place); };
  if (request.at_init)
    add(request.holds_later() ? "the first instruction of the image's init" : "its first instruction");
  if (request.at_root) add("the first instruction of the real root's init");
  if (request.at_shutdown) add("the first instruction of each program that shuts the machine down");
  return text;
}

std::string meaning_of(const Request& request, bool shared) {
  std::string text = "the line is " + std::string(request.line.text);
  if (shared) {
    text = request.line.name == kConsoleLine
               ? "the line is the last console that has a serial terminal, which stays a console"
               : text + ", which stays a console";
  }
  if (request.line.kind == Line::Kind::kTerminal && (!shared || request.has_speed)) {
    text += " at " + std::to_string(request.speed.baud) + request.speed.parity + std::to_string(request.speed.bits);
    if (request.speed.rtscts) text += "r";
  }
  text += peers_of(request);
  if (request.wait) text += "; PID 1 is held at " + places_of(request) + within(request.wait_seconds);
  if (request.crash) text += "; PID 1 is held when a fatal signal is about to end it" + within(request.crash_seconds);
  if (request.crash && request.handled) text += "; also at a signal for which PID 1 has a handler";
  if (request.exit) text += "; PID 1 is held when it is about to exit";
  if (request.exit && request.reboot) text += ", or to restart or stop the machine";
  for (const auto program : request.held()) {
    text += "; each process that executes " + std::string(program) + " is held at its first instruction" +
            within(request.hold_seconds);
  }
  if (request.hang_seconds) {
    text +=
        "; a report of all processes goes into the kernel log if the real root's init has not been executed after " +
        std::to_string(*request.hang_seconds) + " seconds";
  }
  if (request.core && (request.armed() || request.hang_seconds)) {
    text += "; a core of PID 1 goes into the kernel log, with ";
    text += request.core_all ? "all memory that it can write to" : "parts of its memory, which can be secrets";
  }
  if (request.feed) text += "; a watchdog of PID 1's is fed while PID 1 is held";
  if (!request.holds()) text += "; the boot goes straight on, and a debugger can attach at any time";
  if (!request.modules.empty()) text += "; these modules are loaded first: " + std::string(request.modules);
  return text;
}

// Device names of lines: a word such as `wait` or `ttys1` in their place is most likely a slip, though the helper would
// wait for a device of that name. `tty1` is the screen, where no debugger is. The kernel's drivers for serial ports
// (drivers/tty/serial, drivers/s390/char) have capitals in their devices' names, but for i.MX and SCLP.
bool is_usual_device(std::string_view name) {
  const auto end = name.find_last_not_of("0123456789");
  if (end == std::string_view::npos || end + 1 == name.size()) return false;
  const auto driver = name.substr(0, end + 1);
  if (driver == "hvc" || driver == "ttymxc" || driver == "ttysclp") return true;
  return driver.starts_with("tty") && driver.size() > 3 &&
         driver.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 3) == std::string_view::npos;
}

// What a boot executes so often that nothing would come of holding it.
bool is_everywhere(std::string_view program) {
  const auto name = program.substr(program.rfind('/') + 1);
  for (const std::string_view each : {"sh", "bash", "dash", "ash", "busybox", "mount", "env", "systemd-executor"}) {
    if (name == each) return true;
  }
  return false;
}

void add_remark(std::string_view word, std::string reason, std::string hint, Lint& into) {
  const auto [column, length] = place_of(word, into.text);
  into.remarks.push_back({false, column, length, std::move(reason), std::move(hint)});
}

// The value of rd.gdbdebug=, a part of `into.text`.
std::optional<Request> read_value(std::string_view value, Lint& into) {
  Notes notes;
  const auto request = parse_request(value, notes);
  for (const auto& note : notes.all()) add_remark(note.word, std::string(note.reason), std::string(note.hint), into);
  for (const auto program : request ? request->held() : std::span<const std::string_view>{}) {
    if (is_everywhere(program))
      add_remark(program, "a boot executes it many times, and each time it is held", "holdtime=30", into);
  }
  if (notes.dropped() > 0) {
    const auto [column, length] = place_of(value, into.text);
    into.remarks.push_back({false, column + length, 0, "and " + std::to_string(notes.dropped()) + " more", {}});
  }
  if (!request) {
    const auto [column, length] = place_of(request.error().subject, into.text);
    into.remarks.push_back({true, column, length, std::string(request.error().reason), {}});
    return std::nullopt;
  }
  const bool shared = is_console(request->line, into.text);
  if (request->line.kind == Line::Kind::kTerminal && !shared && !is_usual_device(request->line.name)) {
    add_remark(request->line.text, "the first word is the line, and no serial device is called like this",
               "ttyS1, ttyAMA0, hvc0, ttyUSB0, virtio:NAME or console", into);
  }
  into.meaning = meaning_of(*request, shared);
  into.line_word = word_for(request->line);
  for (auto rest = request->modules; !rest.empty();) {
    if (const auto module = take_word(rest, ':'); !module.empty()) into.modules.emplace_back(module);
  }
  return *request;
}

// systemd-getty-generator starts a getty on these whatever console= says. It hangs the line up, which a session
// survives, and then reads what the debugger sends, which it does not.
void look_for_getty(std::string_view name, Lint& into) {
  constexpr std::array<std::string_view, 5> kGetty{"hvc0", "hvsi0", "xvc0", "sclp_line0", "ttysclp0"};
  if (std::ranges::find(kGetty, name) == kGetty.end()) return;
  const auto unit = "serial-getty@" + std::string(name) + ".service";
  Parameters parameters(into.text);
  while (const auto parameter = parameters.next()) {
    if (parameter->name == "systemd.mask" && parameter->value == std::string_view(unit)) return;
    if (parameter->name == "systemd.getty_auto" && parameter->value && is_off(*parameter->value)) return;
  }
  add_remark(name, "systemd starts a getty on it in the real root, which takes what the debugger sends",
             "systemd.mask=" + unit + " beside it", into);
}

// The other parameters of the kernel command line that matter to this line.
void read_others(const Line& line, Lint& into) {
  if (line.kind == Line::Kind::kTerminal && !is_console(line, into.text)) look_for_getty(line.name, into);
  const auto rdinit = find_value(into.text, "rdinit");
  if (rdinit && std::ranges::find(kOurPrograms, *rdinit) == kOurPrograms.end()) {
    const auto [column, length] = place_of(*rdinit, into.text);
    into.remarks.push_back({true, column, length,
                            "rdinit= makes the kernel run this in the place of /init, so the helper does not run",
                            "no rdinit="});
    into.meaning.clear();
    into.line_word.clear();
  }
  if (line.kind != Line::Kind::kTcp && line.kind != Line::Kind::kSsh) return;
  if (const auto ip = find_value(into.text, "rd.gdbdebug.ip")) {
    if (const auto config = parse_ip(*ip); !config) {
      const auto [column, length] = place_of(config.error().subject, into.text);
      into.remarks.push_back({true, column, length, std::string(config.error().reason), {}});
      into.meaning.clear();
      into.line_word.clear();
    }
  } else if (const auto foreign = find_value(into.text, "ip")) {
    std::optional<gdbdebug::Error> trouble;
    (void)parse_foreign_ip(*foreign, trouble);
    if (trouble)
      add_remark(trouble->subject, std::string(trouble->reason) + "; the debug line ignores it",
                 "rd.gdbdebug.ip= for the debug line alone", into);
  }
}

// In a kdump kernel the helper looks at one parameter more.
void read_kdump(Lint& into) {
  const auto allowed = find_kdump(into.text);
  const auto value = find_value(into.text, kKdumpParameter);
  if (value && !is_default(*value) && !is_off(*value))
    add_remark(*value, "only 1 turns debugging on in a kdump kernel", std::string(kKdumpParameter) + "=1", into);
  if (into.meaning.empty() || into.line_word.empty() || !is_kdump(into.text) || allowed.value_or(false)) return;
  into.meaning = "debugging is off, for elfcorehdr= is there only in a kdump kernel; " + std::string(kKdumpParameter) +
                 "=1 would turn it on";
  into.line_word.clear();
  into.modules.clear();
}

Lint read_text(std::string_view text, std::string_view default_value) {
  Lint result;
  result.text = trim(text);
  std::string_view value = result.text;
  unsigned count = 0;
  Parameters parameters(result.text);
  while (const auto parameter = parameters.next()) {
    if (parameter->name == kName) ++count;
  }
  if (count == 0 && (result.text.empty() || result.text.find_first_of(" \t") != std::string::npos)) {
    result.remarks.push_back(
        {true, 0, result.text.size(), "there is no " + std::string(kName) + " in it", "rd.gdbdebug=ttyS1,wait"});
    return result;
  }
  const std::string prefix = count > 1 ? "the last of " + std::to_string(count) + " counts: " : "";
  bool means_default = is_default(value);
  if (count > 0) {
    const auto setting = find_setting(result.text);
    means_default = !setting->value || is_default(*setting->value);
    if (!means_default) value = *setting->value;
  }
  if (means_default) {
    Lint of_default;
    of_default.text = default_value;
    const auto request = read_value(of_default.text, of_default);
    if (!of_default.meaning.empty())
      result.meaning = prefix + "as " + of_default.text + ", the image's default: " + of_default.meaning;
    result.line_word = of_default.line_word;
    result.modules = of_default.modules;
    for (auto& remark : of_default.remarks) {
      const auto word = of_default.text.substr(remark.column, remark.length);
      remark.reason = "in the image's default '" + of_default.text + "'" + (word.empty() ? "" : ", '" + word + "'") +
                      ": " + remark.reason;
      remark.column = result.text.size();
      remark.length = 0;
      result.remarks.push_back(std::move(remark));
    }
    if (request) read_others(request->line, result);
    return result;
  }
  if (is_off(value)) {
    result.meaning = prefix + "debugging is off";
    return result;
  }
  if (const auto request = read_value(value, result)) read_others(request->line, result);
  if (!result.meaning.empty()) result.meaning.insert(0, prefix);
  return result;
}

}  // namespace

Lint lint(std::string_view text, std::string_view default_value) {
  auto result = read_text(text, default_value);
  read_kdump(result);
  return result;
}

std::string in_words(const Lint& lint) {
  std::string text = lint.text + "\n";
  for (const auto& remark : lint.remarks) {
    text += std::string(remark.column, ' ') + "^";
    if (remark.length > 1) text += std::string(remark.length - 1, '~');
    text += std::string(remark.fault ? "\nfault: " : "\nwarning: ");
    if (remark.length > 0) text += "'" + lint.text.substr(remark.column, remark.length) + "': ";
    text += remark.reason;
    if (!remark.hint.empty()) text += "; right would be " + remark.hint;
    text += "\n";
  }
  if (!lint.meaning.empty()) text += "meaning: " + lint.meaning + "\n";
  for (const auto& remark : lint.remarks) {
    if (remark.fault) return text + "meaning: the machine boots as if debugging were off\n";
  }
  return text;
}

}  // namespace gdbdebug::client
