// SPDX-License-Identifier: GPL-2.0-or-later
// The relay's state machine between a debugger and a gdbserver that both say anything, with the line lost, gdbserver
// gone and time passing at any byte. Whatever happened: gdbserver gets whole packets only, never one that ends or
// replaces PID 1; and a debugger that comes afterwards is heard.
#include "session/relay.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "fuzz.hpp"

using namespace gdbdebug;
using Pid1 = Relay::Pid1;

namespace {

constexpr std::string_view kRequests[] = {"qSupported:multiprocess+",
                                          "?",
                                          "QStartNoAckMode",
                                          "g",
                                          "vCont;c",
                                          "vCont;s:p1.1",
                                          "vCont;C0b",
                                          "Z0,1000,1",
                                          "z0,1000,1",
                                          "Z1,2000,8",
                                          "D;1",
                                          "D",
                                          "D;0000000000000001",
                                          "D;5",
                                          "D1",
                                          "Hg0",
                                          "Hgp1.1",
                                          "Hgp5.5",
                                          "Z0,1000,1;cmds:1,X1,27",
                                          "z2,3000,8",
                                          "G00",
                                          "P10=00",
                                          "QTinit",
                                          "QTStart",
                                          "QTDisconnected:1",
                                          "k",
                                          "vKill;1",
                                          "R00",
                                          "vRun;",
                                          "vAttach;1",
                                          "!",
                                          "QNonStop:1",
                                          "QPassSignals:e;11;14",
                                          "vFile:setfs:1",
                                          "qRcmd,65786974",
                                          "vCont;c:p5.-1",
                                          "QProgramSignals:0;11",
                                          "m1000,4",
                                          "QCatchSyscalls:1",
                                          "c",
                                          "s",
                                          "qGdbdebug.hello"};
constexpr std::string_view kReplies[] = {"OK",
                                         "",
                                         "E01",
                                         "T05thread:p1.1;",
                                         "T11thread:p1.1;",
                                         "T0bthread:p1.1;",
                                         "T05exec:2f78;thread:p1.1;",
                                         "T0bthread:p5.5;",
                                         "W3;process:5",
                                         "T05syscall_entry:e7;",
                                         "T05fork:p5.5;thread:p1.1;",
                                         "T05swbreak:;thread:p5.5;",
                                         "W00",
                                         "X09",
                                         "O68690a",
                                         "PacketSize=20000;QStartNoAckMode+",
                                         "S05",
                                         "T02"};
constexpr std::string_view kForbidden[] = {"qRcmd,65786974", "vKill",           "vRun", "vAttach",
                                           "QNonStop:1",     "QStartNoAckMode", "!"};

std::string framed(std::string_view payload) {
  std::string buffer(payload.size() + 8, '\0');
  return std::string(rsp::frame(payload, buffer));
}

/// The agent's part, and what is checked of all that comes out.
class Machine {
 public:
  explicit Machine(bool lossy) { relay_.emplace(lossy); }
  Relay& relay() { return *relay_; }

  /// The agent reads from either side only when the relay wants it.
  void line(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto count = std::min<std::size_t>(bytes.size(), 512);
      relay_->line_bytes(bytes.substr(0, count));
      bytes.remove_prefix(count);
      drain();
    }
  }
  void server(std::string_view bytes) {
    if (relay_->pid1() != Pid1::kFree) relay_->server_bytes(bytes, now);
    drain();
  }

  void drain() {
    std::string_view rest = relay_->to_server().view();
    while (!rest.empty()) {
      const auto before = rest;
      const auto token = to_server_.take(rest);
      if (token == rsp::Token::kNone) CHECK(rest.empty());
      if (token == rsp::Token::kNone) continue;
      CHECK(token == rsp::Token::kPacket && before.front() == '$');
      const auto payload = to_server_.payload();
      for (const auto word : kForbidden) CHECK(!payload.starts_with(word));
      CHECK(payload != "k" && !payload.starts_with("R"));
      CHECK(!payload.starts_with('D') || payload == "D;1" || payload == "D;5");
      CHECK(!payload.starts_with("QTDisconnected:1") && payload.find("cmds:") == std::string_view::npos);
      asked = true;
    }
    CHECK(!to_server_.in_packet());
    relay_->to_server().clear();
    rest = relay_->to_line().view();
    while (!rest.empty()) CHECK(to_line_.take(rest) != rsp::Token::kBadPacket);
    CHECK(!to_line_.in_packet());
    relay_->to_line().clear();
    CHECK(relay_->consistent());
  }

