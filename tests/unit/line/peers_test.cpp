// SPDX-License-Identifier: GPL-2.0-or-later
// Who has the line of a listener: helper/line/peers.hpp.
#include "line/peers.hpp"

#include <gtest/gtest.h>

namespace gdbdebug {
namespace {

constexpr Speech kNothing = Speech::kNothing;
constexpr Speech kText = Speech::kText;
constexpr Speech kPacket = Speech::kPacket;

TEST(Peers, BytesAreAPacketIfOneBeginsInThem) {
  struct Case {
    std::string_view bytes;
    Speech speech;
  };
  const Case cases[] = {
      {"", kNothing}, {"\n", kText},   {"GET / HTTP/1.0\r\n\r\n", kText},
      {"+", kText},   {"\x03", kText}, {"+$qSupported", kPacket},
      {"$", kPacket},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.bytes);
    EXPECT_EQ(speech_of(one.bytes), one.speech);
  }
}

TEST(Peers, AnOwnerGivesWayToWhoHasSaidMore) {
  struct Case {
    const char* what;
    PeerRecord owner;
    bool in_session;
    PeerRecord waiting;
    std::uint64_t now;
    Admission verdict;
  };
  const PeerRecord silent{.came_ms = 1000, .spoke_ms = 1000, .speech = kNothing};
  const PeerRecord asked{.came_ms = 1000, .spoke_ms = 9000, .speech = kText};
  const PeerRecord knocked{.came_ms = 1000, .spoke_ms = 9000, .speech = kPacket};
  const auto waits = [](Speech speech) { return PeerRecord{.came_ms = 9500, .spoke_ms = 9500, .speech = speech}; };
  const Case cases[] = {
      {"a debugger after silence", silent, false, waits(kPacket), 10'000, Admission::kTake},
      {"a question after silence", silent, false, waits(kText), 10'000, Admission::kTake},
      {"a debugger after a question", asked, false, waits(kPacket), 10'000, Admission::kTake},
      {"two questions", asked, false, waits(kText), 10'000, Admission::kRefuse},
      {"two debuggers", knocked, false, waits(kPacket), 10'000, Admission::kRefuse},
      {"a debugger after one that knocked long ago", knocked, false, waits(kPacket), 19'000, Admission::kTake},
      {"a question long after another", asked, false, waits(kText), 19'000, Admission::kTake},
      {"a session, however old", knocked, true, waits(kPacket), 1'000'000, Admission::kRefuse},
      {"two that are silent", silent, false, waits(kNothing), 10'000, Admission::kWait},
      {"two that are silent, later", silent, false, waits(kNothing), 13'500, Admission::kRefuse},
      {"an owner that has only just come",
       {.came_ms = 9400, .spoke_ms = 9400, .speech = kNothing},
       false,
       waits(kPacket),
       10'000,
       Admission::kWait},
      {"the same, when its time is over",
       {.came_ms = 9400, .spoke_ms = 9400, .speech = kNothing},
       false,
       waits(kPacket),
       13'400,
       Admission::kTake},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.what);
    EXPECT_EQ(decide(one.owner, one.in_session, one.waiting, one.now), one.verdict);
  }
}

}  // namespace
}  // namespace gdbdebug
