// SPDX-License-Identifier: GPL-2.0-or-later
// request: see request.hpp.
#include "core/request/request.hpp"

#include <algorithm>
#include <limits>

#include "core/base/text.hpp"

namespace gdbdebug {
namespace {

constexpr std::string_view kOptions =
    "wait, wait=SECONDS, at=PLACE, crash, crash=SECONDS, handled, exit, reboot, core, core=KIB, core=all, "
    "hang=SECONDS, "
    "feed, hold=PROGRAM, holdtime=SECONDS, modules=A:B, from=ADDR/PREFIX, insecure";
constexpr const char* kReading = "reading the line";
constexpr std::string_view kWrongSeconds = "SECONDS must be a whole number from 1 to 8640000";

/// The options without a value.
constexpr struct Flag {
  std::string_view name;
  bool Request::*value;
} kFlags[] = {{"exit", &Request::exit},
              {"handled", &Request::handled},
              {"reboot", &Request::reboot},
              {"feed", &Request::feed},
              {"insecure", &Request::insecure}};

/// What `at=` names, joined by colons.
constexpr struct Place {
  std::string_view name;
  bool Request::*value;
} kPlaces[] = {{"init", &Request::at_init}, {"root", &Request::at_root}, {"shutdown", &Request::at_shutdown}};

/// Device names are as in /dev: no directories, so nothing leads out of it, and no empty or hidden names.
bool is_device_name(std::string_view name) {
  if (name.empty() || name.front() == '.') return false;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !is_digit(c) && c != '_' && c != '-' && c != '.') return false;
  }
  return true;
}

/// The speeds that termios(3) has constants for, from 1200 on.
bool is_standard(std::uint32_t baud) {
  for (const std::uint32_t known :
       {1200U,   2400U,   4800U,    9600U,    19200U,   38400U,   57600U,   115200U,  230400U,  460800U, 500000U,
        576000U, 921600U, 1000000U, 1152000U, 1500000U, 2000000U, 2500000U, 3000000U, 3500000U, 4000000U}) {
    if (baud == known) return true;
  }
  return false;
}

std::optional<std::uint32_t> parse_port(std::string_view text, std::uint32_t highest) {
  const auto port = parse_number<std::uint32_t>(text);
  if (!port || *port == 0 || *port > highest) return std::nullopt;
  return port;
}

Result<Line> parse_tcp(Line line, std::string_view rest) {
  line.kind = Line::Kind::kTcp;
  if (rest.starts_with('[')) {
    const auto end = rest.find("]:");
    if (end == std::string_view::npos) return Error{kReading, line.text, 0, "write an IPv6 address as tcp:[ADDR]:PORT"};
    line.address = rest.substr(1, end - 1);
    line.ipv6 = true;
    rest.remove_prefix(end + 2);
  } else if (const auto colon = rest.find(':'); colon != std::string_view::npos) {
    line.address = rest.substr(0, colon);
    rest.remove_prefix(colon + 1);
  }
  Network unused;
  const auto host = line.address.substr(0, line.address.find('%'));  // fe80::1%eth0 names its interface
  if ((line.ipv6 || !line.address.empty()) && (!parse_address(host, unused) || unused.ipv6 != line.ipv6)) {
    return Error{kReading, line.text, 0,
                 "the address cannot be read; try tcp:PORT, tcp:192.0.2.1:PORT or tcp:[fe80::1]:PORT"};
  }
  const auto port = parse_port(rest, 65535);
  if (!port) return Error{kReading, line.text, 0, "the port must be a number from 1 to 65535, as in tcp:2345"};
  line.port = *port;
  return line;
}

