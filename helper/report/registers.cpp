// SPDX-License-Identifier: GPL-2.0-or-later
// registers: see registers.hpp.
#include "report/registers.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <string_view>

#include "report/calls.hpp"
#include "report/lines.hpp"

namespace gdbdebug::report {
namespace {

/// The value of an attribute of an XML element: `name="rax"`.
std::string_view attribute(std::string_view element, std::string_view name) {
  for (auto at = element.find(name); at != std::string_view::npos; at = element.find(name, at + 1)) {
    auto rest = element.substr(at + name.size());
    if (!rest.starts_with("=\"")) continue;
    rest.remove_prefix(2);
    return take_word(rest, '"');
  }
  return {};
}

}  // namespace

CallRegisters say_registers(const RegisterTexts& registers, const Place& place) {
  constexpr std::size_t kPerLine = 6;
  auto line = begin_line("register");
  add_hex_pair(line, "pc", place.pc);
  add_hex_pair(line, "sp", place.sp);
  log::say(kLevel, line);

  CallRegisters found;
  line = begin_line("register");
  std::size_t on_line = 0;
  auto hex = registers.values;
  auto rest = registers.description;
  for (auto at = rest.find("<reg "); at != std::string_view::npos; at = rest.find("<reg ")) {
    if (rest.find("</feature") < at) break;
    rest.remove_prefix(at);
    const auto element = take_word(rest, '>');
    const auto size = parse_number<unsigned>(attribute(element, "bitsize")).value_or(0) / 8;
    if (size == 0 || size > 8 || hex.size() < std::size_t{size} * 2) break;
    std::array<unsigned char, 8> bytes{};
    bool known = true;
    for (unsigned i = 0; i < size; ++i) {
      const int high = hex_value(hex[2 * i]);
      const int low = hex_value(hex[2 * i + 1]);
      known = known && high >= 0 && low >= 0;  // `xx`: not available
      bytes[i] = static_cast<unsigned char>((high & 15) << 4 | (low & 15));
    }
    hex.remove_prefix(std::size_t{size} * 2);
    if (!known) continue;
    std::uint64_t value = 0;
    if constexpr (std::endian::native == std::endian::little) {
      std::memcpy(&value, bytes.data(), size);
    } else {
      for (unsigned i = 0; i < size; ++i) value = value << 8 | bytes[i];
    }
    const auto name = attribute(element, "name");
    add_hex_pair(line, name, value);
    if (!name.empty() && name == Calls::kLinkRegister) found.link = static_cast<std::uintptr_t>(value);
    if (!name.empty() && name == Calls::kFramePointer) found.frame = static_cast<std::uintptr_t>(value);
    if (++on_line == kPerLine) {
      log::say(kLevel, line);
      line = begin_line("register");
      on_line = 0;
    }
  }
  if (on_line > 0) log::say(kLevel, line);
  return found;
}

}  // namespace gdbdebug::report
