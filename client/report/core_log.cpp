// SPDX-License-Identifier: GPL-2.0-or-later
// core_log: see core_log.hpp.
#include "report/core_log.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "base/words.hpp"
#include "core/base/text.hpp"
#include "core/pack/lz4.hpp"
#include "core/pack/text64.hpp"
#include "core/words/core_record.hpp"

namespace gdbdebug::client {
namespace {

using core_record::Kind;

constexpr std::string_view kMark = "gdbdebug: core: ";
// A log can come from anywhere. A block of the agent's is 8 KiB, and a core with all memory some megabytes.
constexpr std::uint32_t kMaxBlock = 1 << 14;
constexpr std::uint32_t kMaxNumber = 1 << 16;
constexpr std::size_t kMaxCores = 64;
constexpr std::size_t kMaxThreads = 1024;
constexpr std::size_t kMaxAll = std::size_t{1} << 28;

using Block = std::span<const unsigned char>;

std::string text_of(Block bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

using Parts = std::map<std::uint64_t, std::string>;

// Adds `bytes` at `address`, but for what is there already.
void add_part(Parts& parts, std::uint64_t address, std::string_view bytes) {
  if (address > UINT64_MAX - bytes.size()) return;
  while (!bytes.empty()) {
    const auto next = parts.upper_bound(address);
    std::uint64_t known = 0;  // so many bytes from here on are there
    if (next != parts.begin()) {
      const auto before = std::prev(next);
      const auto end = before->first + before->second.size();
      known = end > address ? end - address : 0;
    }
    if (known == 0) {
      const auto room =
          next == parts.end() ? bytes.size() : std::min<std::uint64_t>(bytes.size(), next->first - address);
      parts.emplace_hint(next, address, bytes.substr(0, static_cast<std::size_t>(room)));
      known = room;
    }
    if (known >= bytes.size()) return;
    bytes.remove_prefix(static_cast<std::size_t>(known));
    address += known;
  }
}

// Makes those that touch one.
void join(Parts& parts) {
  if (parts.empty()) return;
  auto part = parts.begin();
  for (auto next = std::next(part); next != parts.end();) {
    if (part->first + part->second.size() == next->first) {
      part->second += next->second;
      next = parts.erase(next);
    } else {
      part = next++;
    }
  }
}

void take_piece(Core& core, const core_record::Piece& piece, Block bytes) {
  switch (piece.kind) {
    case Kind::kRegisters:
      if (core.threads.size() < kMaxThreads &&
          std::ranges::find(core.threads, piece.at, &CoreThread::id) == core.threads.end())
        core.threads.push_back({piece.at, text_of(bytes)});
      break;
    case Kind::kSignal:
      core.signal = text_of(bytes);
      break;
    case Kind::kAuxiliary:
      core.auxiliary = text_of(bytes);
      break;
    case Kind::kMaps:
      add_part(core.map_text, piece.at, text_of(bytes));
      break;
    case Kind::kBuildId: {
      Text<160> digits;
      digits.add_hex(text_of(bytes));
      core.build_ids[piece.at] = digits.view();
      break;
    }
    case Kind::kMemory:
      add_part(core.memory, piece.at, text_of(bytes));
      break;
    default:
      break;  // of a later version
  }
}

void take_block(Core& core, Block block) {
  std::uint64_t end = 0;
  while (const auto piece = core_record::take_head(block, end)) {
    if (piece->length > block.size()) return;
    const auto length = static_cast<std::size_t>(piece->length);
    take_piece(core, *piece, block.first(length));
    block = block.subspan(length);
    end = piece->at + length;
  }
}

void take_pairs(Core& core, std::string_view keyword, std::string_view pairs) {
  std::map<std::string, std::string> values;
  while (!pairs.empty()) {
    auto value = take_word(pairs, ' ');
    if (value.find('=') == std::string_view::npos) continue;
    const auto key = take_word(value, '=');
    values[std::string(key)] = unescaped(value);
  }
  const auto number = [&](const char* key) { return parse_number<std::uint32_t>(values[key]); };
  if (const auto blocks = number("blocks"); blocks && *blocks <= kMaxNumber) core.blocks = blocks;
  if (const auto fixed = number("fixed"); fixed && *fixed <= kMaxNumber) core.fixed = fixed;
  if (const auto page = number("page"); page && *page != 0) core.page = *page;
  if (keyword == "end") {
    core.ended = true;
    core.cut = values["cut"];
  }
  if (keyword == "begin") core.begin.merge(values);
}

// The first `most` lines of `text`, without empty ones.
std::vector<std::string_view> lines_of(std::string_view text, std::size_t most) {
  std::vector<std::string_view> lines;
  std::size_t begin = 0;
  for (std::size_t at = 0; at <= text.size() && lines.size() < most; ++at) {
    if (at < text.size() && text[at] != '\r' && text[at] != '\n') continue;
    if (at > begin) lines.push_back(text.substr(begin, at - begin));
    begin = at + 1;
  }
  return lines;
}

class Reader {
 public:
  explicit Reader(CoreLog& log) : log_(log) {}
  void read(std::string_view log);

 private:
  bool take(std::string_view text);
  bool take_mended(std::string_view text);
  Core* find(std::uint32_t id);

  CoreLog& log_;
  std::size_t all_ = 0;
};

Core* Reader::find(std::uint32_t id) {
  const auto known = std::ranges::find(log_.cores, id, &Core::id);
  if (known != log_.cores.end()) return &*known;
  if (log_.cores.size() == kMaxCores) return nullptr;
  auto& core = log_.cores.emplace_back();
  core.id = id;
  return &core;
}

// Whether it is a record.
bool Reader::take(std::string_view text) {
  const auto record = core_record::parse(text);
  if (!record) return false;
  auto* const core = find(record->id);
  if (core == nullptr) return true;
  if (!record->keyword.empty()) {
    take_pairs(*core, record->keyword, record->pairs);
    return true;
  }
  if (record->length > kMaxBlock || record->number >= kMaxNumber) return false;
  if (core->present.contains(record->number)) return true;
  std::array<unsigned char, core_record::kMaxRecord> packed;
  const auto count = read_text64(record->data, packed);
  std::vector<unsigned char> block(record->length);
  if (!count || all_ + block.size() > kMaxAll || !lz4::unpack(std::span(packed).first(*count), block)) return false;
  all_ += block.size();
  core->present.insert(record->number);
  take_block(*core, block);
  return true;
}

// A record with what a terminal or a log put into it taken away: the terminal has wrapped the line, or others' text
// came between.
bool Reader::take_mended(std::string_view text) {
  constexpr std::size_t kLines = 12;  // of 80 columns
  constexpr std::size_t kSkipped = 3;
  const auto lines = lines_of(text.substr(0, 4096), kLines);
  if (lines.size() < 2 || !core_record::begins(lines.front())) return false;
  std::string whole(lines.front());
  for (std::size_t i = 1; i < lines.size() && whole.size() < core_record::kMaxRecord; ++i) {
    whole += lines[i];
    if (take(whole)) return true;
  }
  for (std::size_t i = 2; i < lines.size() && i <= kSkipped + 1; ++i) {
    if (take(std::string(lines.front()).append(lines[i]))) return true;
  }
  return false;
}

void Reader::read(std::string_view log) {
  for (auto mark = log.find(kMark); mark != std::string_view::npos; mark = log.find(kMark)) {
    log.remove_prefix(mark + kMark.size());
    if (!take(log) && !take_mended(log)) ++log_.damaged;
  }
}

std::uint64_t hex(std::string_view word) {
  return parse_number<std::uint64_t>(word, 16).value_or(0);
}

// A line of the mappings; `before` is the one that it can go on from.
std::optional<CoreMap> parse_map(std::string_view line, const std::optional<CoreMap>& before) {
  constexpr unsigned kPage = 12;  // bits
  const bool more = line.starts_with('+');
  if (more && !before) return std::nullopt;
  if (more) line.remove_prefix(1);
  CoreMap map;
  map.begin = (hex(take_word(line, ' ')) << kPage) + (more ? before->end : 0);
  map.end = map.begin + (hex(take_word(line, ' ')) << kPage);
  const auto rights = take_word(line, ' ');
  if (map.begin >= map.end || rights.size() != 4) return std::nullopt;
  map.readable = rights[0] == 'r';
  map.writable = rights[1] == 'w';
  map.executable = rights[2] == 'x';
  map.offset =
      more && line.empty() ? before->offset + (before->end - before->begin) : hex(take_word(line, ' ')) << kPage;
  constexpr std::string_view kDeleted = " (deleted)";
  if (line.ends_with(kDeleted)) line.remove_suffix(kDeleted.size());
  map.file = more ? before->file : std::string(line);
  return map;
}

}  // namespace

std::size_t Core::word() const {
  if (const auto said = value("word"); !said.empty()) return said == "4" ? 4 : 8;
  return auxiliary.size() % 16 == 0 ? 8 : 4;
}

std::string Core::value(const std::string& key) const {
  const auto found = begin.find(key);
  return found == begin.end() ? "" : found->second;
}

std::vector<CoreMap> Core::maps() const {
  std::vector<CoreMap> maps;
  for (const auto& [at, text] : map_text) {
    std::string_view rest = text;
    if (at != 0) (void)take_word(rest, '\n');  // the end of a line
    std::optional<CoreMap> before;
    while (rest.find('\n') != std::string_view::npos) {
      before = parse_map(take_word(rest, '\n'), before);
      if (before) maps.push_back(*before);
    }
  }
  return maps;
}

std::vector<std::uint32_t> Core::missing() const {
  std::vector<std::uint32_t> numbers;
  const auto end = std::max(blocks.value_or(0), present.empty() ? 0 : *present.rbegin() + 1);
  auto here = present.begin();
  for (std::uint32_t number = 0; number < end; ++number) {
    if (here != present.end() && *here == number)
      ++here;
    else
      numbers.push_back(number);
  }
  return numbers;
}

std::uint64_t Core::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [address, part] : memory) sum += part.size();
  return sum;
}

std::string Core::read(std::uint64_t address, std::size_t size) const {
  auto next = memory.upper_bound(address);
  if (next == memory.begin()) return "";
  const auto& [place, part] = *std::prev(next);
  const auto offset = address - place;
  if (offset > part.size() || size > part.size() - offset) return "";
  return part.substr(static_cast<std::size_t>(offset), size);
}

std::optional<std::uint64_t> Core::read_word(std::uint64_t address) const {
  const auto bytes = read(address, word());
  if (bytes.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

CoreLog read_cores(std::string_view log) {
  CoreLog result;
  Reader(result).read(log);
  for (auto& core : result.cores) {
    join(core.memory);
    join(core.map_text);
  }
  return result;
}

}  // namespace gdbdebug::client
