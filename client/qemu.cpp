// SPDX-License-Identifier: GPL-2.0-or-later
// qemu: see qemu.hpp.
#include "qemu.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <array>

#include "process.hpp"

namespace gdbdebug::client {
namespace {

constexpr int kTrialSeconds = 10;  // it takes 1 or 2 where KVM works

const std::array<Machine, 3>& machines() {
  static const std::vector<std::string> port{"-device", "virtio-serial-device", "-device",
                                             "virtserialport,chardev=gdbdebug,name=gdbdebug"};
  static const std::array<Machine, 3> all{
      Machine{"x86_64", "qemu-system-x86_64", {"-machine", "pc"}, "ttyS0", "ttyS1", {"-serial", "chardev:gdbdebug"}},
      Machine{
          "aarch64", "qemu-system-aarch64", {"-machine", "virt", "-cpu", "max"}, "ttyAMA0", "virtio:gdbdebug", port},
      Machine{"riscv64", "qemu-system-riscv64", {"-machine", "virt"}, "ttyS0", "virtio:gdbdebug", port},
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

bool kvm_may_work(const Machine& machine) {
  utsname here{};
  if (::uname(&here) != 0 || machine.name != here.machine) return false;
  return ::access("/dev/kvm", R_OK | W_OK) == 0;
}

bool kvm_works(const Machine& machine, const std::string& kernel) {
  Spawn qemu;
  qemu.argv = {machine.qemu};
  qemu.argv.insert(qemu.argv.end(), machine.options.begin(), machine.options.end());
  qemu.argv.insert(qemu.argv.end(), {"-accel", "kvm", "-m", "256", "-nodefaults", "-display", "none", "-no-reboot",
                                     "-kernel", kernel, "-append", "panic=-1 quiet"});
  qemu.own_group = true;
  const auto output = run(qemu, 65536, kTrialSeconds);
  return output.ok() && output.value().status == 0;
}

}  // namespace gdbdebug::client
