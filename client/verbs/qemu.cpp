// SPDX-License-Identifier: GPL-2.0-or-later
// qemu: see qemu.hpp.
#include "verbs/qemu.hpp"

#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>

#include "base/interrupt.hpp"
#include "base/process.hpp"

namespace gdbdebug::client {
namespace {

constexpr int kTrialMilliseconds = 10'000;  // it takes 1 or 2 s where KVM works

const std::array<Machine, 3>& machines() {
  static const std::array<Machine, 3> all{
      Machine{"x86_64", "qemu-system-x86_64", {"-machine", "pc"}, "ttyS0", "ttyS1", "virtio-serial-pci"},
      Machine{"aarch64",
              "qemu-system-aarch64",
              {"-machine", "virt", "-cpu", "max"},
              "ttyAMA0",
              "virtio:gdbdebug",
              "virtio-serial-device"},
      Machine{
          "riscv64", "qemu-system-riscv64", {"-machine", "virt"}, "ttyS0", "virtio:gdbdebug", "virtio-serial-device"},
  };
  return all;
}

}  // namespace

Result<Machine> machine_for(const std::string& name) {
  std::string known;
  for (const auto& machine : machines()) {
    if (machine.name == name) return machine;
    known += (known.empty() ? "" : ", ") + machine.name;
  }
  return Error{"choosing a virtual machine for", name.empty() ? "this image" : name,
               "gdbdebug knows how to make one for " + known,
               "start QEMU yourself, and use `gdbdebug attach` with its socket"};
}

std::vector<std::string> line_options(const Machine& machine, const Line& line) {
  if (line.kind == Line::Kind::kVirtio) {
    return {"-device", machine.port_bus, "-device", "virtserialport,chardev=gdbdebug,name=" + std::string(line.name)};
  }
  if (line.kind != Line::Kind::kTerminal) return {};
  if (line.name == "hvc0") return {"-device", machine.port_bus, "-device", "virtconsole,chardev=gdbdebug"};
  if (line.name == machine.line) return {"-serial", "chardev:gdbdebug"};
  return {};
}

bool kvm_may_work(const Machine& machine) {
  utsname here{};
  if (::uname(&here) != 0 || machine.name != here.machine) return false;
  return ::access("/dev/kvm", R_OK | W_OK) == 0;
}

Result<KvmTrial> try_kvm(const std::string& program, const Machine& machine, const std::string& kernel) {
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) return system_error("opening", "/dev/null", errno);
  Spawn qemu;
  qemu.argv = {program};
  qemu.argv.insert(qemu.argv.end(), machine.options.begin(), machine.options.end());
  qemu.argv.insert(qemu.argv.end(), {"-accel", "kvm", "-m", "256", "-nodefaults", "-display", "none", "-no-reboot",
                                     "-kernel", kernel, "-append", "panic=-1 quiet"});
  qemu.input = qemu.output = qemu.error = null.get();
  qemu.own_group = true;
  qemu.dies_with_us = true;
  const auto pid = spawn(qemu);
  if (!pid.ok()) return pid.error();
  int status = 0;
  if (ends_within(pid.value(), kTrialMilliseconds, status)) return status == 0 ? KvmTrial::works : KvmTrial::fails;
  end_child(pid.value(), 0);
  if (interrupted()) return interrupted_error("trying KVM with", program);
  return KvmTrial::hangs;
}

}  // namespace gdbdebug::client
