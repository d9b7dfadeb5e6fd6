// SPDX-License-Identifier: GPL-2.0-or-later
// core_record: the lines that carry a core of PID 1 through a log. Their form is in gdbdebug(7). Pure: text in, value
// out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/base/text.hpp"

namespace gdbdebug::core_record {

/// What is before a record in its line.
inline constexpr std::string_view kMark = "core: ";
/// How many packed bytes a record has at most, and how long it then is: a line of the kernel log has 992 bytes.
inline constexpr std::size_t kMaxPacked = 660;
inline constexpr std::size_t kMaxRecord = 920;
using Record = Text<kMaxRecord>;

/// What a piece has. A block is a row of pieces, each with a head and its bytes.
enum class Kind : std::uint8_t {
  kRegisters = 1,  ///< of the thread `at`: the register set NT_PRSTATUS
  kSignal = 2,     ///< siginfo_t
  kAuxiliary = 3,  ///< /proc/PID/auxv
  kMaps = 4,       ///< the mappings, in a text of their own, from its byte `at` on
  kBuildId = 5,    ///< of the file whose mapping begins at `at`
  kMemory = 6,     ///< from the address `at` on
};

struct Piece {
  Kind kind = Kind::kMemory;
  std::uint64_t at = 0;
  std::uint64_t length = 0;
};

/// The longest head.
inline constexpr std::size_t kMaxHead = 21;
/// Writes the head: a byte for the kind, then how far `at` is from `end` (where the piece before it ended, 0 at the
/// beginning of a block) and the length, as LEB128; the first of them signed and folded (0, -1, 1, -2, ...). Returns
/// how long it is; 0 if there is no room.
std::size_t put_head(const Piece& piece, std::uint64_t end, std::span<unsigned char> bytes);
/// Reads it, and takes it from the beginning of `block`; nothing if the block ends in it.
std::optional<Piece> take_head(std::span<const unsigned char>& block, std::uint64_t end);

/// `ID begin ...` and `ID end ...`: pairs of key and value follow. Then finish().
void start(Record& record, std::uint32_t id, std::string_view keyword);
/// `ID NUMBER LENGTH DATA`: the block with that number, its length before it was packed.
void put_block(Record& record, std::uint32_t id, std::uint32_t number, std::size_t length,
               std::span<const unsigned char> packed);
/// The check, over all that is before it.
void finish(Record& record);

/// A record as it was read. What is a word of it points into the text.
struct Parsed {
  std::uint32_t id = 0;
  std::string_view keyword{};  ///< begin, end, or another one; empty: it is a block
  std::string_view pairs{};    ///< behind the keyword
  std::uint32_t number = 0;    ///< of the block
  std::uint32_t length = 0;    ///< of the block
  std::string_view data{};     ///< of the block: text64 of LZ4
};

/// Whether the beginning of `text` can be that of a record: it has an identity.
bool begins(std::string_view text);

/// Reads the record at the beginning of `text`, which is what follows kMark. What comes after its check is ignored.
/// Nothing if there is none whose check is right.
std::optional<Parsed> parse(std::string_view text);

}  // namespace gdbdebug::core_record
