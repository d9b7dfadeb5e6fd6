// SPDX-License-Identifier: GPL-2.0-or-later
// Names that an image chose, opened in a directory: with openat2(2) and without.
#include "image/in_root.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "image/files.hpp"
#include "image/unpack.hpp"

namespace gdbdebug::client {
namespace {

class ClientInRoot : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(place.make("/tmp").ok());
    root = place.path() + "/root";
    for (const char* directory : {"", "/usr", "/usr/lib"}) ASSERT_EQ(::mkdir((root + directory).c_str(), 0700), 0);
    write(place.path() + "/secret", "outside");
    write(root + "/usr/lib/file", "inside");
    link("/usr/lib", "/abs");
    link("../../../../../../usr", "/usr/lib/up");
    link("../../../../../../../" + place.path() + "/secret", "/escape");
    link(place.path() + "/secret", "/direct");
    link("round", "/round");
    link("/proc/self/root", "/magic");
    fd.reset(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }

  static void write(const std::string& path, std::string_view text) {
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_EQ(write_all(file.get(), as_bytes(text)), 0);
  }
  void link(const std::string& target, const std::string& name) const {
    ASSERT_EQ(::symlink(target.c_str(), (root + name).c_str()), 0);
  }

  ScratchDirectory place;
  std::string root;
  UniqueFd fd;
};

TEST_F(ClientInRoot, EachNameStaysInsideWithOpenat2AndWithout) {
  const std::pair<const char*, bool> rows[] = {
      {"usr/lib/file", true},
      {"/usr/lib/file", true},
      {"/abs/file", true},
      {"abs/../lib/file", true},
      {"/usr/lib/up/lib/file", true},
      {"/../../../usr/lib/file", true},
      {"./usr//lib/./file", true},
      {"", false},
      {"/secret", false},
      {"/../secret", false},
      {"/escape", false},
      {"/direct", false},
      {"/round", false},
      {"/magic/etc", false},
      {"/usr/lib/file/", false},
      {"/usr/lib/file/.", false},
      {"/usr/lib/file/..", false},
      {"/no/../usr/lib/file", false},
  };
  for (const auto& [name, there] : rows) {
    SCOPED_TRACE(name);
    for (const auto open : {open_in_root, walk_in_root}) {
      const auto file = open(fd.get(), name, O_RDONLY);
      EXPECT_EQ(static_cast<bool>(file), there);
      std::string text(10, '\0');
      if (file) text.resize(static_cast<std::size_t>(::read(file.get(), text.data(), text.size())));
      if (there) {
        EXPECT_EQ(text, "inside");
      }
    }
  }
}

TEST_F(ClientInRoot, FilesAreReadListedAndResolvedInside) {
  const DirectoryFiles files(root);
  EXPECT_EQ(as_text(files.read("/abs/../../../usr/lib/file").value_or(Bytes())), "inside");
  for (const char* name : {"/../secret", "/escape", "/direct", "/usr/lib", "/usr/lib/fi\nle"}) {
    EXPECT_FALSE(files.read(name)) << name;
    EXPECT_TRUE(files.list("/..") == files.list("/"));
  }
  EXPECT_EQ(files.resolve("/abs/up/lib/../lib/file"), "/usr/lib/file");
  EXPECT_EQ(files.resolve("/escape"), "");
  EXPECT_EQ(files.resolve("/../../usr"), "/usr");
}

TEST_F(ClientInRoot, ADeviceIsNotOpened) {
  const DirectoryFiles files("/");
  EXPECT_FALSE(files.read("/dev/null"));
  EXPECT_FALSE(files.read("/proc/self/root/etc/passwd"));  // a magic link
}

}  // namespace
}  // namespace gdbdebug::client
