// SPDX-License-Identifier: GPL-2.0-or-later
// registers: those that every program has, by the description that comes with them.
#pragma once

#include <cstdint>
#include <span>

#include "dump/dump.hpp"
#include "report/maps.hpp"
#include "tracee/registers.hpp"

namespace gdbdebug::report {

/// Those that lead to return addresses, 0 where there is none.
struct CallRegisters {
  std::uintptr_t link = 0;
  std::uintptr_t frame = 0;
};

/// The registers of the first feature in the target description, up to the first that is wider than 64 bits: those
/// that every program has (gdb's manual, "Target Description Format"). The reply to `g` has them in the same order.
CallRegisters say_registers(const RegisterTexts& registers, const Place& place);

/// All registers of a thread, as gdbserver knows them. It must be idle.
class ServerRegisters final : public dump::Registers {
 public:
  explicit ServerRegisters(Server& server) : server_(server) {}
  std::size_t read(unsigned thread, std::span<unsigned char> set) override;

 private:
  Server& server_;
};

/// The same where the agent itself is the tracer.
class TracedRegisters final : public dump::Registers {
 public:
  std::size_t read(unsigned thread, std::span<unsigned char> set) override;
};

/// Those of a thread that nobody traces and that sleeps: the program counter and the stack pointer. The others are 0.
class PlaceRegisters final : public dump::Registers {
 public:
  std::size_t read(unsigned thread, std::span<unsigned char> set) override;
};

}  // namespace gdbdebug::report
