// SPDX-License-Identifier: GPL-2.0-or-later
// report: the verb that turns a crash report in a console log into functions, files and lines.
#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <set>

#include "base/interrupt.hpp"
#include "base/json.hpp"
#include "base/words.hpp"
#include "core/base/text.hpp"
#include "image/elf.hpp"
#include "report/core_file.hpp"
#include "report/core_log.hpp"
#include "report/crash_report.hpp"
#include "report/hang_report.hpp"
#include "report/symbolize.hpp"
#include "verbs/attach.hpp"
#include "verbs/core_report.hpp"
#include "verbs/log_source.hpp"

namespace gdbdebug::client {
namespace {

constexpr std::size_t kEnoughOfBuildId = 8;  // digits of one that is cut off, to tell builds apart

std::string hexadecimal(std::uint64_t number) {
  std::array<char, 24> text{};
  (void)std::snprintf(text.data(), text.size(), "0x%" PRIx64, number);  // fits
  return text.data();
}

// The file in the image that a frame is in, on this machine, or why there is none.
struct Place {
  std::string here;
  std::string why_not;
};

class ReportFiles {
 public:
  ReportFiles(const CrashReport& report, const std::string& sysroot) : report_(report), sysroot_(sysroot) {}

  Place find(const std::string& named) const {
    if (sysroot_.empty()) return {"", "no image was named"};
    const DirectoryFiles files(sysroot_);
    std::string name = named;
    constexpr std::string_view kDeleted = " (deleted)";  // the image's files, after the switch to the real root
    if (name.ends_with(kDeleted)) name.resize(name.size() - kDeleted.size());
    const auto path = name.starts_with('/') ? files.resolve(name) : "";
    const auto content = path.empty() ? std::nullopt : files.read(path);
    if (!content) return {"", "not in the image"};
    const auto elf = read_elf(*content);
    if (!elf) return {"", "not a program in the image"};
    const auto map = std::ranges::find(report_.maps, named, &CrashReport::Map::file);
    const auto& build_id = map != report_.maps.end() ? map->build_id : std::string();
    const bool cut_off = build_id.size() >= kEnoughOfBuildId && elf->build_id.starts_with(build_id);
    if (!build_id.empty() && !elf->build_id.empty() && build_id != elf->build_id && !cut_off) {
      return {"", "another one in the image: build ID " + elf->build_id + " there, " + build_id + " in the report"};
    }
    return {files.here(path), ""};
  }

