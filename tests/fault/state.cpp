// SPDX-License-Identifier: GPL-2.0-or-later
// state: see state.hpp.
#include "state.hpp"

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

namespace fault {
namespace {

namespace fs = std::filesystem;

fs::path proc(pid_t pid) {
  return fs::path("/proc") / std::to_string(pid);
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Zeros between the words of argv and the environment become bars.
std::string words(std::string text) {
  std::replace(text.begin(), text.end(), '\0', '|');
  return text;
}

std::string link(const fs::path& path) {
  std::error_code error;
  const auto target = fs::read_symlink(path, error).string();
  // Numbers of sockets, and where a directory of the supervisor's machine is, differ from run to run.
  return std::regex_replace(target, std::regex(R"(\[\d+\])"), "");
}

std::vector<std::string> names(const fs::path& directory) {
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) found.push_back(entry.path().filename().string());
  std::sort(found.begin(), found.end());
  return found;
}

/// The last of several numbers: the one in the process's own namespace.
std::string own(pid_t pid, const std::string& key) {
  const auto numbers = status(pid, key);
  return numbers.substr(numbers.find_last_of(" \t") + 1);
}

/// The signals that the process can still notice. SIGCHLD and SIGCONT that it neither blocks nor handles are dropped on
/// its way out of the call that it is in: a traced process gets them even so, SIGCONT from a gdbserver that lets go of
/// it (detach_one_lwp() in gdbserver/linux-low.cc).
std::string pending(pid_t pid) {
  const auto mask = [&](const std::string& key) { return std::stoull("0" + status(pid, key), nullptr, 16); };
  constexpr auto kDropped = 1ULL << (SIGCHLD - 1) | 1ULL << (SIGCONT - 1);
  std::ostringstream text;
  text << std::hex << ((mask("SigPnd") | mask("ShdPnd")) & ~(kDropped & ~mask("SigBlk") & ~mask("SigCgt")));
  return text.str();
}

}  // namespace

std::string status(pid_t pid, const std::string& key) {
  std::ifstream file(proc(pid) / "status");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key + ":")) continue;
    const auto begin = line.find_first_not_of(" \t", key.size() + 1);
    return begin == std::string::npos ? std::string() : line.substr(begin);
  }
  return {};
}

char run_state(pid_t pid) {
  const auto text = status(pid, "State");
  return text.empty() ? '\0' : text.front();
}

std::size_t count_children(pid_t pid) {
  std::istringstream text(read(proc(pid) / "task" / std::to_string(pid) / "children"));
  return static_cast<std::size_t>(std::distance(std::istream_iterator<int>(text), {}));
}

std::vector<std::string> facts(pid_t pid) {
  const auto process = proc(pid);
  std::vector<std::string> found;
  found.push_back("argv: " + words(read(process / "cmdline")));
  found.push_back("environment: " + words(read(process / "environ")));
  found.push_back("cwd: " + link(process / "cwd"));
  found.push_back("pending signals: " + pending(pid));
  for (const char* key : {"Name", "Umask", "Uid", "Gid", "Groups", "SigBlk", "SigIgn", "SigCgt", "CapInh", "CapPrm",
                          "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Threads"}) {
    found.push_back(std::string(key) + ": " + status(pid, key));
  }
  for (const auto& fd : names(process / "fd")) {
    const auto flags =
        std::regex_replace(read(process / "fdinfo" / fd), std::regex(R"(pos:.*\n|mnt_id:.*\n|ino:.*\n|\n)"), "");
    found.push_back("descriptor " + fd + ": " + link(process / "fd" / fd) + " " + flags);
  }
  std::ifstream mounts(process / "mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    // Without the numbers in front: mount, parent, device.
    found.push_back("mount: " + std::regex_replace(line, std::regex(R"(^\d+ \d+ \S+ )"), ""));
  }
  std::ifstream limits(process / "limits");
  for (std::string line; std::getline(limits, line);) found.push_back("limit: " + line);
  auto score = read(process / "oom_score_adj");
  std::erase(score, '\n');
  found.push_back("oom_score_adj: " + score);
  // After the name in brackets: state, parent, process group, session, terminal.
  auto stat = read(process / "stat");
  std::istringstream rest(stat.substr(std::min(stat.rfind(')') + 1, stat.size())));
  std::string state, parent, group, session, terminal;
  rest >> state >> parent >> group >> session >> terminal;
  found.push_back("process group, session, terminal: " + own(pid, "NSpgid") + ", " + own(pid, "NSsid") + ", " +
                  terminal);
  for (const auto& name : names(process / "root")) found.push_back("in the root: " + name);
  return found;
}

}  // namespace fault
