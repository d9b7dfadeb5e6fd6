// SPDX-License-Identifier: GPL-2.0-or-later
// image: an initramfs as the kernel reads it: archives in a row, each plain or compressed, zeros between them; found in
// files of their own or in the .initrd section of a UKI; and, for dracut's squash images, the root inside the root.
#pragma once

#include <string>
#include <vector>

#include "image/decompress.hpp"
#include "image/tree.hpp"

namespace gdbdebug::client {

struct Limits {
  std::uint64_t unpacked = std::uint64_t{1} << 30;  ///< Bytes, of all archives together.
  std::size_t entries = 1000000;                    ///< Names, of all archives together.
};

/// One archive, or several that were compressed together.
struct Segment {
  std::size_t file = 0;      ///< Of the image's files, in boot order.
  std::uint64_t offset = 0;  ///< In that file, bytes.
  std::uint64_t size = 0;    ///< There, compressed as it is.
  Compression compression = Compression::none;
  std::uint64_t unpacked = 0;
  std::size_t entries = 0;
};

struct Image {
  Tree tree;
  std::vector<Segment> segments;
  std::string generator;           ///< "dracut", "mkinitcpio", "initramfs-tools", or empty where nothing tells.
  std::string kernel;              ///< The version its kernel modules are for; empty without any.
  bool uki = false;                ///< It came out of a UKI.
  std::string cmdline;             ///< The kernel command line of the UKI's own; empty without one.
  bool squash = false;             ///< The tree is that of the squashfs inside.
  std::uint64_t size = 0;          ///< Of the file or files, bytes.
  std::uint64_t unpacked = 0;      ///< Of all files together, bytes.
  std::vector<std::string> notes;  ///< What a user should know and is no error.
};

/// Reads the image in the file `path`; what it unpacks to lies in nameless files in `scratch` meanwhile.
/// Errors: whatever does not read as an initramfs, each with the offset where that was; a name that leads out of it; a
/// size above `limits`.
Result<Image> read_image(const std::string& path, const Limits& limits, const std::string& scratch);

/// The same for several files, in the order in which the boot loader gives them to the kernel.
Result<Image> read_image(const std::vector<std::string>& paths, const Limits& limits, const std::string& scratch);

/// The names of an image's files, for messages.
std::string names_of(const std::vector<std::string>& paths);

/// The same for bytes; `owner` keeps them alive, `subject` is for messages.
Result<Image> read_image(Bytes bytes, std::shared_ptr<const void> owner, const std::string& subject,
                         const Limits& limits, const std::string& scratch);

/// The section `name` of a PE file (a UKI). Nothing if `bytes` is no PE file or has no such section.
std::optional<Bytes> pe_section(Bytes bytes, std::string_view name);

/// Where to put what is unpacked for a while: $TMPDIR, or /var/tmp, which unlike /tmp is seldom memory.
std::string scratch_directory();

}  // namespace gdbdebug::client
