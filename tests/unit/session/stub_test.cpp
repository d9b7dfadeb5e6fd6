// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/stub.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

namespace gdbdebug {
namespace {

constexpr std::string_view kMemory = "0123456789abcdef";
constexpr std::uint64_t kBegin = 0x1ff8;  // eight bytes of one page, eight of the next
constexpr std::string_view kAuxv("\x03\0\0\0$#}*", 8);

constexpr Stub::Subject kSubject = {
    .memory =
        [](std::uint64_t address, std::span<char> bytes) {
          if (address < kBegin || address - kBegin + bytes.size() > kMemory.size()) return false;
          std::memcpy(bytes.data(), kMemory.data() + (address - kBegin), bytes.size());
          return true;
        },
    .registers = [](unsigned thread) -> std::string_view { return thread == 42  ? "2a00"
                                                                  : thread == 1 ? "0100"
                                                                                : ""; },
    .description = []() -> std::string_view { return "<target/>"; },
    .threads =
        [](std::span<unsigned> threads) {
          threads[0] = 1;
          threads[1] = 42;
          return std::size_t{2};
        },
    .auxv =
        [](std::uint64_t, std::span<char> bytes) {
          std::memcpy(bytes.data(), kAuxv.data(), kAuxv.size());
          return kAuxv.size();
        },
    .open = [](std::string_view path) { return path == "/proc/1/maps" ? 7 : -1; },
    .read = [](int, std::uint64_t offset, std::span<char> bytes) -> long {
      const auto rest = std::string_view("a}b").substr(std::min<std::uint64_t>(offset, 3)).substr(0, bytes.size());
      std::copy(rest.begin(), rest.end(), bytes.begin());
      return static_cast<long>(rest.size());
    },
    .close = [](int) {},
};

class Bench {
 public:
  std::string ask(std::string_view request) {
    std::array<char, 1000> packet;
    std::string_view bytes = rsp::frame(request, packet);
    const auto reply = stub_->take(bytes, *reply_);
    EXPECT_TRUE(bytes.empty());
    if (reply.size() < 4) return "(no packet)";
    return std::string(reply.substr(1, reply.size() - 4));
  }

