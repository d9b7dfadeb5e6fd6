// SPDX-License-Identifier: GPL-2.0-or-later
// peers: who has connected to a listener, and which of them has the line.
//
//               came                    decide() == kTake
//   nobody ------------> owner  <------------------------- waiting <--- came
//      ^                   |                                  |
//      +-------------------+                                  +---> refused: it is told so, and closed
//          lost, or gave way
//
// owner    has the line. In a session it keeps it. Without one, it gives way to a peer that has said more: a connection
//          that stays silent (a port scanner, a monitoring system, a cable tester) does not shut a debugger out.
// waiting  is not read from, only looked at (MSG_PEEK): its first bytes are still there when it becomes the owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/fd.hpp"
#include "core/rsp/packet.hpp"

namespace gdbdebug {

/// What a peer has said, the most of it: each counts more than the one before.
enum class Speech : std::uint8_t {
  kNothing,
  kText,    ///< no packet, such as the newline with which a person or `gdbdebug attach` asks for the hello
  kPacket,  ///< the start of a packet: a debugger
};
inline Speech speech_of(std::string_view bytes) {
  for (auto at = bytes.find('$'); at != std::string_view::npos; at = bytes.find('$', at + 1)) {
    // The question for the hello is a packet too, but nobody's first one.
    if (!bytes.substr(at + 1).starts_with(rsp::kHelloRequest)) return Speech::kPacket;
  }
  return bytes.empty() ? Speech::kNothing : Speech::kText;
}

/// When a peer connected, what it has said, and when it last said something.
struct PeerRecord {
  std::uint64_t came_ms = 0;
  std::uint64_t spoke_ms = 0;
  Speech speech = Speech::kNothing;
};

/// How long a peer keeps what it has, whatever others say: gdb sends its first packet at once, and repeats it for eight
/// seconds while nobody answers (putpkt_binary() in gdb/remote.c).
inline constexpr std::uint64_t kPatienceMs = 4'000;
/// How long what it said counts, without a session.
inline constexpr std::uint64_t kSpeechMs = 10'000;

enum class Admission : std::uint8_t { kWait, kTake, kRefuse };

/// What the owner's words count for now.
inline Speech rank(const PeerRecord& owner, std::uint64_t now_ms) {
  return now_ms < owner.spoke_ms + kSpeechMs ? owner.speech : Speech::kNothing;
}

/// What becomes of a peer that waits.
inline Admission decide(const PeerRecord& owner, bool in_session, const PeerRecord& waiting, std::uint64_t now_ms) {
  const auto owner_rank = rank(owner, now_ms);
  if (in_session || owner_rank == Speech::kPacket) return Admission::kRefuse;
  if (now_ms >= owner.came_ms + kPatienceMs) {
    if (waiting.speech > owner_rank) return Admission::kTake;
    if (waiting.speech != Speech::kNothing) return Admission::kRefuse;
  }
  return now_ms < waiting.came_ms + kPatienceMs ? Admission::kWait : Admission::kRefuse;
}

class Peers {
 public:
  static constexpr std::size_t kWaiting = 3;

  /// The descriptor of the owner, or -1.
  int owner() const { return owner_.file.get(); }
  bool full() const;
  /// What to poll of the peers that wait, or -1. One that has spoken is not polled: its bytes stay where they are.
  int watch_fd(std::size_t which) const {
    const auto& peer = waiting_[which];
    return peer.record.speech == Speech::kNothing ? peer.file.get() : -1;
  }

  /// Somebody has connected.
  void add(UniqueFd peer, std::uint64_t now_ms);
  /// Bytes have come from the owner.
  void heard(std::string_view bytes, std::uint64_t now_ms);
  /// Looks at the peers that wait, refuses some, and may give the line to one of them. Whether the owner is another.
  bool settle(bool in_session, std::uint64_t now_ms);
  void drop_owner() { owner_ = {}; }
  /// When to call settle() again; nullopt: when there is something to read.
  std::optional<std::uint64_t> deadline(std::uint64_t now_ms) const;

 private:
  struct Peer {
    UniqueFd file;
    PeerRecord record;
  };
  static bool look_at(Peer& peer, std::uint64_t now_ms);

  Peer owner_;
  std::array<Peer, kWaiting> waiting_;
};

}  // namespace gdbdebug
