// SPDX-License-Identifier: GPL-2.0-or-later
// target: see target.hpp.
#include "wire/target.hpp"

#include <sys/stat.h>

#include "core/base/text.hpp"

namespace gdbdebug::client {
namespace {

Error wrong(std::string_view text, std::string reason, std::string next) {
  return Error{"reading the target", std::string(text), std::move(reason), std::move(next), Exit::usage};
}

constexpr const char* kForms =
    "it is a Unix socket (./debug.sock), a device (/dev/ttyUSB0,115200n8), HOST:PORT, vsock:CID:PORT or "
    "ssh://USER@HOST:PORT";

bool is_kind(const std::string& path, mode_t kind) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && (status.st_mode & S_IFMT) == kind;
}

// Takes `HOST:PORT` apart, where HOST can be an IPv6 address in brackets. An empty port is 0, if `optional`.
Result<Target> host_and_port(std::string_view text, std::string_view rest, Target target, bool optional) {
  std::string_view port;
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    if (end == std::string_view::npos) return wrong(text, "'[' has no ']'", "write [ADDRESS]:PORT");
    target.host = rest.substr(1, end - 1);
    port = rest.substr(end + 1);
  } else {
    const auto colon = rest.rfind(':');
    target.host = rest.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view() : rest.substr(colon);
    if (target.host.find(':') != std::string::npos) {
      return wrong(text, "an IPv6 address needs brackets", "write [" + target.host + "]" + std::string(port));
    }
  }
  // ssh would take a host with a leading dash for an option.
  if (target.host.empty() || target.host.starts_with('-')) return wrong(text, "there is no host in it", kForms);
  if (port.empty() && optional) return target;
  const auto number = port.starts_with(':') ? parse_number<std::uint16_t>(port.substr(1)) : std::nullopt;
  if (!number || *number == 0) {
    return wrong(text, port.empty() ? "there is no port in it" : "'" + std::string(port.substr(1)) + "' is not a port",
                 "a port is a number from 1 to 65535");
  }
  target.port = *number;
  return target;
}

}  // namespace

Result<Target> parse_target(std::string_view text) {
  Target target;
  target.text = text;
  const auto after = [&](std::string_view prefix) { return text.substr(prefix.size()); };

  if (text.starts_with("ssh://")) {
    target.kind = Target::Kind::ssh;
    auto rest = after("ssh://");
    while (rest.ends_with('/')) rest.remove_suffix(1);
    if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
      target.user = rest.substr(0, at);
      rest.remove_prefix(at + 1);
      if (target.user.empty() || target.user.starts_with('-'))
        return wrong(text, "there is no user before '@'", "write ssh://USER@HOST:PORT");
    }
    return host_and_port(text, rest, std::move(target), true);
  }
  if (text.starts_with("vsock:")) {
    target.kind = Target::Kind::vsock;
    auto rest = after("vsock:");
    const auto cid = take_word(rest, ':');
    const auto port = parse_number<std::uint32_t>(rest);
    if (!parse_number<std::uint32_t>(cid) || !port) {
      return wrong(text, "'" + std::string(after("vsock:")) + "' is not CID:PORT",
                   "both are numbers, as in vsock:3:1234");
    }
    target.host = cid;
    target.port = *port;
    return target;
  }
  if (text.starts_with("tcp:")) {
    target.kind = Target::Kind::tcp;
    return host_and_port(text, after("tcp:"), std::move(target), false);
  }
  if (text.starts_with("unix:")) {
    target.path = after("unix:");
    if (target.path.empty()) return wrong(text, "there is no path in it", "write unix:PATH");
    return target;
  }
  if (text.empty()) return wrong(text, "it is empty", kForms);

  // A comma belongs to a socket's name if there is a socket by that name; otherwise a speed follows it.
  target.path = text;
  if (is_kind(target.path, S_IFSOCK)) return target;
  auto rest = text;
  const auto before_comma = std::string(take_word(rest, ','));
  if (before_comma.starts_with("/dev/") || is_kind(before_comma, S_IFCHR)) {
    target.kind = Target::Kind::serial;
    target.path = before_comma;
    if (before_comma.size() == text.size()) return target;
    const auto speed = parse_speed(rest);
    if (!speed) {
      return wrong(text, "'" + std::string(rest) + "' is not a speed", "write it as 115200, 115200n8 or 115200n8r");
    }
    target.speed = *speed;
    return target;
  }
  // A socket that may come to be later.
  if (text.find('/') != std::string_view::npos || text.ends_with(".sock") || text.ends_with(".socket")) return target;
  if (text.find(':') == std::string_view::npos) {
    return wrong(text, "there is no socket or device by that name here",
                 "a socket that is still to come is written ./" + std::string(text) + "; or " + kForms);
  }
  target.kind = Target::Kind::tcp;
  target.path.clear();
  return host_and_port(text, text, std::move(target), false);
}

}  // namespace gdbdebug::client
