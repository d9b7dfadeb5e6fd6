// SPDX-License-Identifier: GPL-2.0-or-later
// process: see process.hpp.
#include "base/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>

#include "base/interrupt.hpp"

namespace gdbdebug::client {
namespace {

bool executable(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

struct Setup {
  const Spawn& spawn;
  const char* path;
  char* const* argv;
  pid_t parent;
  int report;  // a pipe that the exec closes
};

// In the child: system calls only, and the errno into the pipe if one fails.
[[noreturn]] void become(const Setup& setup) {
  const auto fail = [&] {
    const int number = errno;
    (void)!::write(setup.report, &number, sizeof number);  // the parent takes silence for success, and then sees us end
    ::_exit(127);
  };
  sigset_t none;
  (void)sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);  // cannot fail with these arguments
  for (const int number : {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD}) (void)::signal(number, SIG_DFL);
  if (setup.spawn.ignores_interrupts) (void)::signal(SIGINT, SIG_IGN);
  if (setup.spawn.own_group && ::setpgid(0, 0) != 0) fail();
  if (setup.spawn.dies_with_us) {
    if (::prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) fail();
    if (::getppid() != setup.parent) ::_exit(127);
  }
  if (setup.spawn.file_limit != 0) {
    const rlimit limit{setup.spawn.file_limit, setup.spawn.file_limit};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) fail();
  }
  const std::array wanted{setup.spawn.input, setup.spawn.output, setup.spawn.error};
  for (int fd = 0; fd < 3; ++fd) {
    const int from = wanted[static_cast<std::size_t>(fd)];
    if (from < 0) continue;
    if (from == fd ? ::fcntl(fd, F_SETFD, 0) != 0 : ::dup2(from, fd) < 0) fail();
  }
  ::execv(setup.path, setup.argv);
  fail();
  ::_exit(127);
}

}  // namespace

std::optional<std::string> find_program(const std::string& program) {
  if (program.empty()) return std::nullopt;
  if (program.find('/') != std::string::npos) return executable(program) ? std::optional(program) : std::nullopt;
  const char* variable = std::getenv("PATH");
  // An ordinary user's PATH often lacks the sbin directories.
  std::string rest = std::string(variable != nullptr ? variable : "/usr/bin:/bin") + ":/usr/sbin:/sbin";
  for (std::size_t begin = 0; begin <= rest.size();) {
    const auto end = std::min(rest.find(':', begin), rest.size());
    const auto directory = rest.substr(begin, end - begin);
    const auto path = (directory.empty() ? std::string(".") : directory) + "/" + program;
    if (executable(path)) return path;
    begin = end + 1;
  }
  return std::nullopt;
}

Result<pid_t> spawn(const Spawn& spawn) {
  const std::string step = "starting";
  const auto path = find_program(spawn.argv.at(0));
  if (!path) return Error{step, spawn.argv[0], "program not found", "install it, or add its place to PATH"};
  std::vector<char*> argv;
  for (const auto& word : spawn.argv) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);

  std::array<int, 2> report{};
  if (::pipe2(report.data(), O_CLOEXEC) != 0) return system_error(step, spawn.argv[0], errno);
  const UniqueFd reads(report[0]);
  UniqueFd writes(report[1]);
  const Setup setup{spawn, path->c_str(), argv.data(), ::getpid(), report[1]};
  const pid_t pid = ::fork();
  if (pid < 0) return system_error(step, spawn.argv[0], errno);
  if (pid == 0) become(setup);
  writes.reset();
  int number = 0;
  ssize_t count = 0;
  do {
    count = ::read(reads.get(), &number, sizeof number);
  } while (count < 0 && errno == EINTR);
  if (count == static_cast<ssize_t>(sizeof number)) {
    (void)wait_for(pid);
    return system_error(step, *path, number);
  }
  return pid;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return 127;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool ends_within(pid_t pid, int milliseconds, int& status) {
  const UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd polled{handle.get(), POLLIN, 0};
  (void)::poll(&polled, 1, milliseconds);  // interrupted, or without a handle (Linux before 5.3): it is asked below
  int raw = 0;
  if (::waitpid(pid, &raw, WNOHANG) != pid) return false;
  status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
  return true;
}

void end_child(pid_t pid, int milliseconds) {
  int ignored = 0;
  (void)::kill(pid, SIGTERM);  // it may have ended already
  if (ends_within(pid, milliseconds, ignored)) return;
  (void)::kill(pid, SIGKILL);
  // One that hangs in the kernel (a broken /dev/kvm does that to QEMU) cannot even be killed; it is left to itself.
  (void)ends_within(pid, 1000, ignored);
}

Result<Output> run(Spawn spawn, std::size_t limit, int seconds, std::string* errors) {
  const std::string name = spawn.argv.at(0);
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return system_error("opening", "/dev/null", errno);
  if (::pipe2(out.data(), O_CLOEXEC) != 0) return system_error("running", name, errno);
  UniqueFd out_reads(out[0]);
  UniqueFd out_writes(out[1]);
  if (::pipe2(err.data(), O_CLOEXEC) != 0) return system_error("running", name, errno);
  UniqueFd err_reads(err[0]);
  UniqueFd err_writes(err[1]);
  spawn.input = null.get();
  spawn.output = out_writes.get();
  spawn.error = err_writes.get();
  const auto pid = client::spawn(spawn);
  if (!pid.ok()) return pid.error();
  out_writes.reset();
  err_writes.reset();

  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::seconds(seconds);
  Output output;
  std::optional<Error> failed;
  while (out_reads || err_reads) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    std::array<pollfd, 2> polled{pollfd{out_reads.get(), POLLIN, 0}, pollfd{err_reads.get(), POLLIN, 0}};
    const int ready = left > 0 ? ::poll(polled.data(), polled.size(), static_cast<int>(left)) : 0;
    if (interrupted()) failed = interrupted_error("running", name);
    if (ready < 0 && errno == EINTR && !failed) continue;
    if (ready <= 0 && !failed)
      failed = Error{"running", name, "it did not end within " + std::to_string(seconds) + " s"};
    if (failed) break;
    for (std::size_t i = 0; i < polled.size(); ++i) {
      if (polled[i].revents == 0) continue;
      std::array<char, 65536> buffer;
      const ssize_t count = ::read(polled[i].fd, buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        (i == 0 ? out_reads : err_reads).reset();
      } else if (i == 0) {
        output.text.append(buffer.data(), static_cast<std::size_t>(count));
        if (output.text.size() > limit) failed = Error{"running", name, "it says more than can be right"};
      } else if (errors != nullptr && errors->size() < 65536) {
        errors->append(buffer.data(), static_cast<std::size_t>(count));
      }
    }
    if (failed) break;
  }
  if (failed) {
    end_child(pid.value(), 0);
    return *failed;
  }
  output.status = wait_for(pid.value());
  return output;
}

}  // namespace gdbdebug::client
