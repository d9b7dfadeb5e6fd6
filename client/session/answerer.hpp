// SPDX-License-Identifier: GPL-2.0-or-later
// answerer: one way to keep a request of the debugger's off the line. The relay asks the answerers in order; each is a
// small machine with one subject, pure, and knows nothing of packets' frames, of time limits or of the others.
//
// What invalidates what (each row is a test in answerer_test.cpp):
//
//   what happens                                          replies  memory  process  program
//   a read: m, x, qXfer:...:read, g, p, ?, T, vFile:pread
//   Z, z: gdbserver hides its breakpoints from reads         x
//   whatever may write or run: M, X, G, P, vCont, s, c,      x        x
//     qRcmd, D, and all that is not known here
//   half a second without a request                          x        x
//   another process is selected (Hg, a stop reply)           x        x       x
//   a stop reply for an exec                                 x        x       x        x
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace gdbdebug::client {

/// What becomes of a request.
struct Step {
  enum class Kind : std::uint8_t {
    pass,    ///< This answerer has nothing to say: the next one is asked, and behind the last one the target.
    answer,  ///< `text` is the reply for the debugger.
    ask,     ///< The target is asked `text` first; on_answer() gets its reply.
  };
  Kind kind = Kind::pass;
  std::string text;

  bool operator==(const Step&) const = default;

  static Step pass() { return {}; }
  static Step answer(std::string text) { return {Kind::answer, std::move(text)}; }
  static Step ask(std::string text) { return {Kind::ask, std::move(text)}; }
};

/// How much of what is known is no longer so. Each includes those before it.
enum class Forget : std::uint8_t {
  nothing,
  replies,  ///< What the target said may be said otherwise now.
  memory,   ///< So may what is in the memory of the process.
  process,  ///< What follows is about another process.
  program,  ///< The process executes another program.
};

/// Whether `request` is `pattern`, or begins with it where that ends in a colon.
bool matches(std::string_view pattern, std::string_view request);
/// What a request makes of all that is known. Pure; it does not know the reply.
Forget effect_of(std::string_view request);
/// The process that `Hgp12.34` or the `thread:p12.34` of a stop reply names; 0: none, or any.
unsigned process_of(std::string_view packet);
/// Whether a stop reply is for an exec.
bool tells_of_exec(std::string_view reply);

class Answerer {
 public:
  Answerer() = default;
  Answerer(const Answerer&) = delete;
  Answerer& operator=(const Answerer&) = delete;
  virtual ~Answerer() = default;

  virtual Step on_request(std::string_view request) = 0;
  /// The target's reply to what on_request() or this function asked for. Step::pass() lets the request go on its way.
  virtual Step on_answer(std::string_view reply);
  /// The target took part in the answer `reply` to `request`, which the debugger gets.
  virtual void saw(std::string_view request, std::string_view reply);
  virtual void forget(Forget what);
};

}  // namespace gdbdebug::client
