// SPDX-License-Identifier: GPL-2.0-or-later
// archives [SEED [COUNT]]: makes COUNT initramfs images at random, of a grammar that knows cpio's newc format and what
// links can do, and unpacks each as `gdbdebug sysroot` does. Then it looks at the disk: no name may lead out of the
// directory, and nothing beside it may have changed. The kernel itself is asked, by openat2(2) with RESOLVE_BENEATH.
// Image N of a seed is image 0 of the seed SEED + N, so each fault is printed with the command that repeats it alone.
// Exit status 0: no fault; 1: faults; 2: a wrong command line, or the test could not be made; 77: no openat2(2).
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <set>

#include "base/words.hpp"
#include "core/base/text.hpp"
#include "image/files.hpp"
#include "image/image.hpp"
#include "image/in_root.hpp"
#include "image/unpack.hpp"

using namespace gdbdebug;
using namespace gdbdebug::client;

namespace {

constexpr std::string_view kOutside = "OUTSIDE";  // what the files beside the directory hold

[[noreturn]] void give_up(const std::string& what) {
  std::perror(what.c_str());
  std::exit(2);
}

// --- Images. ---------------------------------------------------------------------------------------------------------

std::string entry(const std::string& name, unsigned mode, const std::string& data, unsigned inode, unsigned links) {
  std::array<char, 128> header{};  // 110 and a NUL; gcc 16 reckons with numbers of 16 digits
  (void)std::snprintf(header.data(), header.size(), "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x",
                      inode, mode, 0U, 0U, links, 0U, data.size(), 0U, 0U, 0U, 0U, name.size() + 1, 0U);  // fits
  std::string text = header.data() + name;
  text.append(4 - text.size() % 4, '\0');  // the name's NUL, and up to a multiple of four
  text += data;
  text.append((4 - text.size() % 4) % 4, '\0');
  return text;
}

constexpr unsigned kDirectory = 040755;
constexpr unsigned kFile = 0100644;
constexpr unsigned kLink = 0120777;
constexpr unsigned kDevice = 020600;

std::string repeated(const std::string& text, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

// What was found by hand: a link that uses the budget of links up in our tree and costs less on the disk.
std::string known_image() {
  return entry("d", kDirectory, "", 1, 1) + entry("s", kLink, ".", 2, 1) + entry("d/p", kLink, "/s/s/s/d", 3, 1) +
         entry("d/L", kLink, repeated("p/", 20) + repeated("../", 11) + "etc/hostname", 4, 1) +
         entry("TRAILER!!!", 0, "", 0, 1);
}

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed), rude_(percent(10)) {}

  std::size_t below(std::size_t count) { return static_cast<std::size_t>(random_() % count); }
  bool percent(unsigned chance) { return below(100) < chance; }

  std::string component() {
    static const std::array<std::string, 12> kUsual{"a", "b", "d",   "e",        "s",   "p",
                                                    "L", "x", "etc", "hostname", "usr", "lib"};
    static const std::array<std::string, 8> kOdd{
        "...", "..x", "a b", "\xc3\xa9", "\xe9", "-n", std::string(255, 'n'), "\xe2\x80\xae"};
    if (percent(4)) return ".";
    if (rude_ && percent(3)) return "a\nb";
    return percent(2) ? kOdd[below(kOdd.size())] : kUsual[below(kUsual.size())];
  }

  // The same without what changes nothing: empty components and dots.
  static std::string plain(std::string_view text) {
    std::string name;
    while (!text.empty()) {
      const auto part = take_word(text, '/');
      if (!part.empty() && part != ".") name += (name.empty() ? "" : "/") + std::string(part);
    }
    return name;
  }

  // In a directory that is there already, mostly: what lies in a file or in nothing is refused, and tells nothing.
  std::string name() {
    std::string text;
    if (percent(96)) {
      text = directories_[below(directories_.size())];
    } else if (!made_.empty()) {
      text = made_[below(made_.size())];
    }
    text += (text.empty() ? "" : percent(5) ? "//" : "/") + component();
    if (percent(1)) text += "/" + component();
    if (rude_ && percent(5)) return percent(50) ? "/" + text : text + "/..";
    if (percent(5)) text = "./" + text;
    if (percent(3)) text += "/";
    return text;
  }

