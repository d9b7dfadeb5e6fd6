// SPDX-License-Identifier: GPL-2.0-or-later
// Where links of an image lead, and names that are refused.
#include "image/tree.hpp"

#include <gtest/gtest.h>

namespace gdbdebug::client {
namespace {

std::unique_ptr<Node> made(Node::Kind kind, std::string target = {}) {
  auto node = std::make_unique<Node>();
  node->kind = kind;
  node->target = std::move(target);
  if (kind == Node::Kind::file) node->content = std::make_shared<Content>();
  return node;
}

Status put_link(Tree& tree, std::string_view name, std::string target) {
  return tree.put(name, made(Node::Kind::link, std::move(target)));
}

std::string text_of(const Tree& tree, std::string_view name) {
  return tree.relative_target(*tree.find(name, false));
}

TEST(ClientTree, LinksAreKeptLetterByLetterIfTheirTextCannotLeadOut) {
  Tree tree;
  ASSERT_TRUE(tree.put("usr", made(Node::Kind::directory)).ok());
  ASSERT_TRUE(tree.put("usr/lib", made(Node::Kind::directory)).ok());
  ASSERT_TRUE(put_link(tree, "lib", "usr/lib").ok());
  const std::pair<const char*, const char*> rows[] = {
      {"usr/lib", "usr/lib"},
      {"./usr//lib/", "./usr//lib/"},
      {"lib/x", "lib/x"},
      {"/usr/lib", "../../usr/lib"},
      {"../../lib", "../../lib"},
      {"../../../lib", "../../lib"},
      {"lib/../x", "../../usr/lib/x"},  // none of them is there: by its text
      {"../../lib/../x", "../../usr/x"},
      {"/", "../../"},
      {"no/such", "no/such"},
  };
  for (const auto& [target, expected] : rows) {
    ASSERT_TRUE(put_link(tree, "usr/lib/link", target).ok());
    EXPECT_EQ(text_of(tree, "usr/lib/link"), expected) << target;
  }
}

// On the disk `p` costs one link, and in the image four: the text after it could then climb further than was counted.
TEST(ClientTree, ALinkThatTheKernelGivesUpOnLeadsToItself) {
  Tree tree;
  ASSERT_TRUE(tree.put("d", made(Node::Kind::directory)).ok());
  ASSERT_TRUE(put_link(tree, "s", ".").ok());
  ASSERT_TRUE(put_link(tree, "d/p", "/s/s/s/d").ok());
  std::string target;
  for (int i = 0; i < 20; ++i) target += "p/";
  for (int i = 0; i < 11; ++i) target += "../";
  ASSERT_TRUE(put_link(tree, "d/L", target + "etc/hostname").ok());
  EXPECT_EQ(text_of(tree, "d/p"), "../d");
  EXPECT_EQ(text_of(tree, "d/L"), "L");
  EXPECT_EQ(tree.find("d/L"), nullptr);
}

TEST(ClientTree, ALinkThatCouldNotBeWrittenIsRefused) {
  Tree tree;
  EXPECT_FALSE(put_link(tree, "empty", "").ok());
  EXPECT_TRUE(put_link(tree, "long", std::string(4095, 'x')).ok());
  EXPECT_FALSE(put_link(tree, "longer", std::string(4096, 'x')).ok());
}

TEST(ClientTree, APathIsFoundWhereTheKernelFindsOne) {
  Tree tree;
  ASSERT_TRUE(tree.put("usr", made(Node::Kind::directory)).ok());
  ASSERT_TRUE(tree.put("usr/file", made(Node::Kind::file)).ok());
  ASSERT_TRUE(put_link(tree, "to-file", "usr/file").ok());
  ASSERT_TRUE(put_link(tree, "slash", "usr/file/").ok());
  const std::pair<const char*, bool> rows[] = {
      {"/usr/file", true},
      {"usr//./file", true},
      {"/usr/../usr/file", true},
      {"/../../usr/file", true},
      {"/usr/file/", false},
      {"/usr/file/.", false},
      {"/usr/file/../file", false},
      {"/usr/no/../file", false},
      {"/to-file", true},
      {"/to-file/", false},
      {"/slash", false},
      {"/to-file/../usr", false},
      {"/usr/", true},
      {"/", true},
      {"", true},
      {"/usr/.", true},
  };
  for (const auto& [path, there] : rows) EXPECT_EQ(tree.find(path) != nullptr, there) << path;
}

TEST(ClientTree, NamesWithControlCharactersAreRefusedAndOthersAreNot) {
  Tree tree;
  for (const char* name : {"a\nb", "a\x1b", "x/\x7f", "\xc2\x9b"}) {
    const auto status = tree.put(name, made(Node::Kind::file));
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().reason, "it has a control character in it");
    EXPECT_EQ(status.error().subject.find_first_of("\n\x1b\x7f\x9b"), std::string::npos);
    EXPECT_FALSE(put_link(tree, "link", name).ok());
  }
  for (const char* name : {"a b", "\xc3\xa9", "caf\xe9", "dev-disk-by\\x2dlabel.device"}) {
    EXPECT_TRUE(tree.put(name, made(Node::Kind::file)).ok()) << name;
  }
}

}  // namespace
}  // namespace gdbdebug::client
