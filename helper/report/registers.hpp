// SPDX-License-Identifier: GPL-2.0-or-later
// registers: those that every program has, by gdbserver's own description of them.
#pragma once

#include <cstdint>
#include <span>

#include "dump/dump.hpp"
#include "report/maps.hpp"
#include "tracee/server.hpp"

namespace gdbdebug::report {

/// Those that lead to return addresses, 0 where there is none.
struct CallRegisters {
  std::uintptr_t link = 0;
  std::uintptr_t frame = 0;
};

/// The registers of the first feature in the target description, up to the first that is wider than 64 bits: those
/// that every program has (gdb's manual, "Target Description Format"). The reply to `g` has them in the same order.
/// gdbserver must be idle.
CallRegisters say_registers(Server& server, const Place& place);

/// All registers of a thread, as gdbserver knows them. It must be idle.
class ServerRegisters final : public dump::Registers {
 public:
  explicit ServerRegisters(Server& server) : server_(server) {}
  std::size_t read(unsigned thread, std::span<unsigned char> set) override;

 private:
  Server& server_;
};

/// Those of a thread that nobody traces and that sleeps: the program counter and the stack pointer. The others are 0.
class PlaceRegisters final : public dump::Registers {
 public:
  std::size_t read(unsigned thread, std::span<unsigned char> set) override;
};

}  // namespace gdbdebug::report