Result<Line> parse_line(std::string_view text) {
  Line line;
  line.text = text;
  if (text.empty()) return Error{kReading, text, 0, "no line was given; try rd.gdbdebug=ttyS1,wait"};
  if (text == "ssh") {
    line.kind = Line::Kind::kSsh;
    line.port = 22;
    return line;
  }

  const auto colon = text.find(':');
  if (colon == std::string_view::npos) {
    if (text.starts_with("/dev/")) return Error{kReading, text, 0, "give the device without /dev/, as in ttyS1"};
    if (!is_device_name(text)) return Error{kReading, text, 0, "this is not a device name; try ttyS1"};
    line.name = text;
    // A word that is an option and not a device is a forgotten line, not a terminal called "wait".
    const auto word = text.substr(0, text.find('='));
    bool is_option =
        word == "wait" || word == "crash" || word == "core" || word == "hang" || word == "hold" || word == "holdtime";
    for (const auto& flag : kFlags) is_option = is_option || word == flag.name;
    if (is_option)
      return Error{kReading, text, 0, "the line comes first, then the options; try rd.gdbdebug=ttyS1,wait"};
    for (const std::string_view kind : {"virtio", "vsock", "tcp"}) {
      if (text == kind)
        return Error{kReading, text, 0, "a name or a port must follow: virtio:NAME, vsock:PORT, tcp:PORT"};
    }
    return line;
  }

  const auto kind = text.substr(0, colon);
  const auto rest = text.substr(colon + 1);
  if (kind == "virtio") {
    line.kind = Line::Kind::kVirtio;
    line.name = rest;
    if (rest.empty()) return Error{kReading, text, 0, "the port's name is missing; try virtio:gdbdebug"};
    return line;
  }
  if (kind == "vsock") {
    line.kind = Line::Kind::kVsock;
    const auto port = parse_port(rest, std::numeric_limits<std::uint32_t>::max() - 1);  // the last is VMADDR_PORT_ANY
    if (!port) return Error{kReading, text, 0, "the port must be a number, as in vsock:2345"};
    line.port = *port;
    return line;
  }
  if (kind == "tcp") return parse_tcp(line, rest);
  if (kind == "ssh") {
    line.kind = Line::Kind::kSsh;
    const auto port = parse_port(rest, 65535);
    if (!port) return Error{kReading, text, 0, "the port must be a number from 1 to 65535, as in ssh:2222"};
    line.port = *port;
    return line;
  }
  return Error{kReading, text, 0,
               "this kind of line is not known; try ttyS1, hvc0, virtio:NAME, vsock:PORT, tcp:PORT or ssh"};
}

/// `name=SECONDS`: at least 1, since 0 would not be a wait, and at most a day's worth of patience a hundred times over.
std::optional<std::uint32_t> parse_seconds(std::string_view text) {
  const auto seconds = parse_number<std::uint32_t>(text);
  if (!seconds || *seconds == 0 || *seconds > 8'640'000) return std::nullopt;
  return seconds;
}

void parse_timed(std::string_view option, std::string_view value, bool has_value, bool& flag,
                 std::optional<std::uint32_t>& seconds, Notes& notes) {
  if (!has_value) {
    flag = true;
    seconds = std::nullopt;
    return;
  }
  const auto parsed = parse_seconds(value);
  if (!parsed) {
    // Holding the machine for ever because of a typing error would be worse than not holding it.
    notes.add(option, kWrongSeconds, option.starts_with('w') ? "wait=30" : "crash=30");
    return;
  }
  flag = true;
  seconds = parsed;
}

/// A place that is not known voids the whole option: a machine that waits where nobody expects it is lost.
void parse_at(std::string_view option, std::string_view value, Request& request, Notes& notes) {
  Request named;
  auto rest = value;
  for (bool more = true; more;) {
    more = rest.find(':') != std::string_view::npos;
    const auto word = take_word(rest, ':');
    const Place* found = nullptr;
    for (const auto& place : kPlaces) {
      if (word == place.name) found = &place;
    }
    if (found == nullptr) return notes.add(option, "the places are init, root and shutdown", "at=root or at=init:root");
    named.*found->value = true;
  }
  request.wait = true;
  for (const auto& place : kPlaces) request.*place.value |= named.*place.value;
}

void parse_hang(std::string_view option, std::string_view value, Request& request, Notes& notes) {
  const auto seconds = parse_seconds(value);
  if (!seconds) return notes.add(option, kWrongSeconds, "hang=60");
  request.hang_seconds = seconds;
}

/// A path of the image or of the real root, or what comes after its last slash.
bool is_program(std::string_view name) {
  if (name.empty() || name.size() > kMaxHeldName || name.back() == '/' || name == "." || name == "..") return false;
  if (name.find('/') != std::string_view::npos && name.front() != '/') return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < '\x7f' && c != ':'; });
}

void parse_hold(std::string_view option, std::string_view value, Request& request, Notes& notes) {
  if (!is_program(value))
    return notes.add(option, "PROGRAM must be an absolute path or a file name, without colon or comma",
                     "hold=systemd-udevd");
  const auto known = request.held();
  if (std::find(known.begin(), known.end(), value) != known.end()) return;
  if (request.hold_count == request.hold.size()) return notes.add(option, "there is room for eight of these only");
  request.hold[request.hold_count++] = value;
}

void parse_holdtime(std::string_view option, std::string_view value, Request& request, Notes& notes) {
  const auto seconds = parse_seconds(value);
  if (!seconds) return notes.add(option, kWrongSeconds, "holdtime=30");
  request.hold_seconds = seconds;
}

