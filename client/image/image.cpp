// SPDX-License-Identifier: GPL-2.0-or-later
// image: see image.hpp. The order of things is that of the kernel's init/initramfs.c; libarchive reads the archives.
#include "image/image.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

#include "base/bytes.hpp"
#include "base/interrupt.hpp"
#include "core/base/text.hpp"
#include "image/squash.hpp"

namespace gdbdebug::client {
namespace {

constexpr std::string_view kStep = "reading the image";
constexpr std::uint64_t kMaxPadding = 64 << 20;  // real ones are below a page, or a disk sector

struct ReaderDeleter {
  void operator()(archive* reader) const { (void)archive_read_free(reader); }  // nothing is left to be done about it
};

struct Reading {
  std::string subject;  // the file that is being read
  const Limits& limits;
  Image image;
  std::size_t entries = 0;
  std::uint64_t unpacked = 0;  // what compressed streams grew to, and what files hold

  [[nodiscard]] Error fault(std::uint64_t offset, const std::string& reason, std::string next = {}) const {
    return Error{std::string(kStep), subject, "at byte " + std::to_string(offset) + ": " + reason, std::move(next)};
  }
};

bool begins_archive(Bytes bytes) {
  return has_at(bytes, 0, "070701") || has_at(bytes, 0, "070702");
}

// How many zeros `bytes` begins with.
std::size_t zeros(Bytes bytes) {
  return static_cast<std::size_t>(std::ranges::find_if(bytes, [](std::byte b) { return b != std::byte{}; }) -
                                  bytes.begin());
}

// The data of the entry that was just read: straight from `archive_bytes` where libarchive hands out pieces of it.
Result<Bytes> entry_data(archive* reader, std::shared_ptr<std::string>& copy) {
  Bytes data;
  for (;;) {
    const void* block = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int status = archive_read_data_block(reader, &block, &size, &offset);
    if (status == ARCHIVE_EOF) break;
    if (status != ARCHIVE_OK) {
      const char* text = archive_error_string(reader);
      return Error{{}, {}, text != nullptr ? text : "damaged"};
    }
    if (size == 0) continue;
    const Bytes piece{static_cast<const std::byte*>(block), size};
    if (copy) {
      copy->append(as_text(piece));
    } else if (data.empty()) {
      data = piece;
    } else if (data.data() + data.size() == piece.data()) {
      data = {data.data(), data.size() + size};
    } else {
      copy = std::make_shared<std::string>(std::string(as_text(data)) + std::string(as_text(piece)));
    }
  }
  return copy ? as_bytes(*copy) : data;
}

// Reads one archive, from which `bytes` begins, into the tree. Returns how many bytes it took.
Result<std::size_t> read_archive(Bytes bytes, const std::shared_ptr<const void>& owner, std::uint64_t offset,
                                 Reading& reading, Segment& segment) {
  const std::unique_ptr<archive, ReaderDeleter> reader(archive_read_new());
  if (!reader) return system_error(std::string(kStep), reading.subject, ENOMEM);
  const auto damaged = [&] {
    const char* text = archive_error_string(reader.get());
    return reading.fault(
        offset,
        "the archive is damaged or cut off" + (text != nullptr ? " (" + std::string(text) + ")" : std::string()),
        "the image is not whole; copy or build it again");
  };
  (void)archive_read_support_format_cpio(reader.get());  // cannot fail but for memory, and then the open fails
  if (archive_read_open_memory(reader.get(), bytes.data(), bytes.size()) != ARCHIVE_OK) return damaged();

  std::map<std::pair<la_int64_t, la_int64_t>, std::shared_ptr<Content>> hard_links;  // by device and inode
  for (;;) {
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) break;
    if (status != ARCHIVE_OK) return damaged();  // ARCHIVE_WARN too: it passed over something that is no entry
    if (interrupted()) return interrupted_error(std::string(kStep), reading.subject);
    if (++reading.entries > reading.limits.entries) {
      return reading.fault(offset, "more than " + std::to_string(reading.limits.entries) + " names");
    }
    ++segment.entries;

    auto node = std::make_unique<Node>();
    node->mode = archive_entry_perm(entry) & 0777U;
    switch (archive_entry_filetype(entry)) {
      case AE_IFDIR:
        node->kind = Node::Kind::directory;
        break;
      case AE_IFLNK: {
        const char* target = archive_entry_symlink(entry);
        node->kind = Node::Kind::link;
        node->target = target != nullptr ? target : "";
        break;
      }
      case AE_IFCHR:
      case AE_IFBLK:
        node->kind = Node::Kind::device;
        break;
      case AE_IFIFO:
      case AE_IFSOCK:
        node->kind = Node::Kind::other;
        break;
      default:
        node->kind = Node::Kind::file;
        break;  // hard links too: libarchive leaves their type to us
    }
    const char* name = archive_entry_pathname(entry);
    if (name == nullptr) return damaged();
    const std::string kept_name = name;  // reading data may reuse the entry

    if (node->kind == Node::Kind::file) {
      const auto size = static_cast<std::uint64_t>(std::max<la_int64_t>(archive_entry_size(entry), 0));
      reading.image.unpacked += size;
      if (reading.image.unpacked > reading.limits.unpacked) {
        return reading.fault(offset,
                             "its files hold more than " + std::to_string(reading.limits.unpacked >> 20) + " MiB",
                             "if that is right, raise the limit with --max-size");
      }
      auto content = std::make_shared<Content>();
      if (archive_entry_nlink(entry) > 1) {
        auto& shared = hard_links[{archive_entry_dev(entry), archive_entry_ino64(entry)}];
        if (!shared) shared = content;
        content = shared;
      }
      std::shared_ptr<std::string> copy;
      const auto data = entry_data(reader.get(), copy);
      if (!data.ok()) return damaged();
      if (size != data.value().size() && size != 0) return damaged();
      // Of several links only one carries the data, mostly the last.
      if (!data.value().empty()) {
        content->bytes = data.value();
        content->owner = copy ? std::shared_ptr<const void>(copy) : owner;
      }
      node->content = std::move(content);
    }
    if (auto put = reading.image.tree.put(kept_name, std::move(node)); !put.ok()) {
      Error error = put.error();
      error.next = "the image '" + reading.subject + "' is not one that a generator made";
      return error;
    }
  }
  return static_cast<std::size_t>(archive_filter_bytes(reader.get(), 0));
}

// Reads the archives and zeros that `bytes` consists of, up to the first byte that is neither; returns its place.
Result<std::size_t> read_archives(Bytes bytes, const std::shared_ptr<const void>& owner, std::uint64_t offset,
                                  Reading& reading, Segment& segment) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const auto rest = bytes.subspan(at);
    if (const auto padding = zeros(rest); padding > 0) {
      if (padding > kMaxPadding) return reading.fault(offset + at, std::to_string(padding >> 20) + " MiB of zeros");
      at += padding;
      continue;
    }
    if (!begins_archive(rest)) return at;
    const auto taken = read_archive(rest, owner, offset + at, reading, segment);
    if (!taken.ok()) return taken.error();
    if (taken.value() == 0) return reading.fault(offset + at, "the archive is damaged");
    at += taken.value();
  }
  return at;
}

