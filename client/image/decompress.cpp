// SPDX-License-Identifier: GPL-2.0-or-later
// decompress: see decompress.hpp. libarchive does the unpacking. Its xz and zstd readers take whatever follows a stream
// for more of it and fail there, so for those the end is found first; this is all that is known of formats here.
#include "image/decompress.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <array>

#include "base/bytes.hpp"
#include "base/interrupt.hpp"

namespace gdbdebug::client {
namespace {

struct Method {
  Compression kind;
  std::string_view name;
  std::string_view magic;
  int filter;
};

using namespace std::string_view_literals;

constexpr std::array<Method, 9> kMethods{{
    {Compression::gzip, "gzip", "\x1f\x8b"sv, ARCHIVE_FILTER_GZIP},
    {Compression::gzip, "gzip", "\x1f\x9e"sv, ARCHIVE_FILTER_GZIP},
    {Compression::bzip2, "bzip2", "BZh"sv, ARCHIVE_FILTER_BZIP2},
    {Compression::lzma, "lzma", "\x5d\x00\x00"sv, ARCHIVE_FILTER_LZMA},
    {Compression::xz, "xz",
     "\xfd"
     "7zXZ\x00"sv,
     ARCHIVE_FILTER_XZ},
    {Compression::lz4, "lz4", "\x02\x21\x4c\x18"sv, ARCHIVE_FILTER_LZ4},
    {Compression::lz4, "lz4", "\x04\x22\x4d\x18"sv, ARCHIVE_FILTER_LZ4},
    {Compression::zstd, "zstd", "\x28\xb5\x2f\xfd"sv, ARCHIVE_FILTER_ZSTD},
    {Compression::lzop, "lzop", "\x89LZO"sv, ARCHIVE_FILTER_LZOP},
}};

struct ReaderDeleter {
  void operator()(archive* reader) const { (void)archive_read_free(reader); }  // nothing is left to be done about it
};
using Reader = std::unique_ptr<archive, ReaderDeleter>;

// --- Where an xz stream ends (the .xz file format 1.0.4: header, blocks, index, footer). -----------------------------

// The variable-length integer of section 1.2 at `at`, which is moved behind it.
std::optional<std::uint64_t> xz_number(Bytes bytes, std::size_t& at) {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 63; shift += 7) {
    const auto byte = little_endian(bytes, at, 1);
    if (!byte) return std::nullopt;
    ++at;
    number |= (*byte & 0x7f) << shift;
    if ((*byte & 0x80) == 0) return number;
  }
  return std::nullopt;
}

// Behind the chunks of LZMA2 data that begin at `at`: each says how long it is, a zero byte ends them.
std::optional<std::size_t> lzma2_end(Bytes bytes, std::size_t at) {
  for (;;) {
    const auto control = little_endian(bytes, at, 1);
    if (!control) return std::nullopt;
    if (*control == 0) return at + 1;
    const bool packed = *control >= 0x80;
    if (!packed && *control > 2) return std::nullopt;
    const auto size = big_endian(bytes, at + (packed ? 3 : 1), 2);
    if (!size) return std::nullopt;
    at += (packed ? 5 : 3) + (*control >= 0xc0 ? 1U : 0U) + *size + 1;
  }
}

std::optional<std::size_t> xz_extent(Bytes bytes) {
  constexpr std::size_t kHeader = 12;
  constexpr std::array<std::uint64_t, 16> kCheckSizes{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64};
  const auto flags = little_endian(bytes, 7, 1);
  if (!flags) return std::nullopt;
  const std::uint64_t check = kCheckSizes[*flags & 0xf];
  std::size_t at = kHeader;
  for (;;) {
    const auto size = little_endian(bytes, at, 1);
    if (!size) return std::nullopt;
    if (*size == 0) break;  // the index begins
    const auto end = lzma2_end(bytes, at + (*size + 1) * 4);
    if (!end) return std::nullopt;
    at = (*end + 3) / 4 * 4 + check;
  }
  const std::size_t index = at++;
  const auto records = xz_number(bytes, at);
  if (!records) return std::nullopt;
  for (std::uint64_t i = 0; i < *records * 2; ++i) {
    if (!xz_number(bytes, at)) return std::nullopt;
  }
  at = index + (at - index + 3) / 4 * 4 + 4 + kHeader;  // padding, CRC32, footer (as long as the header)
  if (at > bytes.size() || !has_at(bytes, at - 2, "YZ")) return std::nullopt;
  return at;
}

// --- Where a row of zstd frames ends (RFC 8878, section 3). ----------------------------------------------------------

std::optional<std::size_t> zstd_extent(Bytes bytes) {
  std::size_t at = 0;
  while (has_at(bytes, at, "\x28\xb5\x2f\xfd"sv)) {
    const auto descriptor = little_endian(bytes, at + 4, 1);
    if (!descriptor) return std::nullopt;
    const bool single = (*descriptor & 0x20) != 0;
    constexpr std::array<std::size_t, 4> kDictionary{0, 1, 2, 4};
    constexpr std::array<std::size_t, 4> kContent{0, 2, 4, 8};
    const std::size_t content = *descriptor >> 6;
    at += 5 + (single ? 0U : 1U) + kDictionary[*descriptor & 3] + (content == 0 && single ? 1 : kContent[content]);
    for (bool last = false; !last;) {
      const auto block = little_endian(bytes, at, 3);
      if (!block) return std::nullopt;
      last = (*block & 1) != 0;
      const bool repeated = (*block >> 1 & 3) == 1;  // one byte stands for the whole block
      at += 3 + (repeated ? 1 : *block >> 3);
    }
    if ((*descriptor & 4) != 0) at += 4;  // the checksum
    if (at > bytes.size()) return std::nullopt;
  }
  return at;
}

// --- Where an lz4 stream in the old form ends (the one the kernel knows: a size before each block, and no end mark).
// --

std::optional<std::size_t> lz4_extent(Bytes bytes) {
  constexpr std::uint64_t kMagic = 0x184c2102;
  constexpr std::uint64_t kBlock = 8 << 20;
  constexpr std::uint64_t kMaxPacked = kBlock + kBlock / 255 + 16;  // LZ4_COMPRESSBOUND
  if (little_endian(bytes, 0, 4) != kMagic) return std::nullopt;
  std::size_t at = 4;
  for (;;) {
    const auto size = little_endian(bytes, at, 4);
    if (size == kMagic) {
      at += 4;
      continue;
    }
    // Zeros are padding; a size that no block can have is the beginning of something else.
    if (!size || *size == 0 || *size > kMaxPacked || *size > bytes.size() - at - 4) return at;
    // What is left is a block, or the next archive if it begins like one. (Gzip's two bytes alone are too few to tell.)
    const auto next = compression_of(bytes.subspan(at));
    if (next != Compression::none && (next != Compression::gzip || has_at(bytes, at + 2, "\x08"))) return at;
    at += 4 + *size;
  }
}

}  // namespace