  // A link that is here already, or any component: what a path can go through many times.
  std::string step() {
    if (links_.empty() || percent(30)) return component();
    const auto& link = links_[below(links_.size())];
    return percent(60) ? link.substr(link.rfind('/') + 1) : link;
  }

  std::string target() {
    constexpr std::array<std::size_t, 9> kCounts{1, 2, 3, 5, 13, 20, 39, 40, 41};
    std::string text;
    if (percent(30)) text = "/";
    if (percent(30)) text += repeated("../", 1 + below(6));
    for (std::size_t i = below(4); i > 0; --i) {
      text += repeated(step() + "/", percent(40) ? kCounts[below(kCounts.size())] : 1);
      if (percent(25)) text += repeated("../", 1 + below(14));
    }
    if (percent(10)) return text.empty() ? "." : text;
    text += percent(30) ? "etc/hostname" : step();
    return rude_ && percent(5) ? "" : text.substr(0, 4000);
  }

  std::string archive() {
    std::string text;
    for (std::size_t count = 3 + below(22); count > 0; --count) {
      const auto called = name();
      // A directory with something in it cannot become something else.
      const bool taken = std::ranges::find(directories_, plain(called)) != directories_.end();
      const auto inode = static_cast<unsigned>(percent(10) ? below(3) : 100 + count);
      switch (taken && percent(98) ? 0 : below(10)) {
        case 0:
        case 1:
        case 2:
          text += entry(called, kDirectory, "", inode, 1);
          directories_.push_back(plain(called));
          break;
        case 3:
        case 4:
          text += entry(called, percent(5) ? kFile | 06111U : kFile, "inside " + called, inode, percent(30) ? 2 : 1);
          break;
        case 5:
          text += entry(called, percent(50) ? kDevice : 010644, "", inode, 1);
          break;
        default:
          text += entry(called, kLink, target(), inode, 1);
          links_.push_back(called);
          if (percent(2)) directories_.push_back(called);  // it may lead to one
      }
      made_.push_back(called);
    }
    return text + entry("TRAILER!!!", 0, "", 0, 1);
  }

  std::string image() {
    std::string text = archive();
    if (percent(20)) text += repeated(std::string(4, '\0'), below(4)) + archive();
    if (percent(3)) text[below(text.size())] = static_cast<char>(below(256));
    if (percent(2)) text.resize(below(text.size()));
    return text;
  }

 private:
  std::mt19937_64 random_;
  bool rude_;  // it has what is refused in any case
  std::vector<std::string> directories_{""};
  std::vector<std::string> made_;
  std::vector<std::string> links_;
};

// --- The disk. -------------------------------------------------------------------------------------------------------

// Opens `path` below `directory`; errno is EXDEV if any step of it leads out.
UniqueFd beneath(int directory, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH;
  return UniqueFd(static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how)));
}