// A bootconfig can stand at the very end: its size, a checksum, and twelve letters (the kernel's bootconfig document).
Bytes without_bootconfig(Bytes bytes) {
  constexpr std::string_view kMagic = "#BOOTCONFIG\n";
  constexpr std::size_t kTail = 8 + kMagic.size();
  if (bytes.size() < kTail || !has_at(bytes, bytes.size() - kMagic.size(), kMagic)) return bytes;
  const auto size = little_endian(bytes, bytes.size() - kTail, 4);
  if (!size || *size > bytes.size() - kTail) return bytes;
  return bytes.first(bytes.size() - kTail - *size);
}

void recognise(Image& image) {
  const auto& tree = image.tree;
  if (tree.find("/init_functions") != nullptr || tree.find("/buildconfig") != nullptr) image.generator = "mkinitcpio";
  if (tree.find("/scripts/functions") != nullptr) image.generator = "initramfs-tools";
  if (tree.find("/usr/lib/dracut") != nullptr || tree.find("/lib/dracut") != nullptr) image.generator = "dracut";
  for (const auto* place : {"/gdbdebug/root/lib/modules", "/usr/lib/modules", "/lib/modules"}) {
    const Node* modules = tree.find(place);
    if (modules == nullptr || modules->kind != Node::Kind::directory) continue;
    for (const auto& [name, node] : modules->children) {
      if (node->kind == Node::Kind::directory) image.kernel = name;
    }
  }
}

