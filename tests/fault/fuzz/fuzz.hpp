// SPDX-License-Identifier: GPL-2.0-or-later
// fuzz: what a fuzz target is made of. Each file here has one, `FUZZ(name) { ... input ... }`, and checks not only that
// nothing crashes but what must be true of every input.
// Built by clang it is a libFuzzer target; built for the unit tests it is replayed on corpus/NAME by corpus_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

/// Not assert(): it must stay in every build.
#define CHECK(condition)                \
  do {                                  \
    if (!(condition)) __builtin_trap(); \
  } while (false)

#ifdef GDBDEBUG_REPLAY
namespace gdbdebug::fuzz {
struct Target {
  Target(const char* target_name, void (*target_function)(std::string_view));
  const char* name;
  void (*function)(std::string_view);
  Target* next;
};
}  // namespace gdbdebug::fuzz
#define FUZZ(name)                                                       \
  static void fuzz_##name(std::string_view input);                       \
  static const gdbdebug::fuzz::Target target_##name(#name, fuzz_##name); \
  static void fuzz_##name(std::string_view input)
#else
#define FUZZ(name)                                                                    \
  static void fuzz_##name(std::string_view input);                                    \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    fuzz_##name({reinterpret_cast<const char*>(data), size});                         \
    return 0;                                                                         \
  }                                                                                   \
  static void fuzz_##name(std::string_view input)
#endif

namespace gdbdebug::fuzz {

/// Whether `part` lies in `whole`: what a parser returns points into what it was given.
inline bool lies_in(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

}  // namespace gdbdebug::fuzz
