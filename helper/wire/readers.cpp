// SPDX-License-Identifier: GPL-2.0-or-later
// readers: see readers.hpp.
#include "wire/readers.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "sys/log.hpp"
#include "sys/sys.hpp"

namespace gdbdebug::wire {
namespace {

bool named = false;

/// Whether the descriptor `number` of the process is open for reading: `flags:	0100002` in its fdinfo.
bool reads(const UniqueFd& process, std::string_view number) {
  Text<300> path("fdinfo/");
  Text<256> info;
  const auto file = sys::open(process.get(), path.add(number).c_str(), O_RDONLY);
  if (!file || !sys::read_all(*file, info)) return false;
  const auto at = info.view().find("flags:");
  if (at == std::string_view::npos) return false;
  auto rest = info.view().substr(at + 6);
  const auto flags = parse_number<std::uint64_t>(trim(take_word(rest, '\n')), 8).value_or(O_WRONLY);
  return (flags & O_ACCMODE) != O_WRONLY;
}

bool has_port(const UniqueFd& process, const Parts& parts) {
  const auto files = sys::open(process.get(), "fd", O_RDONLY | O_DIRECTORY);
  if (!files) return false;
  sys::Names names(*files);
  for (auto name = names.next(); !name.empty(); name = names.next()) {
    struct stat info {};
    const Text<32> number(name);
    if (::fstatat(files->get(), number.c_str(), &info, 0) != 0 || !S_ISCHR(info.st_mode)) continue;
    const bool port = info.st_rdev == parts.device || (parts.preferred && info.st_rdev == makedev(5, 1));
    if (port && reads(process, name)) return true;
  }
  return false;
}

}  // namespace

void name_readers(const Parts& parts) {
  const auto processes = sys::open(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
  if (named || !processes) return;
  const auto self = static_cast<std::uint64_t>(::getpid());
  sys::Names names(*processes);
  for (auto name = names.next(); !name.empty() && !named; name = names.next()) {
    const auto pid = parse_number<std::uint64_t>(name);
    if (!pid || *pid == self) continue;
    const auto process = sys::open(processes->get(), Text<32>(name).c_str(), O_RDONLY | O_DIRECTORY);
    Text<64> command;
    if (!process || !has_port(*process, parts)) continue;
    const auto file = sys::open(process->get(), "comm", O_RDONLY);
    if (file) (void)sys::read_all(*file, command);
    if (command.view().starts_with("gdbdebug")) continue;
    named = true;
    log::Message message("process ");
    message.add(name).add(" (").add(trim(command)).add(") has opened the port ").add(parts.name);
    log::say(log::Level::kWarning, message.add(" itself; what it reads there is lost to a debugger"));
  }
}

}  // namespace gdbdebug::wire