std::size_t count_implied(const Node& directory) {
  std::size_t count = directory.implied ? directory.children.size() : 0;
  for (const auto& [name, child] : directory.children) count += count_implied(*child);
  return count;
}

}  // namespace

std::optional<Bytes> pe_section(Bytes bytes, std::string_view name) {
  // The PE/COFF specification: the header's place is at 0x3c; 24 bytes of header, the optional header, 40 bytes a
  // section.
  if (!has_at(bytes, 0, "MZ")) return std::nullopt;
  const auto header = little_endian(bytes, 0x3c, 4);
  if (!header || !has_at(bytes, *header, std::string_view("PE\0\0", 4))) return std::nullopt;
  const auto count = little_endian(bytes, *header + 6, 2);
  const auto optional_size = little_endian(bytes, *header + 20, 2);
  if (!count || !optional_size) return std::nullopt;
  for (std::uint64_t i = 0; i < *count; ++i) {
    const std::size_t at = *header + 24 + *optional_size + i * 40;
    if (at + 40 > bytes.size()) return std::nullopt;
    auto found = as_text(bytes.subspan(at, 8));
    found = found.substr(0, found.find('\0'));
    if (found != name) continue;
    const auto size = std::min(*little_endian(bytes, at + 8, 4), *little_endian(bytes, at + 16, 4));
    const auto offset = *little_endian(bytes, at + 20, 4);
    if (offset > bytes.size() || size > bytes.size() - offset) return std::nullopt;
    return bytes.subspan(offset, size);
  }
  return std::nullopt;
}

std::string scratch_directory() {
  if (const char* directory = std::getenv("TMPDIR"); directory != nullptr && *directory != '\0') return directory;
  return ::access("/var/tmp", W_OK) == 0 ? "/var/tmp" : "/tmp";
}

