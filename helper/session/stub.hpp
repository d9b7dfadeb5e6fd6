// SPDX-License-Identifier: GPL-2.0-or-later
// stub: answers a debugger in the place of gdbserver where PID 1 is at its exit. No gdbserver can come there, for it
// needs its tracee to run; but memory and registers are still there to be looked at.
// Pure but for its subject: packets in, packets out. Whatever would change something is refused with a reason; what is
// not known is answered as the protocol wants it, by nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/text.hpp"
#include "core/rsp/packet.hpp"
#include "core/rsp/stop.hpp"

namespace gdbdebug {

class Stub {
 public:
  /// What is looked at.
  struct Subject {
    bool (*memory)(std::uint64_t address, std::span<char> bytes);
    std::string_view (*registers)(unsigned thread);  ///< the reply to `g`; empty: there are none
    std::string_view (*description)();               ///< target.xml; empty: there is none
    std::size_t (*threads)(std::span<unsigned> threads);
    std::size_t (*auxv)(std::uint64_t offset, std::span<char> bytes);
    // Files of PID 1's root, and in /proc: maps and libraries are read there. -1: with errno.
    int (*open)(std::string_view path);
    long (*read)(int file, std::uint64_t offset, std::span<char> bytes);
    void (*close)(int file);
  };
  static constexpr std::size_t kMaxReply = 16500;

  /// `thread`: the one that exits, or stands at `signal`, in gdb's numbers.
  Stub(const Subject& subject, unsigned thread, unsigned signal = kGdbSigtrap)
      : subject_(subject), exits_(thread), signal_(signal), thread_(thread) {
    files_.fill(-1);
  }
  Stub(const Stub&) = delete;
  Stub& operator=(const Stub&) = delete;
  ~Stub();

  /// Takes the next packet out of `bytes`, in no-ack mode; the packet that answers it, or nothing.
  std::string_view take(std::string_view& bytes, std::span<char, kMaxReply> reply);

 private:
  void answer(std::string_view request, TextBuffer& out);
  void add_thread(unsigned thread, TextBuffer& out) const;
  void answer_memory(std::string_view range, TextBuffer& out) const;
  void answer_threads(TextBuffer& out) const;
  void answer_part(std::string_view text, std::string_view range, TextBuffer& out) const;
  void choose(std::string_view id, TextBuffer& out);
  void answer_file(std::string_view request, TextBuffer& out);
  int* find_file(std::string_view handle);

  const Subject& subject_;
  const unsigned exits_;
  const unsigned signal_;
  unsigned thread_;  ///< the one whose registers are asked for
  bool multiprocess_ = false;
  std::array<int, 8> files_{};  ///< open ones; a debugger's handle is the place of one
  std::array<char, rsp::kMaxPacket> buffer_;
  rsp::Reader reader_{buffer_};
};

}  // namespace gdbdebug
