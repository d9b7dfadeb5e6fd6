// SPDX-License-Identifier: GPL-2.0-or-later
// kernel_line: see kernel_line.hpp.
#include "core/request/kernel_line.hpp"

#include "core/base/text.hpp"

namespace gdbdebug {
namespace {

constexpr std::string_view kParameter = "rd.gdbdebug";

std::optional<Setting> find_last(std::string_view text, std::string_view name) {
  std::optional<Setting> found;
  Parameters parameters(text);
  while (const auto parameter = parameters.next()) {
    if (parameter->name == name) found = Setting{parameter->value};
  }
  return found;
}

}  // namespace

std::optional<Parameter> Parameters::next() {
  while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
  if (rest_.empty()) return std::nullopt;

  bool quoted = false;
  std::size_t begin = 0;
  if (rest_.front() == '"') {
    quoted = true;
    begin = 1;
  }
  const bool opened = quoted;
  std::size_t equals = 0;
  std::size_t end = begin;
  for (; end < rest_.size(); ++end) {
    const char c = rest_[end];
    if (is_space(c) && !quoted) break;
    if (equals == 0 && c == '=' && end > begin) equals = end;
    if (c == '"') quoted = !quoted;
  }
  auto whole = rest_.substr(0, end);
  rest_.remove_prefix(end);

  Parameter parameter;
  if (equals == 0) {
    whole.remove_prefix(begin);
    if (opened && whole.ends_with('"')) whole.remove_suffix(1);
    parameter.name = whole;
  } else {
    parameter.name = whole.substr(begin, equals - begin);
    auto value = whole.substr(equals + 1);
    // The kernel takes off a quote before the value, with the last one; or the last one of a wholly quoted parameter.
    if (value.starts_with('"')) {
      value.remove_prefix(1);
      if (value.ends_with('"')) value.remove_suffix(1);
    } else if (opened && value.ends_with('"')) {
      value.remove_suffix(1);
    }
    parameter.value = value;
  }
  if (parameter.name == "--" && !parameter.value) {
    rest_ = {};
    return std::nullopt;
  }
  return parameter;
}

std::size_t complete_parameters(std::string_view text) {
  std::size_t complete = 0;
  Parameters parameters(text);
  while (parameters.next() && parameters.left() > 0) complete = text.size() - parameters.left();
  return complete;
}

std::optional<Setting> find_setting(std::string_view text) {
  return find_last(text, kParameter);
}

std::optional<bool> find_kdump(std::string_view text) {
  const auto found = find_last(text, kKdumpParameter);
  if (!found) return std::nullopt;
  return !found->value || is_default(*found->value);
}

bool is_kdump(std::string_view text) {
  return find_value(text, "elfcorehdr").has_value();
}

std::optional<std::string_view> find_value(std::string_view text, std::string_view name) {
  std::optional<std::string_view> found;
  Parameters parameters(text);
  while (const auto parameter = parameters.next()) {
    if (parameter->name == name && parameter->value) found = parameter->value;
  }
  return found;
}

bool is_off(std::string_view value) {
  return value == "0" || value == "no" || value == "off";
}

bool is_default(std::string_view value) {
  return value.empty() || value == "1" || value == "yes" || value == "on";
}

}  // namespace gdbdebug