/// `core`, `core=KIB`, `core=all`.
void parse_core(std::string_view option, std::string_view value, bool has_value, Request& request, Notes& notes) {
  const auto kib = parse_number<std::uint32_t>(value);
  if (has_value && value != "all" && (!kib || *kib < 8 || *kib > 1'048'576))
    return notes.add(option, "KIB must be a whole number from 8 to 1048576, or all", "core=64");
  request.core = true;
  request.core_all = value == "all";
  request.core_kib = has_value && kib ? kib : std::nullopt;
}

void parse_modules(std::string_view option, std::string_view value, Request& request, Notes& notes) {
  if (value.empty()) return notes.add(option, "no module is named", "modules=virtio_console:xhci_pci");
  for (auto rest = value; !rest.empty();) {
    if (!is_device_name(take_word(rest, ':'))) {
      return notes.add(option, "this is not a list of module names", "modules=virtio_console:xhci_pci");
    }
  }
  request.modules = value;
}

void parse_from(std::string_view option, std::string_view value, Request& request, Notes& notes) {
  Network network;
  auto rest = value;
  const auto address = take_word(rest, '/');
  if (!parse_address(address, network)) return notes.add(option, "the address cannot be read", "from=192.0.2.0/24");
  const std::uint8_t whole = network.ipv6 ? 128 : 32;
  network.prefix = whole;
  if (value.find('/') != std::string_view::npos) {
    const auto prefix = parse_number<std::uint8_t>(rest);
    if (!prefix || *prefix > whole) return notes.add(option, "the prefix length cannot be read", "from=192.0.2.0/24");
    network.prefix = *prefix;
  }
  if (request.from_count == request.from.size()) return notes.add(option, "there is room for eight of these only");
  request.from[request.from_count++] = network;
}

void parse_option(std::string_view option, Request& request, Notes& notes) {
  const auto equals = option.find('=');
  const bool has_value = equals != std::string_view::npos;
  const auto name = option.substr(0, equals);
  const auto value = has_value ? option.substr(equals + 1) : std::string_view{};

  if (name == "wait") return parse_timed(option, value, has_value, request.wait, request.wait_seconds, notes);
  if (name == "crash") return parse_timed(option, value, has_value, request.crash, request.crash_seconds, notes);
  if (name == "at") return parse_at(option, value, request, notes);
  if (name == "hang") return parse_hang(option, value, request, notes);
  if (name == "hold") return parse_hold(option, value, request, notes);
  if (name == "holdtime") return parse_holdtime(option, value, request, notes);
  if (name == "core") return parse_core(option, value, has_value, request, notes);
  if (name == "modules") return parse_modules(option, value, request, notes);
  if (name == "from") return parse_from(option, value, request, notes);
  for (const auto& flag : kFlags) {
    if (option != flag.name) continue;
    request.*flag.value = true;
    return;
  }
  if (!option.empty() && is_digit(option.front())) {
    const auto speed = parse_speed(option);
    if (!speed) return notes.add(option, "the speed cannot be read", "115200n8, as in console=");
    if (request.line.kind != Line::Kind::kTerminal) return notes.add(option, "only a terminal has a speed");
    request.speed = *speed;
    request.has_speed = true;
    return;
  }
  if (option.empty()) return notes.add(option, "there is an empty option; one comma is too many");
  notes.add(option, "unknown option", kOptions);
}

/// What only the whole request can tell.
void check_together(const Request& request, Notes& notes) {
  const bool network = request.line.kind == Line::Kind::kTcp || request.line.kind == Line::Kind::kSsh;
  if (request.from_count > 0 && !network) notes.add("from", "only tcp and ssh have peers to choose from");
  if (request.handled && !request.crash) notes.add("handled", "it changes what crash holds at", "crash,handled");
  if (request.reboot && !request.exit) notes.add("reboot", "it adds to what exit holds at", "exit,reboot");
  if (request.core && !request.armed() && !request.hang_seconds)
    notes.add("core", "it needs crash, exit or hang=, which say when", "crash,core");
  if (request.hold_seconds && request.hold_count == 0)
    notes.add("holdtime", "it needs hold=, which says what is held", "hold=systemd-udevd,holdtime=30");
  if (request.insecure && request.line.kind != Line::Kind::kTcp) notes.add("insecure", "only tcp can be insecure");
}

bool parse_ipv4(std::string_view text, std::span<std::uint8_t, 4> bytes) {
  for (std::size_t i = 0; i < 4; ++i) {
    if (text.empty()) return false;
    const auto dot = text.find('.');
    if ((dot == std::string_view::npos) != (i == 3)) return false;
    const auto byte = parse_number<std::uint8_t>(take_word(text, '.'));
    if (!byte) return false;
    bytes[i] = *byte;
  }
  return true;
}

