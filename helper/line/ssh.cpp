// SPDX-License-Identifier: GPL-2.0-or-later
// ssh: see ssh.hpp.
#include "line/ssh.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "core/layout.hpp"
#include "sys/sys.hpp"

namespace gdbdebug {
namespace {

constexpr const char* kStep = "preparing SSH";
constexpr std::string_view kCommand = "gdbdebug-join";

/// Connections that have not shown a key yet take a process each: not more than these at a time.
constexpr std::size_t kMaxServed = 4;
std::array<pid_t, kMaxServed> served;
std::size_t served_count = 0;

Status write_file(const char* path, mode_t mode, std::string_view text) {
  const auto file = sys::open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
  if (!file) return Error{kStep, path, file.error().err};
  if (!sys::write_all(file->get(), text)) return failed(kStep, path);
  return Done{};
}

/// Each key gets what an SSH user could do beside the forced command taken away (authorized_keys, dropbear(8)).
Status restrict_keys() {
  constexpr std::string_view kRestrictions = "no-pty,no-port-forwarding,no-agent-forwarding,no-X11-forwarding";
  static Text<32768> keys;
  static Text<40960> restricted;
  keys.clear();
  restricted.clear();
  const auto file = sys::open(AT_FDCWD, layout::kAuthorizedKeys, O_RDONLY);
  if (!file || !sys::read_all(*file, keys))
    return Error{kStep, layout::kAuthorizedKeys, 0,
                 "the image has no SSH key; it must be built with lines=ssh and authorized_keys="};
  if (keys.room() == 0) return Error{kStep, layout::kAuthorizedKeys, 0, "it is longer than 32 KiB"};
  for (auto rest = keys.view(); !rest.empty();) {
    const auto line = trim(take_word(rest, '\n'));
    if (line.empty() || line.starts_with('#')) continue;
    // A line begins with the key's type, or with options of the user's own.
    const bool has_options = !line.starts_with("ssh-") && !line.starts_with("ecdsa-") && !line.starts_with("sk-");
    restricted.add(kRestrictions).add(has_options ? ',' : ' ').add(line).add('\n');
  }
  if (restricted.empty() || restricted.truncated())
    return Error{kStep, layout::kAuthorizedKeys, 0, restricted.empty() ? "there is no key in it" : "it is too long"};
  return write_file(layout::kAuthorizedKeys, 0600, restricted);
}

}  // namespace

Status prepare_ssh() {
  if (::access(layout::kDropbear, X_OK) != 0)
    return Error{kStep, layout::kDropbear, 0, "the image has no SSH server; it must be built with lines=ssh"};
  if (const auto status = restrict_keys(); !status) return status;
  // The agent's own view: the image's passwd, and the real root's, stay as they are.
  (void)::mkdir("/etc", 0755);
  (void)::mkdir("/run", 0755);
  Text<160> passwd("root:x:0:0:root:");
  passwd.add(layout::kSshHome).add(':').add(layout::kAgent).add('\n');  // whose program is the user's shell
  if (const auto status = write_file("/etc/passwd", 0644, passwd); !status) return status;
  if (const auto status = write_file("/etc/group", 0644, "root:x:0:\n"); !status) return status;
  if (const auto status = write_file("/etc/shells", 0644, Text<80>(layout::kAgent).add('\n')); !status) return status;
  (void)::symlink(".", "/usr/lib/gdbdebug/ssh/.ssh");  // dropbear looks in ~/.ssh
  return Done{};
}

Text<128> ssh_fingerprint() {
  Text<128> text;
  const auto file = sys::open(AT_FDCWD, layout::kFingerprint, O_RDONLY);
  if (!file || !sys::read_all(*file, text)) return {};
  return Text<128>(trim(text));
}

Status serve_ssh(UniqueFd peer) {
  reap_ssh();
  if (served_count == served.size()) return Error{"accepting an SSH connection", "", 0, "there are four already"};
  const pid_t pid = ::fork();
  if (pid < 0) return failed("starting", layout::kDropbear);
  if (pid == 0) {
    (void)::fcntl(peer.get(), F_SETFL, 0);
    // -i: this one connection; -s -g: keys only; -j -k: no forwarding; -c: whatever is asked for, this is run.
    const char* const argv[] = {"@dropbear",      "-i",   "-s", "-g", "-j", "-k", "-c", kCommand.data(), "-r",
                                layout::kHostKey, nullptr};
    char* const envp[] = {nullptr};
    if (::dup2(peer.get(), STDIN_FILENO) >= 0 && ::dup2(peer.get(), STDOUT_FILENO) >= 0)
      ::execve(layout::kDropbear, const_cast<char* const*>(argv), envp);
    ::_exit(127);
  }
  served[served_count++] = pid;
  return Done{};
}

void reap_ssh() {
  for (std::size_t i = 0; i < served_count;) {
    if (::waitpid(served[i], nullptr, WNOHANG) == served[i])
      served[i] = served[--served_count];
    else
      ++i;
  }
}

bool is_join(int argc, char** argv) {
  return argc == 3 && std::string_view(argv[1]) == "-c" && argv[2] == kCommand;
}

int join_line() {
  const UniqueFd line(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un there{};
  there.sun_family = AF_UNIX;
  const std::string_view path(kJoinSocket);
  for (std::size_t i = 0; i < path.size(); ++i) there.sun_path[i] = path[i];
  if (::connect(line.get(), reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0) return 1;
  std::array<char, 16384> buffer;
  pollfd polls[] = {{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
                    {.fd = line.get(), .events = POLLIN, .revents = 0}};
  for (;;) {
    if (::poll(polls, 2, -1) < 0 && errno != EINTR) return 1;
    for (int from = 0; from < 2; ++from) {
      if (polls[from].revents == 0) continue;
      const auto count = sys::read(polls[from].fd, buffer);
      if (count <= 0 && from == 1) return 0;
      if (count <= 0) {
        // Nothing more comes from the user; the answer to what has come may still be on its way.
        polls[0].fd = -1;
        (void)::shutdown(line.get(), SHUT_WR);
        continue;
      }
      const int to = from == 0 ? line.get() : STDOUT_FILENO;
      if (!sys::write_all(to, {buffer.data(), static_cast<std::size_t>(count)})) return 0;
    }
  }
}

}  // namespace gdbdebug
