// SPDX-License-Identifier: GPL-2.0-or-later
// host_relay: see host_relay.hpp.
#include "session/host_relay.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "core/base/text.hpp"

namespace gdbdebug::client {
namespace {

constexpr std::uint64_t kAckTimeoutMs = 2000;  // gdb's own default for a packet (remotetimeout)
constexpr unsigned kTries = 5;
// A request that comes later than this after the last reply is a user's: gdb's own follow within milliseconds. Then
// everything is read anew, since other processes can share memory with PID 1.
constexpr std::uint64_t kBreathMs = 500;
// How much of a known description's end is compared. With the length, which is compared along with it, that tells each
// set of features from every other: a feature more makes it longer, and each ends in its own last register.
constexpr std::size_t kProbe = 48;
constexpr std::string_view kReadDescription = "qXfer:features:read:target.xml:";

std::string framed(std::string_view payload) {
  std::string packet(payload.size() + 4, '\0');
  return std::string(rsp::frame(payload, packet));
}

std::string hexadecimal(std::uint64_t number) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  return {digits.data(), end};
}

// The binary data of a qXfer reply: run lengths expanded, then `}` escapes undone (in a reply they nest in that order).
std::optional<std::string> binary(std::string_view payload) {
  std::vector<char> room(payload.size() * 100 + 100);  // a run is 97 characters at most, written with three
  const auto expanded = rsp::expand(payload, room);
  if (expanded.empty() && !payload.empty()) return std::nullopt;
  std::string plain;
  for (std::size_t i = 0; i < expanded.size(); ++i) {
    if (expanded[i] == '}' && i + 1 < expanded.size()) {
      plain += static_cast<char>(expanded[++i] ^ 0x20);
    } else {
      plain += expanded[i];
    }
  }
  return plain;
}

bool is_resume(std::string_view request) {
  if (request.empty()) return false;
  return request.starts_with("vCont;") || std::string_view("cCsS").find(request.front()) != std::string_view::npos;
}

bool is_read(std::string_view request) {
  return request.starts_with('m') || request.starts_with("qXfer:");
}

std::string in_hexadecimal(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {kDigits[byte >> 4U], kDigits[byte & 15U]};
  }
  return text;
}

std::string from_hexadecimal(std::string_view digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes += static_cast<char>(parse_number<std::uint8_t>(digits.substr(i, 2), 16).value_or('?'));
  }
  return bytes;
}

// Whether a stop reply is for an exec: its word among `n:r;` pairs ("Stop Reply Packets", gdb's manual).
bool tells_of_exec(std::string_view reply) {
  if (!reply.starts_with('T') || reply.size() < 3) return false;
  for (auto rest = reply.substr(3); !rest.empty();) {
    auto pair = take_word(rest, ';');
    if (take_word(pair, ':') == "exec") return true;
  }
  return false;
}

// A reply with the whole list of libraries (gdb's manual, "Library List Format for SVR4 Targets") without the vdso. gdb
// passes it over only where it has found it in memory, and gdb 18 warns that it lacks the file, which nobody has.
std::string without_vdso(std::string_view list) {
  constexpr std::string_view kEnd = "/>";
  std::string text(list);
  for (const auto* name : {"<library name=\"linux-vdso", "<library name=\"linux-gate"}) {
    const auto begin = text.find(name);
    const auto end = begin == std::string::npos ? begin : text.find(kEnd, begin);
    if (end != std::string::npos) text.erase(begin, end + kEnd.size() - begin);
  }
  return text;
}

