// SPDX-License-Identifier: GPL-2.0-or-later
// await: see await.hpp.
#include "wire/await.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "base/interrupt.hpp"
#include "core/rsp/packet.hpp"
#include "core/words/hello.hpp"

namespace gdbdebug::client {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kAskAgain{1000};
constexpr milliseconds kOpenAgain{250};
// After this many questions without an answer, a packet with a wrong checksum goes first: it ends what a lost debugger
// may have left half said, and every stub answers it with a NAK.
constexpr int kPlainQuestions = 3;
constexpr std::string_view kQuestion = "\n";
constexpr std::string_view kRudeQuestion = "$x#00\n";
// rsp::kHelloRequest. A newline on a console would be an empty passphrase to somebody else. A target of 0.1 takes
// the packet for a debugger's first one, and answers it with nothing, as every stub does: from then on it is asked by a
// newline.
std::string packet_question() {
  std::array<char, 64> room;
  return std::string(rsp::frame(rsp::kHelloRequest, room));
}

// Whether the line may be a console of the target too.
bool may_be_shared(const Target& target) {
  return target.kind != Target::Kind::vsock && target.kind != Target::Kind::ssh;
}

struct Asking {
  LineCutter lines;
  std::vector<char> packet_room = std::vector<char>(4096);
  rsp::Reader packets{packet_room};
  bool by_packet = false;  // how it is asked
  int empty_answers = 0;   // it does not know the packet
  bool heard = false;      // a byte came
  int questions = 0;
  std::string since_rude;  // what came after the last rude question
  std::optional<Greeting> greeting;
  bool chosen = false;   // the target was told at once which process is wanted
  bool refused = false;  // somebody else is there
  bool stub = false;
};

void take(Asking& asking, std::string_view bytes) {
  asking.heard = true;
  if (asking.questions > kPlainQuestions && asking.since_rude.size() < 16) asking.since_rude += bytes;
  for (auto rest = bytes; !rest.empty();) {
    if (asking.packets.take(rest) != rsp::Token::kPacket) continue;
    if (auto greeting = read_greeting(asking.packets.payload())) asking.greeting = std::move(greeting);
    if (asking.packets.payload().empty()) ++asking.empty_answers;
  }
  while (auto line = asking.lines.take(bytes)) {
    if (auto greeting = read_greeting(*line)) asking.greeting = std::move(greeting);
    if (line->starts_with(kRefusal)) asking.refused = true;
  }
  // A terminal that is not raw yet echoes the question, and a console may say anything: only a lone NAK is a stub's.
  // A gdbserver repeats its answer at any byte that does not acknowledge it.
  asking.stub = asking.since_rude == "-" || asking.empty_answers > 1;
}

// What a line that is opened and closed again without a byte tells the user. gdbdebug(7), from=.
std::string closed_hint(const Target& target) {
  return target.kind == Target::Kind::tcp
             ? "a target closes the connection of a peer that no from= on its kernel command line allows"
             : "something is there, and lets nobody in";
}

std::string closed_so_often(int times) {
  return "it was opened and closed " + std::to_string(times) + " times without a byte";
}

// The number of the process that is awaited, if it is there: the one that is offered where several have that name.
std::string find_awaited(const Greeting& greeting, const Awaited& awaited) {
  if (awaited.process.empty()) return greeting.pid;
  if (awaited.process == "1") return "1";
  std::string found;
  for (const auto& held : greeting.held) {
    if (held.pid != awaited.process && held.name != awaited.process) continue;
    if (found.empty() || held.pid == greeting.pid) found = held.pid;
  }
  return found;
}

bool is_awaited(const Greeting& greeting, const Awaited& awaited) {
  if (awaited.crashed && greeting.state != "crashed") return false;
  return awaited.process.empty() || find_awaited(greeting, awaited) == greeting.pid;
}

// Whether it is held, and another one is offered.
bool is_to_be_chosen(const Greeting& greeting, const Awaited& awaited) {
  const auto pid = find_awaited(greeting, awaited);
  return !awaited.process.empty() && !pid.empty() && pid != greeting.pid;
}

std::string choosing_question(const std::string& pid) {
  std::string request(rsp::kChooseRequest);
  for (const char digit : pid) request += std::string("3") + digit;  // in hexadecimal digits
  std::array<char, 128> room;
  return std::string(rsp::frame(request, room));
}

// What the target is waited for where it answers, and is not what is awaited.
std::string waited_for(const Greeting& greeting, const Awaited& awaited) {
  if (awaited.crashed) return "PID 1 is " + greeting.state + ", and is waited for until it crashes";
  return "'" + awaited.process + "' is waited for until it is held";
}

}  // namespace

