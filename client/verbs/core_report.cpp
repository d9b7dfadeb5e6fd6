// SPDX-License-Identifier: GPL-2.0-or-later
// core_report: see core_report.hpp.
#include "verbs/core_report.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <set>

#include "base/process.hpp"
#include "base/words.hpp"
#include "core/base/text.hpp"
#include "debugger/debugger.hpp"
#include "image/elf.hpp"
#include "image/unpack.hpp"
#include "report/core_file.hpp"
#include "verbs/attach.hpp"

namespace gdbdebug::client {
namespace {

constexpr std::size_t kMaxOutput = std::size_t{1} << 24;
constexpr int kDebuggerSeconds = 300;
constexpr const char* kMaxFrames = "64";

// A name that may become one below another directory.
bool is_plain(std::string_view name) {
  if (!name.starts_with('/') || has_control(name) || name.size() > 4096) return false;
  for (auto rest = name; !rest.empty();) {
    const auto part = take_word(rest, '/');
    if (part == ".." || part == ".") return false;
  }
  return true;
}

// The files of the image that are in the core, as the build IDs say.
class CoreFiles {
 public:
  CoreFiles(const Core& core, const std::string& sysroot);

  // The real file on this machine of the path `name` in the image; empty if it is not one of those in the core.
  [[nodiscard]] std::string find(const std::string& name) const;
  [[nodiscard]] bool has(const std::string& name) const { return !find(name).empty(); }
  [[nodiscard]] const std::set<std::string>& notes() const { return notes_; }
  [[nodiscard]] const std::set<std::string>& names() const { return names_; }

