// SPDX-License-Identifier: GPL-2.0-or-later
// What is answered here without the target: that it is so, and what makes it not so any more.
#include "session/answerer.hpp"

#include <elf.h>
#include <gtest/gtest.h>

#include "core/base/text.hpp"
#include "session/binary_reads.hpp"
#include "session/fixed_answers.hpp"
#include "session/late_settings.hpp"
#include "session/late_symbols.hpp"
#include "session/payload.hpp"
#include "session/program_memory.hpp"
#include "session/recent_replies.hpp"
#include "session/target_description.hpp"

namespace gdbdebug::client {
inline std::ostream& operator<<(std::ostream& out, const Step& step) {
  return out << (step.kind == Step::Kind::pass  ? "pass"
                 : step.kind == Step::Kind::ask ? "ask "
                                                : "answer ")
             << step.text;
}

namespace {

// ---- the table in answerer.hpp ----

TEST(Answerer, WhatARequestMakesOfWhatIsKnown) {
  const std::pair<const char*, Forget> rows[] = {
      {"m1000,8", Forget::nothing},
      {"x1000,8", Forget::nothing},
      {"qXfer:threads:read::0,1000", Forget::nothing},
      {"g", Forget::nothing},
      {"p10", Forget::nothing},
      {"?", Forget::nothing},
      {"Tp1.1", Forget::nothing},
      {"Hgp1.1", Forget::nothing},
      {"qSymbol::", Forget::nothing},
      {"qGetTLSAddr:p1.1,0,7f00", Forget::nothing},
      {"qSupported:swbreak+", Forget::nothing},
      {"QPassSignals:e;11", Forget::nothing},
      {"QProgramSignals:e;11", Forget::nothing},
      {"vCont?", Forget::nothing},
      {"vFile:setfs:0", Forget::nothing},
      {"vFile:pread:5,1000,0", Forget::nothing},
      {"Z0,1000,1", Forget::replies},
      {"z0,1000,1", Forget::replies},
      {"M1000,1:00", Forget::memory},
      {"X1000,1:a", Forget::memory},
      {"G00", Forget::memory},
      {"P0=00", Forget::memory},
      {"vCont;c:p1.-1", Forget::memory},
      {"vCont;s:p1.1", Forget::memory},
      {"c", Forget::memory},
      {"s", Forget::memory},
      {"C05", Forget::memory},
      {"D;1", Forget::memory},
      {"vKill;1", Forget::memory},
      {"qRcmd,6162", Forget::memory},
      {"qXfer:siginfo:write::0:a", Forget::memory},
      {"vFile:pwrite:5,0,a", Forget::memory},
      {"vFile:unlink:2f61", Forget::memory},
      {"QTinit", Forget::memory},
      {"Qbtrace:bts", Forget::memory},
      {"QMemTags:1000,8:1:01", Forget::memory},
      {"vSomethingNew", Forget::memory},
      {"mnew", Forget::memory},
      {"", Forget::memory},
  };
  for (const auto& [request, what] : rows) EXPECT_EQ(effect_of(request), what) << request;
}

TEST(Answerer, TheProcessThatAPacketSpeaksOf) {
  EXPECT_EQ(process_of("Hgp1f.20"), 0x1fU);
  EXPECT_EQ(process_of("Hgp0.0"), 0U);
  EXPECT_EQ(process_of("Hg0"), 0U);
  EXPECT_EQ(process_of("T05fork:p3.3;06:00;thread:p2.2;core:0;"), 2U);
  EXPECT_EQ(process_of("T05thread:1;"), 0U);
  EXPECT_EQ(process_of("OK"), 0U);
}

// ---- settings ----

TEST(LateSettings, EachGoesOutBeforeWhatItMattersTo) {
  struct Row {
    const char* setting;
    const char* answer;
    std::vector<const char*> matters_to;
    std::vector<const char*> not_to;
  };
  const std::vector<const char*> all{"m1000,8", "vCont;c", "Hgp1.1", "qSymbol::", "QPassSignals:"};
  const Row rows[] = {
      {"QProgramSignals:1;2", "OK", {"D;1", "D", "vKill;1"}, {"c", "vFile:open:2f,0,0"}},
      {"vFile:setfs:0", "F0", {"vFile:open:2f,0,0", "vFile:unlink:2f"}, {"D;1", "c"}},
      {"Hc-1", "E01", {"c", "s", "C05", "S05"}, {"D;1", "vFile:open:2f,0,0"}},
  };
  for (const auto& row : rows) {
    for (const auto* request : row.matters_to) {
      SCOPED_TRACE(std::string(row.setting) + ", then " + request);
      LateSettings settings;
      EXPECT_EQ(settings.on_request(row.setting), Step::answer(row.answer));
      for (const auto& list : {all, row.not_to}) {
        for (const auto* other : list) EXPECT_EQ(settings.on_request(other), Step::pass()) << other;
      }
      EXPECT_EQ(settings.on_request(request), Step::ask(row.setting));
      EXPECT_EQ(settings.on_answer("OK"), Step::pass());
      EXPECT_EQ(settings.on_request(request), Step::pass()) << "once is enough";
    }
  }
}

TEST(LateSettings, TheLastOneCounts) {
  LateSettings settings;
  (void)settings.on_request("QProgramSignals:1");
  (void)settings.on_request("QProgramSignals:2");
  EXPECT_EQ(settings.on_request("D;1"), Step::ask("QProgramSignals:2"));
  (void)settings.on_request("vFile:setfs:0");
  EXPECT_EQ(settings.on_request("vFile:setfs:5"), Step::pass()) << "the target has to know of this one";
  EXPECT_EQ(settings.on_request("vFile:open:2f,0,0"), Step::pass());
}

// ---- fixed answers ----

TEST(FixedAnswers, WhatIsKnownOfTheAgentAlone) {
  const std::pair<const char*, const char*> rows[] = {
      {"QNonStop:0", "OK"}, {"qOffsets", ""}, {"qXfer:btrace-conf:read::0,1000", "E.Btrace not enabled."}};
  for (const auto& [request, answer] : rows) {
    EXPECT_EQ(FixedAnswers(true).on_request(request), Step::answer(answer));
    EXPECT_EQ(FixedAnswers(false).on_request(request), Step::pass());
  }
  EXPECT_EQ(FixedAnswers(true).on_request("QNonStop:1"), Step::pass());
  FixedAnswers traced(true);
  EXPECT_EQ(traced.on_request("Qbtrace:bts"), Step::pass());
  EXPECT_EQ(traced.on_request("qXfer:btrace-conf:read::0,1000"), Step::pass());
}

// ---- symbols ----

std::string symbol(std::string_view name, std::string_view value = "") {
  return "qSymbol:" + std::string(value) + ":" + hex_bytes(name);
}
std::string question(std::string_view name) {
  return "qSymbol:" + hex_bytes(name);
}

// The debugger has these symbols; the rest of what it is asked for it has not. How many questions it was asked.
int offer(LateSymbols& symbols, const std::map<std::string, std::string>& has) {
  auto step = symbols.on_request("qSymbol::");
  int questions = 0;
  for (; step.kind == Step::Kind::answer && step.text != "OK" && questions < 1000; ++questions) {
    const auto name = bytes_of_hex(step.text.substr(8)).value_or("");
    const auto found = has.find(name);
    step = symbols.on_request(symbol(name, found == has.end() ? "" : found->second));
  }
  EXPECT_EQ(step, Step::answer("OK"));
  return questions;
}

TEST(LateSymbols, TheTargetIsToldAtTheFirstThreadLocalVariableAndNotBefore) {
  LateSymbols symbols;
  EXPECT_GT(offer(symbols, {{"__nptl_version", "7f01"}, {"_thread_db_dtv_dtv", "7f02"}}), 60);
  for (const char* other : {"m1000,8", "vCont;c", "qXfer:threads:read::0,1000", "D;1"})
    EXPECT_EQ(symbols.on_request(other), Step::pass());
  EXPECT_EQ(symbols.on_request("qGetTLSAddr:p1.1,10,7f00"), Step::ask("qSymbol::"));
  EXPECT_EQ(symbols.on_answer(question("gdb_agent_gdb_tp_heap_buffer")),
            Step::ask(symbol("gdb_agent_gdb_tp_heap_buffer")));
  EXPECT_EQ(symbols.on_answer("qSymbol:5f5f6e70746c5f76657273696f6e"), Step::ask(symbol("__nptl_version", "7f01")));
}

TEST(LateSymbols, TheTargetGetsTheDebuggersAnswers) {
  LateSymbols symbols;
  (void)offer(symbols, {{"__nptl_version", "7f01"}, {"_thread_db_dtv_dtv", "7f02"}});
  (void)symbols.on_request("qGetTLSAddr:p1.1,10,7f00");
  EXPECT_EQ(symbols.on_answer(question("__nptl_version")), Step::ask(symbol("__nptl_version", "7f01")));
  EXPECT_EQ(symbols.on_answer(question("_thread_db_dtv_dtv")), Step::ask(symbol("_thread_db_dtv_dtv", "7f02")));
  EXPECT_EQ(symbols.on_answer(question("_thread_db_dtv_t_counter")), Step::ask(symbol("_thread_db_dtv_t_counter")));
  EXPECT_EQ(symbols.on_answer("OK"), Step::pass());
  EXPECT_EQ(symbols.on_request("qGetTLSAddr:p1.1,10,7f00"), Step::pass()) << "once is enough";
}

TEST(LateSymbols, WhoHasNoCLibraryIsAskedForItAlone) {
  LateSymbols symbols;
  EXPECT_EQ(offer(symbols, {}), 3);
  EXPECT_EQ(symbols.on_request("qGetTLSAddr:p1.1,10,7f00"), Step::pass());
  EXPECT_GT(offer(symbols, {{"nptl_version", "7f01"}}), 60) << "as it was called before glibc 2.34";
}

TEST(LateSymbols, AtTheNextFileTheDebuggerIsAskedForWhatItDidNotHave) {
  LateSymbols symbols;
  std::map<std::string, std::string> has{{"__nptl_version", "7f01"}, {"_thread_db_dtv_dtv", "7f02"}};
  const auto first = offer(symbols, has);
  const auto second = offer(symbols, has);
  EXPECT_EQ(second, first - 1);
  has["_thread_db_dtv_t_counter"] = "7f03";
  (void)offer(symbols, has);
  (void)symbols.on_request("qGetTLSAddr:p1.1,10,7f00");
  EXPECT_EQ(symbols.on_answer(question("_thread_db_dtv_t_counter")),
            Step::ask(symbol("_thread_db_dtv_t_counter", "7f03")));
  EXPECT_EQ(symbols.on_answer(question("_thread_db_dtv_dtv")), Step::ask(symbol("_thread_db_dtv_dtv", "7f02")));
}

TEST(LateSymbols, ANameThatIsNewHereIsAskedForTheNextTime) {
  LateSymbols symbols;
  std::map<std::string, std::string> has{{"__nptl_version", "7f01"}, {"_thread_db_of_glibc_3", "7f09"}};
  (void)offer(symbols, has);
  (void)symbols.on_request("qGetTLSAddr:p1.1,10,7f00");
  EXPECT_EQ(symbols.on_answer(question("_thread_db_of_glibc_3")), Step::ask(symbol("_thread_db_of_glibc_3")));
  EXPECT_EQ(symbols.on_answer("OK"), Step::pass());
  (void)offer(symbols, has);
  EXPECT_EQ(symbols.on_request("qGetTLSAddr:p1.1,10,7f00"), Step::ask("qSymbol::"));
  EXPECT_EQ(symbols.on_answer(question("_thread_db_of_glibc_3")), Step::ask(symbol("_thread_db_of_glibc_3", "7f09")));
}

TEST(LateSymbols, ATargetThatAsksForEverEndsNothing) {
  LateSymbols symbols;
  (void)offer(symbols, {{"__nptl_version", "7f01"}});
  auto step = symbols.on_request("qGetTLSAddr:p1.1,10,7f00");
  int questions = 0;
  for (; step.kind == Step::Kind::ask && questions < 2000; ++questions)
    step = symbols.on_answer(question("name" + std::to_string(questions)));
  EXPECT_EQ(step, Step::pass());
}

TEST(LateSymbols, TheLibraryForFastTracepointsIsToldAtOnce) {
  LateSymbols symbols;
  (void)symbols.on_request("qSymbol::");
  EXPECT_EQ(symbols.on_request(symbol("gdb_agent_gdb_tp_heap_buffer", "7f05")), Step::ask("qSymbol::"));
  EXPECT_EQ(symbols.on_answer(question("gdb_agent_gdb_tp_heap_buffer")),
            Step::answer(question("gdb_agent_gdb_tp_heap_buffer")));
  EXPECT_EQ(symbols.on_request(symbol("gdb_agent_gdb_tp_heap_buffer", "7f05")), Step::pass());
}

TEST(LateSymbols, AProgramsSymbolsAreNotThoseOfTheNext) {
  LateSymbols symbols;
  symbols.select(1);
  (void)offer(symbols, {{"__nptl_version", "7f01"}});
  symbols.forget(Forget::memory);
  EXPECT_EQ(symbols.on_request("qGetTLSAddr:p1.1,10,7f00"), Step::ask("qSymbol::"));
  (void)symbols.on_answer("OK");
  symbols.forget(Forget::process);
  symbols.select(2);
  EXPECT_EQ(symbols.on_request("qGetTLSAddr:p2.2,10,7f00"), Step::pass());
  symbols.select(1);
  symbols.forget(Forget::program);
  (void)offer(symbols, {{"__nptl_version", "7f01"}});
  EXPECT_EQ(symbols.on_request("qGetTLSAddr:p1.1,10,7f00"), Step::ask("qSymbol::"));
}

// ---- the program's memory ----

std::string number(std::uint64_t value) {
  std::string text;
  for (int i = 0; i < 8; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

class ProgramMemoryTest : public testing::Test {
 protected:
  static constexpr std::uint64_t kOffset = 0x555555554000;

  ProgramMemoryTest() : memory(program()) { memory.saw("qXfer:auxv:read::0,1000", "l" + escaped(auxv())); }

  static KnownProgram program() {
    KnownProgram known;
    for (int i = 0; i < 2 * 56; ++i) known.headers.bytes += static_cast<char>(i);
    known.headers.address = 0x40;
    known.dynamic.address = 0x3000;
    known.dynamic.bytes =
        number(DT_STRTAB) + number(0x500) + number(DT_DEBUG) + number(0) + number(DT_NULL) + number(0);
    known.debug_in_linker = 0x118;
    return known;
  }
  static std::string auxv() {
    return number(AT_PHDR) + number(kOffset + 0x40) + number(AT_PHNUM) + number(2) + number(AT_BASE) +
           number(0x7ffff7fca000) + number(AT_NULL) + number(0);
  }
  static std::string sum(std::string_view bytes) { return "C" + hexadecimal(memory_checksum(bytes)); }
  Step prove(std::string_view bytes) {
    EXPECT_EQ(memory.on_request("m555555554040,38"), Step::ask("qCRC:555555554040,70"));
    return memory.on_answer(sum(bytes));
  }

  ProgramMemory memory;
};

// gdb's manual does not give an example; this one is gdbserver's answer for these bytes.
TEST(MemoryChecksum, IsThatOfGdbserver) {
  EXPECT_EQ(memory_checksum(""), 0xffffffffU);
  EXPECT_EQ(memory_checksum("123456789"), 0x0376e6e7U);
}

TEST_F(ProgramMemoryTest, WhatTheTargetHasProvedIsAnsweredHere) {
  const auto bytes = program().headers.bytes;
  EXPECT_EQ(prove(bytes), Step::answer(hex_bytes(bytes.substr(0, 0x38))));
  EXPECT_EQ(memory.on_request("m555555554078,38"), Step::answer(hex_bytes(bytes.substr(0x38))));
  EXPECT_EQ(memory.on_request("m555555554048,2"), Step::answer("0809"));
  EXPECT_EQ(memory.on_request("x555555554062,3"), Step::answer("b\"}\x03}\x04")) << "escaped";
}

TEST_F(ProgramMemoryTest, WhatDiffersInMemoryIsReadThere) {
  auto bytes = program().headers.bytes;
  bytes[20] ^= 1;
  EXPECT_EQ(prove(bytes), Step::pass());
  EXPECT_EQ(memory.on_request("m555555554078,38"), Step::pass()) << "and is not asked again";
  memory.forget(Forget::memory);
  EXPECT_EQ(prove(program().headers.bytes).kind, Step::Kind::answer);
}

TEST_F(ProgramMemoryTest, OnlyWhatIsWithinIsAnswered) {
  (void)prove(program().headers.bytes);
  for (const char* request : {"m55555555403f,38", "m555555554079,38", "m40,38", "m555555554040,0", "m555555554040,71",
                              "mffffffffffffffff,38", "m555555554040,ffffffffffffffff"})
    EXPECT_EQ(memory.on_request(request), Step::pass()) << request;
}

TEST_F(ProgramMemoryTest, AProofHoldsUntilAnythingCanHaveChanged) {
  for (const auto what : {Forget::nothing, Forget::replies}) {
    (void)prove(program().headers.bytes);
    memory.forget(what);
    EXPECT_EQ(memory.on_request("m555555554078,38").kind, Step::Kind::answer) << static_cast<int>(what);
    memory.forget(Forget::memory);
  }
  (void)prove(program().headers.bytes);
  memory.forget(Forget::memory);
  EXPECT_EQ(memory.on_request("m555555554078,38"), Step::ask("qCRC:555555554040,70"));
  for (const auto what : {Forget::process, Forget::program}) {
    ProgramMemory other(program());
    other.saw("qXfer:auxv:read::0,1000", "l" + escaped(auxv()));
    other.forget(what);
    EXPECT_EQ(other.on_request("m555555554078,38"), Step::pass()) << "where it is is not known any more";
  }
}

TEST_F(ProgramMemoryTest, DynamicIsAsTheDynamicLinkerLeavesItIfTheTargetSaysSo) {
  const auto linked = number(DT_STRTAB) + number(kOffset + 0x500) + number(DT_DEBUG) + number(0x7ffff7fca118) +
                      number(DT_NULL) + number(0);
  for (const auto& bytes : {program().dynamic.bytes, linked}) {
    EXPECT_EQ(memory.on_request("m555555557000,30"), Step::ask("qCRC:555555557000,30"));
    EXPECT_EQ(memory.on_answer(sum(bytes)), Step::answer(hex_bytes(bytes)));
    EXPECT_EQ(memory.on_request("m555555557018,8"), Step::answer(hex_bytes(bytes.substr(0x18, 8))));
    memory.forget(Forget::memory);
  }
}

TEST_F(ProgramMemoryTest, WhatItWasBeforeIsAGuessToo) {
  const auto other =
      number(DT_STRTAB) + number(0x600) + number(DT_DEBUG) + number(0x1234) + number(DT_NULL) + number(0);
  (void)memory.on_request("m555555557000,30");
  EXPECT_EQ(memory.on_answer(sum(other)), Step::pass());
  memory.saw("m555555557000,30", hex_bytes(other));
  memory.forget(Forget::memory);
  EXPECT_EQ(memory.on_request("m555555557000,30"), Step::ask("qCRC:555555557000,30"));
  EXPECT_EQ(memory.on_answer(sum(other)), Step::answer(hex_bytes(other)));
}

TEST_F(ProgramMemoryTest, ATargetWithoutChecksumsIsNotAskedAgain) {
  (void)memory.on_request("m555555554040,38");
  EXPECT_EQ(memory.on_answer(""), Step::pass());
  memory.forget(Forget::memory);
  EXPECT_EQ(memory.on_request("m555555554040,38"), Step::pass());
}

TEST_F(ProgramMemoryTest, AnotherProgramsVectorIsNone) {
  for (const auto& vector : {number(AT_PHDR) + number(kOffset + 0x40) + number(AT_PHNUM) + number(3), number(AT_PHNUM),
                             std::string("abc"), std::string()}) {
    ProgramMemory other(program());
    other.saw("qXfer:auxv:read::0,1000", "l" + escaped(vector));
    EXPECT_EQ(other.on_request("m555555554040,38"), Step::pass());
  }
}

// ---- binary reads ----

TEST(BinaryReads, AnOlderGdbsReadsCostAByteAByte) {
  BinaryReads reads;
  EXPECT_EQ(reads.on_request("m1000,40"), Step::pass()) << "the target has not offered it";
  reads.saw("qSupported:swbreak+", "PacketSize=47ff;binary-upload+;swbreak+");
  EXPECT_EQ(reads.on_request("m1000,40"), Step::ask("x1000,40"));
  EXPECT_EQ(reads.on_answer("bab}\x03* "), Step::answer("616223030303")) << "run lengths are undone first";
  EXPECT_EQ(reads.on_request("m1000,40"), Step::ask("x1000,40"));
  EXPECT_EQ(reads.on_answer("E01"), Step::pass());
  EXPECT_EQ(reads.on_request("x1000,40"), Step::pass());
  EXPECT_EQ(reads.on_request("m1000,4"), Step::pass()) << "no shorter";
  EXPECT_EQ(reads.on_request("monitor"), Step::pass());
  reads.saw("qSupported:swbreak+", "PacketSize=47ff;swbreak+");
  EXPECT_EQ(reads.on_request("m1000,40"), Step::pass());
}

}  // namespace
}  // namespace gdbdebug::client
