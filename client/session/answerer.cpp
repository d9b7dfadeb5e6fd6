// SPDX-License-Identifier: GPL-2.0-or-later
// answerer: see answerer.hpp.
#include "session/answerer.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "core/base/text.hpp"

namespace gdbdebug::client {
namespace {

bool begins_with_one_of(std::string_view text, std::span<const std::string_view> beginnings) {
  return std::ranges::any_of(beginnings, [&](auto beginning) { return text.starts_with(beginning); });
}

// `m10,8` is a read, `monitor` is not a packet, and `x10,8` is not `X10,8:...`.
bool reads_memory(std::string_view request) {
  if (request.size() < 2 || (request.front() != 'm' && request.front() != 'x')) return false;
  return std::ranges::all_of(request.substr(1), [](char c) { return hex_value(c) >= 0 || c == ','; });
}

}  // namespace

bool matches(std::string_view pattern, std::string_view request) {
  return pattern.ends_with(':') ? request.starts_with(pattern) : request == pattern;
}

// Whatever is not known changes everything.
Forget effect_of(std::string_view request) {
  // They are queries by their names (gdb's manual, "General Query Packets"), and change something.
  if (request.starts_with("qRcmd,")) return Forget::memory;
  if (request.starts_with("qXfer:")) {
    return request.find(":read:") != std::string_view::npos ? Forget::nothing : Forget::memory;
  }
  if (reads_memory(request) || request == "?" || request == "g") return Forget::nothing;
  constexpr std::array<std::string_view, 14> kHarmless{"q",
                                                       "H",
                                                       "p",
                                                       "T",
                                                       "vCont?",
                                                       "vMustReplyEmpty",
                                                       "vFile:setfs:",
                                                       "vFile:open:",
                                                       "vFile:close",
                                                       "vFile:pread:",
                                                       "vFile:fstat",
                                                       "vFile:readlink",
                                                       "QPassSignals:",
                                                       "QProgramSignals:"};
  if (begins_with_one_of(request, kHarmless)) return Forget::nothing;
  if (request.starts_with('Z') || request.starts_with('z')) return Forget::replies;
  return Forget::memory;
}

unsigned process_of(std::string_view packet) {
  if (packet.starts_with("Hgp")) {
    packet.remove_prefix(3);
  } else if (packet.starts_with('T')) {
    const auto at = packet.find("thread:p");
    if (at == std::string_view::npos) return 0;
    packet.remove_prefix(at + 8);
  } else {
    return 0;
  }
  return parse_number<unsigned>(packet.substr(0, packet.find('.')), 16).value_or(0);
}

// Its word is among `n:r;` pairs ("Stop Reply Packets", gdb's manual).
bool tells_of_exec(std::string_view reply) {
  if (!reply.starts_with('T') || reply.size() < 3) return false;
  for (auto rest = reply.substr(3); !rest.empty();) {
    auto pair = take_word(rest, ';');
    if (take_word(pair, ':') == "exec") return true;
  }
  return false;
}

Step Answerer::on_answer(std::string_view /*reply*/) {
  return Step::pass();
}

void Answerer::saw(std::string_view /*request*/, std::string_view /*reply*/) {
}

void Answerer::forget(Forget /*what*/) {
}

}  // namespace gdbdebug::client
