// SPDX-License-Identifier: GPL-2.0-or-later
// decompress: one compressed stream out of many bytes, with the exact place where it ends.
// An initramfs is a row of archives, each compressed in its own way, so where a stream ends the next archive begins.
#pragma once

#include "base/file.hpp"

namespace gdbdebug::client {

enum class Compression { none, gzip, bzip2, lzma, xz, lz4, zstd, lzop };

/// Its name as gdbdebug writes it: "zstd"; "none" for none.
std::string_view name_of(Compression kind);

/// The compression whose magic number `bytes` begins with, as the kernel's decompress_method() knows them, and lz4's
/// newer frames besides. `none` for anything else.
Compression compression_of(Bytes bytes);

struct Decompressed {
  std::shared_ptr<const Mapping> data;
  std::size_t consumed = 0;  ///< How many of the bytes given belong to the stream.
};

/// Decompresses the stream that `bytes` begins with, into a nameless file in `directory`.
/// Errors: a stream that is damaged or cut off, one that grows beyond `limit` bytes, no room in `directory`.
/// `subject` is for messages.
Result<Decompressed> decompress(Bytes bytes, Compression kind, std::uint64_t limit, const std::string& directory,
                                const std::string& subject);

/// How many bytes the xz, zstd or lz4 stream takes that `bytes` begins with, found by walking over its blocks without
/// unpacking them. Nothing for the other kinds (their decoder stops at the end by itself) and for a damaged stream.
std::optional<std::size_t> stream_extent(Bytes bytes, Compression kind);

}  // namespace gdbdebug::client