bool same_file(const UniqueFd& one, const UniqueFd& other) {
  struct stat a {};
  struct stat b {};
  if (!one || !other) return !one && !other;
  return ::fstat(one.get(), &a) == 0 && ::fstat(other.get(), &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

struct Found {
  std::string name;  // relative
  mode_t mode = 0;
};

void list(int directory, const std::string& prefix, std::vector<Found>& into) {
  DIR* listing = ::fdopendir(::dup(directory));
  if (listing == nullptr) give_up("fdopendir");
  while (const dirent* each = ::readdir(listing)) {
    const std::string leaf = each->d_name;
    if (leaf == "." || leaf == "..") continue;
    struct stat status {};
    if (::fstatat(directory, leaf.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) give_up(leaf);
    into.push_back({prefix + leaf, status.st_mode});
    if (!S_ISDIR(status.st_mode)) continue;
    const UniqueFd below(::openat(directory, leaf.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!below) give_up(leaf);
    list(below.get(), prefix + leaf + "/", into);
  }
  ::closedir(listing);
}

// The links of a tree just as the image has them, as another program would unpack them.
void make_as_it_is(int directory, const Node& node) {
  for (const auto& [name, child] : node.children) {
    if (child->kind == Node::Kind::link) (void)::symlinkat(child->target.c_str(), directory, name.c_str());
    if (child->kind == Node::Kind::file) {
      const UniqueFd fd(::openat(directory, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
      if (!fd || write_all(fd.get(), child->content->bytes) != 0) give_up(name);
    }
    if (child->kind != Node::Kind::directory) continue;
    if (::mkdirat(directory, name.c_str(), 0700) != 0) give_up(name);
    const UniqueFd below(::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    make_as_it_is(below.get(), *child);
  }
}

// --- One image. ------------------------------------------------------------------------------------------------------

class Trial {
 public:
  Trial() {
    if (!place_.make(scratch_directory()).ok()) give_up("making a directory");
    // Files to be led to, at each height.
    for (const std::string height : {"", "/1", "/1/2"}) {
      const auto here = place_.path() + height;
      if (!height.empty() && ::mkdir(here.c_str(), 0700) != 0) give_up(here);
      if (::mkdir((here + "/etc").c_str(), 0700) != 0) give_up(here);
      for (const auto* name : {"/etc/hostname", "/hostname", "/d", "/x"}) {
        const UniqueFd fd(::open((here + name).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        if (!fd || write_all(fd.get(), as_bytes(kOutside)) != 0) give_up(here);
      }
    }
    work_.reset(::open((place_.path() + "/1/2").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    outside_ = beside();
  }

  void run(const std::string& image_bytes, Maker& maker, std::uint64_t seed) {
    seed_ = seed;
    const auto image = read_image(as_bytes(image_bytes), nullptr, "image", {1 << 22, 1000}, place_.path());
    const auto out = place_.path() + "/1/2/out";
    const auto unpacked = image.ok() ? unpack(image.value().tree, out) : Result<Unpacked>(image.error());
    if (!unpacked.ok()) {
      ++refused;
      if (::access(out.c_str(), F_OK) == 0) fault("it was refused, and is there: " + unpacked.error().text());
      if (beside() != outside_) fault("something beside it has changed");
      // Where the tree was sound there is no reason but the disk.
      if (image.ok()) fault("the tree is sound, but cannot be written: " + unpacked.error().text());
      return;
    }
    ++accepted;
    const UniqueFd root(::open(out.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    std::vector<Found> found;
    list(root.get(), "", found);
    for (const auto& one : found) look_at(root.get(), one);
    // Through one link after the other.
    for (int i = 0; i < 20; ++i) {
      std::string path = maker.step();
      for (std::size_t more = maker.below(5); more > 0; --more) path += "/" + maker.step();
      stays_inside(root.get(), path);
    }
    compare(image.value().tree, DirectoryFiles(out), found);
    read_hostile_names(out, root.get(), maker);

    const auto as_it_is = place_.path() + "/1/2/as-it-is";
    if (::mkdir(as_it_is.c_str(), 0700) != 0) give_up(as_it_is);
    const UniqueFd other(::open(as_it_is.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    make_as_it_is(other.get(), image.value().tree.root());
    read_hostile_names(as_it_is, other.get(), maker);
    remove_tree(as_it_is);

    remove_tree(out);
    if (beside() != outside_) fault("something beside it has changed");
  }

  int refused = 0;
  int accepted = 0;
  int links = 0;
  int faults = 0;

 private:
  void fault(const std::string& what) {
    ++faults;
    std::printf("FAULT: %s\n  repeat: fault-archives %llu 1\n", printable(what).c_str(),
                static_cast<unsigned long long>(seed_));
  }

  // All that is in the places beside the directory, with its content.
  std::set<std::string> beside() const {
    std::set<std::string> all;
    const UniqueFd top(::open(place_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    std::vector<Found> found;
    list(top.get(), "", found);
    for (const auto& one : found) {
      const auto text = S_ISREG(one.mode) ? read_file(place_.path() + "/" + one.name, "reading") : std::string();
      all.insert(one.name + "=" + (text.ok() ? text.value() : "?") + "," + std::to_string(one.mode));
    }
    return all;
  }

  void stays_inside(int root, std::string path) {
    path.erase(0, path.find_first_not_of('/'));
    const auto fd = beneath(root, path);
    if (!fd && errno == EXDEV) fault("'" + path + "' leads out");
  }

  void look_at(int root, const Found& one) {
    if (has_control(one.name)) fault("there is a control character in '" + one.name + "'");
    if (!S_ISDIR(one.mode) && !S_ISREG(one.mode) && !S_ISLNK(one.mode)) fault("'" + one.name + "' is a device");
    if (!S_ISLNK(one.mode) && (one.mode & 07000) != 0) fault("'" + one.name + "' is setuid");
    if (!S_ISLNK(one.mode)) return;
    ++links;
    stays_inside(root, one.name);
    // And by the text alone, for whoever resolves it with other limits than this kernel.
    std::array<char, 4096> target{};
    const ssize_t size = ::readlinkat(root, one.name.c_str(), target.data(), target.size());
    if (size <= 0) give_up(one.name);
    std::string_view rest(target.data(), static_cast<std::size_t>(size));
    if (rest.starts_with('/')) fault("'" + one.name + "' is absolute");
    long depth = std::ranges::count(one.name, '/');
    bool down = false;
    while (!rest.empty()) {
      const auto part = take_word(rest, '/');
      if (part == ".." && (down || --depth < 0)) return fault("'" + one.name + "' climbs out by its text");
      down = down || (part != ".." && part != "." && !part.empty());
    }
  }

  // What the tree has by a name the directory has too.
  void compare(const Tree& tree, const DirectoryFiles& files, const std::vector<Found>& found) {
    for (const auto& one : found) {
      const auto expected = tree.read("/" + one.name);
      const auto content = files.read("/" + one.name);
      if (!expected || (content && as_text(*expected) == as_text(*content))) continue;
      const auto* link = tree.find("/" + one.name, false);
      fault("'" + one.name + "' is " + (content ? "another file" : "no file") + "; in the image it leads to '" +
            link->target + "', here to '" + tree.relative_target(*link) + "'");
    }
  }

  // As DT_NEEDED, DT_RUNPATH, PT_INTERP and a hello could have them.
  void read_hostile_names(const std::string& directory, int root, Maker& maker) {
    const DirectoryFiles files(directory);
    for (int i = 0; i < 20; ++i) {
      auto path =
          maker.percent(50) ? maker.target() : maker.step() + "/" + repeated("../", maker.below(20)) + "etc/hostname";
      if (maker.percent(60)) path.insert(0, "/");
      const auto content = files.read(path);
      if (content && as_text(*content).starts_with(kOutside)) fault("'" + path + "' reads a file that is outside");
      if (const auto real = files.resolve(path); !real.empty() && !beneath(root, real.substr(1))) {
        fault("'" + path + "' is said to lead to '" + real + "'");
      }
      for (const auto& name : files.list(path)) {
        if (name == "as-it-is" || name == "out") fault("'" + path + "' lists a directory that is outside");
      }
      if (!same_file(open_in_root(root, path, O_PATH), walk_in_root(root, path, O_PATH))) {
        fault("without openat2(2) '" + path + "' leads somewhere else");
      }
    }
  }

  ScratchDirectory place_;
  UniqueFd work_;
  std::set<std::string> outside_;
  std::uint64_t seed_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const auto number = [&](int place, std::uint64_t usual) {
    return argc > place ? parse_number<std::uint64_t>(argv[place]) : std::optional(usual);
  };
  const auto seed = number(1, 1);
  const auto count = number(2, 10000);
  if (!seed || !count || argc > 3) {
    std::fprintf(stderr, "usage: fault-archives [SEED [COUNT]]\n");
    return 2;
  }
  if (!beneath(AT_FDCWD, ".") && errno != EXDEV) {
    std::printf("skip: no openat2(2) here (%s)\n", std::strerror(errno));
    return 77;
  }
  Trial trial;
  Maker any(0);
  trial.run(known_image(), any, 0);
  for (std::uint64_t i = 0; i < *count && trial.faults < 20; ++i) {
    Maker maker(*seed + i);
    const auto image = maker.image();
    trial.run(image, maker, *seed + i);
  }
  std::printf("%d images unpacked and %d refused, with %d links: %d faults\n", trial.accepted, trial.refused,
              trial.links, trial.faults);
  // A grammar whose images are all refused tests nothing.
  const bool enough = *count < 100 || trial.accepted * 3 > trial.refused;
  if (!enough) std::printf("FAULT: too few of the images were unpacked\n");
  return trial.faults == 0 && enough ? 0 : 1;
}
