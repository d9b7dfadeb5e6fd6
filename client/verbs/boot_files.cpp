// SPDX-License-Identifier: GPL-2.0-or-later
// boot_files: see boot_files.hpp.
#include "verbs/boot_files.hpp"

#include <fcntl.h>
#include <glob.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/bytes.hpp"
#include "base/process.hpp"
#include "image/image.hpp"

namespace gdbdebug::client {
namespace {

constexpr const char* kMaker = "gdbdebug-overlay";
constexpr int kMakerSeconds = 120;
constexpr std::size_t kAlignment = 4;

// Where a kernel and the images of the same version lie; * stands for the version, or for a machine ID before it.
struct KernelPlace {
  // cppcheck-suppress unusedStructMember ; it is used in newest_boot_files() and kernel_of()
  const char* before;  // of the kernel's name, up to the version
  const char* after;
  std::vector<const char*> images;  // V stands for the version, B for what the first * of `before` was
};

const std::array kKernelPlaces{
    KernelPlace{"/boot/vmlinuz-", "", {"/boot/initrd.img-V", "/boot/initramfs-V.img", "/boot/initrd-V"}},
    KernelPlace{"/boot/vmlinux-", "", {"/boot/initrd.img-V", "/boot/initramfs-V.img", "/boot/initrd-V"}},
    KernelPlace{"/boot/Image-", "", {"/boot/initrd.img-V", "/boot/initramfs-V.img", "/boot/initrd-V"}},
    KernelPlace{"/lib/modules/", "/vmlinuz", {"/boot/initramfs-V.img", "/boot/initrd-V"}},
    KernelPlace{"/boot/*/", "/linux", {"B/V/initrd"}},
    KernelPlace{"/efi/*/", "/linux", {"B/V/initrd"}},
    KernelPlace{"/boot/efi/*/", "/linux", {"B/V/initrd"}},
};

std::vector<std::string> names_like(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> names;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) names.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return names;
}

// An image for `version` beside `kernel`; empty if there is none.
std::string image_for(const KernelPlace& place, const std::string& root, const std::string& kernel,
                      const std::string& version) {
  const auto version_at = kernel.size() - version.size() - std::strlen(place.after);
  for (const std::string_view pattern : place.images) {
    std::string name = pattern.starts_with('B') ? kernel.substr(0, version_at - 1) : root;
    for (const char c : pattern.starts_with('B') ? pattern.substr(1) : pattern)
      name += c == 'V' ? version : std::string(1, c);
    if (::access(name.c_str(), F_OK) == 0) return name;
  }
  return "";
}

bool is_spare(const std::string& version) {
  return version.find("rescue") != std::string::npos || version.find("fallback") != std::string::npos;
}

}  // namespace

Result<BootFiles> newest_boot_files(const std::string& root) {
  BootFiles newest;
  std::string newest_version;
  for (const auto& place : kKernelPlaces) {
    for (const auto& kernel : names_like(root + place.before + "*" + place.after)) {
      const auto end = kernel.size() - std::strlen(place.after);
      const auto slash = kernel.rfind('/', end - 1) + 1;
      const auto begin = slash + std::strlen(place.before) - (std::string(place.before).rfind('/') + 1);
      const auto version = kernel.substr(begin, end - begin);
      if (is_spare(version)) continue;
      const auto image = image_for(place, root, kernel, version);
      if (image.empty() || (!newest.kernel.empty() && ::strverscmp(version.c_str(), newest_version.c_str()) <= 0))
        continue;
      newest = {kernel, image};
      newest_version = version;
    }
  }
  if (newest.kernel.empty()) {
    return Error{"looking for a kernel and its image in", root + "/boot", "there is no pair of them",
                 "name them with --kernel and --initrd", Exit::usage};
  }
  return newest;
}

std::string kernel_of(const std::string& root, const std::string& version) {
  // The version is a name in the image, which can be anybody's.
  if (version.empty() || version.find_first_of("*?[/\\") != std::string::npos) return "";
  for (const auto& place : kKernelPlaces) {
    for (const auto& kernel : names_like(root + place.before + version + place.after)) return kernel;
  }
  return "";
}

Status make_overlay(const std::string& path) {
  std::optional<std::string> maker;
  // Where an administrator's programs are is not in every user's $PATH.
  for (const std::string directory : {"", "/usr/local/sbin/", "/usr/sbin/"}) {
    if (!maker) maker = find_program(directory + kMaker);
  }
  if (!maker) {
    return Error{"making an overlay with", kMaker, "program not found",
                 "install gdbdebug's package for the target here, or name an overlay with --overlay"};
  }
  Spawn child;
  child.argv = {*maker, path};
  std::string said;
  const auto made = run(child, std::size_t{1} << 16, kMakerSeconds, &said);
  if (!made.ok()) return made.error();
  if (made.value().status == 0) return {};
  while (said.ends_with('\n')) said.pop_back();
  return Error{"making an overlay with", *maker, "exit status " + std::to_string(made.value().status) + ": " + said,
               "--overlay FILE names one that was made before"};
}

Status join_images(const std::vector<std::string>& files, const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return system_error("opening", path, errno);
  std::size_t written = 0;
  for (const auto& name : files) {
    const auto file = Mapping::open(name, "opening the image");
    if (!file.ok()) return file.error();
    const auto bytes = pe_section(file.value()->bytes(), ".initrd").value_or(file.value()->bytes());
    const std::string padding((kAlignment - written % kAlignment) % kAlignment, '\0');
    for (const auto piece : {as_bytes(padding), bytes}) {
      if (const int error = write_all(fd.get(), piece); error != 0) return system_error("writing", path, error);
      written += piece.size();
    }
  }
  return {};
}

}  // namespace gdbdebug::client
