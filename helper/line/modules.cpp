// SPDX-License-Identifier: GPL-2.0-or-later
// modules: see modules.hpp.
#include "line/modules.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "core/layout.hpp"
#include "core/request/conf.hpp"
#include "sys/child.hpp"
#include "sys/log.hpp"
#include "sys/sys.hpp"

namespace gdbdebug {
namespace {

constexpr const char* kStep = "loading kernel modules";
/// A driver may look for its hardware while it is loaded: some seconds, for a slow controller.
constexpr std::uint64_t kModprobeTimeoutMs = 30'000;
/// And all of them together: PID 1 may be waiting.
constexpr std::uint64_t kModulesTimeoutMs = 60'000;
constexpr const char* kFailed = "it has failed";

/// In the child between fork and exec: system calls only.
void become_modprobe(const ModulesPlace& place, char* const* argv) {
  char* const envp[] = {const_cast<char*>("PATH=/usr/sbin:/usr/bin:/sbin:/bin"), nullptr};
  if (::fchdir(place.image.get()) != 0) return;
  if (!place.overlay.empty() && ::chdir(place.overlay.data()) != 0) return;
  if (::chroot(".") != 0) return;
  for (const char* path : {"/sbin/modprobe", "/usr/sbin/modprobe", "/usr/bin/modprobe", "/bin/modprobe"}) {
    ::execve(path, argv, envp);
  }
}

}  // namespace

/// Runs modprobe to its end.
Status Modules::run(char* const* argv) {
  const auto now = sys::now_ms();
  if (!deadline_) deadline_ = now + kModulesTimeoutMs;
  if (now >= *deadline_) return Error{kStep, argv[0], ETIMEDOUT, "the 60 seconds for kernel modules are over"};
  const auto left = *deadline_ - now;
  Child child;
  if (const auto status = child.start("modprobe", [&] { become_modprobe(place_, argv); }); !status) return status;
  const auto status = child.wait(static_cast<int>(left < kModprobeTimeoutMs ? left : kModprobeTimeoutMs));
  if (!status) return Error{kStep, argv[0], ETIMEDOUT, "modprobe did not finish in time"};
  if (*status == kNotExecuted) return Error{kStep, "modprobe", 0, "the image has none"};
  if (*status != 0) return Error{kStep, "modprobe", 0, kFailed};
  return Done{};
}

Text<256> Modules::lines() const {
  Text<256> lines("serial virtio");
  Text<16384> conf;
  // An overlay's is in our own root.
  auto file = sys::open(AT_FDCWD, layout::kConfiguration, O_RDONLY | O_NONBLOCK);
  if (!file) file = sys::open(place_.image.get(), layout::kConfiguration + 1, O_RDONLY | O_NONBLOCK);
  if (file && sys::read_all(*file, conf)) {
    if (const auto value = conf_value(conf, "lines")) lines.set(*value);
  }
  return lines;
}

void Modules::done() {
  if (usable() && !place_.overlay.empty()) sys::remove_tree(place_.image, layout::kOverlay + 1);
  place_.image.reset();
}

void Modules::load_named() {
  if (named_ || !usable()) return;
  named_ = true;
  for (auto rest = request_.modules; !rest.empty();) {
    Text<64> name(take_word(rest, ':'));
    if (name.empty()) continue;
    char* const argv[] = {const_cast<char*>("modprobe"), const_cast<char*>(name.c_str()), nullptr};
    if (const auto status = run(argv); !status)
      log::warning({"loading the kernel module", name, status.error().err, status.error().reason.data()},
                   "going on without it");
  }
}

/// Which devices can lead to the line. The forms of modaliases: scripts/mod/file2alias.c in the kernel.
bool Modules::wants(std::string_view alias) const {
  constexpr std::string_view kVirtioPci = "pci:v00001AF4";
  const auto has = [&](std::string_view part) { return alias.find(part) != std::string_view::npos; };
  const auto begins = [&](std::string_view part) { return alias.starts_with(part); };
  const bool virtio_transport = begins(kVirtioPci) || begins("acpi:LNRO0005") || has("Cvirtio,mmio");
  switch (request_.line.kind) {
    case Line::Kind::kTerminal: {
      const auto name = request_.line.name;
      if (name.starts_with("hvc")) return virtio_transport || begins("virtio:d00000003");
      if (name.starts_with("ttyUSB") || name.starts_with("ttyACM")) {
        // Host controllers, then the interfaces of adapters: vendors' own class, and communication devices.
        const bool host = (begins("pci:") && has("bc0Csc03")) || begins("of:Nusb");
        return host || (begins("usb:") && (has("icFF") || has("ic02") || has("ic0A")));
      }
      return (begins("pci:") && has("bc07")) || begins("of:Nserial") || begins("of:Nuart");
    }
    case Line::Kind::kVirtio:
      return virtio_transport || begins("virtio:d00000003");
    case Line::Kind::kVsock:
      return virtio_transport || begins("virtio:d00000013") || begins("vmbus:") || begins("pci:v000015ADd00000740");
    case Line::Kind::kTcp:
    case Line::Kind::kSsh:
      return virtio_transport || begins("virtio:d00000001") || (begins("pci:") && has("bc02")) || begins("vmbus:") ||
             begins("xen:vif") || begins("of:Nethernet");
  }
  return false;
}

std::span<const std::string_view> Modules::no_device() const {
  static constexpr std::string_view kVsock[] = {"vsock", "vsock_loopback"};
  static constexpr std::string_view kNetwork[] = {"af_packet", "ipv6"};  // udhcpc's sockets, link-local addresses
  switch (request_.line.kind) {
    case Line::Kind::kVsock:
      return kVsock;
    case Line::Kind::kTcp:
    case Line::Kind::kSsh:
      return kNetwork;
    default:
      return {};
  }
}

bool Modules::once(std::string_view modalias) {
  const auto hashed = hash(modalias);
  for (std::size_t i = 0; i < seen_count_; ++i) {
    if (seen_[i] == hashed) return false;
  }
  if (seen_count_ == seen_.size()) return false;  // or there would be no end of them
  seen_[seen_count_++] = hashed;
  return true;
}

/// Modaliases on their way to one run of modprobe.
struct Modules::Batch {
  std::array<Text<256>, 24> aliases;
  std::array<char*, 24 + 5> argv;
  std::size_t count = 0;
};

bool Modules::load_for_line() {
  if (!usable()) return false;
  const auto buses = sys::open(AT_FDCWD, "/sys/bus", O_RDONLY | O_DIRECTORY);
  if (!buses) return false;
  static Batch batch;
  batch.count = 0;
  bool any = false;
  // A driver that has been loaded brings new devices, on another bus: go round until there are no more.
  for (bool more = true; more;) {
    batch.count = 0;
    for (const char* bus : {"pci", "usb", "virtio", "platform", "vmbus", "xen"}) {
      Text<64> path(bus);
      const auto devices = sys::open(buses->get(), path.add("/devices").c_str(), O_RDONLY | O_DIRECTORY);
      if (!devices) continue;
      sys::Names names(*devices);
      for (auto name = names.next(); !name.empty() && batch.count < batch.aliases.size(); name = names.next()) {
        Text<128> file(name);
        const auto modalias = sys::open(devices->get(), file.add("/modalias").c_str(), O_RDONLY);
        auto& alias = batch.aliases[batch.count];
        alias.clear();
        if (!modalias || !sys::read_all(*modalias, alias)) continue;
        const Text<256> trimmed(trim(alias));
        if (trimmed.empty() || !wants(trimmed) || !once(trimmed)) continue;
        alias = trimmed;
        ++batch.count;
      }
    }
    // What has no device to be found by.
    for (const std::string_view name : no_device()) {
      if (batch.count < batch.aliases.size() && once(name)) batch.aliases[batch.count++].set(name);
    }
    more = batch.count > 0;
    if (!more) break;
    any = true;
    std::size_t argc = 0;
    // -b: what the image's modprobe.d blacklists stays out; -q: a device without a driver is none of our business.
    for (const char* word : {"modprobe", "-a", "-b", "-q"}) batch.argv[argc++] = const_cast<char*>(word);
    for (std::size_t i = 0; i < batch.count; ++i) batch.argv[argc++] = const_cast<char*>(batch.aliases[i].c_str());
    batch.argv[argc] = nullptr;
    // With -a the status says only that one of them failed: the line itself will say what is missing.
    if (const auto status = run(batch.argv.data()); !status && status.error().reason != kFailed) {
      log::warning(status.error(), "going on without");
      return status.error().err == ETIMEDOUT;  // what was loaded before may do
    }
  }
  return any;
}

}  // namespace gdbdebug