std::string escaped(std::string_view plain) {
  std::string text;
  for (const char c : plain) {
    if (rsp::is_escaped(c)) {
      text += {'}', static_cast<char>(c ^ 0x20)};
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

HostRelay::HostRelay(Descriptions descriptions, bool whole_vdso)
    : descriptions_(std::move(descriptions)),
      whole_vdso_(whole_vdso),
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
  while (!bytes.empty()) {
    switch (target_.take(bytes)) {
      case rsp::Token::kPacket:
        to_target_ += '+';
        on_reply(target_.payload(), now_ms);
        break;
      case rsp::Token::kBadPacket:
        to_target_ += '-';
        break;
      case rsp::Token::kAck:
        acked_ = true;
        deadline_.reset();
        break;
      case rsp::Token::kNak:
        if (!acked_) to_target_ += sent_;
        break;
      default:
        break;  // a newline, or the text of a hello
    }
  }
}

void HostRelay::tick(std::uint64_t now_ms) {
  if (!deadline_ || now_ms < *deadline_) return;
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
  if (answer_here(payload, now_ms) || answer_again(payload, now_ms) || answer_symbol(payload, now_ms)) return;
  request_ = payload;
  detaching_ = payload == "D" || payload.starts_with("D;");
  detached_ = false;
  ask_ = payload.starts_with("qSupported") ? Ask::features : Ask::debugger;
  // lldb does not ask for it, and so gdbserver takes it for a gdb before 7.10, which wants to hear of an x86 breakpoint
  // that PID 1 stands behind it (wait_1() in gdbserver/linux-low.cc). lldb goes on from there, in the middle of an
  // instruction.
  if (ask_ == Ask::features && payload.find("swbreak") == std::string_view::npos) {
    request_ += payload.find(':') == std::string_view::npos ? ":swbreak+" : ";swbreak+";
  }
  send(request_, now_ms);
}

// What is known here, and what has no place on the line.
bool HostRelay::answer_here(std::string_view payload, std::uint64_t now_ms) {
  if (payload == "QStartNoAckMode") {  // between us and the debugger nothing gets lost
    reply("OK");
    noack_ = true;
    return true;
  }
  // No tracepoints: gdb would ask for them at every connection. The other is how gdb makes sure that what is unknown is
  // answered with nothing.
  if (payload == "qTStatus" || payload == "vMustReplyEmpty") {
    reply("");
    return true;
  }
  // PID 1 is not killed (gdb says vKill, which the target refuses). lldb says this at its end, and waits for an answer.
  if (payload == "k") {
    reply("X09");
    return true;
  }
  // Nobody started PID 1 from a debugger. gdbserver forgets that at an exec, and gdb would then want to kill it at the
  // end, which the target refuses, rather than detach.
  if (payload.starts_with("qAttached")) {
    reply("1");
    return true;
  }
  if (payload.starts_with("vFile:") && answer_file(payload)) return true;
  if (payload.starts_with(kReadDescription)) {
    auto rest = payload.substr(kReadDescription.size());
    const auto offset = parse_number<std::uint64_t>(take_word(rest, ','), 16);
    const auto length = parse_number<std::uint64_t>(rest, 16);
    if (!offset || !length) return false;
    read_description(*offset, *length, now_ms);
    return true;
  }
  return false;
}

// Reads of memory and of tables, asked again before anything could change them.
bool HostRelay::answer_again(std::string_view payload, std::uint64_t now_ms) {
  const bool reads = is_read(payload);
  const bool harmless =
      reads || payload.starts_with("vFile:") ||
      (!payload.empty() && std::string_view("qHgpT?").find(payload.front()) != std::string_view::npos);
  if (!harmless || now_ms - breath_ms_ > kBreathMs) breath_.clear();
  if (!harmless || payload.starts_with("qRcmd,")) wanted_symbol_.clear();
  const auto known = breath_.find(payload);
  if (!reads || known == breath_.end()) return false;
  breath_ms_ = now_ms;
  reply(known->second);
  return true;
}

// The target's only question, when it is known and the debugger offers its symbols once more.
bool HostRelay::answer_symbol(std::string_view payload, std::uint64_t now_ms) {
  if (!payload.starts_with("qSymbol:")) return false;
  if (payload == "qSymbol::") {
    offered_ = !wanted_symbol_.empty();
    if (offered_) reply("qSymbol:" + wanted_symbol_);
    return offered_;
  }
  if (!std::exchange(offered_, false)) return false;
  if (payload == "qSymbol::" + wanted_symbol_) {
    reply("OK");
    return true;
  }
  found_symbol_ = payload;
  wanted_symbol_.clear();
  ask_ = Ask::symbol;
  send("qSymbol::", now_ms);
  return true;
}

// Whether this reply of the target's shows that it wants a single symbol, which the debugger has not.
void HostRelay::note_symbol(std::string_view reply) {
  constexpr std::string_view kQuestion = "qSymbol:";
  if (!request_.starts_with(kQuestion)) return;
  const auto payload = binary(reply).value_or("");
  const bool only = payload == "OK" && !asked_symbol_.empty() && request_ == "qSymbol::" + asked_symbol_;
  wanted_symbol_ = only ? asked_symbol_ : std::string();
  const bool first = request_ == "qSymbol::" && payload.starts_with(kQuestion);
  asked_symbol_ = first ? payload.substr(kQuestion.size()) : std::string();
}

// gdb looks into /proc/PID/task/PID/maps for one line, that of the vdso, and then reads the vdso: 10 kB on the line. To
// find an empty file there keeps it from that. What a user asks for (`info proc mappings`, a core file) is in other
// files.
bool HostRelay::answer_file(std::string_view payload) {
  constexpr std::string_view kOurs = "7ffffff0";  // no descriptor of gdbserver's
  auto rest = payload.substr(std::string_view("vFile:").size());
  const auto verb = take_word(rest, ':');
  const auto first = take_word(rest, ',');
  if (verb == "open" && !whole_vdso_) {
    const auto name = from_hexadecimal(first);
    if (!name.starts_with("/proc/") || name.find("/task/") == std::string::npos || !name.ends_with("/maps"))
      return false;
    reply("F" + std::string(kOurs));
    return true;
  }
  if (first != kOurs) return false;
  reply(verb == "pread" ? "F0;" : verb == "close" ? "F0" : "F-1,16");  // 0x16: EINVAL
  return true;
}

void HostRelay::read_description(std::uint64_t offset, std::uint64_t length, std::uint64_t now_ms) {
  wanted_offset_ = offset;
  wanted_length_ = length;
  if (description_) {
    const auto size = description_->size();
    const auto begin = std::min<std::uint64_t>(offset, size);
    const auto piece = std::string_view(*description_).substr(begin, length);
    reply((begin + piece.size() < size ? "m" : "l") + escaped(piece));
    return;
  }
  if (offset == 0) {
    learning_.clear();
    return try_description(now_ms);
  }
  ask_ = Ask::learn;
  send(std::string(kReadDescription) + hexadecimal(offset) + "," + hexadecimal(length), now_ms);
}

// Asks the target for the end of the next known description, or, if none is left, for its own.
void HostRelay::try_description(std::uint64_t now_ms) {
  if (candidate_ == descriptions_.known.size() && descriptions_.more) {
    for (auto& one : std::exchange(descriptions_.more, nullptr)()) descriptions_.known.push_back(std::move(one));
  }
  while (candidate_ < descriptions_.known.size() && descriptions_.known[candidate_].size() < kProbe) ++candidate_;
  if (candidate_ == descriptions_.known.size()) {
    ask_ = Ask::learn;
    send(std::string(kReadDescription) + "0," + hexadecimal(wanted_length_), now_ms);
    return;
  }
  ask_ = Ask::probe;
  // One byte more than is there, if it is the same: a longer one shows by that.
  const auto offset = descriptions_.known[candidate_].size() - kProbe;
  send(std::string(kReadDescription) + hexadecimal(offset) + "," + hexadecimal(kProbe + 1), now_ms);
}

void HostRelay::judge_description(std::string_view payload, std::uint64_t now_ms) {
  const std::string candidate = descriptions_.known[candidate_];
  const auto tail = payload.starts_with('l') ? binary(payload.substr(1)) : std::nullopt;
  if (tail && tail->size() == kProbe && candidate.ends_with(*tail)) {
    description_ = candidate;
    descriptions_.learned(candidate);  // so that it is the likeliest next time
    return read_description(wanted_offset_, wanted_length_, now_ms);
  }
  ++candidate_;
  try_description(now_ms);
}

void HostRelay::learn_description(std::string_view payload) {
  const auto piece = payload.empty() ? std::nullopt : binary(payload.substr(1));
  const bool follows =
      piece && learning_.size() == wanted_offset_ && (payload.front() == 'm' || payload.front() == 'l');
  if (follows) learning_ += *piece;
  // One that includes others is not the whole of it.
  if (follows && payload.front() == 'l' && learning_.find("xi:include") == std::string::npos) {
    description_ = learning_;
    descriptions_.learned(learning_);
  }
}

// Another program can be of another kind, 32 bit or 64, with other registers.
void HostRelay::forget_description() {
  description_.reset();
  learning_.clear();
  candidate_ = 0;
}

// Text of an `O` packet while PID 1 runs. Whether it is not for the debugger as it is.
bool HostRelay::take_text(std::string_view payload) {
  if (!is_resume(request_) || console_text_ == ConsoleText::raw) return false;
  auto text = from_hexadecimal(payload);
  if (console_text_ == ConsoleText::kept) {
    console_ += text;
    return true;
  }
  text = filter_.pass(text);
  if (console_text_ == ConsoleText::coloured && !text.empty()) text = "\033[36m" + text + "\033[39m";
  if (!text.empty()) reply("O" + in_hexadecimal(text));
  return true;
}

// No packet of the debugger's is under way while PID 1 runs, so the slot for repetitions is free.
bool HostRelay::type(std::string_view keys) {
  if (ask_ != Ask::debugger || !is_resume(request_) || !acked_) return false;
  to_target_ += framed(std::string(rsp::kTypeRequest) + in_hexadecimal(keys));
  return true;
}

void HostRelay::on_reply(std::string_view payload, std::uint64_t now_ms) {
  acked_ = true;  // a reply says more than its acknowledgement, which may be the one that was lost
  deadline_.reset();
  switch (ask_) {
    case Ask::nothing:
      return;  // a reply that was repeated because our acknowledgement got lost
    case Ask::probe:
      return judge_description(payload, now_ms);
    case Ask::learn:
      learn_description(payload);
      return reply(payload);
    case Ask::features:
      return reply(payload.find("QStartNoAckMode+") == std::string_view::npos
                       ? std::string(payload) + ";QStartNoAckMode+"
                       : std::string(payload));
    case Ask::symbol:
      request_ = "qSymbol::";
      if (payload.starts_with("qSymbol:") && found_symbol_.ends_with(binary(payload.substr(7)).value_or(""))) {
        ask_ = Ask::debugger;
        request_ = found_symbol_;
        return send(request_, now_ms);
      }
      break;  // it asks for another one, or for none
    case Ask::debugger:
      if (request_.starts_with("vKill") && payload.starts_with("E.")) refusal_ = payload.substr(2);
      break;
  }
  note_symbol(payload);
  // What PID 1 writes to the debugger's console comes before the stop that was asked for.
  const bool console = payload.starts_with('O') && payload != "OK";
  if (console && take_text(payload.substr(1))) {
    ask_ = Ask::debugger;
    return;
  }
  if (tells_of_exec(payload)) forget_description();
  detached_ = detaching_ && payload == "OK";
  breath_ms_ = now_ms;
  // Only of a list that came in one piece: where the next would begin is counted in the bytes that came before.
  std::string list;
  if (!whole_vdso_ && payload.starts_with('l') && request_.starts_with("qXfer:libraries-svr4:read:") &&
      request_.find(":0,") != std::string::npos) {
    list = without_vdso(payload);
    payload = list;
  }
  if (is_read(request_)) breath_.insert_or_assign(request_, std::string(payload));
  reply(payload);
  if (console) ask_ = Ask::debugger;
}

}  // namespace gdbdebug::client
