// SPDX-License-Identifier: GPL-2.0-or-later
// Framing of the remote protocol: core/rsp/packet.hpp.
#include "core/rsp/packet.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>
#include <vector>

namespace gdbdebug::rsp {

void PrintTo(Token token, std::ostream* out) {
  constexpr const char* kNames[] = {"none", "packet", "bad packet", "ack", "nak", "interrupt", "newline"};
  *out << kNames[static_cast<int>(token)];
}

namespace {

/// A token; of a packet with its payload.
struct Seen {
  Token token;
  std::string payload = {};
  bool operator==(const Seen&) const = default;
};
void PrintTo(const Seen& seen, std::ostream* out) {
  PrintTo(seen.token, out);
  if (seen.token == Token::kPacket) *out << " [" << seen.payload << ']';
}

std::vector<Seen> read(Reader& reader, std::string_view bytes) {
  std::vector<Seen> seen;
  while (!bytes.empty()) {
    const auto token = reader.take(bytes);
    if (token == Token::kNone) continue;
    seen.push_back({token, token == Token::kPacket ? std::string(reader.payload()) : std::string()});
  }
  return seen;
}

std::string framed(std::string_view payload) {
  std::vector<char> buffer(payload.size() + 8);
  return std::string(frame(payload, buffer));
}

constexpr auto kPacket = Token::kPacket;
constexpr auto kBad = Token::kBadPacket;
constexpr auto kAck = Token::kAck;
constexpr auto kNak = Token::kNak;
constexpr auto kInterrupt = Token::kInterrupt;
constexpr auto kNewline = Token::kNewline;

struct Case {
  const char* what;
  std::string bytes;
  std::vector<Seen> seen;
};

const std::vector<Case>& streams() {
  static const std::vector<Case> cases = {
      {"a packet", "$?#3f", {{kPacket, "?"}}},
      {"an empty packet", "$#00", {{kPacket, ""}}},
      {"a checksum in capitals", "$OK#9A", {{kPacket, "OK"}}},
      {"a packet between acknowledgements", "+$g#67+", {{kAck}, {kPacket, "g"}, {kAck}}},
      {"two packets", "$g#67$?#3f", {{kPacket, "g"}, {kPacket, "?"}}},
      {"a NAK", "-", {{kNak}}},
      {"Ctrl-C", "\003", {{kInterrupt}}},
      {"Ctrl-C between packets", "$g#67\003$?#3f", {{kPacket, "g"}, {kInterrupt}, {kPacket, "?"}}},
      {"a newline", "\n", {{kNewline}}},
      {"a carriage return and a newline", "\r\n", {{kNewline}, {kNewline}}},
      {"a sum of more than 255", "$\xff\xff#fe", {{kPacket, "\xff\xff"}}},
      // What an escape protects goes through untouched: the reader takes nothing apart.
      {"an escaped #", "$X0,1:}\003#9f", {{kPacket, "X0,1:}\003"}}},
      {"an escaped $", "$}\004#81", {{kPacket, "}\004"}}},
      {"0x03, newline, + and - in a payload", "$\003\n+-#65", {{kPacket, "\003\n+-"}}},
      {"run-length in a payload", "$0* #7a", {{kPacket, "0* "}}},
      // What is damaged is told, and what follows is read.
      {"a wrong checksum", "$g#68", {{kBad}}},
      {"a wrong first digit", "$g#77", {{kBad}}},
      {"a checksum of no digits", "$g#zz", {{kBad}}},
      {"a checksum with one bad digit", "$g#6z", {{kBad}}},
      {"a wrong checksum, then the repetition", "$g#68$g#67", {{kBad}, {kPacket, "g"}}},
      {"a packet cut short by the next", "$qSupp$g#67", {{kBad}, {kPacket, "g"}}},
      {"cut short in the checksum", "$g#$g#67", {{kBad}, {kPacket, "g"}}},
      {"cut short after one digit", "$g#6$g#67", {{kBad}, {kPacket, "g"}}},
      {"a packet without its head", "pported:xml+#aa", {{kBad}}},
      {"without its head, with + and - in it", "a+b-c+#aa$g#67", {{kBad}, {kPacket, "g"}}},
      {"without its head, ended by the next packet", "pported$g#67", {{kPacket, "g"}}},
      {"nothing but a tail", "xx#ab+", {{kBad}, {kAck}}},
      {"a # that begins no checksum", "x#y#ab", {{kBad}}},
      {"a # with one digit", "x#ay#ab", {{kBad}}},
      {"noise and a newline", "hello\n", {{kNewline}}},
      {"noise and Ctrl-C", "x\003", {{kInterrupt}}},
      {"noise, a newline, then a packet", "noise\r\n$g#67", {{kNewline}, {kNewline}, {kPacket, "g"}}},
      // A peer that echoes sends our own text back. Its newlines would be answered by the same text, and so on for
      // ever.
      {"an echo of a hello", "gdbdebug version=0.1.0 state=held\r\n", {}},
      {"an echo by a terminal that is not raw", "gdbdebug version=0.1.0\r\n\r\n", {}},
      {"an echo whose first byte is damaged", "ggdbdebug version=0.1.0\r\n", {}},
      {"a question after an echo", "gdbdebug v\r\n\r\n\n", {{kNewline}}},
      {"a packet and a question after an echo", "gdbdebug v\r\n$g#67\n", {{kPacket, "g"}, {kNewline}}},
      {"a question after less than a hello", "gdbdebu\n", {{kNewline}}},
      {"a zero byte", std::string("\0$g#67", 6), {{kPacket, "g"}}},
  };
  return cases;
}

TEST(Rsp, FindsPacketsAcknowledgementsAndDamage) {
  for (const auto& one : streams()) {
    SCOPED_TRACE(one.what);
    std::array<char, 64> buffer;
    Reader reader(buffer);
    EXPECT_EQ(read(reader, one.bytes), one.seen);
  }
}

TEST(Rsp, ReadsTheSameHoweverTheBytesArriveInTwoPieces) {
  for (const auto& one : streams()) {
    for (std::size_t cut = 0; cut <= one.bytes.size(); ++cut) {
      SCOPED_TRACE(std::string(one.what) + ", cut at " + std::to_string(cut));
      std::array<char, 64> buffer;
      Reader reader(buffer);
      auto seen = read(reader, std::string_view(one.bytes).substr(0, cut));
      const auto rest = read(reader, std::string_view(one.bytes).substr(cut));
      seen.insert(seen.end(), rest.begin(), rest.end());
      EXPECT_EQ(seen, one.seen);
    }
  }
}

TEST(Rsp, ReadsTheSameByteByByte) {
  for (const auto& one : streams()) {
    SCOPED_TRACE(one.what);
    std::array<char, 64> buffer;
    Reader reader(buffer);
    std::vector<Seen> seen;
    for (const char c : one.bytes) {
      for (auto& token : read(reader, {&c, 1})) seen.push_back(token);
    }
    EXPECT_EQ(seen, one.seen);
  }
}

TEST(Rsp, TakesNoMoreThanOneTokenAtATime) {
  std::array<char, 64> buffer;
  Reader reader(buffer);
  std::string_view bytes = "+$g#67-";
  EXPECT_EQ(reader.take(bytes), kAck);
  EXPECT_EQ(bytes, "$g#67-");
  EXPECT_EQ(reader.take(bytes), kPacket);
  EXPECT_EQ(bytes, "-");
  EXPECT_EQ(reader.payload(), "g");
}

TEST(Rsp, APacketThatIsTooLongIsBadAndTheNextOneIsRead) {
  std::array<char, 16> buffer;
  for (std::size_t size = 0; size < 64; ++size) {
    SCOPED_TRACE(size);
    Reader reader(buffer);
    const std::string payload(size, 'x');
    const auto seen = read(reader, framed(payload) + "$g#67");
    ASSERT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[0], size <= 16 ? (Seen{kPacket, payload}) : Seen{kBad});
    EXPECT_EQ(seen[1], (Seen{kPacket, "g"}));
  }
}

TEST(Rsp, ALongPacketThatArrivesInPiecesIsWhole) {
  std::string payload;
  for (int i = 0; payload.size() < 100'000; ++i) payload += static_cast<char>('a' + i % 26);
  const auto packet = framed(payload);
  for (const std::size_t piece : {1U, 2U, 3U, 64U, 4096U, 65536U}) {
    SCOPED_TRACE(piece);
    std::vector<char> buffer(kMaxPacket);
    Reader reader(buffer);
    std::vector<Seen> seen;
    for (std::size_t at = 0; at < packet.size(); at += piece) {
      for (auto& token : read(reader, std::string_view(packet).substr(at, piece))) seen.push_back(token);
    }
    EXPECT_EQ(seen, (std::vector<Seen>{{kPacket, payload}}));
  }
}

TEST(Rsp, ThereIsRoomForTheLargestPacketThatGdbserverAsksFor) {
  std::vector<char> buffer(kMaxPacket);
  Reader reader(buffer);
  const std::string payload(0x20000, 'x');  // PacketSize=20000 of gdbserver 16
  EXPECT_EQ(read(reader, framed(payload)), (std::vector<Seen>{{kPacket, payload}}));
}

TEST(Rsp, OneFlippedBitIsNeverAGoodPacket) {
  const auto packet = framed("vCont;c:p1.1");
  for (std::size_t byte = 0; byte < packet.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      auto damaged = packet;
      damaged[byte] = static_cast<char>(damaged[byte] ^ (1 << bit));
      SCOPED_TRACE(damaged);
      std::array<char, 64> buffer;
      Reader reader(buffer);
      for (const auto& one : read(reader, damaged)) {
        // A digit in the other case is the same digit.
        if (one.token == kPacket) {
          EXPECT_EQ(one.payload, "vCont;c:p1.1");
        }
      }
    }
  }
}

TEST(Rsp, KnowsWhetherAPacketIsUnderWay) {
  struct {
    std::string_view bytes;
    bool under_way;
  } const cases[] = {
      {"", false},      {"+", false},     {"$", true},  {"$g", true},   {"$g#", true},    {"$g#6", true},
      {"$g#67", false}, {"$g#68", false}, {"xy", true}, {"xy#a", true}, {"xy#ab", false}, {"\n", false},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.bytes);
    std::array<char, 64> buffer;
    Reader reader(buffer);
    (void)read(reader, one.bytes);
    EXPECT_EQ(reader.in_packet(), one.under_way);
  }
}

