// SPDX-License-Identifier: GPL-2.0-or-later
// cache: see cache.hpp. Below the directory:
//   sysroots/KEY        an unpacked image; KEY is the beginning of its SHA-256, or of that of its files' SHA-256
//   sysroots/KEY.lock   locked shared by who uses it, exclusively by who makes or removes it; its time is the last use
//   descriptions/MACHINE/KEY.xml
#include "image/cache.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>

#include "base/interrupt.hpp"
#include "base/sha256.hpp"
#include "image/unpack.hpp"

namespace gdbdebug::client {
namespace {

constexpr std::size_t kSysroots = 8;      // some 100 MB each
constexpr std::size_t kDescriptions = 4;  // each costs 100 bytes on the line until the right one is found
constexpr std::size_t kKey = 32;          // hexadecimal digits: 128 bits
constexpr std::string_view kStep = "using the cache";

struct Aged {
  std::string name;
  timespec used;
};

// The names in `directory` that end in `suffix`, without it, the most recently used first.
std::vector<Aged> by_age(const std::string& directory, std::string_view suffix) {
  std::vector<Aged> found;
  DIR* listing = ::opendir(directory.c_str());
  if (listing == nullptr) return found;
  while (const dirent* entry = ::readdir(listing)) {
    std::string name = entry->d_name;
    struct stat status {};
    if (!name.ends_with(suffix) || ::stat((directory + "/" + name).c_str(), &status) != 0) continue;
    name.resize(name.size() - suffix.size());
    found.push_back({name, status.st_mtim});
  }
  ::closedir(listing);
  std::ranges::sort(found, [](const Aged& a, const Aged& b) {
    return a.used.tv_sec != b.used.tv_sec ? a.used.tv_sec > b.used.tv_sec : a.used.tv_nsec > b.used.tv_nsec;
  });
  return found;
}

// Whether `path` still names the open file: whoever removes a sysroot removes its lock too, and another may have made
// both anew.
bool is_still(const std::string& path, int fd) {
  struct stat named {};
  struct stat opened {};
  return ::stat(path.c_str(), &named) == 0 && ::fstat(fd, &opened) == 0 && named.st_ino == opened.st_ino &&
         named.st_dev == opened.st_dev;
}

// Opens and locks `path` as flock() does with `how`; a wait ends with an interrupt.
Result<UniqueFd> lock(const std::string& path, int how) {
  for (;;) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd) return system_error(std::string(kStep), path, errno, "GDBDEBUG_CACHE can name another place");
    while (::flock(fd.get(), how) != 0) {
      if (errno != EINTR) return system_error(std::string(kStep), path, errno);
      if (interrupted()) return interrupted_error(std::string(kStep), path);
    }
    if (is_still(path, fd.get())) return fd;
  }
}

void clear_old(const std::string& directory) {
  auto sysroots = by_age(directory, ".lock");
  for (std::size_t i = kSysroots; i < sysroots.size(); ++i) {
    const auto path = directory + "/" + sysroots[i].name;
    const auto held = lock(path + ".lock", LOCK_EX | LOCK_NB);
    if (!held.ok()) continue;  // somebody debugs with it
    remove_tree(path);
    (void)::unlink((path + ".lock").c_str());  // best effort, as all clearing
  }
}

}  // namespace

Result<std::string> cache_directory() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value != nullptr ? value : "");
  };
  if (const auto path = variable("GDBDEBUG_CACHE"); !path.empty()) return path;
  // The XDG base directory specification: a relative path there is to be ignored.
  if (const auto path = variable("XDG_CACHE_HOME"); path.starts_with('/')) return path + "/gdbdebug";
  if (const auto path = variable("HOME"); !path.empty()) return path + "/.cache/gdbdebug";
  return Error{
      std::string(kStep), "", "neither GDBDEBUG_CACHE nor XDG_CACHE_HOME nor HOME is set",
      "set GDBDEBUG_CACHE to a directory, or unpack the image with `gdbdebug sysroot` and name it with --sysroot"};
}

Status make_directories(const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const auto part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
      struct stat status {};
      const int number = errno;
      if (::stat(part.c_str(), &status) != 0) return system_error("making the directory", part, number);
    }
    if (slash == std::string::npos) return {};
  }
}

Result<CachedSysroot> cached_sysroot(const std::vector<std::string>& image, const Limits& limits) {
  const auto cache = cache_directory();
  if (!cache.ok()) return cache.error();
  std::string key;
  for (const auto& path : image) {
    const auto mapping = Mapping::open(path, "opening the image");
    if (!mapping.ok()) return mapping.error();
    key += sha256(mapping.value()->bytes());
  }
  if (image.size() > 1) key = sha256(as_bytes(key));
  const auto directory = cache.value() + "/sysroots";
  if (auto made = make_directories(directory); !made.ok()) return made.error();

  CachedSysroot sysroot;
  sysroot.path = directory + "/" + key.substr(0, kKey);
  const auto lock_path = sysroot.path + ".lock";
  const auto is_made = [&] { return ::access(sysroot.path.c_str(), F_OK) == 0; };
  // Those who use it share it, for as long as their debugger runs; only to make it takes it alone.
  auto held = lock(lock_path, LOCK_SH);
  if (held.ok() && !is_made()) {
    held.value().reset();
    held = lock(lock_path, LOCK_EX);
  }
  if (!held.ok()) return held.error();
  if (!is_made()) {
    const auto read = read_image(image, limits, directory);
    const auto unpacked = read.ok() ? unpack(read.value().tree, sysroot.path) : Result<Unpacked>(read.error());
    if (!unpacked.ok()) {
      (void)::unlink(lock_path.c_str());  // it guards nothing
      return unpacked.error();
    }
  }
  (void)::futimens(held.value().get(), nullptr);  // the time of use; an old one only makes it go earlier
  // Becoming a sharer can let another in between, who finds it made and becomes one too.
  while (::flock(held.value().get(), LOCK_SH) != 0) {
    if (errno != EINTR) return system_error(std::string(kStep), sysroot.path, errno);
  }
  sysroot.lock = std::make_shared<UniqueFd>(std::move(held.value()));
  clear_old(directory);
  return sysroot;
}

Descriptions cached_descriptions(const std::string& machine) {
  Descriptions descriptions;
  descriptions.learned = [](const std::string&) {};
  const auto cache = cache_directory();
  if (!cache.ok() || machine.empty() || machine.find('/') != std::string::npos) return descriptions;
  const auto directory = cache.value() + "/descriptions/" + machine;
  for (const auto& aged : by_age(directory, ".xml")) {
    const auto path = directory + "/" + aged.name + ".xml";
    auto text = read_file(path, kStep, std::size_t{1} << 20);
    if (!text.ok()) continue;
    if (descriptions.known.size() == kDescriptions) {
      (void)::unlink(path.c_str());  // best effort
      continue;
    }
    descriptions.known.push_back(std::move(text.value()));
  }
  descriptions.learned = [directory](const std::string& text) {
    // Not being able to keep it costs the next session its bytes, and nothing else.
    if (!make_directories(directory).ok()) return;
    const auto path = directory + "/" + sha256(as_bytes(text)).substr(0, kKey) + ".xml";
    const auto staged = path + "." + std::to_string(::getpid());
    {
      const UniqueFd fd(::open(staged.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
      if (!fd) return;
      if (write_all(fd.get(), as_bytes(text)) != 0) {
        (void)::unlink(staged.c_str());
        return;
      }
    }
    if (::rename(staged.c_str(), path.c_str()) != 0) (void)::unlink(staged.c_str());
  };
  return descriptions;
}

}  // namespace gdbdebug::client
