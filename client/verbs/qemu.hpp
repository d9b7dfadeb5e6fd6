// SPDX-License-Identifier: GPL-2.0-or-later
// qemu: the virtual machine of `gdbdebug vm`.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "core/request/request.hpp"

namespace gdbdebug::client {

/// How a machine of one architecture is put together.
struct Machine {
  std::string name;                  ///< As uname -m.
  std::string qemu;                  ///< The program.
  std::vector<std::string> options;  ///< What makes it one that boots a kernel.
  std::string console;               ///< The kernel's name for its console.
  std::string line;                  ///< rd.gdbdebug= of its debug line, without options.
  std::string port_bus;              ///< QEMU's device that virtio ports are joined to.
};

/// What joins QEMU's chardev `gdbdebug` to the machine's debug line; nothing for a line that cannot be had this way.
std::vector<std::string> line_options(const Machine& machine, const Line& line);

/// The machine for programs of `name` (uname -m). An error for one that gdbdebug cannot put together.
Result<Machine> machine_for(const std::string& name);

/// Whether there is a KVM for this kind of machine, and this user may use it.
bool kvm_may_work(const Machine& machine);

enum class KvmTrial {
  works,
  fails,  ///< QEMU ended at once. KVM need not be the reason: it may not like the kernel.
  hangs,
};

/// Whether `kernel` runs under KVM in a virtual machine that the QEMU `program` makes here. It is tried: without a root
/// file system the kernel must panic, and QEMU end, in a few seconds. A /dev/kvm can be there and hang, or run firmware
/// and no kernel. Errors, which tell nothing about KVM: QEMU could not be started; interrupted.
Result<KvmTrial> try_kvm(const std::string& program, const Machine& machine, const std::string& kernel);

}  // namespace gdbdebug::client