TEST(Rsp, ForgetsAHalfPacketWhenItIsReset) {
  std::array<char, 64> buffer;
  Reader reader(buffer);
  EXPECT_EQ(read(reader, "$qSupp"), std::vector<Seen>{});
  reader.reset();
  EXPECT_EQ(read(reader, "+$g#67"), (std::vector<Seen>{{kAck}, {kPacket, "g"}}));
}

TEST(Rsp, FramesAPayload) {
  struct {
    std::string_view payload, packet;
  } const cases[] = {
      {"", "$#00"},
      {"?", "$?#3f"},
      {"OK", "$OK#9a"},
      {"g", "$g#67"},
      {"\xff\xff", "$\xff\xff#fe"},
      {"vMustReplyEmpty", "$vMustReplyEmpty#3a"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.payload);
    EXPECT_EQ(framed(one.payload), one.packet);
  }
}

TEST(Rsp, FramesOnlyWhatFits) {
  std::array<char, 8> out;
  EXPECT_EQ(frame("abcd", out), "$abcd#8a");
  EXPECT_EQ(frame("abcde", out), "");
  std::array<char, 3> tiny;
  EXPECT_EQ(frame("", tiny), "");
}

TEST(Rsp, WhatIsFramedIsReadAgain) {
  for (int code = 0; code < 256; ++code) {
    const char c = static_cast<char>(code);
    if (c == '$' || c == '#') continue;  // these are escaped in a payload, by whoever writes it
    const std::string payload(3, c);
    SCOPED_TRACE(code);
    std::array<char, 64> buffer;
    Reader reader(buffer);
    EXPECT_EQ(read(reader, framed(payload)), (std::vector<Seen>{{kPacket, payload}}));
  }
}

