// SPDX-License-Identifier: GPL-2.0-or-later
// names: see names.hpp.
#include "hold/names.hpp"

#include <algorithm>
#include <array>

namespace gdbdebug::hold {
namespace {

/// File systems of the kernel's own, from which nobody executes a program, and one that waits for its server.
constexpr std::string_view kKernels[] = {"autofs",  "binfmt_misc", "bpf",      "cgroup",     "cgroup2",    "configfs",
                                         "debugfs", "devpts",      "efivarfs", "fusectl",    "hugetlbfs",  "mqueue",
                                         "nsfs",    "proc",        "pstore",   "rpc_pipefs", "securityfs", "selinuxfs",
                                         "smackfs", "sysfs",       "tracefs"};

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

bool names(std::string_view program, std::string_view executed) {
  if (executed.empty()) return false;
  return program.front() == '/' ? program == executed : program == base_name(executed);
}

std::optional<std::uint64_t> parse_address(std::string_view word) {
  if (!word.starts_with("0x")) return std::nullopt;
  return parse_number<std::uint64_t>(word.substr(2), 16);
}

bool is_octal(std::string_view digits) {
  return digits.size() == 3 && digits[0] <= '3' &&
         std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '7'; });
}

}  // namespace

std::string_view match(std::span<const std::string_view> programs, const Executed& executed) {
  // A login shell's name begins with a dash.
  auto argument = executed.argument;
  if (argument.starts_with('-')) argument.remove_prefix(1);
  for (const auto program : programs) {
    for (const auto name : {executed.name, executed.path, argument}) {
      if (!program.empty() && names(program, name)) return base_name(name);
    }
  }
  return {};
}

std::optional<Call> parse_call(std::string_view text) {
  constexpr std::size_t kArguments = 6;
  text = trim(text);
  Call call;
  const auto number = take_word(text, ' ');
  const bool outside = number == "-1";  // stopped, and in no system call
  if (!outside) {
    const auto value = parse_number<std::uint32_t>(number);
    if (!value || *value > 0x7fffffff) return std::nullopt;
    call.number = static_cast<long>(*value);
  }
  for (std::size_t i = 0; i < (outside ? 0 : kArguments); ++i) {
    const auto argument = parse_address(take_word(text, ' '));
    if (!argument) return std::nullopt;
    if (i < std::size(call.arguments)) call.arguments[i] = *argument;
  }
  if (!parse_address(take_word(text, ' '))) return std::nullopt;  // the stack pointer
  const auto pc = parse_address(text);
  if (!pc) return std::nullopt;
  call.pc = *pc;
  return call;
}

Text<4096> mount_point(std::string_view line) {
  Text<4096> point;
  auto rest = line;
  for (int skipped = 0; skipped < 4; ++skipped) (void)take_word(rest, ' ');
  const auto escaped = take_word(rest, ' ');
  const auto separator = rest.find("- ");  // behind the options and the optional fields, none of which has a space
  if (!escaped.starts_with('/') || separator == std::string_view::npos) return point;
  auto type = rest.substr(separator + 2);
  if (std::find(std::begin(kKernels), std::end(kKernels), take_word(type, ' ')) != std::end(kKernels)) return point;
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    if (escaped[i] == '\\' && is_octal(escaped.substr(i + 1, 3))) {
      point.add(static_cast<char>((escaped[i + 1] - '0') * 64 + (escaped[i + 2] - '0') * 8 + escaped[i + 3] - '0'));
      i += 3;
    } else {
      point.add(escaped[i]);
    }
  }
  if (point.truncated() || point.view().find('\0') != std::string_view::npos) point.clear();
  return point;
}

}  // namespace gdbdebug::hold