 private:
  DirectoryFiles files_;
  std::set<std::string> real_;   ///< paths in the image
  std::set<std::string> names_;  ///< as the core has them
  std::set<std::string> notes_;
};

CoreFiles::CoreFiles(const Core& core, const std::string& sysroot) : files_(sysroot) {
  const auto maps = core.maps();
  std::map<std::string, std::string> ids;
  for (const auto& map : maps) {
    if (!map.file.starts_with('/')) continue;
    const auto known = core.build_ids.find(map.begin);
    if (map.offset == 0 && known != core.build_ids.end())
      ids[map.file] = known->second;
    else
      ids.try_emplace(map.file);
  }
  if (const auto exe = core.value("exe"); is_plain(exe) && ids[exe].empty()) ids[exe] = core.value("build_id");
  for (const auto& [name, id] : ids) {
    if (!is_plain(name)) continue;
    const auto path = files_.resolve(name);
    const auto content = path.empty() ? std::nullopt : files_.read(path);
    const auto elf = content ? read_elf(*content) : std::nullopt;
    if (!content) notes_.insert(name + ": not in the image");
    if (!elf) continue;
    if (!id.empty() && !elf->build_id.empty() && id != elf->build_id) {
      notes_.insert(name + ": another one in the image, so it is not used: build ID " + elf->build_id + " there, " +
                    id + " in the core");
      continue;
    }
    if (id.empty() && !elf->build_id.empty())
      notes_.insert(name + ": the core does not say its build ID, so the image may have another one");
    real_.insert(path);
    names_.insert(name);
  }
}

std::string CoreFiles::find(const std::string& name) const {
  if (!is_plain(name)) return "";
  const auto path = files_.resolve(name);
  return real_.contains(path) ? files_.here(path) : "";
}

// The file in the image that the program was, by its name in the core; empty if that is not known.
std::string program_of(const Core& core, const CoreFiles& files) {
  if (const auto exe = core.value("exe"); files.has(exe)) return exe;
  // The mapping of the entry point (AT_ENTRY).
  constexpr std::uint64_t kEntry = 9;
  Core auxiliary;
  auxiliary.begin = core.begin;
  auxiliary.memory[0] = core.auxiliary;
  const auto word = core.word();
  for (std::uint64_t at = 0; at + 2 * word <= core.auxiliary.size(); at += 2 * word) {
    if (auxiliary.read_word(at) != kEntry) continue;
    const auto entry = auxiliary.read_word(at + word).value_or(0);
    for (const auto& map : core.maps()) {
      if (entry >= map.begin && entry < map.end && files.has(map.file)) return map.file;
    }
  }
  return "";
}

bool make_parents(const std::string& root, const std::string& name) {
  for (auto slash = name.find('/', 1); slash != std::string::npos; slash = name.find('/', slash + 1)) {
    if (::mkdir((root + name.substr(0, slash)).c_str(), 0700) != 0 && errno != EEXIST) return false;
  }
  return true;
}

// A directory in which a debugger finds the files of the core by the names that the core has for them, and no others.
void make_sysroot(const std::string& root, const Core& core, const CoreFiles& files) {
  const auto link = [&](const std::string& name) {
    const auto real = files.find(name);
    if (!real.empty() && make_parents(root, name))
      (void)::symlink(real.c_str(), (root + name).c_str());  // or it is there
  };
  for (const auto& name : files.names()) link(name);
  // The dynamic linker's list has other names, through links of the image. They are texts in the core's memory.
  constexpr std::size_t kMaxTexts = 20'000;
  std::size_t count = 0;
  for (const auto& [address, part] : core.memory) {
    for (auto at = part.find("/lib"); at != std::string::npos && count < kMaxTexts; at = part.find("/lib", at + 1)) {
      auto begin = at;
      while (begin > 0 && part[begin - 1] != '\0' && at - begin < 256) --begin;
      const auto end = part.find('\0', at);
      if (end == std::string::npos || end - begin > 512) continue;
      ++count;
      link(part.substr(begin, end - begin));
    }
  }
}

// The core for our own gdb: a name in its memory that leads out of a directory could lead gdb out of the sysroot.
std::string without_ways_out(std::string file) {
  constexpr std::string_view kOut = "../";
  for (auto at = file.find(kOut); at != std::string::npos; at = file.find(kOut, at)) file[at] = '?';
  return file;
}

Status write_file(const std::string& path, const std::string& content) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  const int number = file ? write_all(file.get(), as_bytes(content)) : errno;
  if (number != 0) return system_error("writing the core", path, number);
  return {};
}

Result<std::vector<std::string>> debugger_words(const Debugger& debugger, const ReportOptions& options,
                                                const std::string& sysroot, const std::string& program,
                                                const std::string& file, std::size_t threads) {
  Commands first(Debugger::Kind::gdb);
  // Before gdb reads anything: no script, no library and no server that a file could name.
  first.add("set auto-load off");
  first.add("set libthread-db-search-path /nonexistent");
  const char* servers = std::getenv("DEBUGINFOD_URLS");
  const bool asks = servers != nullptr && *servers != '\0';
  if (debugger.major >= 12) first.add(std::string("set debuginfod enabled ") + (asks ? "on" : "off"));
  for (const char* setting : {"width 0", "height 0", "style enabled off", "print thread-events off"})
    first.add(std::string("set ") + setting);
  first.add("set sysroot " + sysroot);
  if (!options.debug_dirs.empty()) {
    std::string directories;
    for (const auto& directory : debug_directories(options.debug_dirs))
      directories += (directories.empty() ? "" : ":") + directory;
    first.add("set debug-file-directory " + directories);
  }
  Commands then(Debugger::Kind::gdb);
  if (!program.empty()) then.add("file " + then.word(program));
  then.add("core-file " + file);  // not a word: gdb takes quotes for part of the name
  then.add("echo \\n--- frames\\n");
  then.add(std::string("backtrace -full ") + kMaxFrames);
  then.add("echo \\n--- instruction\\n");
  then.add("x/i $pc");
  if (threads > 1) {
    then.add("echo \\n--- threads\\n");
    then.add("thread apply 2-" + std::to_string(threads) + " -s backtrace 16");
  }
  const auto before = first.take();
  if (!before.ok()) return before.error();
  const auto after = then.take();
  if (!after.ok()) return after.error();
  std::vector<std::string> words{debugger.program, "-nx", "-nh", "-batch"};
  for (const auto& command : before.value()) words.insert(words.end(), {"-iex", command});
  for (const auto& command : after.value()) words.insert(words.end(), {"-ex", command});
  return words;
}

// gdb's output from the frames on, with the names of files as in the image, and without what the core had in it for a
// terminal.
std::vector<std::string> lines_of(std::string_view output, const std::string& root) {
  std::vector<std::string> lines;
  const auto begin = output.find("\n--- frames\n");
  if (begin == std::string_view::npos) return lines;
  output.remove_prefix(begin + std::string_view("\n--- frames\n").size());
  while (!output.empty()) {
    const auto line = take_word(output, '\n');
    if (line.starts_with("---") || line.empty()) continue;
    auto text = printable(line, true);
    for (auto at = text.find(root); at != std::string::npos; at = text.find(root, at)) text.erase(at, root.size());
    lines.push_back(std::move(text));
  }
  return lines;
}

bool has_frames(const std::vector<std::string>& lines) {
  return std::ranges::any_of(lines, [](const std::string& line) { return line.starts_with('#'); });
}

std::string list_of(const std::vector<std::uint32_t>& numbers) {
  constexpr std::size_t kMost = 12;
  std::string text;
  for (std::size_t i = 0; i < numbers.size() && i < kMost; ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(numbers[i]);
  return numbers.size() > kMost ? text + ", ..." : text;
}

void add_gaps(const Core& core, CoreReport& report) {
  const auto missing = core.missing();
  if (!missing.empty()) {
    const bool fixed = !core.fixed || missing.front() < *core.fixed;
    report.notes.push_back(
        "records " + list_of(missing) + " of the core were lost; " +
        (fixed
             ? "the backtrace can end early, and libraries can be missing in it"
             : "the frames do not depend on them, but variables can be unavailable or have the program file's value"));
  }
  if (!core.ended)
    report.notes.emplace_back(
        "the log ends before the core does, or its last line was lost; there may have been more memory in it");
  if (core.begin.empty())
    report.notes.emplace_back(
        "the first line of the core was lost, with the machine's name and the program's build ID");
  if (core.value("registers") == "place")
    report.notes.emplace_back(
        "PID 1 was not stopped: of its registers only the place is known, so variables that are in others are wrong, "
        "and "
        "so can be frames that depend on a frame pointer");
  if (core.threads.empty()) report.notes.emplace_back("no registers: the record with them was lost");
  report.complete = missing.empty() && core.ended && !core.begin.empty();
}

}  // namespace

std::string summary_of(const Core& core) {
  const auto missing = core.missing().size();
  const auto here = core.present.size();
  std::string text = std::to_string(here) + (missing == 0 ? "" : " of " + std::to_string(here + missing)) +
                     " records, " + std::to_string(core.bytes()) + " bytes of memory, " +
                     std::to_string(core.threads.size()) + (core.threads.size() == 1 ? " thread" : " threads");
  if (core.cut == "budget") text += "; more memory did not fit, core=KIB allows more";
  return text;
}

Result<CoreReport> report_core(const Core& core, const ReportOptions& options, const std::string& sysroot) {
  CoreReport report;
  add_gaps(core, report);
  const auto file = elf_core(core, [](const std::string&) { return true; });
  if (!file) {
    report.complete = false;
    report.notes.push_back("no core file can be made of it: machine '" + printable(core.value("machine")) +
                           "' is not known here");
    return report;
  }
  if (!options.core.empty()) {
    if (const auto written = write_file(options.core, *file); !written.ok()) return written.error();
    report.file = options.core;
  }
  if (sysroot.empty()) return report;

  const CoreFiles files(core, sysroot);
  for (const auto& note : files.notes()) report.notes.push_back(printable(note));
  const auto program = program_of(core, files);
  if (program.empty()) report.notes.emplace_back("the program is not in the image, so no backtrace can be made");
  if (!report.file.empty()) {
    report.command = "gdb -nx -iex 'set auto-load off' -ex 'set sysroot " + sysroot + "'";
    if (!program.empty()) report.command += " -ex 'file " + files.find(program) + "'";
    report.command += " -ex 'core-file " + report.file + "'";
  }
  if (program.empty()) return report;

  ScratchDirectory place;
  if (auto made = place.make(run_directory()); !made.ok()) return made.error();
  const auto root = place.path() + "/sysroot";
  if (::mkdir(root.c_str(), 0700) != 0) return system_error("making a directory", root, errno);
  make_sysroot(root, core, files);
  const auto for_debugger = elf_core(core, [&](const std::string& name) { return files.has(name); });
  const auto path = place.path() + "/core";
  if (const auto written = write_file(path, without_ways_out(*for_debugger)); !written.ok()) return written.error();

  const auto debugger = find_debugger("", core.value("machine"));
  if (!debugger.ok() || debugger.value().kind != Debugger::Kind::gdb) {
    report.notes.emplace_back("there is no gdb here, which would show the frames with their variables");
    return report;
  }
  const auto words = debugger_words(debugger.value(), options, root, root + program, path, core.threads.size());
  if (!words.ok()) return words.error();
  Spawn child;
  child.argv = words.value();
  child.dies_with_us = true;
  std::string errors;
  const auto output = run(child, kMaxOutput, kDebuggerSeconds, &errors);
  if (!output.ok()) return output.error();
  report.backtrace = lines_of(output.value().text, root);
  if (!has_frames(report.backtrace)) {
    report.backtrace.clear();
    report.notes.push_back("gdb shows no frames" +
                           (errors.empty() ? std::string() : ": " + printable(errors.substr(0, 400))));
  }
  return report;
}

}  // namespace gdbdebug::client
