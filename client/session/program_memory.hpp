// SPDX-License-Identifier: GPL-2.0-or-later
// program_memory: answers reads of the program's headers and of its .dynamic from its file, once the target has proved
// that they are so in memory. gdb reads them at each step towards the list of libraries, in nine requests.
// Nothing is answered that was not proved since PID 1 last ran: the target computes a checksum of the memory
// ("qCRC", gdb's manual, "General Query Packets"), which costs 45 bytes in the place of a thousand.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "image/known_program.hpp"
#include "session/answerer.hpp"

namespace gdbdebug::client {

/// Of each part, headers and .dynamic:
///
///               a read in it, and the sum is that of a guess
///   Unproved -------------------------------------------------> Proved
///    ^  ^   |                                                     |
///    |  |   | it is that of none                                  |
///    |  |   +---------------------> Different                     |
///    |  +---------------------------- | <-- forget(memory), more -+
///    +--------------------------------+
///
/// Unproved   what is known is guesses: the file, the file as the dynamic linker leaves it, what it was before.
/// Proved     reads are answered with the guess that it is.
/// Different  reads go to the target.
class ProgramMemory : public Answerer {
 public:
  explicit ProgramMemory(std::optional<KnownProgram> program) : program_(std::move(program)) {}

  Step on_request(std::string_view request) override;
  Step on_answer(std::string_view reply) override;
  void saw(std::string_view request, std::string_view reply) override;
  void forget(Forget what) override;

 private:
  enum class State : std::uint8_t { unproved, proved, different };
  struct Part {
    State state = State::unproved;
    const KnownProgram::Part* file = nullptr;
    std::vector<std::string> guesses;  // the likeliest first
    std::size_t guess = 0;
  };

  void learn_auxv(std::string_view data);
  [[nodiscard]] Step slice(const Part& part) const;

  std::optional<KnownProgram> program_;
  bool computes_ = true;                 // the target knows the request
  std::optional<std::uint64_t> offset_;  // by which the program was moved; nothing: not known
  std::array<Part, 2> parts_;
  std::size_t asked_ = 0;  // which part is being proved
  std::string request_;
};

/// The checksum of `qCRC` (gdb's manual): CRC-32, most significant bit first, from all ones, not inverted at the end.
std::uint32_t memory_checksum(std::string_view bytes);

}  // namespace gdbdebug::client