 private:
  std::unique_ptr<Stub> stub_ = std::make_unique<Stub>(kSubject, 42);
  std::unique_ptr<std::array<char, Stub::kMaxReply>> reply_ = std::make_unique<std::array<char, Stub::kMaxReply>>();
};

TEST(Stub, WhatADebuggerLooksAtIsAnswered) {
  Bench stub;
  EXPECT_NE(stub.ask("qSupported:multiprocess+;swbreak+").find("qXfer:features:read+"), std::string::npos);
  EXPECT_EQ(stub.ask("?"), "T05syscall_entry:0;thread:p1.2a;");
  EXPECT_EQ(stub.ask("qfThreadInfo"), "mp1.1,p1.2a");
  EXPECT_EQ(stub.ask("qsThreadInfo"), "l");
  EXPECT_EQ(stub.ask("Hgp0.0"), "OK");
  EXPECT_EQ(stub.ask("g"), "2a00");
  EXPECT_EQ(stub.ask("Hgp1.1"), "OK");
  EXPECT_EQ(stub.ask("g"), "0100");
  EXPECT_EQ(stub.ask("Hg7"), "OK");
  EXPECT_EQ(stub.ask("g"), "E01");
  EXPECT_EQ(stub.ask("Tp1.2a"), "OK");
  EXPECT_EQ(stub.ask("Tp1.7"), "E01");
  EXPECT_EQ(stub.ask("qXfer:features:read:target.xml:0,4"), "m<tar");
  EXPECT_EQ(stub.ask("qXfer:features:read:target.xml:4,fff"), "lget/>");
  EXPECT_EQ(stub.ask("qXfer:features:read:target.xml:fff,fff"), "l");
  EXPECT_EQ(stub.ask("qXfer:auxv:read::0,1000"), std::string("l\x03\0\0\0}\x04}\x03}\x5d}\x0a", 13));
}

TEST(Stub, ASignalIsToldAsOne) {
  std::array<char, Stub::kMaxReply> reply;
  auto stub = std::make_unique<Stub>(kSubject, 42, kGdbSigsegv);
  std::string_view question = "$?#3f";
  EXPECT_EQ(stub->take(question, reply), "$T0bthread:2a;#66");
}

TEST(Stub, OfMemoryThereIsAsMuchAsThereIs) {
  Bench stub;
  EXPECT_EQ(stub.ask("m1ff8,4"), "30313233");
  EXPECT_EQ(stub.ask("m2000,8"), "3839616263646566");
  EXPECT_EQ(stub.ask("m1ffc,100"), "34353637") << "up to the end of the page";
  for (const std::string_view bad : {"m3000,4", "m0,4", "m", "m1ff8", "m1ff8,0", "mx,4", "m1ff8,fffffffffffffffff"})
    EXPECT_EQ(stub.ask(bad), "E01") << bad;
}

TEST(Stub, WhatWouldChangeSomethingIsRefusedWithAReason) {
  Bench stub;
  for (const std::string_view request :
       {"G00", "P0=00", "M1ff8,1:00", "X1ff8,1:0", "Z0,1ff8,1", "z0,1ff8,1", "QTStart", "qRcmd,68656c70"})
    EXPECT_TRUE(stub.ask(request).starts_with("E.gdbdebug: PID 1 is at its end")) << request;
  EXPECT_EQ(stub.ask("QPassSignals:e"), "OK");
  EXPECT_EQ(stub.ask("D;1"), "OK");
  EXPECT_EQ(stub.ask("vMustReplyEmpty"), "");
}

TEST(Stub, FilesAreOpenedToBeReadAndForNothingElse) {
  Bench stub;
  const std::string maps = "vFile:open:2f70726f632f312f6d617073,";  // /proc/1/maps
  EXPECT_EQ(stub.ask("vFile:setfs:1"), "F0");
  EXPECT_EQ(stub.ask(maps + "0,0"), "F0");
  EXPECT_EQ(stub.ask("vFile:pread:0,10,0"),
            "F3;a}\x5d"
            "b");
  EXPECT_EQ(stub.ask("vFile:pread:0,10,2"), "F1;b");
  EXPECT_EQ(stub.ask("vFile:pread:0,10,3"), "F0;");
  EXPECT_EQ(stub.ask(maps + "1,0"), "F-1,d") << "to be written";
  EXPECT_EQ(stub.ask(maps + "201,1ed"), "F-1,d") << "to be made";
  EXPECT_EQ(stub.ask("vFile:open:2f6,0,0"), "F-1,d");
  EXPECT_EQ(stub.ask("vFile:open:2f00,0,0"), "F-1,d");
  EXPECT_EQ(stub.ask("vFile:open:2f78,0,0"), "F-1,2");
  for (int i = 1; i < 8; ++i) EXPECT_EQ(stub.ask(maps + "0,0"), "F" + std::to_string(i));
  EXPECT_EQ(stub.ask(maps + "0,0"), "F-1,18");
  EXPECT_EQ(stub.ask("vFile:close:3"), "F0");
  EXPECT_EQ(stub.ask("vFile:close:3"), "F-1,9");
  EXPECT_EQ(stub.ask("vFile:pread:3,10,0"), "F-1,9");
  EXPECT_EQ(stub.ask("vFile:pread:8,10,0"), "F-1,9");
  EXPECT_EQ(stub.ask("vFile:unlink:2f78"), "");
}

TEST(Stub, WithoutProcessesInTheNamesOfThreadsThereAreNone) {
  Bench stub;
  (void)stub.ask("qSupported:swbreak+");
  EXPECT_EQ(stub.ask("?"), "T05syscall_entry:0;thread:2a;");
  EXPECT_EQ(stub.ask("qfThreadInfo"), "m1,2a");
  EXPECT_EQ(stub.ask("Hg1"), "OK");
  EXPECT_EQ(stub.ask("g"), "0100");
  EXPECT_EQ(stub.ask("qC"), "QC1");
}

}  // namespace
}  // namespace gdbdebug
