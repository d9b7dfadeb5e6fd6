// SPDX-License-Identifier: GPL-2.0-or-later
// What `gdbdebug vm` boots where no kernel or image is named, and how archives become one file.
#include "verbs/boot_files.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "image/unpack.hpp"

namespace gdbdebug::client {
namespace {

class BootFilesTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(place_.make(testing::TempDir()).ok()); }

  void make(const std::string& name, const std::string& text = "x") {
    std::filesystem::create_directories(std::filesystem::path(root() + name).parent_path());
    std::ofstream(root() + name) << text;
  }
  [[nodiscard]] const std::string& root() const { return place_.path(); }

  ScratchDirectory place_;
};

TEST_F(BootFilesTest, EachDistributionsPairIsFound) {
  struct Case {
    const char* kernel;
    const char* image;
  };
  for (const auto& [kernel, image] : {
           Case{"/boot/vmlinuz-6.1.0-9-amd64", "/boot/initrd.img-6.1.0-9-amd64"},
           Case{"/boot/vmlinuz-6.11.4-300.fc41", "/boot/initramfs-6.11.4-300.fc41.img"},
           Case{"/lib/modules/6.12.1/vmlinuz", "/boot/initramfs-6.12.1.img"},
           Case{"/boot/vmlinuz-6.13-default", "/boot/initrd-6.13-default"},
           Case{"/boot/Image-6.14-default", "/boot/initrd-6.14-default"},
           Case{"/boot/0123456789abcdef/6.15.0/linux", "/boot/0123456789abcdef/6.15.0/initrd"},
           Case{"/boot/vmlinuz-linux", "/boot/initramfs-linux.img"},
       }) {
    SCOPED_TRACE(kernel);
    make(kernel);
    make(image);
    const auto found = newest_boot_files(root());
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(found.value().kernel, root() + kernel);
    EXPECT_EQ(found.value().initrd, root() + image);
  }
}

TEST_F(BootFilesTest, TheNewestIsByNumberNeitherARescueNorOneWithoutAnImage) {
  for (const std::string version : {"6.1.0-9", "6.1.0-56", "6.1.0-100", "z-rescue-1"}) make("/boot/vmlinuz-" + version);
  for (const std::string version : {"6.1.0-9", "6.1.0-56", "z-rescue-1"}) make("/boot/initrd.img-" + version);
  const auto found = newest_boot_files(root());
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found.value().kernel, root() + "/boot/vmlinuz-6.1.0-56");
}

TEST_F(BootFilesTest, WithoutAPairTheUserIsTold) {
  make("/boot/vmlinuz-6.1");
  const auto found = newest_boot_files(root());
  ASSERT_FALSE(found.ok());
  EXPECT_NE(found.error().text().find("--initrd"), std::string::npos);
}

TEST_F(BootFilesTest, TheKernelOfAVersionIsThatOneAlone) {
  make("/boot/vmlinuz-6.1.0-9");
  make("/lib/modules/6.2/vmlinuz");
  EXPECT_EQ(kernel_of(root(), "6.1.0-9"), root() + "/boot/vmlinuz-6.1.0-9");
  EXPECT_EQ(kernel_of(root(), "6.2"), root() + "/lib/modules/6.2/vmlinuz");
  EXPECT_EQ(kernel_of(root(), "6.1.0"), "");
  EXPECT_EQ(kernel_of(root(), "*"), "");  // an image says what it likes
  EXPECT_EQ(kernel_of(root(), "../boot/vmlinuz-6.1.0-9"), "");
  EXPECT_EQ(kernel_of(root(), ""), "");
}

TEST_F(BootFilesTest, ArchivesAreJoinedAtMultiplesOfFour) {
  make("/one", "12345");
  make("/two", "1234");
  make("/three", "1");
  ASSERT_TRUE(join_images({root() + "/one", root() + "/two", root() + "/three"}, root() + "/joined").ok());
  std::ostringstream text;
  text << std::ifstream(root() + "/joined").rdbuf();
  EXPECT_EQ(text.str(), std::string("12345\0\0\0"
                                    "1234"
                                    "1",
                                    13));
}

}  // namespace
}  // namespace gdbdebug::client
