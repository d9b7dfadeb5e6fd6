// SPDX-License-Identifier: GPL-2.0-or-later
// report: the verb that turns a crash report in a console log into functions, files and lines.
#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <set>

#include "base/interrupt.hpp"
#include "base/words.hpp"
#include "image/elf.hpp"
#include "report/crash_report.hpp"
#include "report/symbolize.hpp"
#include "verbs/attach.hpp"

namespace gdbdebug::client {
namespace {

constexpr std::size_t kMaxLog = std::size_t{1} << 28;  // 256 MiB
constexpr std::size_t kEnoughOfBuildId = 8;            // digits of one that is cut off, to tell builds apart

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
  std::string text = code.function.empty() ? "??" : code.function;
  if (code.file.empty()) {
    if (!code.function.empty()) text += "+" + hexadecimal(code.offset);
    return text;
  }
  return text + " at " + code.file + ":" + std::to_string(code.line);
}

void print_head(const CrashReport& report) {
  std::string text = "PID 1 (" + printable(report.comm) + ")";
  if (!report.signal.empty()) text += ", " + printable(report.signal);
  if (!report.address.empty()) text += " at address " + printable(report.address);
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

void print_frames(const CrashReport& report, const std::string& sysroot, Symbolizer& symbolizer) {
  const ReportFiles files(report, sysroot);
  std::set<std::string> notes;
  bool scanned = false;
  for (const auto& frame : report.frames) {
    const bool returns = !frame.by.empty() || frame.number > 0;
    const bool believable = report.believable(frame);
    scanned = scanned || !frame.by.empty();
    std::string place = printable(frame.file);
    if (frame.offset) place += "+" + hexadecimal(*frame.offset);
    if (frame.file.empty()) place = frame.address ? hexadecimal(*frame.address) + ", where no file is mapped" : "??";
    std::vector<Code> codes;
    if (!believable) place += ", the line is damaged";
    // Without an address behind it an offset may be the first digits of another one, and lead to a wrong function.
    if (frame.file.starts_with('/') && frame.offset && frame.address) {
      const auto found = files.find(frame.file);
      if (!found.why_not.empty()) notes.insert(printable(frame.file) + ": " + found.why_not);
      if (!found.here.empty()) {
        codes = symbolizer.at(found.here, *frame.offset, returns);
        if (!symbolizer.has_lines(found.here)) notes.insert(printable(frame.file) + ": no debug information");
      }
    }
    if (codes.empty()) codes.emplace_back();
    const auto number = "#" + std::to_string(frame.number);
    std::printf("%-4s%s (%s)\n", number.c_str(), in_words(codes.front()).c_str(), place.c_str());
    for (std::size_t i = 1; i < codes.size(); ++i) std::printf("      inlined into %s\n", in_words(codes[i]).c_str());
  }
  if (scanned) {
    std::printf("From #1 on these are addresses that follow a call: some may be left from earlier calls.\n");
  }
  for (const auto& note : notes) std::printf("note: %s\n", note.c_str());
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

void print_gaps(const CrashReport& report) {
  std::string text;
  if (!report.frames_said || !report.maps_said) {
    text = "the log ends before the report does, or lines of it were lost";
  } else if (!report.complete()) {
    text = "lines of the report were lost: " + std::to_string(report.frames.size()) + " of " +
           std::to_string(*report.frames_said) + " frames and " + std::to_string(report.maps.size()) + " of " +
           std::to_string(*report.maps_said) + " mappings are there";
  }
  if (const auto damaged = report.damaged(); damaged != 0) {
    if (!text.empty()) text += "; ";
    text += std::to_string(damaged) + (damaged == 1 ? " line" : " lines") +
            " of the report cut off or damaged: a log that a terminal has wrapped is not enough, it needs the bytes "
            "as they came";
  }
  if (!text.empty()) std::printf("note: %s\n", text.c_str());
}

Result<std::string> read_log(const std::string& path) {
  return path == "-" ? read_file("/dev/stdin", "reading the log", kMaxLog)
                     : read_file(path, "reading the log", kMaxLog);
}

}  // namespace

Result<int> run_report(const ReportOptions& options) {
  catch_interrupts();
  const auto log = read_log(options.log);
  if (!log.ok()) return log.error();
  const auto reports = read_reports(log.value());
  if (reports.empty()) {
    return Error{"looking for a crash report in", options.log, "there is none",
                 "it needs what the console showed of a boot with rd.gdbdebug=LINE,crash, from the line 'gdbdebug: "
                 "report: begin' to 'gdbdebug: report: end'"};
  }
  Display display;
  const auto symbols = find_symbols(options.initrd, options.sysroot, options.limits, display);
  if (!symbols.ok()) return symbols.error();
  if (symbols.value().sysroot.empty())
    display.say("no image was named, so functions are not known; --initrd IMAGE names the one that crashed");
  Symbolizer symbolizer(debug_directories(options.debug_dirs));
  for (const auto& report : reports) {
    if (&report != reports.data()) std::printf("\n");
    print_head(report);
    print_frames(report, symbols.value().sysroot, symbolizer);
    print_registers(report);
    print_gaps(report);
  }
  return static_cast<int>(Exit::success);
}

}  // namespace gdbdebug::client
