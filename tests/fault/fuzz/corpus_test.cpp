// SPDX-License-Identifier: GPL-2.0-or-later
// Replays what the fuzzers have found, and the seeds they begin with: corpus/NAME for each target.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz.hpp"

namespace gdbdebug::fuzz {
namespace {

namespace fs = std::filesystem;

Target*& first() {
  static Target* target = nullptr;
  return target;
}

class Corpus : public testing::Test {
 public:
  explicit Corpus(const Target& target) : target_(target) {}
  void TestBody() override {
    std::size_t count = 0;
    const auto folder = fs::path(GDBDEBUG_CORPUS) / target_.name;
    ASSERT_TRUE(fs::is_directory(folder)) << folder << " is missing";
    for (const auto& entry : fs::directory_iterator(folder)) {
      SCOPED_TRACE(entry.path());
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(file), {}};
      // A copy of exactly this size, so that a sanitizer sees a read past its end. A failed check ends the program.
      const std::vector<char> exact(bytes.begin(), bytes.end());
      target_.function({exact.data(), exact.size()});
      target_.function({});
      ++count;
    }
    EXPECT_GT(count, 0U) << folder << " is empty";
  }

 private:
  const Target& target_;
};

}  // namespace

Target::Target(const char* target_name, void (*target_function)(std::string_view))
    : name(target_name), function(target_function), next(std::exchange(first(), this)) {
}

}  // namespace gdbdebug::fuzz

int main(int argc, char** argv) {
  using namespace gdbdebug::fuzz;
  for (const auto* target = first(); target != nullptr; target = target->next) {
    testing::RegisterTest("Corpus", target->name, nullptr, nullptr, __FILE__, __LINE__,
                          [target]() -> testing::Test* { return new Corpus(*target); });
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
