// SPDX-License-Identifier: GPL-2.0-or-later
// log_source: see log_source.hpp.
#include "verbs/log_source.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>

#include "base/file.hpp"
#include "base/interrupt.hpp"
#include "core/rsp/packet.hpp"
#include "report/arriving.hpp"
#include "report/pstore.hpp"
#include "wire/wire.hpp"

namespace gdbdebug::client {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kMaxLog = std::size_t{1} << 28;  // 256 MiB
constexpr const char* kReading = "reading the log";

// What is written while it is read.
class Stream {
 public:
  Stream(std::string name, int fd, Display& display) : name_(std::move(name)), fd_(fd), display_(display) {}
  Result<std::string> read();
  /// Asks on `fd` for a report of all processes, which must then come in time.
  void ask(int fd);

 private:
  [[nodiscard]] Error no_report() const;
  void say_state();
  Result<bool> take();
  [[nodiscard]] std::optional<milliseconds> left() const;

  std::string name_;
  int fd_;
  Display& display_;
  std::optional<Clock::time_point> asked_;
  std::string text_;
  Arriving arriving_;
  Clock::time_point last_byte_{};
  Clock::time_point last_record_{};
  std::size_t since_record_ = 0;  ///< Bytes.
};

void Stream::say_state() {
  switch (arriving_.state()) {
    case Arriving::State::kNothing:
      return display_.doing("waiting for a report on " + name_);
    case Arriving::State::kCore:
    case Arriving::State::kCoreEnded:
      return display_.doing("a core arrives on " + name_);
    default:
      return display_.doing("a report arrives on " + name_);
  }
}

// How long to wait for more; nothing: for ever.
std::optional<milliseconds> Stream::left() const {
  const auto patience = arriving_.patience();
  constexpr milliseconds kAnswer{10'000};
  if (!patience && asked_)
    return std::max(kAnswer - std::chrono::floor<milliseconds>(Clock::now() - *asked_), milliseconds(0));
  if (!patience) return std::nullopt;
  // What is faster than a serial line is a log that somebody copies, and has an end.
  constexpr std::size_t kCopied = std::size_t{1} << 20;
  const auto from = since_record_ > kCopied ? last_byte_ : last_record_;
  return std::max(*patience - std::chrono::floor<milliseconds>(Clock::now() - from), milliseconds(0));
}

// Whether there may be more.
Result<bool> Stream::take() {
  std::array<char, 16384> buffer;
  const auto count = ::read(fd_, buffer.data(), buffer.size());
  // EPIPE: /dev/kmsg has overwritten what was to be read next. EIO: a terminal's other end has gone.
  if (count < 0 && (errno == EINTR || errno == EAGAIN || errno == EPIPE)) return true;
  if (count == 0 || (count < 0 && errno == EIO)) return false;
  if (count < 0) return system_error(kReading, name_, errno);
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
  text_ += bytes;
  last_byte_ = Clock::now();
  since_record_ += bytes.size();
  if (arriving_.take(bytes)) {
    last_record_ = last_byte_;
    since_record_ = 0;
  }
  // A line that is watched for months.
  constexpr std::size_t kKept = 65536;
  constexpr std::size_t kMuch = std::size_t{1} << 22;
  if (arriving_.state() == Arriving::State::kNothing && text_.size() > kMuch) text_.erase(0, text_.size() - kKept);
  if (text_.size() > kMaxLog) return Error{kReading, name_, "it is larger than 256 MiB"};
  return true;
}

Result<std::string> Stream::read() {
  constexpr milliseconds kShow{1000};
  const InterruptGate gate;
  for (;;) {
    const auto rest = left();
    if (rest && rest->count() == 0) break;
    pollfd polled{fd_, POLLIN, 0};
    const auto wait = rest ? std::min(*rest, kShow) : kShow;
    const int ready = gate.wait({&polled, 1}, static_cast<int>(wait.count()));
    if (interrupted()) {
      if (arriving_.state() == Arriving::State::kNothing) return interrupted_error("waiting for a report on", name_);
      catch_interrupts_again();  // what has come is told
      break;
    }
    if (ready == 0) say_state();
    if (ready <= 0) continue;
    const auto more = take();
    if (!more.ok()) return more.error();
    if (!more.value()) break;
  }
  display_.clear();
  if (asked_ && arriving_.state() == Arriving::State::kNothing) return no_report();
  return std::move(text_);
}

void Stream::ask(int fd) {
  std::array<char, 64> room;
  const auto question = rsp::frame(rsp::kReportRequest, room);
  (void)!::write(fd, question.data(), question.size());  // what is lost gets no answer
  asked_ = Clock::now();
}

// Why no report came: what the target has answered.
Error Stream::no_report() const {
  std::optional<std::string> answer;
  std::vector<char> room(rsp::kMaxPacket);
  rsp::Reader packets{room};
  for (std::string_view rest = text_; !rest.empty();) {
    if (packets.take(rest) == rsp::Token::kPacket) answer = packets.payload();
  }
  const std::string step = "asking for a report on";
  if (!answer)
    return Error{step, name_, "no answer", "is it the target's line, and is debugging on there?", Exit::no_answer};
  if (*answer == "OK")
    return Error{step, name_, "the report is in the target's kernel log and on its console, which is not this line",
                 "give the console's log to gdbdebug report"};
  return Error{step, name_, "the target does not know the request", "its gdbdebug is older"};
}

Result<std::string> read_target(const Target& target, bool ask, Display& display) {
  if (!ask && (target.kind == Target::Kind::ssh || target.kind == Target::Kind::vsock))
    return Error{kReading, target.text, "it is a line for a debugger alone, which no console writes to",
                 "name the console's log, or a line that is a console", Exit::usage};
  constexpr int kOpenAgain = 250;
  for (;;) {
    bool may_come = false;
    const auto wire = open_wire(target, may_come);
    if (wire.ok()) {
      Stream stream("'" + target.text + "'", wire.value().input(), display);
      if (ask) stream.ask(wire.value().output());
      return stream.read();
    }
    if (!may_come) return wire.error();
    display.doing("waiting for '" + target.text + "' to be there (" + wire.error().reason + ")");
    (void)::poll(nullptr, 0, kOpenAgain);  // nothing tells when a listener comes to be
    if (interrupted()) return interrupted_error("waiting for", target.text);
  }
}

Status read_folder(const std::string& folder, std::vector<LogFile>& all, Display& display) {
  std::error_code failure;
  std::vector<LogFile> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, failure)) {
    if (!entry.is_regular_file(failure)) continue;
    const std::string name = entry.path();
    if (name.ends_with(".enc.z")) {
      display.say("'" + name +
                  "' is left out: it is compressed in a way that the kernel which has found it did not know");
      continue;
    }
    auto text = read_file(name, kReading, kMaxLog);
    if (!text.ok()) return text.error();
    files.push_back({name, std::move(text.value())});
  }
  if (failure) return system_error("reading the logs in", folder, failure.value());
  sort_by_name(files);
  std::ranges::move(files, std::back_inserter(all));
  return {};
}

