// SPDX-License-Identifier: GPL-2.0-or-later
// kernel_line: the kernel command line as the kernel reads it, and what stands there for us.
// Pure: text in, value out. Everything returned points into the text that was given.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace gdbdebug {

/// The value that stands for a bare `rd.gdbdebug` when /etc/gdbdebug.conf names no other.
inline constexpr std::string_view kDefaultValue = "ttyS1,wait";

/// One parameter of a kernel command line: `name` or `name=value`, quotes taken off as the kernel does.
struct Parameter {
  std::string_view name;
  std::optional<std::string_view> value;
};

/// Walks through a command line as the kernel does (lib/cmdline.c, next_arg()): white space separates, double quotes
/// protect it, a quote at the start of a parameter or of its value is taken off with its partner at the end. ` -- `
/// ends the kernel's part: what follows belongs to init.
class Parameters {
 public:
  explicit Parameters(std::string_view text) : rest_(text) {}
  std::optional<Parameter> next();
  /// How much of the text is left after the parameter that was last returned.
  std::size_t left() const { return rest_.size(); }

 private:
  std::string_view rest_;
};

/// Of a text that goes on beyond its end: how many bytes at its beginning are parameters that are complete. 0: not one
/// of them is, or ` -- ` comes first.
std::size_t complete_parameters(std::string_view text);

/// Finds the last `rd.gdbdebug` in `text`. nullopt: there is none. An empty optional value: it stands there bare.
struct Setting {
  std::optional<std::string_view> value;  ///< nullopt: bare `rd.gdbdebug`
};
std::optional<Setting> find_setting(std::string_view text);

/// The parameter that keeps debugging on in a kdump kernel, which inherits the command line of the one that has
/// crashed.
inline constexpr std::string_view kKdumpParameter = "rd.gdbdebug.kdump";
/// Whether the last one in `text` turns it on; nullopt: there is none.
std::optional<bool> find_kdump(std::string_view text);
/// Whether `text` is the command line of a kdump kernel: `elfcorehdr=` tells it where the other one's memory is.
bool is_kdump(std::string_view text);

/// The value of the last parameter `name` in `text`, such as `init`; nullopt if there is none or it has no value.
std::optional<std::string_view> find_value(std::string_view text, std::string_view name);

/// Whether the value turns debugging off: `0`, `no`, `off`.
bool is_off(std::string_view value);
/// Whether the value stands for the default: `1`, `yes`, `on`, or nothing after the `=`.
bool is_default(std::string_view value);

}  // namespace gdbdebug
