// SPDX-License-Identifier: GPL-2.0-or-later
// wire: carries the console's text and keys between the port and the terminals that stand in its place, for the agent
// and, when that is gone, for the guard.
//
//              set_quiet(true)                  guest
//    kOpen <--------------------> kQuiet <----------------> kSession
//
// kOpen     the kernel prints as ever; text of the terminals goes out as it comes. Who writes faster than the port
//           waits for it, as on any serial port.
// kQuiet    PID 1 is held and nobody debugs it: nothing goes out but what is due, and what comes is kept.
// kSession  the wire is the debugger's. The owner takes the text (front(), consume()) when it can be said as packets.
// In the last two the oldest text is dropped, and counted, when there is no room: nobody waits for a debugger.
#pragma once

#include <poll.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/backlog.hpp"
#include "wire/parts.hpp"
#include "wire/quiet.hpp"

namespace gdbdebug::wire {

class Wire {
 public:
  enum class State : std::uint8_t { kOpen, kQuiet, kSession };
  static constexpr std::size_t kRoom = 256 * 1024;

  explicit Wire(Parts& parts) : parts_(parts), quiet_(*parts.settings) {}

  /// What to poll; a descriptor of -1: nothing.
  static constexpr std::size_t kWatches = 5;
  pollfd watch(std::size_t which) const;
  void handle(std::size_t which, short events);

  /// Who is there. `takes`: a debugger takes the text, since PID 1 runs in its session.
  void set(State state, bool takes, std::uint64_t now_ms);
  State state() const { return state_; }
  /// The time goes on.
  void tick(std::uint64_t now_ms);
  std::optional<std::uint64_t> deadline() const { return look_at_; }

  /// Keys for what reads the console.
  void type(std::string_view bytes);
  /// A line of ours that is seen whatever the console level is, and also while the wire is quiet.
  void announce(std::string_view line);
  /// Whether the kernel shows messages of this level.
  bool shows(int level) const { return quiet_.level() > level; }

  /// Whether there is text that may go out as it is.
  bool has_raw() const { return (state_ == State::kOpen || due_ > 0) && (!text_.empty() || text_.has_lost()); }
  /// Writes of that what the port takes. False, with errno: the port does not take it.
  bool write_raw(int port);
  /// Text for the debugger.
  std::string_view front(std::size_t most);
  void consume(std::size_t count) { text_.consume(count); }

 private:
  void read(const UniqueFd& master);
  void read_log();
  void tell_lost();
  bool wants_text() const;

  Parts& parts_;
  Quiet quiet_;
  State state_ = State::kOpen;
  std::size_t due_ = 0;  ///< while quiet: so much of the text is to go out
  bool taken_ = false;   ///< in a session: the debugger takes the text
  std::optional<std::uint64_t> look_at_;
  Backlog<kRoom> text_;
  Backlog<4096> keys_;
};

}  // namespace gdbdebug::wire