// Reads what has an end, and what has none until it is enough.
Result<std::string> read_open(int fd, const std::string& path, const std::string& name, Display& display) {
  struct stat status {};
  if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) return read_file(path, kReading, kMaxLog);
  return Stream(name, fd, display).read();
}

Result<std::string> read_one(const std::string& name, Display& display) {
  if (name == "-") return read_open(STDIN_FILENO, "/dev/stdin", "standard input", display);
  struct stat status {};
  const bool exists = ::stat(name.c_str(), &status) == 0;
  const int why_not = errno;
  const auto target = parse_target(name);
  if (!exists) {
    // Of a name with a slash parse_target() takes it that a socket is still to come. Here it is a mistake.
    const bool may_come =
        target.ok() && (target.value().kind != Target::Kind::unix_socket || name.starts_with("unix:") ||
                        name.ends_with(".sock") || name.ends_with(".socket"));
    return may_come ? read_target(target.value(), false, display) : system_error(kReading, name, why_not);
  }
  if (S_ISSOCK(status.st_mode) && target.ok()) return read_target(target.value(), false, display);
  const UniqueFd file(
      ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | (S_ISCHR(status.st_mode) ? O_NONBLOCK : 0)));
  if (!file) return system_error(kReading, name, errno);
  if (S_ISCHR(status.st_mode) && ::isatty(file.get()) != 0 && target.ok())
    return read_target(target.value(), false, display);
  return read_open(file.get(), name, "'" + name + "'", display);
}

}  // namespace

Result<std::string> read_logs(const std::vector<std::string>& names, Display& display) {
  std::vector<LogFile> files;
  for (const auto& name : names) {
    std::error_code failure;
    if (std::filesystem::is_directory(name, failure)) {
      if (auto read = read_folder(name, files, display); !read.ok()) return read.error();
      continue;
    }
    auto text = read_one(name, display);
    if (!text.ok()) return text.error();
    files.push_back({name, std::move(text.value())});
  }
  return files.size() == 1 ? std::move(files.front().text) : joined_logs(files);
}

Result<std::string> request_report(const std::vector<std::string>& names, Display& display) {
  if (names.size() != 1)
    return Error{"asking for a report on", names.back(), "there is more than one TARGET", "--now needs one",
                 Exit::usage};
  const auto target = parse_target(names.front());
  return target.ok() ? read_target(target.value(), true, display) : target.error();
}

}  // namespace gdbdebug::client
