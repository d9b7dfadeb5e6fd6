// SPDX-License-Identifier: GPL-2.0-or-later
// dump: see dump.hpp.
#include "dump/dump.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>

#include "core/words/hello.hpp"
#include "dump/choice.hpp"
#include "dump/memory.hpp"
#include "sys/sys.hpp"
#include "tracee/pid1.hpp"
#include "tracee/place.hpp"

namespace gdbdebug::dump {
namespace {

using core_record::Kind;

constexpr std::size_t kMaxThreads = 64;
constexpr std::size_t kMaxRegisters = 512;

std::span<const unsigned char> bytes_of(std::string_view text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

Result<UniqueFd> open_file_of(unsigned thread, std::string_view name) {
  return sys::open(AT_FDCWD, sys::process_file(static_cast<pid_t>(thread), name).c_str(), O_RDONLY);
}

/// Tells this core from others in the same log.
std::uint32_t make_id() {
  Text<64> text;
  const auto file = sys::open(AT_FDCWD, "/proc/sys/kernel/random/boot_id", O_RDONLY);
  if (file) (void)sys::read_all(*file, text);  // the time alone is nearly as good
  const auto value = hash(text) ^ sys::now_us() * 0x9e3779b97f4a7c15;
  const auto id = static_cast<std::uint32_t>(value >> 32);
  return id == 0 ? 1 : id;
}

/// The size of a pointer in the program.
std::size_t word_of(unsigned thread) {
  std::array<char, EI_NIDENT> ident{};
  const auto file = open_file_of(thread, "exe");
  if (!file || ::pread(file->get(), ident.data(), ident.size(), 0) != static_cast<ssize_t>(ident.size()))
    return sizeof(void*);
  return ident[EI_CLASS] == ELFCLASS32 ? 4 : 8;
}

/// The threads, the one in trouble first.
std::size_t list_threads(unsigned first, std::span<unsigned, kMaxThreads> threads) {
  std::size_t count = 0;
  threads[count++] = first;
  const auto directory = sys::open(AT_FDCWD, "/proc/1/task", O_RDONLY | O_DIRECTORY);
  if (!directory) return count;
  sys::Names names(*directory);
  for (auto name = names.next(); !name.empty() && count < threads.size(); name = names.next()) {
    const auto thread = parse_number<unsigned>(name);
    if (thread && *thread != first) threads[count++] = *thread;
  }
  return count;
}

/// One pass over the process: what is in the core, in the order of its use.
class Pass {
 public:
  Pass(const Subject& subject, std::uint64_t memory, Writer& writer)
      : subject_(subject),
        word_(word_of(subject.thread)),
        source_(static_cast<pid_t>(subject.thread)),
        space_(read_maps(static_cast<pid_t>(subject.thread))),
        choice_(source_, space_, word_, memory),
        memory_(memory),
        writer_(writer) {}

  void say_begin(std::uint32_t blocks, std::uint32_t fixed);
  void say_fixed();
  void say_rest();
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] bool full() const { return choice_.selection().full(); }

 private:
  void say_threads();
  void say_build_ids();
  void say_round(unsigned round);

  const Subject& subject_;
  std::size_t word_;
  ProcessMemory source_;
  Space space_;
  Choice choice_;
  std::uint64_t memory_;
  Writer& writer_;
  std::uint64_t bytes_ = 0;
};

void Pass::say_begin(std::uint32_t blocks, std::uint32_t fixed) {
  utsname system{};
  (void)::uname(&system);  // cannot fail with a valid buffer
  core_record::Record record;
  core_record::start(record, writer_.id(), "begin");
  record.add(" version=1 pid=1 thread=").add_number(subject_.thread).add(" word=").add_number(word_);
  add_pair(record, "machine", system.machine);
  record.add(" page=").add_number(static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
  add_pair(record, "comm", pid1::status("Name"));
  add_pair(record, "exe", pid1::executable().view().substr(0, 200));
  add_pair(record, "build_id", pid1::executable_build_id());
  if (subject_.runs) add_pair(record, "registers", "place");
  if (blocks != 0) record.add(" blocks=").add_number(blocks).add(" fixed=").add_number(fixed);
  (void)writer_.say(record);  // it knows that it was stopped
}

void Pass::say_threads() {
  static std::array<unsigned, kMaxThreads> threads;
  const auto count = list_threads(subject_.thread, threads);
  for (std::size_t i = 0; i < count; ++i) {
    std::array<unsigned char, kMaxRegisters> set;
    const auto size = subject_.registers != nullptr ? subject_.registers->read(threads[i], set) : 0;
    const std::span known(set.data(), size);
    writer_.add(Kind::kRegisters, threads[i], known);
    const auto place = find_place(threads[i]);
    if (i > 0) {
      choice_.add_other_stack(place.sp);
      continue;
    }
    choice_.add_stack(place.sp);
    choice_.add_code(place.pc);
  }
}

void Pass::say_build_ids() {
  for (const auto& area : space_.areas()) {
    if (!area.is_file || area.offset != 0) continue;
    const auto file = pid1::open_mapped(static_cast<pid_t>(subject_.thread), area.begin, area.end);
    if (!file) continue;
    std::array<unsigned char, 32> id{};
    std::size_t size = 0;
    const auto digits = pid1::build_id(*file);
    for (auto rest = digits.view(); rest.size() >= 2 && size < id.size(); rest.remove_prefix(2))
      id[size++] = static_cast<unsigned char>(hex_value(rest[0]) << 4 | hex_value(rest[1]));
    writer_.add(Kind::kBuildId, area.begin, {id.data(), size});
  }
}

void Pass::say_fixed() {
  say_threads();
  if (!subject_.signal.empty()) writer_.add(Kind::kSignal, 0, subject_.signal);
  Text<2048> auxiliary;
  if (const auto file = open_file_of(subject_.thread, "auxv"))
    (void)sys::read_all(*file, auxiliary);  // what there is of it
  writer_.add(Kind::kAuxiliary, 0, bytes_of(auxiliary));
  choice_.add_libraries(bytes_of(auxiliary));
  say_round(Choice::kFixed);
  static Text<32768> maps;
  maps.clear();
  put_maps(read_maps(static_cast<pid_t>(subject_.thread)), maps);
  writer_.add(Kind::kMaps, 0, bytes_of(maps));
  say_build_ids();
  (void)writer_.flush();  // it knows that it was stopped
}

void Pass::say_rest() {
  std::array<unsigned char, kMaxRegisters> set;
  const auto size = subject_.registers != nullptr ? subject_.registers->read(subject_.thread, set) : 0;
  choice_.add_objects({set.data(), size});
  if (memory_ == kWhole) choice_.add_writable();
  for (unsigned round = Choice::kObjects; round < Choice::kRounds && !writer_.stopped(); ++round) {
    choice_.add_round(round);
    say_round(round);
  }
  (void)writer_.flush();  // it knows that it was stopped
}

void Pass::say_round(unsigned round) {
  static std::array<unsigned char, 4096> bytes;
  for (const auto& range : choice_.selection().ranges()) {
    if (range.round != round) continue;
    for (auto at = range.begin; at < range.end;) {
      const auto wanted = range.end - at < bytes.size() ? static_cast<std::size_t>(range.end - at) : bytes.size();
      const auto count = source_.read(at, {bytes.data(), wanted});
      if (count == 0) break;
      if (!writer_.add(Kind::kMemory, at, {bytes.data(), count})) return;
      bytes_ += count;
      at += count;
    }
  }
}

void say_end(Writer& writer, std::uint32_t blocks, std::uint32_t fixed, std::uint64_t memory, std::string_view cut) {
  core_record::Record record;
  core_record::start(record, writer.id(), "end");
  record.add(" blocks=").add_number(blocks).add(" fixed=").add_number(fixed).add(" memory=").add_number(memory);
  add_pair(record, "cut", cut);
  (void)writer.say(record);  // it knows that it was stopped
}

}  // namespace

void Dump::say(const Subject& subject, std::uint64_t memory, Sink& sink) {
  id_ = make_id();
  budget_ = memory;
  Writer writer(sink, id_);
  Pass pass(subject, memory, writer);
  pass.say_begin(0, 0);
  pass.say_fixed();
  fixed_ = writer.next();
  pass.say_rest();
  blocks_ = writer.next();
  memory_ = pass.bytes();
  if (writer.stopped()) return;
  const std::string_view cut = pass.full() ? "budget" : "";
  writer.restart(0);
  Pass again(subject, memory, writer);
  again.say_begin(blocks_, fixed_);
  again.say_fixed();
  say_end(writer, blocks_, fixed_, memory_, cut);
}

void Dump::say_again(const Subject& subject, Sink& sink) {
  Writer writer(sink, id_);
  Pass pass(subject, budget_, writer);
  pass.say_begin(blocks_, fixed_);
  pass.say_fixed();
}

}  // namespace gdbdebug::dump
