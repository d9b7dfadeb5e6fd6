// SPDX-License-Identifier: GPL-2.0-or-later
// listener: see listener.hpp.
#include "listener.hpp"

#include <fcntl.h>
#include <linux/filter.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>

namespace fault {
namespace {

// Linux 5.19: a call that the supervisor has seen is interrupted by a fatal signal only, so none is seen twice because
// gdbserver sent a SIGSTOP in between. Missing in older <linux/seccomp.h>.
constexpr unsigned long kWaitKillable = 1UL << 5;
// Linux 5.14: the descriptor and the answer in one step.
constexpr unsigned kAddAndSend = 1U << 1;

constexpr sock_filter load(unsigned offset) {
  return {BPF_LD | BPF_W | BPF_ABS, 0, 0, offset};
}
constexpr sock_filter unless(unsigned value, unsigned char skip) {
  return {BPF_JMP | BPF_JEQ | BPF_K, 0, skip, value};
}
constexpr sock_filter result(unsigned value) {
  return {BPF_RET | BPF_K, 0, 0, value};
}

}  // namespace

int install_filter(int channel, const std::vector<int>& only) {
  constexpr unsigned kNumber = offsetof(seccomp_data, nr);
  constexpr unsigned kFirst = offsetof(seccomp_data, args);  // its lower half, on little-endian machines
  std::vector<sock_filter> code = {
      load(kNumber),
      unless(SYS_rt_sigreturn, 1),
      result(SECCOMP_RET_ALLOW),
      unless(SYS_restart_syscall, 1),
      result(SECCOMP_RET_ALLOW),
      unless(SYS_exit, 1),
      result(SECCOMP_RET_ALLOW),
      unless(SYS_exit_group, 1),
      result(SECCOMP_RET_ALLOW),
      unless(SYS_sendmsg, 3),
      load(kFirst),
      unless(static_cast<unsigned>(channel), 1),
      result(SECCOMP_RET_ALLOW),
      load(kNumber),
  };
  for (const int number : only) {
    code.push_back(unless(static_cast<unsigned>(number), 1));
    code.push_back(result(SECCOMP_RET_USER_NOTIF));
  }
  code.push_back(result(only.empty() ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ALLOW));
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  for (const unsigned long flags :
       {SECCOMP_FILTER_FLAG_NEW_LISTENER | kWaitKillable, SECCOMP_FILTER_FLAG_NEW_LISTENER}) {
    const auto fd = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    if (fd >= 0 || errno != EINVAL) return static_cast<int>(fd);
  }
  return -1;
}

std::optional<Call> Listener::receive() const {
  Call call{};
  if (::ioctl(fd_, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) return std::nullopt;
  return call;
}

void Listener::let_pass(const Call& call) const {
  seccomp_notif_resp response{};
  response.id = call.id;
  response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  (void)::ioctl(fd_, SECCOMP_IOCTL_NOTIF_SEND, &response);  // ENOENT: the process was killed meanwhile
}

void Listener::fail(const Call& call, int error) const {
  seccomp_notif_resp response{};
  response.id = call.id;
  response.error = -error;
  (void)::ioctl(fd_, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

void Listener::answer(const Call& call, long value) const {
  seccomp_notif_resp response{};
  response.id = call.id;
  response.val = value;
  (void)::ioctl(fd_, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

void Listener::give(const Call& call, int fd, bool cloexec) const {
  seccomp_notif_addfd addition{};
  addition.id = call.id;
  addition.flags = kAddAndSend;
  addition.srcfd = static_cast<unsigned>(fd);
  addition.newfd_flags = cloexec ? O_CLOEXEC : 0U;
  if (::ioctl(fd_, SECCOMP_IOCTL_NOTIF_ADDFD, &addition) < 0) fail(call, errno);
}

void Listener::replace(const Call& call, int number, int fd) const {
  seccomp_notif_addfd addition{};
  addition.id = call.id;
  addition.flags = SECCOMP_ADDFD_FLAG_SETFD;
  addition.srcfd = static_cast<unsigned>(fd);
  addition.newfd = static_cast<unsigned>(number);
  addition.newfd_flags = O_CLOEXEC;
  (void)::ioctl(fd_, SECCOMP_IOCTL_NOTIF_ADDFD, &addition);
}

std::string text_at(pid_t pid, unsigned long long address) {
  constexpr std::size_t kPage = 4096;
  std::string text;
  while (text.size() < kPage) {
    std::array<char, kPage> buffer;
    const auto count =
        std::min(buffer.size(), kPage - static_cast<std::size_t>(address % kPage));  // the next page may be missing
    const iovec local{buffer.data(), count};
    const iovec remote{reinterpret_cast<void*>(address), count};
    const auto got = ::process_vm_readv(pid, &local, 1, &remote, 1, 0);
    if (got <= 0) return {};
    const std::string_view part(buffer.data(), static_cast<std::size_t>(got));
    const auto end = part.find('\0');
    text += part.substr(0, end);
    if (end != std::string_view::npos) break;
    address += static_cast<unsigned long long>(got);
  }
  return text;
}

}  // namespace fault