Result<Arrival> await_target(const Target& target, const Awaited& awaited, Display& display) {
  const auto& advice = awaited.advice;
  const int seconds = awaited.seconds;
  const auto begin = Clock::now();
  const std::string waiting = "waiting for the target on '" + target.text + "'";
  const std::string refusal = "another debugger is connected to '" + target.text + "'; waiting until it has gone";
  bool refused = false;
  bool knows_no_packet = false;
  int closed = 0;  // how many times in a row the line was opened, and ended without a byte
  bool advised = advice.empty();
  // In a line of its own: the one that changes may be cut off at the terminal's edge.
  const auto advise = [&] {
    if (!advised) display.say("nothing answers yet; " + advice);
    advised = true;
  };
  Arrival arrival;
  if (seconds > 0) arrival.until = begin + std::chrono::seconds(seconds);
  Asking asking;
  auto next_question = begin;
  for (;;) {
    const auto now = Clock::now();
    if (awaited.still_there) {
      if (auto gone = awaited.still_there()) return *gone;
    }
    if (interrupted()) return interrupted_error("waiting for the target on", target.text);
    if (seconds > 0 && now - begin >= std::chrono::seconds(seconds)) {
      const auto limit = " within " + std::to_string(seconds) + " s";
      // What was said once is not said again.
      Error error{"waiting for the target on", target.text, "no answer" + limit, advised ? "" : advice};
      if (refused) error = {"waiting for the target on", target.text, "another debugger was connected to it" + limit};
      if (!refused && closed > 1) error.reason += "; " + closed_so_often(closed);
      if (asking.greeting) {
        error.reason = "it answers, but PID 1 did not crash" + limit;
        error.next = "PID 1 is " + asking.greeting->state;
        if (!awaited.crashed) {
          error.reason = "it answers, but '" + awaited.process + "' was not held" + limit;
          error.next = "`gdbdebug ps " + target.text + "` lists what is held";
        }
      }
      error.code = Exit::no_answer;
      return error;
    }
    if (!arrival.wire.open()) {
      bool may_come = false;
      auto limit = kConnectLimit;
      if (seconds > 0) {
        limit = std::min(limit, std::chrono::ceil<milliseconds>(begin + std::chrono::seconds(seconds) - now));
      }
      auto wire = open_wire(target, may_come, limit);
      if (!wire.ok()) {
        if (!may_come) return wire.error();
        if (interrupted()) continue;
        refused = false;
        advise();
        display.doing("waiting for '" + target.text + "' to be there (" + wire.error().reason + ")");
        (void)::poll(nullptr, 0, static_cast<int>(kOpenAgain.count()));  // nothing tells when a listener comes to be
        continue;
      }
      arrival.wire = std::move(wire.value());
      asking = {};
      asking.by_packet = may_be_shared(target) && !knows_no_packet;
      next_question = now;
    }
    if (now >= next_question) {
      ++asking.questions;
      const bool rude = !asking.by_packet && asking.questions > kPlainQuestions && !asking.greeting;
      if (rude) asking.since_rude.clear();
      auto question = asking.by_packet ? packet_question() : std::string(rude ? kRudeQuestion : kQuestion);
      if (asking.greeting && is_to_be_chosen(*asking.greeting, awaited))
        question = choosing_question(find_awaited(*asking.greeting, awaited));
      (void)!::write(arrival.wire.output(), question.data(), question.size());  // what is lost is asked again
      next_question = now + kAskAgain;
      if (asking.questions > 1 && !asking.heard) refused = is_busy(target);
      if (asking.questions > 1 && !asking.greeting && !refused) advise();
    }
    display.doing(asking.greeting
                      ? "the target on '" + target.text + "' answers; " + waited_for(*asking.greeting, awaited)
                      : (refused ? refusal : waiting));

    const auto left = std::chrono::duration_cast<milliseconds>(next_question - Clock::now()).count();
    pollfd polled{arrival.wire.input(), POLLIN, 0};
    if (::poll(&polled, 1, static_cast<int>(left > 0 ? left : 0)) <= 0) continue;  // asked again, or interrupted
    std::array<char, 4096> buffer;
    const ssize_t count = ::read(polled.fd, buffer.data(), buffer.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) {
      if (target.kind == Target::Kind::ssh) {
        return Error{"waiting for the target on", target.text, "ssh has ended", "what it said is above"};
      }
      // What was said before the end can be lost with it, where the target had not read our question.
      refused = refused || asking.refused;
      closed = asking.heard ? 0 : closed + 1;
      // Once can be a target that ends just then.
      if (closed == 2 && !refused) {
        advise();
        display.say("'" + target.text + "' takes the connection and closes it without a byte; " + closed_hint(target));
      }
      arrival.wire = {};  // the virtual machine ended, the adapter was pulled: it may come again
      (void)::poll(nullptr, 0, static_cast<int>(kOpenAgain.count()));  // and not faster than it can be opened
      continue;
    }
    take(asking, {buffer.data(), static_cast<std::size_t>(count)});
    if (asking.by_packet && asking.empty_answers > 0) {
      asking.by_packet = false;
      knows_no_packet = true;
      asking.questions = 0;
      next_question = Clock::now();
    }
    if (asking.greeting && is_awaited(*asking.greeting, awaited)) break;
    if (asking.greeting && !asking.chosen && is_to_be_chosen(*asking.greeting, awaited)) {
      asking.chosen = true;
      next_question = Clock::now();
    }
    if (asking.stub && !awaited.crashed && awaited.process.empty()) {
      if (asking.empty_answers > 1) (void)!::write(arrival.wire.output(), "+", 1);  // it waits for that
      break;
    }
  }
  arrival.greeting = std::move(asking.greeting);
  return arrival;
}

}  // namespace gdbdebug::client