  void grant() {
    for (int i = 0; i < 100; ++i) {
      const auto wishes = relay_->take_wishes();
      if (wishes == 0) return;
      stop_wanted = stop_wanted || (wishes & Relay::kStopPid1) != 0;
      if ((wishes & Relay::kHello) != 0) relay_->queue_text("gdbdebug version=0 state=held pid=1\r\n");
      if ((wishes & Relay::kHelloPacket) != 0) relay_->answer_hello("gdbdebug version=0 state=held pid=1\r\n");
      if ((wishes & Relay::kFatalDetach) != 0) {
        relay_->accept_detach();
        relay_->release();
      }
      if ((wishes & (Relay::kCallStop | Relay::kFatalResume)) != 0 && resumes) relay_->go_on();
      if ((wishes & Relay::kCallStop) != 0 && !resumes) relay_->tell_call();
      if ((wishes & Relay::kFatalResume) != 0 && !resumes) {
        relay_->accept_end();
        relay_->release();
      }
      if ((wishes & Relay::kServerStuck) != 0 && relay_->pid1() != Pid1::kFree) relay_->server_replaced();
      if ((wishes & Relay::kRenewServer) != 0 && relay_->pid1() != Pid1::kFree) relay_->server_renewed();
      if ((wishes & Relay::kReleaseServer) != 0) relay_->server_gone();
      if ((wishes & Relay::kStartServer) != 0 && relay_->pid1() == Pid1::kFree && resumes)
        relay_->server_ready_at_end("T05syscall_entry:e7;thread:p1.1;", true);
      if ((wishes & Relay::kStartServer) != 0 && relay_->pid1() == Pid1::kFree) relay_->server_ready(Pid1::kHeld);
      if ((wishes & Relay::kUnattended) != 0 && resumes) relay_->release();
      drain();
    }
    CHECK(false);  // the agent would never come back to its descriptors
  }

  std::uint64_t now = 1000;
  bool asked = false;
  bool stop_wanted = false;
  bool resumes = false;

 private:
  // Some 700 KB, most of which is never touched: made once, or the allocator would be all that is fuzzed.
  static inline std::optional<Relay> relay_;
  static inline std::array<char, rsp::kMaxPacket> server_buffer_;
  static inline std::array<char, rsp::kMaxPacket> line_buffer_;
  rsp::Reader to_server_{server_buffer_};
  rsp::Reader to_line_{line_buffer_};
};

}  // namespace

FUZZ(relay) {
  if (input.empty()) return;
  const auto flags = static_cast<unsigned char>(input.front());
  input.remove_prefix(1);
  Machine machine((flags & 1) != 0);
  auto& relay = machine.relay();
  machine.resumes = (flags & 2) != 0;
  constexpr std::string_view kSettings[] = {"QPassSignals:e", "QProgramSignals:1"};
  if ((flags & 4) != 0) relay.set_settings(kSettings);
  if ((flags & 8) != 0) relay.arm();
  if ((flags & 16) != 0) relay.server_ready((flags & 32) != 0 ? Pid1::kRunning : Pid1::kHeld);

  // Each step: what happens, and how much of the input it takes.
  while (input.size() >= 2) {
    const auto what = static_cast<unsigned char>(input[0]) % 12;
    const auto number = static_cast<unsigned char>(input[1]);
    input.remove_prefix(2);
    const auto bytes = input.substr(0, number);
    switch (what) {
      case 0:
        machine.line(bytes);
        input.remove_prefix(bytes.size());
        break;
      case 1:
        machine.server(bytes);
        input.remove_prefix(bytes.size());
        break;
      case 2:
      case 3:
        machine.line(framed(kRequests[number % std::size(kRequests)]));
        break;
      case 4:
      case 5:
        machine.server(framed(kReplies[number % std::size(kReplies)]));
        break;
      case 6:
        machine.line("+");
        break;
      case 7:
        relay.line_lost();
        break;
      case 8:
        if (relay.pid1() != Pid1::kFree) relay.server_gone();
        break;
      case 9:
        machine.now += 100ULL * number;
        relay.tick(machine.now);
        if (relay.takes_text()) relay.show_text(number % 2 == 0 ? "text" : "", machine.now);
        break;
      case 10:
        relay.release();
        break;
      case 11:
        machine.line(std::string_view("\003\n-\r+").substr(number % 5, 1));
        break;
    }
    machine.drain();
    machine.grant();
  }

  // From here on everybody behaves: the line comes back, gdbserver answers what it is asked, and is replaced if it is
  // out of step, as the agent would do when it does not answer.
  relay.line_lost();
  machine.drain();
  machine.grant();
  for (int i = 0; i < 3000 && (relay.busy() || relay.pid1() == Pid1::kRunning); ++i) {
    if (relay.pid1() == Pid1::kRunning && !machine.stop_wanted && !relay.stop_pending()) break;
    machine.server(framed(relay.pid1() == Pid1::kRunning ? "T11thread:p1.1;" : "OK"));
    machine.stop_wanted = false;
    machine.grant();
  }
  machine.resumes = false;
  machine.line(framed("qSupported:x"));
  machine.grant();
  for (int i = 0; i < 3000 && !relay.in_session(); ++i) {
    machine.line("+");
    if (relay.pid1() != Pid1::kFree) machine.server(framed(relay.pid1() == Pid1::kRunning ? "T11thread:p1.1;" : "OK"));
    machine.grant();
  }
  CHECK(relay.in_session());
}
