// SPDX-License-Identifier: GPL-2.0-or-later
// demangle: see demangle.hpp.
#include "report/demangle.hpp"

#if GDBDEBUG_LIBIBERTY
#include <demangle.h>

#include <csetjmp>
#else
#include <cxxabi.h>

#include <cstdlib>
#endif

namespace gdbdebug::client {
namespace {

#if GDBDEBUG_LIBIBERTY
constexpr std::size_t kMaxName = 8192;  // those of templates have some hundred

struct Output {
  std::jmp_buf enough;
  std::size_t size = 0;
  char text[kMaxName];
};

// libiberty cannot be told to stop, and a name of 200 letters can make it write for years. It is C and has nothing to
// clean up that would not be lost with this process soon anyway.
void take(const char* text, std::size_t size, void* opaque) {
  auto& output = *static_cast<Output*>(opaque);
  if (size > kMaxName - output.size) std::longjmp(output.enough, 1);  // NOLINT(cert-err52-cpp)
  for (std::size_t i = 0; i < size; ++i) output.text[output.size++] = text[i];
}

std::string readable(const char* name) {
  static Output output;
  constexpr int kStyle = DMGL_PARAMS | DMGL_ANSI;
  output.size = 0;
  if (setjmp(output.enough) != 0) return "";  // NOLINT(cert-err52-cpp)
  // Rust's older names are C++ names too, with a hash that this leaves out.
  if (rust_demangle_callback(name, kStyle, take, &output) != 0) return {output.text, output.size};
  output.size = 0;
  if (cplus_demangle_v3_callback(name, kStyle, take, &output) != 0) return {output.text, output.size};
  return "";
}
#else
std::string readable(const char* name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string result = status == 0 && text != nullptr ? text : "";
  std::free(text);
  return result;
}
#endif

}  // namespace

std::string demangled(const char* name) {
  if (name == nullptr) return "";
  const std::string whole = name;
  const std::string plain = whole.substr(0, whole.find('@'));  // without a symbol's version: abort@@GLIBC_2.2.5
  const auto result = readable(plain.c_str());
  return result.empty() ? plain : result;
}

}  // namespace gdbdebug::client
