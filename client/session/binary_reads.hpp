// SPDX-License-Identifier: GPL-2.0-or-later
// binary_reads: fetches memory for a gdb before 16 as a newer one does, a byte a byte (`x`, gdb's manual, "Packets").
#pragma once

#include <optional>

#include "session/answerer.hpp"
#include "session/payload.hpp"

namespace gdbdebug::client {

class BinaryReads : public Answerer {
 public:
  Step on_request(std::string_view request) override;
  Step on_answer(std::string_view reply) override;
  void saw(std::string_view request, std::string_view reply) override;

 private:
  bool offered_ = false;  // by the target, in its reply to qSupported
  MemoryRead read_;
};

}  // namespace gdbdebug::client
