// SPDX-License-Identifier: GPL-2.0-or-later
// core: see core.hpp.
#include "report/core.hpp"

// Not <termios.h>, which has the same names: the kernel's termios2 has the speed as a number.
#include <asm/termbits.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/klog.h>

#include "report/lines.hpp"
#include "report/registers.hpp"
#include "sys/log.hpp"
#include "sys/sys.hpp"

namespace gdbdebug {
namespace {

constexpr std::uint64_t kDefaultMemory = std::uint64_t{64} * 1024;
constexpr std::uint64_t kDefaultSeconds = 10;
constexpr std::uint64_t kNoLimit = UINT64_MAX;

/// Baud of the slowest serial console; nullopt where there is none.
std::optional<std::uint64_t> console_speed() {
  std::optional<std::uint64_t> slowest;
#ifdef TCGETS2
  Text<1024> consoles;
  const auto list = sys::open(AT_FDCWD, "/proc/consoles", O_RDONLY);
  if (!list || !sys::read_all(*list, consoles)) return slowest;
  for (auto rest = consoles.view(); !rest.empty();) {
    auto line = take_word(rest, '\n');
    Text<64> path("/dev/");
    const auto device = sys::open(AT_FDCWD, path.add(take_word(line, ' ')).c_str(), O_RDONLY | O_NOCTTY | O_NONBLOCK);
    termios2 settings{};
    // A screen has a speed too, but no modem lines.
    int modem = 0;
    if (!device || ::ioctl(device->get(), TIOCMGET, &modem) != 0 || ::ioctl(device->get(), TCGETS2, &settings) != 0)
      continue;
    if (settings.c_ospeed != 0 && (!slowest || settings.c_ospeed < *slowest)) slowest = settings.c_ospeed;
  }
#endif
  return slowest;
}

/// How many bytes of text a core may be. The log is to keep what was in it before.
std::uint64_t text_limit(const CoreSize& size) {
  constexpr int kSizeOfLog = 10;             // SYSLOG_ACTION_SIZE_BUFFER (syslog(2))
  constexpr std::uint64_t kBitsOfByte = 10;  // with its start and stop bits
  const int log = ::klogctl(kSizeOfLog, nullptr, 0);
  auto limit = log > 0 ? static_cast<std::uint64_t>(log) / 2 : kNoLimit;
  const auto speed = size.kib || size.all ? std::nullopt : console_speed();
  if (speed && *speed * kDefaultSeconds / kBitsOfByte < limit) limit = *speed * kDefaultSeconds / kBitsOfByte;
  return limit;
}

class LogSink final : public dump::Sink {
 public:
  LogSink(std::uint64_t limit, Interrupted interrupted, void* context)
      : limit_(limit), interrupted_(interrupted), context_(context) {}

  bool say(std::string_view record) override {
    constexpr std::uint64_t kPrefix = 32;  // the time, `gdbdebug: core: `, and the end of the line
    if (limit_ < record.size() + kPrefix) return stop("it has reached the limit for the log");
    limit_ -= record.size() + kPrefix;
    Text<core_record::kMark.size() + core_record::kMaxRecord> line(core_record::kMark);
    log::say(report::kLevel, line.add(record));
    if (interrupted_ != nullptr && interrupted_(context_)) return stop("a debugger has come");
    return true;
  }

 private:
  static bool stop(std::string_view why) {
    log::Message message("the core ends here: ");
    log::say(log::Level::kWarning, message.add(why));
    return false;
  }

  std::uint64_t limit_;
  Interrupted interrupted_;
  void* context_;
};

dump::Subject subject_of(const Stop& stop, const Cause& cause, dump::Registers& registers) {
  dump::Subject subject{.thread = stop.thread, .registers = &registers};
  if (cause.known) subject.signal = {reinterpret_cast<const unsigned char*>(&cause.info), sizeof cause.info};
  return subject;
}

}  // namespace

void CoreLog::say(const dump::Subject& subject, Interrupted interrupted, void* context) {
  LogSink sink(text_limit(size_), interrupted, context);
  auto memory = kDefaultMemory;
  if (size_.kib) memory = std::uint64_t{*size_.kib} * 1024;
  if (size_.all) memory = dump::kWhole;
  dump_.say(subject, memory, sink);
}

void CoreLog::say_running(Interrupted interrupted, void* context) {
  report::PlaceRegisters registers;
  say({.registers = &registers, .runs = true}, interrupted, context);
}

void CoreLog::say(const Stop& stop, const Cause& cause, dump::Registers& registers, Interrupted interrupted,
                  void* context) {
  say(subject_of(stop, cause, registers), interrupted, context);
}

void CoreLog::say_again(const Stop& stop, const Cause& cause, dump::Registers& registers) {
  if (!dump_.said()) return;
  LogSink sink(kNoLimit, nullptr, nullptr);
  dump_.say_again(subject_of(stop, cause, registers), sink);
}

}  // namespace gdbdebug