TEST(Rsp, ExpandsRunLengthEncoding) {
  struct {
    const char* what;
    std::string_view payload, text;
  } const cases[] = {
      {"nothing to do", "T05", "T05"},
      {"the manual's own example", "0* ", "0000"},
      {"the longest run", "a*~",
       std::string_view(
           "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 98)},
      {"two runs", "0* 1* ", "00001111"},
      {"a run in the middle", "ab*!c", "abbbbbc"},
      {"a run of a run", "0* * ", "0000000"},
      {"a * with nothing before it", "*!", ""},
      {"a * with no count", "0*", ""},
      {"a count that is no printable character", "0*\x1f", ""},
      {"empty", "", ""},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.what);
    std::array<char, 256> out;
    EXPECT_EQ(expand(one.payload, out), one.text);
  }
  std::array<char, 3> small;
  EXPECT_EQ(expand("0* ", small), "") << "what does not fit is refused";
}

TEST(Rsp, AddsUpChecksumsModulo256) {
  EXPECT_EQ(checksum(""), 0);
  EXPECT_EQ(checksum("?"), 0x3f);
  // Of every length about the eight bytes that are added at a time, and of more than the lanes of one pass can hold.
  for (std::size_t size = 0; size < 5000; size = size < 40 ? size + 1 : size * 2 - 1) {
    std::string text(size, '\xff');
    for (std::size_t i = 0; i < size; i += 3) text[i] = static_cast<char>(i * 7);
    unsigned sum = 0;
    for (const char c : text) sum += static_cast<unsigned char>(c);
    EXPECT_EQ(checksum(text), sum % 256) << size;
    EXPECT_EQ(checksum(std::string(size, '\xff')), size * 255 % 256) << size;
  }
  EXPECT_EQ(checksum(std::string(256, '\xff')), 0);
  EXPECT_EQ(checksum("\x80\x80\x01"), 1);
}

}  // namespace
}  // namespace gdbdebug::rsp
