// SPDX-License-Identifier: GPL-2.0-or-later
// One wire: each byte goes to the console or to the debugger, once and in order; the debugger gets its first one with a
// whole packet. The input's bytes below 8 are events between the others: time goes on, a debugger is there or has gone.
#include "wire/splitter.hpp"

#include <array>
#include <string>

#include "core/rsp/packet.hpp"
#include "fuzz.hpp"

using namespace gdbdebug;

FUZZ(splitter) {
  static wire::Splitter splitter;
  splitter = {};
  std::uint64_t now = 1000;
  bool guest = false;
  std::string given;
  std::string console;
  std::string debugger;
  const auto keep = [&] {
    if (!guest && !splitter.debugger().empty() && splitter.state() == wire::Splitter::State::kGuest) {
      // A session begins with nothing but a packet.
      std::array<char, wire::Splitter::kMaxFirst> room;
      rsp::Reader reader(room);
      auto bytes = splitter.debugger();
      while (!bytes.empty() && (bytes.front() == '+' || bytes.front() == '-')) bytes.remove_prefix(1);
      CHECK(bytes.front() == '$' && reader.take(bytes) == rsp::Token::kPacket);
      guest = true;
    }
    console += splitter.console();
    debugger += splitter.debugger();
    CHECK(splitter.consistent());
  };
  for (const char byte : input) {
    if (byte >= 0 && byte < 8) {
      if (byte < 4) now += byte == 0 ? 3000 : byte == 1 ? 100 : 40;
      splitter.tick(now);
      keep();
      if (byte >= 4) {
        if (byte < 6 && splitter.state() != wire::Splitter::State::kGuest) continue;  // one comes with a packet alone
        guest = byte < 6;
        splitter.set_guest(guest, now);
      }
      CHECK(splitter.consistent());
      continue;
    }
    given += byte;
    splitter.take(std::string_view(&byte, 1), now);
    keep();
  }
  now += wire::Splitter::kPatienceMs + wire::Splitter::kFarewellMs;
  splitter.tick(now);
  keep();
  CHECK(console.size() + debugger.size() == given.size());
  // In order: each stream is what is left of the bytes without the other.
  std::size_t at = 0;
  for (const char byte : given) {
    if (at < console.size() && console[at] == byte) ++at;
  }
  CHECK(at == console.size());
}