 private:
  const CrashReport& report_;
  const std::string& sysroot_;
};

std::string in_words(const Code& code) {
  std::string text = code.function.empty() ? "??" : printable(code.function);
  if (code.file.empty()) {
    if (!code.function.empty()) text += "+" + hexadecimal(code.offset);
    return text;
  }
  return text + " at " + printable(code.file) + ":" + std::to_string(code.line);
}

// What is known of one frame.
struct SymbolizedFrame {
  CrashReport::Frame frame;
  bool believable = false;
  std::vector<Code> codes;  ///< The innermost function first; empty if nothing is known.
};

// What is known of a report, for a person and for a program.
struct SymbolizedReport {
  std::vector<SymbolizedFrame> frames;
  std::vector<std::string> notes;
};

std::string plural(std::uint64_t count, const std::string& one, const std::string& more) {
  return std::to_string(count) + " " + (count == 1 ? one : more);
}

// That the list of frames is not whole; empty if it is, as far as can be told.
std::string left_out(const CrashReport& report) {
  std::string text;
  if (report.omitted.value_or(0) != 0) {
    text = "the list is cut: " + plural(*report.omitted, "possible return address", "possible return addresses") +
           " on the stack " + (*report.omitted == 1 ? "is" : "are") + " not in it";
  } else if (report.may_be_cut()) {
    text = "the list may be cut: the gdbdebug on that machine stops at " + std::to_string(*report.frames_said) +
           " frames, and does not say so";
  }
  if (report.unread != 0) {
    text += (text.empty() ? "the list is cut: " : "; ") + std::to_string(report.unread) +
            " bytes of the stack were not looked at";
  }
  return text;
}

// That lines are missing or damaged; empty if none is.
std::string gaps(const CrashReport& report) {
  std::string text;
  if (!report.begun)
    text = "the first line of the report was lost, with the signal and the machine's name";
  else if (!report.frames_said || !report.maps_said) {
    text = "the log ends before the report does, or lines of it were lost";
  } else if (!report.complete()) {
    text = "lines of the report were lost: " + std::to_string(report.frames.size()) + " of " +
           std::to_string(*report.frames_said) + " frames and " + std::to_string(report.maps.size()) + " of " +
           std::to_string(*report.maps_said) + " mappings are there";
  }
  if (const auto damaged = report.damaged(); damaged != 0) {
    if (!text.empty()) text += "; ";
    text += plural(damaged, "line", "lines") +
            " of the report cut off or damaged: a log that a terminal has wrapped is not enough, it needs the bytes "
            "as they came";
  }
  return text;
}

SymbolizedReport symbolize(const CrashReport& report, const std::string& sysroot, Symbolizer& symbolizer) {
  const ReportFiles files(report, sysroot);
  SymbolizedReport symbolized;
  std::set<std::string> notes;
  for (const auto& frame : report.folded()) {
    auto& known = symbolized.frames.emplace_back(SymbolizedFrame{frame, report.believable(frame), {}});
    // Without an address behind it an offset may be the first digits of another one, and lead to a wrong function.
    if (!frame.file.starts_with('/') || !frame.offset || !frame.address) continue;
    const auto found = files.find(frame.file);
    if (!found.why_not.empty()) notes.insert(printable(frame.file) + ": " + found.why_not);
    if (found.here.empty()) continue;
    known.codes = symbolizer.at(found.here, *frame.offset, !frame.by.empty() || frame.number > 0);
    const auto why = symbolizer.why_no_lines(found.here);
    if (!why.empty()) notes.insert(printable(frame.file) + ": " + why);
  }
  symbolized.notes.assign(notes.begin(), notes.end());
  for (const auto& note : {left_out(report), gaps(report)}) {
    if (!note.empty()) symbolized.notes.push_back(note);
  }
  return symbolized;
}

void print_head(const CrashReport& report) {
  std::string text = "PID 1";
  if (!report.comm.empty()) text += " (" + printable(report.comm) + ")";
  if (!report.signal.empty()) text += ", " + printable(report.signal);
  if (!report.address.empty()) text += " at address " + printable(report.address);
  if (report.sender == "1") {
    text += " sent by itself";
  } else if (!report.sender.empty()) {
    text += " sent by process " + printable(report.sender);
    if (!report.sender_comm.empty()) text += " (" + printable(report.sender_comm) + ")";
  }
  if (report.stack == "overflow") text += ", stack overflow";
  if (report.handled) text += ", for which it has a handler";
  if (!report.exit.empty()) text += ", exit with status " + printable(report.exit);
  if (!report.reboot.empty()) text += ", reboot(2) with " + printable(report.reboot);
  if (!report.kernel.empty()) text += ", kernel " + printable(report.kernel);
  if (!report.machine.empty()) text += ", " + printable(report.machine);
  std::printf("%s\n", text.c_str());
  if (!report.command.empty()) {
    text = "command:";
    for (const auto& word : report.command) text += " " + printable(word);
    std::printf("%s\n", text.c_str());
  }
}

void print_frame(const SymbolizedFrame& known) {
  const auto& frame = known.frame;
  std::string place = printable(frame.file);
  if (frame.offset) place += "+" + hexadecimal(*frame.offset);
  if (frame.file.empty()) place = frame.address ? hexadecimal(*frame.address) + ", where no file is mapped" : "??";
  if (!known.believable) place += ", the line is damaged";
  const auto number = "#" + std::to_string(frame.number);
  const auto innermost = known.codes.empty() ? Code() : known.codes.front();
  std::printf("%-4s%s (%s)\n", number.c_str(), in_words(innermost).c_str(), place.c_str());
  for (std::size_t i = 1; i < known.codes.size(); ++i)
    std::printf("      inlined into %s\n", in_words(known.codes[i]).c_str());
  if (frame.times > 1) std::printf("      repeated %" PRIu64 " times\n", frame.times);
}

void print_frames(const SymbolizedReport& symbolized) {
  bool scanned = false;
  std::string chain;
  for (const auto& known : symbolized.frames) {
    print_frame(known);
    scanned = scanned || !known.frame.by.empty();
    if (known.frame.by == "chain") chain += (chain.empty() ? "#" : ", #") + std::to_string(known.frame.number);
  }
  if (scanned) {
    std::printf("From #1 on these are addresses that follow a call: some may be left from earlier calls.\n");
  }
  if (!chain.empty()) std::printf("The frame pointers lead to %s.\n", chain.c_str());
}

void print_registers(const CrashReport& report) {
  constexpr std::size_t kPerLine = 4;
  std::string line;
  for (std::size_t i = 0; i < report.registers.size(); ++i) {
    const auto& [name, value] = report.registers[i];
    line.resize(2 + 24 * (i % kPerLine) > line.size() ? 2 + 24 * (i % kPerLine) : line.size() + 1, ' ');
    line += printable(name) + "=" + hexadecimal(value);
    if (i + 1 != report.registers.size() && i % kPerLine != kPerLine - 1) continue;
    std::printf("%s\n", line.c_str());
    line.clear();
  }
}

void add_text(Json& json, std::string_view key, const std::string& text) {
  json.key(key);
  if (text.empty()) {
    json.null();
  } else {
    json.value(text);
  }
}

void add_number(Json& json, std::string_view key, const std::string& digits) {
  const auto number = parse_number<std::uint64_t>(digits);
  json.key(key);
  if (number) {
    json.value(*number);
  } else {
    json.null();
  }
}

void add_address(Json& json, std::string_view key, const std::optional<std::uint64_t>& number) {
  add_text(json, key, number ? hexadecimal(*number) : "");
}

void add_frame(Json& json, const SymbolizedFrame& known) {
  const auto& frame = known.frame;
  json.open('{').key("number").value(std::uint64_t{frame.number});
  add_text(json, "file", frame.file);
  add_address(json, "offset", frame.offset);
  add_address(json, "address", frame.address);
  add_text(json, "by", frame.by);
  json.key("times").value(frame.times).key("damaged").value(!known.believable);
  json.key("functions").open('[');
  for (const auto& code : known.codes) {
    json.open('{');
    add_text(json, "name", code.function);
    add_text(json, "source", code.file);
    json.key("line");
    if (code.file.empty()) {
      json.null();
    } else {
      json.value(static_cast<std::uint64_t>(std::max(code.line, 0)));
    }
    json.close('}');
  }
  json.close(']').close('}');
}

// The object is left open for more.
void add_report(Json& json, const CrashReport& report, const SymbolizedReport& symbolized) {
  json.open('{').key("comm").value(report.comm);
  add_text(json, "signal", report.signal);
  add_text(json, "address", report.address);
  json.key("stack_overflow").value(report.stack == "overflow");
  add_number(json, "sender", report.sender);
  add_text(json, "sender_comm", report.sender_comm);
  add_number(json, "exit", report.exit);
  add_text(json, "kernel", report.kernel);
  add_text(json, "machine", report.machine);
  json.key("command").open('[');
  for (const auto& word : report.command) json.value(word);
  json.close(']').key("registers").open('{');
  for (const auto& [name, value] : report.registers) json.key(name).value(hexadecimal(value));
  json.close('}').key("frames").open('[');
  for (const auto& known : symbolized.frames) add_frame(json, known);
  json.close(']').key("omitted");
  if (report.omitted) {
    json.value(*report.omitted);
  } else {
    json.null();
  }
  json.key("unread").value(report.unread).key("maps").open('[');
  for (const auto& map : report.maps) {
    json.open('{').key("begin").value(hexadecimal(map.begin)).key("end").value(hexadecimal(map.end));
    json.key("offset").value(hexadecimal(map.offset)).key("file").value(map.file);
    add_text(json, "build_id", map.build_id);
    json.close('}');
  }
  json.close(']').key("complete").value(report.complete() && report.damaged() == 0).key("notes").open('[');
  for (const auto& note : symbolized.notes) json.value(note);
  json.close(']');
}

// The core that belongs to `report`: in both PID 1 stands in the same place. Where that is not known there may be only
// one of each.
const Core* core_of(const CrashReport& report, const std::vector<CrashReport>& reports,
                    const std::vector<Core>& cores) {
  for (const auto& core : cores) {
    const auto place = core.threads.empty() ? std::nullopt : place_of(core, core.threads.front());
    const auto has = [&](const char* name, std::uint64_t value) {
      return std::ranges::find(report.registers, std::pair(std::string(name), value)) != report.registers.end();
    };
    if (place && has("pc", place->pc) && has("sp", place->sp)) return &core;
  }
  return reports.size() == 1 && cores.size() == 1 ? cores.data() : nullptr;
}

// What a report whose first line is lost has of its core.
CrashReport with_core(CrashReport report, const Core* core) {
  if (report.begun || core == nullptr) return report;
  report.comm = core->value("comm");
  report.machine = core->value("machine");
  report.signal = signal_of(*core);
  return report;
}

void print_backtrace(const CoreReport& made) {
  for (const auto& line : made.backtrace) std::printf("%s\n", line.c_str());
}

// Whether gdb has found no way through the stack: code without symbols and unwind tables, as in a stripped musl.
bool is_lost(const CoreReport& made) {
  return std::ranges::any_of(made.backtrace, [](const std::string& line) {
    return line.starts_with('#') && line.find(" ?? ()") != std::string::npos;
  });
}

void print_core(const Core& core, const CoreReport& made) {
  std::printf("core: %s\n", summary_of(core).c_str());
  if (!made.file.empty()) std::printf("core file: %s\n", printable(made.file).c_str());
  if (!made.command.empty()) std::printf("open it with: %s\n", printable(made.command).c_str());
}

// What every process was doing.
void print_hang(const HangReport& report) {
  std::printf("%s\n", report.head.empty() ? "all processes" : printable(report.head).c_str());
  for (const auto& process : report.processes) {
    std::string text = process.call.empty() ? "" : " in " + printable(process.call);
    if (!process.on.empty()) text += " " + printable(process.on);
    if (!process.wchan.empty()) text += " (" + printable(process.wchan) + ")";
    if (!process.cpu.empty()) text += ", runs: " + printable(process.cpu) + " ticks";
    if (process.input) text += ", waits for somebody to type";
    std::printf("%6s %s %s%s\n", std::to_string(process.pid).c_str(), printable(process.state).c_str(),
                printable(process.comm).c_str(), text.c_str());
    text.clear();
    for (const auto& word : process.command) text += (text.empty() ? "" : " ") + printable(word);
    if (!text.empty()) std::printf("         command: %s\n", text.c_str());
    text.clear();
    for (const auto& function : process.stack) text += (text.empty() ? "" : " < ") + printable(function);
    if (!text.empty()) std::printf("         kernel: %s\n", text.c_str());
  }
  if (report.omitted != 0)
    std::printf("note: %s not in the report\n", plural(report.omitted, "process is", "processes are").c_str());
  if (!report.complete())
    std::printf(
        "note: the log ends before the report does, or lines of it were lost: %s\n",
        (std::to_string(report.processes.size()) +
         (report.said ? " of " + plural(*report.said, "process is", "processes are") : " processes are") + " there")
            .c_str());
}

void add_hang(Json& json, const HangReport& report) {
  json.open('{');
  add_text(json, "head", report.head);
  json.key("processes").open('[');
  for (const auto& process : report.processes) {
    json.open('{').key("pid").value(process.pid).key("parent");
    if (process.parent) {
      json.value(*process.parent);
    } else {
      json.null();
    }
    json.key("comm").value(process.comm);
    add_text(json, "state", process.state);
    add_text(json, "call", process.call);
    add_text(json, "on", process.on);
    add_text(json, "wchan", process.wchan);
    add_text(json, "cpu", process.cpu);
    json.key("input").value(process.input).key("command").open('[');
    for (const auto& word : process.command) json.value(word);
    json.close(']').key("kernel_stack").open('[');
    for (const auto& function : process.stack) json.value(function);
    json.close(']').close('}');
  }
  json.close(']').key("omitted").value(report.omitted).key("complete").value(report.complete()).close('}');
}

void print_notes(const std::vector<std::string>& notes) {
  for (const auto& note : notes) std::printf("note: %s\n", note.c_str());
}

void add_core(Json& json, const Core& core, const CoreReport& made) {
  json.key("core").open('{').key("records").value(std::uint64_t{core.present.size()});
  json.key("missing").open('[');
  for (const auto number : core.missing()) json.value(std::uint64_t{number});
  json.close(']').key("memory").value(core.bytes()).key("threads").value(std::uint64_t{core.threads.size()});
  add_text(json, "file", made.file);
  add_text(json, "cut", core.cut);
  json.key("complete").value(made.complete).key("backtrace").open('[');
  for (const auto& line : made.backtrace) json.value(line);
  json.close(']').key("notes").open('[');
  for (const auto& note : made.notes) json.value(note);
  json.close(']').close('}');
}

// A core without its report.
void print_core_head(const Core& core) {
  std::string text = "PID 1 (" + printable(core.value("comm")) + ")";
  if (const auto signal = signal_of(core); !signal.empty()) text += ", " + signal;
  if (const auto machine = core.value("machine"); !machine.empty()) text += ", " + printable(machine);
  std::printf("%s\n", text.c_str());
}

}  // namespace

Result<int> run_report(const ReportOptions& options) {
  catch_interrupts();
  Display display;
  const auto log = options.now ? request_report(options.logs, display) : read_logs(options.logs, display);
  if (!log.ok()) return log.error();
  std::string where;
  for (const auto& name : options.logs) where += (where.empty() ? "" : ", ") + name;
  const auto reports = read_reports(log.value());
  const auto [cores, damaged] = read_cores(log.value());
  const auto hangs = read_hang_reports(log.value());
  if (reports.empty() && cores.empty() && hangs.empty()) {
    return Error{"looking for a report in", where, "there is none",
                 "it needs what the console showed of a boot with rd.gdbdebug=LINE,crash, from the line 'gdbdebug: "
                 "report: begin' to 'gdbdebug: report: end'"};
  }
  if (!options.core.empty() && cores.empty()) {
    return Error{"looking for a core in", where, "there is none", "it needs a boot with rd.gdbdebug=LINE,crash,core"};
  }
  if (!options.core.empty() && cores.size() > 1) {
    return Error{"writing the core", options.core, "there are " + std::to_string(cores.size()) + " cores in the log",
                 "cut out the part with one of them"};
  }
  const auto symbols = find_symbols(options.initrd, options.sysroot, options.limits, display);
  if (!symbols.ok()) return symbols.error();
  const auto& sysroot = symbols.value().sysroot;
  if (sysroot.empty())
    display.say("no image was named, so functions are not known; --initrd IMAGE names the one that crashed");
  Symbolizer symbolizer(debug_directories(options.debug_dirs));
  bool complete = true;
  std::set<const Core*> told;
  Json json;
  json.open('{').key("reports").open('[');
  for (const auto& read : reports) {
    const auto* const core = core_of(read, reports, cores);
    const auto report = with_core(read, core);
    const auto made = core != nullptr ? report_core(*core, options, sysroot) : CoreReport();
    if (!made.ok()) return made.error();
    told.insert(core);
    auto symbolized = symbolize(report, sysroot, symbolizer);
    complete = complete && report.complete() && report.damaged() == 0 && (core == nullptr || made.value().complete);
    if (options.json) {
      add_report(json, report, symbolized);
      if (core != nullptr) add_core(json, *core, made.value());
      json.close('}');
      continue;
    }
    if (&read != reports.data()) std::printf("\n");
    print_head(report);
    // gdb's backtrace is by the program's own tables; the candidates are for when there is none.
    print_backtrace(made.value());
    if (is_lost(made.value()))
      std::printf("gdb has not found the way through the stack. What is on it that could be:\n");
    if (made.value().backtrace.empty() || is_lost(made.value())) print_frames(symbolized);
    if (core != nullptr) print_core(*core, made.value());
    print_registers(report);
    print_notes(made.value().notes);
    print_notes(symbolized.notes);
  }
  json.close(']').key("hangs").open('[');
  for (const auto& hang : hangs) {
    complete = complete && hang.complete();
    if (options.json) {
      add_hang(json, hang);
      continue;
    }
    if (&hang != hangs.data() || !reports.empty()) std::printf("\n");
    print_hang(hang);
  }
  json.close(']').key("cores").open('[');
  for (const auto& core : cores) {
    if (told.contains(&core)) continue;
    const auto made = report_core(core, options, sysroot);
    if (!made.ok()) return made.error();
    // That of a process that runs goes with the report of all of them; another one's report is missing.
    complete = complete && made.value().complete && core.value("registers") == "place" && !hangs.empty();
    if (options.json) {
      json.open('{');
      add_core(json, core, made.value());
      json.close('}');
      continue;
    }
    if (&core != cores.data() || !reports.empty() || !hangs.empty()) std::printf("\n");
    print_core_head(core);
    print_backtrace(made.value());
    print_core(core, made.value());
    print_notes(made.value().notes);
  }
  json.close(']').key("damaged_records").value(std::uint64_t{damaged}).close('}');
  if (options.json) std::printf("%s\n", json.text().c_str());
  return static_cast<int>(complete ? Exit::success : Exit::partial);
}

}  // namespace gdbdebug::client
