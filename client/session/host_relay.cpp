// SPDX-License-Identifier: GPL-2.0-or-later
// host_relay: see host_relay.hpp.
#include "session/host_relay.hpp"

#include <algorithm>
#include <utility>

namespace gdbdebug::client {
namespace {

constexpr std::uint64_t kAckTimeoutMs = 2000;  // gdb's own default for a packet (remotetimeout)
constexpr unsigned kTries = 5;
// So long after the acknowledgement nothing came: the reply has lost its $, and nobody else asks for it again.
constexpr std::uint64_t kSilenceMs = 3000;
// A request that comes later than this after the last reply is a user's: gdb's own follow within milliseconds. Then
// everything is read anew, since other processes can share memory with PID 1.
constexpr std::uint64_t kBreathMs = 500;

std::string framed(std::string_view payload) {
  std::string packet(payload.size() + 4, '\0');
  return std::string(rsp::frame(payload, packet));
}

/// A read that asks for less, as its reply may always have less than was asked for: gdb asks on behind it
/// (remote.texinfo, "General Query Packets", qXfer; "Packets", m and x). The check of a packet is one byte, so of 256
/// damaged replies one is taken for a good one: 4 KiB of a description on a line that damages one byte in 500 are never
/// right.
std::string shortened(std::string_view request) {
  constexpr std::uint64_t kBytes = 0x100;
  const bool memory = request.starts_with('m') || request.starts_with('x');
  const auto comma = request.rfind(',');
  if (comma == std::string_view::npos || !(memory || request.starts_with("qXfer:"))) return std::string(request);
  const auto bytes = parse_number<std::uint64_t>(request.substr(comma + 1), 16);
  if (!bytes || *bytes <= kBytes || request.find(":write:") != std::string_view::npos) return std::string(request);
  return std::string(request.substr(0, comma + 1)) + (memory ? "80" : "100");
}

/// What can be asked for twice, and says the same while PID 1 stands.
bool only_reads(std::string_view request) {
  if (request.starts_with("qXfer:")) return request.find(":read:") != std::string_view::npos;
  return !request.empty() && std::string_view("gmpx").find(request.front()) != std::string_view::npos;
}

bool is_resume(std::string_view request) {
  if (request.empty()) return false;
  return request.starts_with("vCont;") || std::string_view("cCsS").find(request.front()) != std::string_view::npos;
}

}  // namespace

HostRelay::HostRelay(const Knowledge& knowledge)
    : fixed_(knowledge.agent),
      vdso_(knowledge.whole_vdso),
      description_(knowledge.descriptions),
      program_(knowledge.program),
      debugger_buffer_(rsp::kMaxPacket),
      target_buffer_(rsp::kMaxPacket),
      debugger_(debugger_buffer_),
      target_(target_buffer_) {
}

void HostRelay::debugger_bytes(std::string_view bytes, std::uint64_t now_ms) {
  while (!bytes.empty()) {
    switch (debugger_.take(bytes)) {
      case rsp::Token::kPacket:
        if (!noack_) to_debugger_ += '+';
        on_request(debugger_.payload(), now_ms);
        break;
      case rsp::Token::kBadPacket:
        to_debugger_ += '-';
        break;
      case rsp::Token::kNak:
        to_debugger_ += replied_;
        break;
      case rsp::Token::kInterrupt:
        to_target_ += '\003';
        break;
      default:
        break;
    }
  }
}

void HostRelay::target_bytes(std::string_view bytes, std::uint64_t now_ms) {
  if (acked_ && deadline_) deadline_ = now_ms + kSilenceMs;
  while (!bytes.empty()) {
    switch (target_.take(bytes)) {
      case rsp::Token::kPacket:
        // A copy of the reply before, which was asked for again too often, or whose acknowledgement was lost: it has
        // come before the target knew of this request. Should it be the reply to this one after all, it comes again,
        // because it is not acknowledged, and then the request's repetition has been.
        if (!acked_ && target_.payload() == accepted_) break;
        accepted_ = target_.payload();
        to_target_ += '+';
        on_reply(accepted_, now_ms);
        break;
      case rsp::Token::kBadPacket:
        on_damage(now_ms);
        break;
      case rsp::Token::kAck:
        acked_ = true;
        deadline_.reset();
        if (ask_ != Ask::nothing && !(ask_ == Ask::debugger && is_resume(request_))) deadline_ = now_ms + kSilenceMs;
        break;
      case rsp::Token::kNak:
        if (!acked_) to_target_ += sent_;
        break;
      default:
        break;  // a newline, or the text of a hello
    }
  }
}

/// Asks for the reply again, or, where that is possible, for less of it.
void HostRelay::on_damage(std::uint64_t now_ms) {
  const bool first = !std::exchange(damaged_, true);
  if (!first || ask_ != Ask::debugger || shortened(request_) == request_) {
    to_target_ += '-';
    return;
  }
  to_target_ += '+';
  send(shortened(request_), now_ms);
}

void HostRelay::tick(std::uint64_t now_ms) {
  if (!deadline_ || now_ms < *deadline_) return;
  // A packet without its end, which was lost, takes the acknowledgements behind it for more of itself.
  const bool endless = target_.in_packet();
  if (endless) target_.reset();
  if (endless || acked_) to_target_ += '-';
  if (acked_) {
    damaged_ = true;
    deadline_ = now_ms + kSilenceMs;
    return;
  }
  if (++tries_ >= kTries) {
    given_up_ = true;
    deadline_.reset();
    return;
  }
  to_target_ += sent_;
  deadline_ = now_ms + kAckTimeoutMs;
}

void HostRelay::send(std::string_view payload, std::uint64_t now_ms) {
  sent_ = framed(payload);
  to_target_ += sent_;
  acked_ = false;
  tries_ = 0;
  deadline_ = now_ms + kAckTimeoutMs;
}

void HostRelay::reply(std::string_view payload) {
  ask_ = Ask::nothing;
  replied_ = framed(payload);
  to_debugger_ += replied_;
}

void HostRelay::on_request(std::string_view payload, std::uint64_t now_ms) {
  request_ = payload;
  asked_target_ = false;
  detaching_ = payload == "D" || payload.starts_with("D;");
  detached_ = false;
  if (payload == "QStartNoAckMode") {  // between us and the debugger nothing gets lost
    reply("OK");
    noack_ = true;
    return;
  }
  note_process(payload);
  auto what = effect_of(payload);
  if (now_ms - breath_ms_ > kBreathMs) what = std::max(what, Forget::memory);
  forget(what);
  consult(0, now_ms);
}

/// Asks the answerers from `first` on, and behind the last one the target.
void HostRelay::consult(std::size_t first, std::uint64_t now_ms) {
  const auto all = answerers();
  for (auto i = first; i < all.size(); ++i) {
    if (act(all[i]->on_request(request_), i, now_ms)) return;
  }
  forward(now_ms);
}

/// False if the request goes on.
bool HostRelay::act(Step step, std::size_t answerer, std::uint64_t now_ms) {
  switch (step.kind) {
    case Step::Kind::pass:
      return false;
    case Step::Kind::answer:
      finish(step.text, now_ms);
      return true;
    case Step::Kind::ask:
      ask_ = Ask::answerer;
      asking_ = answerer;
      asked_target_ = true;
      send(step.text, now_ms);
      return true;
  }
  return false;
}

void HostRelay::forward(std::uint64_t now_ms) {
  ask_ = request_.starts_with("qSupported") ? Ask::features : Ask::debugger;
  asked_target_ = true;
  // lldb does not ask for it, and so gdbserver takes it for a gdb before 7.10, which wants to hear of an x86 breakpoint
  // that PID 1 stands behind it (wait_1() in gdbserver/linux-low.cc). lldb goes on from there, in the middle of an
  // instruction.
  auto sent = request_;
  if (ask_ == Ask::features && sent.find("swbreak") == std::string::npos) {
    sent += sent.find(':') == std::string::npos ? ":swbreak+" : ";swbreak+";
  }
  send(damaged_ ? shortened(sent) : sent, now_ms);
}

void HostRelay::forget(Forget what) {
  if (what == Forget::nothing) return;
  for (auto* const one : answerers()) one->forget(what);
}

/// What has been learned of one process is not so of another.
void HostRelay::note_process(std::string_view packet) {
  const auto process = process_of(packet);
  if (process == 0 || process == process_) return;
  if (process_ != 0) forget(Forget::process);
  process_ = process;
  symbols_.select(process);
}

/// The debugger's request is answered.
void HostRelay::finish(std::string_view payload, std::uint64_t now_ms) {
  breath_ms_ = now_ms;
  if (asked_target_) {
    for (auto* const one : answerers()) one->saw(request_, payload);
  }
  reply(payload);
}

// Text of an `O` packet while PID 1 runs. Whether it is not for the debugger as it is.
bool HostRelay::take_text(std::string_view payload) {
  if (!is_resume(request_) || console_text_ == ConsoleText::raw) return false;
  auto text = bytes_of_hex(payload).value_or("");
  if (console_text_ == ConsoleText::kept) {
    console_ += text;
    return true;
  }
  text = filter_.pass(text);
  if (console_text_ == ConsoleText::coloured && !text.empty()) text = "\033[36m" + text + "\033[39m";
  if (!text.empty()) reply("O" + hex_bytes(text));
  return true;
}

// No packet of the debugger's is under way while PID 1 runs, so the slot for repetitions is free.
bool HostRelay::type(std::string_view keys) {
  if (ask_ != Ask::debugger || !is_resume(request_) || !acked_) return false;
  to_target_ += framed(std::string(rsp::kTypeRequest) + hex_bytes(keys));
  return true;
}

void HostRelay::on_reply(std::string_view payload, std::uint64_t now_ms) {
  acked_ = true;  // a reply says more than its acknowledgement, which may be the one that was lost
  deadline_.reset();
  switch (ask_) {
    case Ask::nothing:
      return;  // a reply that was repeated because our acknowledgement got lost
    case Ask::answerer:
      if (!act(answerers()[asking_]->on_answer(payload), asking_, now_ms)) consult(asking_ + 1, now_ms);
      return;
    case Ask::features:
      return finish(payload.find("QStartNoAckMode+") == std::string_view::npos
                        ? std::string(payload) + ";QStartNoAckMode+"
                        : std::string(payload),
                    now_ms);
    case Ask::debugger:
      break;
  }
  // What PID 1 writes to the debugger's console comes before the stop that was asked for.
  if (payload.starts_with('O') && payload != "OK") {
    if (!take_text(payload.substr(1))) reply(payload);
    ask_ = Ask::debugger;
    return;
  }
  // Of two damaged replies that look good no two are alike.
  if (damaged_ && only_reads(request_) && std::exchange(read_, payload) != payload)
    return send(shortened(request_), now_ms);
  read_.clear();
  if (request_.starts_with("vKill") && payload.starts_with("E.")) refusal_ = payload.substr(2);
  note_process(payload);
  if (tells_of_exec(payload)) forget(Forget::program);
  detached_ = detaching_ && payload == "OK";
  finish(vdso_.without(request_, payload), now_ms);
}

}  // namespace gdbdebug::client
