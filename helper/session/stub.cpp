// SPDX-License-Identifier: GPL-2.0-or-later
// stub: see stub.hpp.
#include "session/stub.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/rsp/stop.hpp"

namespace gdbdebug {
namespace {

constexpr std::string_view kFeatures =
    "PacketSize=3fff;qXfer:auxv:read+;qXfer:features:read+;multiprocess+;vContSupported+;swbreak+";
constexpr std::string_view kRefused = "E.gdbdebug: PID 1 is at its end and can only be looked at";
constexpr std::size_t kMaxThreads = 256;

/// What would change something, by how it begins.
constexpr std::string_view kChanges[] = {"G", "P", "M", "X", "Z", "z", "vFlash", "qRcmd", "QT"};

/// `OFFSET,LENGTH`
struct Range {
  std::uint64_t offset = 0;
  std::size_t length = 0;
};

std::optional<Range> parse_range(std::string_view text) {
  const auto offset = parse_number<std::uint64_t>(take_word(text, ','), 16);
  const auto length = parse_number<std::size_t>(text, 16);
  if (!offset || !length) return std::nullopt;
  return Range{*offset, *length};
}

void add_escaped(std::string_view bytes, TextBuffer& out) {
  for (const char c : bytes) {
    if (rsp::is_escaped(c))
      out.add('}').add(static_cast<char>(c ^ 0x20));
    else
      out.add(c);
  }
}

}  // namespace

std::string_view Stub::take(std::string_view& bytes, std::span<char, kMaxReply> reply) {
  static Text<kMaxReply - 8> text;
  while (!bytes.empty()) {
    if (reader_.take(bytes) != rsp::Token::kPacket) continue;
    text.clear();
    answer(reader_.payload(), text);
    return rsp::frame(text, reply);
  }
  return {};
}

void Stub::answer(std::string_view request, TextBuffer& out) {
  const auto takes = [&request](std::string_view prefix) {
    if (!request.starts_with(prefix)) return false;
    request.remove_prefix(prefix.size());
    return true;
  };
  if (std::any_of(std::begin(kChanges), std::end(kChanges), [&](auto change) { return request.starts_with(change); })) {
    out.add(kRefused);
  } else if (takes("vFile:")) {
    answer_file(request, out);
  } else if (takes("qSupported")) {
    multiprocess_ = request.find("multiprocess+") != std::string_view::npos;
    out.add(kFeatures);
  } else if (request == "?") {
    out.add('T').add_hex(static_cast<std::uint8_t>(signal_));
    out.add(signal_ == kGdbSigtrap ? "syscall_entry:0;thread:" : "thread:");
    add_thread(exits_, out);
    out.add(';');
  } else if (request == "qC") {
    out.add("QC");
    add_thread(thread_, out);
  } else if (takes("H")) {
    choose(request, out);
  } else if (takes("T")) {
    const auto at = request.find('.');
    const auto number = parse_number<unsigned>(at == std::string_view::npos ? request : request.substr(at + 1), 16);
    std::array<unsigned, kMaxThreads> threads{};
    const auto known = std::span(threads).first(subject_.threads(threads));
    out.add(number && std::find(known.begin(), known.end(), *number) != known.end() ? "OK" : "E01");
  } else if (request == "g") {
    const auto values = subject_.registers(thread_);
    out.add(values.empty() ? "E01" : values);
  } else if (takes("m")) {
    answer_memory(request, out);
  } else if (request == "qfThreadInfo") {
    answer_threads(out);
  } else if (request == "qsThreadInfo") {
    out.add('l');
  } else if (request == "vCont?") {
    out.add("vCont;c;C;s;S");
  } else if (takes("qXfer:features:read:target.xml:")) {
    answer_part(subject_.description(), request, out);
  } else if (takes("qXfer:auxv:read::")) {
    std::array<char, 4096> auxv;
    answer_part({auxv.data(), subject_.auxv(0, auxv)}, request, out);
  } else if (request.starts_with("QPassSignals:") || request.starts_with("QProgramSignals:") ||
             request.starts_with("QCatchSyscalls:") || request.starts_with('D')) {
    out.add("OK");
  }
}

Stub::~Stub() {
  for (const int file : files_) {
    if (file >= 0) subject_.close(file);
  }
}

int* Stub::find_file(std::string_view handle) {
  const auto number = parse_number<std::size_t>(handle, 16);
  return number && *number < files_.size() && files_[*number] >= 0 ? &files_[*number] : nullptr;
}

/// Host I/O (gdb's manual, "Host I/O Packets"): files are opened for reading only. Errors have gdb's numbers.
void Stub::answer_file(std::string_view request, TextBuffer& out) {
  constexpr std::string_view kNotFound = "F-1,2", kBadFile = "F-1,9", kNotAllowed = "F-1,d", kTooMany = "F-1,18";
  const auto what = take_word(request, ':');
  if (what == "setfs") {
    out.add("F0");
  } else if (what == "open") {
    auto name = take_word(request, ',');
    const auto flags = parse_number<unsigned>(take_word(request, ','), 16);
    Text<4096> path;
    for (; name.size() >= 2; name.remove_prefix(2)) {
      const int high = hex_value(name[0]);
      const int low = hex_value(name[1]);
      if (high < 0 || low < 0) break;
      path.add(static_cast<char>(high << 4 | low));
    }
    const auto free = std::find(files_.begin(), files_.end(), -1);
    if (flags != 0U || !name.empty() || path.truncated() || path.view().find('\0') != std::string_view::npos) {
      out.add(kNotAllowed);
    } else if (free == files_.end()) {
      out.add(kTooMany);
    } else if (*free = subject_.open(path); *free < 0) {
      *free = -1;
      out.add(kNotFound);
    } else {
      out.add('F').add_number(static_cast<std::size_t>(free - files_.begin()), 16);
    }
  } else if (what == "close") {
    auto* const file = find_file(request);
    out.add(file != nullptr ? "F0" : kBadFile);
    if (file != nullptr) subject_.close(std::exchange(*file, -1));
  } else if (what == "pread") {
    const auto* const file = find_file(take_word(request, ','));
    const auto count = parse_number<std::size_t>(take_word(request, ','), 16);
    const auto offset = parse_number<std::uint64_t>(request, 16);
    std::array<char, 4096> bytes;
    const auto got = file == nullptr || !count || !offset
                         ? -1
                         : subject_.read(*file, *offset, std::span(bytes).first(std::min(*count, bytes.size())));
    if (got < 0) {
      out.add(kBadFile);
      return;
    }
    out.add('F').add_number(static_cast<std::uint64_t>(got), 16).add(';');
    add_escaped({bytes.data(), static_cast<std::size_t>(got)}, out);
  }
}

void Stub::add_thread(unsigned thread, TextBuffer& out) const {
  if (multiprocess_) out.add("p1.");
  out.add_number(thread, 16);
}

/// `gTHREAD` or `cTHREAD`: 0 and -1 stand for any.
void Stub::choose(std::string_view id, TextBuffer& out) {
  const bool registers = id.starts_with('g');
  id.remove_prefix(id.empty() ? 0 : 1);
  if (id.starts_with('p')) {
    const auto at = id.find('.');
    id.remove_prefix(at == std::string_view::npos ? id.size() : at + 1);
  }
  const auto number = parse_number<unsigned>(id, 16).value_or(0);
  if (registers) thread_ = number == 0 ? exits_ : number;
  out.add("OK");
}

/// As much of it as there is.
void Stub::answer_memory(std::string_view text, TextBuffer& out) const {
  constexpr std::size_t kPart = 4096;
  const auto range = parse_range(text);
  if (!range) {
    out.add("E01");
    return;
  }
  std::array<char, kPart> bytes;
  auto length = std::min(range->length, bytes.size());
  while (length > 0 && !subject_.memory(range->offset, std::span(bytes).first(length))) {
    // What is behind the end of a page may not be there.
    const auto in_page = static_cast<std::size_t>((range->offset + length - 1) % kPart);
    length = in_page + 1 >= length ? 0 : length - in_page - 1;
  }
  if (length == 0)
    out.add("E01");
  else
    out.add_hex(std::string_view(bytes.data(), length));
}

void Stub::answer_threads(TextBuffer& out) const {
  std::array<unsigned, kMaxThreads> threads{};
  const auto count = subject_.threads(threads);
  out.add('m');
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) out.add(',');
    add_thread(threads[i], out);
  }
}

void Stub::answer_part(std::string_view text, std::string_view range_text, TextBuffer& out) const {
  constexpr std::size_t kPart = 8000;  // escaped it can be twice as long
  const auto range = parse_range(range_text);
  if (!range || text.empty()) {
    out.add("E01");
    return;
  }
  const auto rest = text.substr(std::min<std::uint64_t>(range->offset, text.size()));
  const auto part = rest.substr(0, std::min(range->length, kPart));
  out.add(part.size() < rest.size() ? 'm' : 'l');
  add_escaped(part, out);
}

}  // namespace gdbdebug