/// RFC 4291, 2.2: eight groups of hexadecimal digits, `::` once for a run of zeros, an IPv4 address at the end.
bool parse_ipv6(std::string_view text, std::span<std::uint8_t, 16> bytes) {
  std::array<std::uint8_t, 16> head{};
  std::size_t count = 0;
  std::optional<std::size_t> gap;
  if (text.starts_with("::")) {
    gap = 0;
    text.remove_prefix(2);
  } else if (text.empty() || text.front() == ':') {
    return false;
  }
  while (!text.empty()) {
    const auto colon = text.find(':');
    const auto group = text.substr(0, colon);
    if (group.find('.') != std::string_view::npos) {
      if (colon != std::string_view::npos || count + 4 > 16) return false;
      if (!parse_ipv4(group, std::span<std::uint8_t, 4>(head.data() + count, 4))) return false;
      count += 4;
      break;
    }
    const auto value = group.size() <= 4 ? parse_number<std::uint16_t>(group, 16) : std::nullopt;
    if (!value || count + 2 > 16) return false;
    head[count++] = static_cast<std::uint8_t>(*value >> 8);
    head[count++] = static_cast<std::uint8_t>(*value & 0xff);
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.empty()) return false;
    if (text.front() == ':') {
      if (gap) return false;
      gap = count;
      text.remove_prefix(1);
    }
  }
  if (!gap && count != 16) return false;
  if (gap && count > 14) return false;
  const auto start = gap.value_or(count);
  for (auto& byte : bytes) byte = 0;
  for (std::size_t i = 0; i < start; ++i) bytes[i] = head[i];
  for (std::size_t i = start; i < count; ++i) bytes[16 - count + i] = head[i];
  return true;
}

}  // namespace

std::optional<Speed> parse_speed(std::string_view text) {
  Speed speed;
  const auto digits = text.find_first_not_of("0123456789");
  const auto baud = parse_number<std::uint32_t>(text.substr(0, digits));
  if (!baud || !is_standard(*baud)) return std::nullopt;
  speed.baud = *baud;
  text.remove_prefix(digits == std::string_view::npos ? text.size() : digits);
  if (text.empty()) return speed;

  speed.parity = text.front();
  if (speed.parity != 'n' && speed.parity != 'o' && speed.parity != 'e') return std::nullopt;
  text.remove_prefix(1);
  if (text.empty()) return speed;

  if (text.front() != '7' && text.front() != '8') return std::nullopt;
  speed.bits = static_cast<std::uint8_t>(text.front() - '0');
  text.remove_prefix(1);
  if (text.empty()) return speed;

  if (text != "r") return std::nullopt;
  speed.rtscts = true;
  return speed;
}

bool parse_address(std::string_view text, Network& network) {
  network.ipv6 = text.find(':') != std::string_view::npos;
  if (network.ipv6) return parse_ipv6(text, network.address);
  return parse_ipv4(text, std::span<std::uint8_t, 4>(network.address.data(), 4));
}

bool contains(const Network& network, std::span<const std::uint8_t> address) {
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (address.size() == 16 && !network.ipv6) {
    for (std::size_t i = 0; i < kMapped.size(); ++i) {
      if (address[i] != kMapped[i]) return false;
    }
    address = address.subspan(kMapped.size());
  }
  if (address.size() != (network.ipv6 ? 16U : 4U)) return false;
  for (std::size_t bit = 0; bit < network.prefix; ++bit) {
    const auto mask = static_cast<unsigned>(0x80 >> (bit % 8));
    if (((address[bit / 8] ^ network.address[bit / 8]) & mask) != 0) return false;
  }
  return true;
}

Result<Request> parse_request(std::string_view value, Notes& notes) {
  Request request;
  auto rest = value;
  const bool has_options = value.find(',') != std::string_view::npos;
  const auto line = parse_line(take_word(rest, ','));
  if (!line) return line.error();
  request.line = *line;

  for (bool more = has_options; more;) {
    more = rest.find(',') != std::string_view::npos;
    parse_option(take_word(rest, ','), request, notes);
  }
  if (request.wait && !request.holds_later()) request.at_init = true;

  if (request.line.kind == Line::Kind::kTcp && request.from_count == 0 && !request.insecure) {
    return Error{kReading, request.line.text, 0,
                 "tcp is in the clear: say who may connect with from=ADDR/PREFIX, or insecure for anyone"};
  }
  check_together(request, notes);
  return request;
}

}  // namespace gdbdebug