namespace {

// Zeros that the kernel's LZ4 needs in front of the next archive to know that the packed one has ended.
constexpr std::size_t kAfterLz4 = 4;

// Reads the file that `bytes` is, behind those that were read before.
Status read_part(Bytes bytes, const std::shared_ptr<const void>& owner, std::size_t file, const std::string& scratch,
                 Reading& reading) {
  Image& image = reading.image;
  image.size += bytes.size();

  if (has_at(bytes, 0, "MZ")) {
    const auto section = pe_section(bytes, ".initrd");
    if (!section) {
      return Error{std::string(kStep), reading.subject,
                   "a kernel, or a UKI without an .initrd section that can be read",
                   "name the initramfs itself, such as /boot/initrd.img"};
    }
    image.uki = true;
    if (const auto cmdline = pe_section(bytes, ".cmdline")) {
      const auto text = as_text(*cmdline);
      // The stub appends an add-on's command line to the UKI's own.
      if (!image.cmdline.empty()) image.cmdline += ' ';
      image.cmdline += trim(text.substr(0, text.find('\0')));
    }
    bytes = *section;
  }
  bytes = without_bootconfig(bytes);

  const std::size_t before = image.segments.size();
  std::size_t at = 0;
  std::size_t padding_before = 0;
  while (at < bytes.size()) {
    const auto rest = bytes.subspan(at);
    if (const auto padding = zeros(rest); padding > 0) {
      if (padding > kMaxPadding) return reading.fault(at, std::to_string(padding >> 20) + " MiB of zeros");
      at += padding;
      padding_before = padding;
      continue;
    }
    const auto place = "the archive at byte " + std::to_string(at) + (file == 0 ? "" : " of '" + reading.subject + "'");
    if (!image.segments.empty() && image.segments.back().compression == Compression::lz4 && padding_before < kAfterLz4)
      image.notes.push_back(place + " stands right behind one that LZ4 has packed; the kernel would lose it");
    Segment segment;
    segment.file = file;
    segment.offset = at;
    if (begins_archive(rest)) {
      if (at % 4 != 0) image.notes.push_back(place + " is not at a multiple of 4; the kernel would stop before it");
      const auto taken = read_archive(rest, owner, at, reading, segment);
      if (!taken.ok()) return taken.error();
      if (taken.value() == 0) return reading.fault(at, "the archive is damaged");
      segment.size = segment.unpacked = taken.value();
    } else {
      segment.compression = compression_of(rest);
      if (segment.compression == Compression::none) {
        if (image.segments.size() == before)
          return reading.fault(at, "not an initramfs: neither a newc archive nor a known compression");
        return reading.fault(at, "neither an archive, nor a known compression, nor zeros",
                             "what comes before is whole, so something else was appended, or the image is damaged");
      }
      const auto room = reading.limits.unpacked - std::min(reading.limits.unpacked, reading.unpacked);
      const auto unpacked = decompress(rest, segment.compression, room, scratch, reading.subject);
      if (!unpacked.ok()) return unpacked.error();
      const auto& data = unpacked.value().data;
      reading.unpacked += data->bytes().size();
      segment.size = unpacked.value().consumed;
      segment.unpacked = data->bytes().size();
      const auto end = read_archives(data->bytes(), data, 0, reading, segment);
      if (!end.ok()) return end.error();
      if (end.value() != data->bytes().size() || segment.entries == 0) {
        return reading.fault(at, "what is compressed there is not a newc archive");
      }
    }
    image.segments.push_back(segment);
    at += segment.size;
    padding_before = 0;
  }
  if (image.segments.size() == before) return reading.fault(0, "empty: there is no archive in it");
  return {};
}

// What is done once all archives are in the tree.
Result<Image> finished(Reading& reading, const std::string& scratch) {
  Image& image = reading.image;
  if (auto squash = open_squash(image, reading.limits, scratch, reading.subject); !squash.ok()) return squash.error();
  recognise(image);
  if (const auto count = count_implied(image.tree.root()); count > 0 && !image.squash) {
    image.notes.push_back(std::to_string(count) + (count == 1 ? " name lies" : " names lie") +
                          " in directories that no archive makes; the kernel leaves them out");
  }
  return std::move(reading.image);
}

}  // namespace

Result<Image> read_image(Bytes bytes, std::shared_ptr<const void> owner, const std::string& subject,
                         const Limits& limits, const std::string& scratch) {
  Reading reading{subject, limits, {}, 0, 0};
  if (auto read = read_part(bytes, owner, 0, scratch, reading); !read.ok()) return read.error();
  return finished(reading, scratch);
}

Result<Image> read_image(const std::string& path, const Limits& limits, const std::string& scratch) {
  return read_image(std::vector<std::string>{path}, limits, scratch);
}

Result<Image> read_image(const std::vector<std::string>& paths, const Limits& limits, const std::string& scratch) {
  Reading reading{{}, limits, {}, 0, 0};
  for (std::size_t file = 0; file < paths.size(); ++file) {
    reading.subject = paths[file];
    auto mapping = Mapping::open(reading.subject, "opening the image");
    if (!mapping.ok()) return mapping.error();
    auto read = read_part(mapping.value()->bytes(), mapping.value(), file, scratch, reading);
    if (!read.ok()) return read.error();
  }
  reading.subject = names_of(paths);
  return finished(reading, scratch);
}

std::string names_of(const std::vector<std::string>& paths) {
  std::string names;
  for (const auto& path : paths) names += (names.empty() ? "" : " + ") + path;
  return names;
}

}  // namespace gdbdebug::client
