// SPDX-License-Identifier: GPL-2.0-or-later
// peers: see peers.hpp.
#include "line/peers.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "line/listener.hpp"

namespace gdbdebug {

bool Peers::full() const {
  for (const auto& peer : waiting_) {
    if (!peer.file) return false;
  }
  return true;
}

void Peers::add(UniqueFd peer, std::uint64_t now_ms) {
  const PeerRecord record{.came_ms = now_ms, .spoke_ms = now_ms, .speech = Speech::kNothing};
  if (!owner_.file) {
    owner_ = {std::move(peer), record};
    return;
  }
  for (auto& place : waiting_) {
    if (place.file) continue;
    place = {std::move(peer), record};
    return;
  }
  refuse_peer(std::move(peer));
}

void Peers::heard(std::string_view bytes, std::uint64_t now_ms) {
  auto& record = owner_.record;
  // An acknowledgement or the rest of a packet does not make a debugger less of one.
  record.speech = std::max(rank(record, now_ms), speech_of(bytes));
  record.spoke_ms = now_ms;
}

/// Whether the peer is still there; notes what it has said.
bool Peers::look_at(Peer& peer, std::uint64_t now_ms) {
  std::array<char, 512> bytes;
  const auto count = ::recv(peer.file.get(), bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  if (count == 0) return false;
  const auto speech = speech_of({bytes.data(), static_cast<std::size_t>(count)});
  if (speech > peer.record.speech) peer.record = {peer.record.came_ms, now_ms, speech};
  return true;
}

bool Peers::settle(bool in_session, std::uint64_t now_ms) {
  Peer* best = nullptr;
  for (auto& peer : waiting_) {
    if (!peer.file) continue;
    if (!look_at(peer, now_ms)) {
      peer = {};
      continue;
    }
    const auto verdict = owner_.file ? decide(owner_.record, in_session, peer.record, now_ms) : Admission::kTake;
    if (verdict == Admission::kRefuse) {
      refuse_peer(std::move(peer.file));
      peer = {};
    } else if (verdict == Admission::kTake && (best == nullptr || peer.record.speech > best->record.speech)) {
      best = &peer;
    }
  }
  if (best == nullptr) return false;
  if (owner_.file) refuse_peer(std::move(owner_.file));
  owner_ = std::move(*best);
  *best = {};
  return true;
}

std::optional<std::uint64_t> Peers::deadline(std::uint64_t now_ms) const {
  std::optional<std::uint64_t> next;
  const auto owner_until = owner_.record.came_ms + kPatienceMs;
  for (const auto& peer : waiting_) {
    if (!peer.file) continue;
    const auto until = owner_until > now_ms ? owner_until : peer.record.came_ms + kPatienceMs;
    if (!next || until < *next) next = until;
  }
  return next;
}

}  // namespace gdbdebug