std::string_view name_of(Compression kind) {
  for (const Method& method : kMethods) {
    if (method.kind == kind) return method.name;
  }
  return "none";
}

Compression compression_of(Bytes bytes) {
  for (const Method& method : kMethods) {
    if (has_at(bytes, 0, method.magic)) return method.kind;
  }
  return Compression::none;
}

std::optional<std::size_t> stream_extent(Bytes bytes, Compression kind) {
  switch (kind) {
    case Compression::xz:
      return xz_extent(bytes);
    case Compression::zstd:
      return zstd_extent(bytes);
    case Compression::lz4:
      return lz4_extent(bytes);
    default:
      return std::nullopt;
  }
}

Result<Decompressed> decompress(Bytes bytes, Compression kind, std::uint64_t limit, const std::string& directory,
                                const std::string& subject) {
  const std::string step = "decompressing (" + std::string(name_of(kind)) + ")";
  const auto extent = stream_extent(bytes, kind);
  if (!extent && (kind == Compression::xz || kind == Compression::zstd)) {
    return Error{step, subject, "the stream is damaged or cut off", "the image is not whole; copy or build it again"};
  }
  if (extent) bytes = bytes.first(*extent);

  const Reader reader(archive_read_new());
  if (!reader) return system_error(step, subject, ENOMEM);
  const auto method_filter = [&] {
    for (const Method& method : kMethods) {
      if (method.kind == kind) return method.filter;
    }
    return ARCHIVE_FILTER_NONE;
  }();
  // ARCHIVE_WARN: libarchive would run a program of that name, which must not depend on what is in PATH here.
  if (archive_read_support_filter_by_code(reader.get(), method_filter) != ARCHIVE_OK) {
    return Error{step, subject, "this build's libarchive does not know it",
                 "unpack it first, with the program of that name"};
  }
  (void)archive_read_support_format_raw(reader.get());    // cannot fail but for memory, and then the open fails
  (void)archive_read_support_format_empty(reader.get());  // likewise
  const auto damaged = [&] {
    const char* text = archive_error_string(reader.get());
    return Error{step, subject, text != nullptr ? text : "the stream is damaged or cut off",
                 "the image is not whole; copy or build it again"};
  };
  if (archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK) return damaged();
  archive_entry* entry = nullptr;
  const int opened = archive_read_next_header(reader.get(), &entry);
  if (opened != ARCHIVE_OK && opened != ARCHIVE_EOF) return damaged();

  auto file = nameless_file(directory);
  if (!file.ok()) return file.error();
  std::uint64_t total = 0;
  while (opened == ARCHIVE_OK) {
    const void* block = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int status = archive_read_data_block(reader.get(), &block, &size, &offset);
    if (status == ARCHIVE_EOF) break;
    if (status != ARCHIVE_OK) return damaged();
    total += size;
    if (total > limit) {
      return Error{step, subject, "it unpacks to more than " + std::to_string(limit >> 20) + " MiB",
                   "if that is right, raise the limit with --max-size"};
    }
    if (const int number = write_all(file.value().get(), {static_cast<const std::byte*>(block), size}); number != 0) {
      return system_error(step, subject, number, "TMPDIR can name a place with more room");
    }
    if (interrupted()) return interrupted_error(step, subject);
  }
  const auto consumed = extent ? *extent : static_cast<std::size_t>(archive_filter_bytes(reader.get(), -1));
  auto data = Mapping::of(file.value().get(), subject, step);
  if (!data.ok()) return data.error();
  if (consumed == 0 || consumed > bytes.size()) return damaged();
  return Decompressed{data.value(), consumed};
}

}  // namespace gdbdebug::client
