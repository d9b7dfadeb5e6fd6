// SPDX-License-Identifier: GPL-2.0-or-later
// target_description: recognizes the target's description among those that are known, by a few bytes of it, and fetches
// it otherwise. It is some 10 kB on the line (gdb's manual, "Target Descriptions").
#pragma once

#include <optional>

#include "base/known_descriptions.hpp"
#include "session/answerer.hpp"

namespace gdbdebug::client {

///             a candidate fits, to its last byte
///   Probing ------------------------------------> Known
///      |                                            ^
///      | none is left                               | the last piece, and it includes no other document
///      v                                            |
///   Fetching ---------------------------------------+
///
/// Probing   begins at the debugger's read at offset 0; candidates_ have fitted all probes up to now.
/// Fetching  the debugger's reads go to the target; learning_ is what has come.
/// Known     description_ answers every read, until an exec: another program can be of another kind, 32 bit or 64.
class TargetDescription : public Answerer {
 public:
  explicit TargetDescription(Descriptions descriptions) : descriptions_(std::move(descriptions)) {}

  Step on_request(std::string_view request) override;
  Step on_answer(std::string_view reply) override;
  void saw(std::string_view request, std::string_view reply) override;
  void forget(Forget what) override;

 private:
  Step probe();
  [[nodiscard]] Step piece() const;

  Descriptions descriptions_;
  std::optional<std::string> description_;
  std::vector<std::string> candidates_;
  std::uint64_t offset_ = 0;  // what the debugger wants of it
  std::uint64_t length_ = 0;
  std::string learning_;
};

}  // namespace gdbdebug::client
